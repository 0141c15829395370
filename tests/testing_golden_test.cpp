// SPDX-License-Identifier: BSL-1.0
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "takt/error.hpp"
#include "takt/testing.hpp"
#include "takt/trace_recorder.hpp"

namespace {

namespace fs = std::filesystem;

using takt::BusCall;
using takt::Hook;
using takt::testing::Calls;
using takt::testing::golden;
using takt::testing::ProbeModifier;
using takt::testing::steps;

/// An empty folder, and TAKT_UPDATE_GOLDEN unset; afterwards both are as before.
class Folder {
 public:
  Folder() {
    std::string path = (fs::temp_directory_path() / "takt-golden-test-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
    if (const char* const value = std::getenv(variable)) before_ = value;
    unsetenv(variable);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    before_ ? setenv(variable, before_->c_str(), 1) : unsetenv(variable);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  static void update(const char* value = "1") { setenv(variable, value, 1); }
  static void leave() { unsetenv(variable); }

  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }
  /// The names of the files in it, with a space behind each.
  [[nodiscard]] std::string files() const {
    std::string names;
    for (const auto& file : fs::directory_iterator(path_))
      names += file.path().filename().string() + ' ';
    return names;
  }

 private:
  static constexpr const char* variable = "TAKT_UPDATE_GOLDEN";
  fs::path path_;
  std::optional<std::string> before_;
};

std::string text_in(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary} << text;
}

Calls some_calls() {
  const auto probe =
      std::make_shared<ProbeModifier>("prune \"\xC3\xA4\"", takt::Cadence{.start = 1});
  probe->throw_at(Hook::on_update, 1, "two\nlines");
  return takt::testing::run(probe, steps(2, {.batches_per_step = 2, .aborted_batches = {3}}),
                            {.go_on = true});
}

const std::string header = "{\"takt_calls\":1}\n";

/// A file with that text is refused with that message behind its name.
void check_refused(const std::string& text, const std::string& message) {
  const Folder folder;
  const fs::path file = folder / "prune.calls";
  write(file, text);
  BOOST_CHECK_EXCEPTION((void)golden(file, Calls{}), takt::TraceError,
                        [&](const takt::TraceError& error) {
                          BOOST_TEST(error.what() == file.string() + message);
                          return true;
                        });
  BOOST_TEST(text_in(file) == text);
}

takt::Trace some_trace(double update = 1.0) {
  takt::Trace trace;
  const takt::Sequence sequence = steps(3);
  takt::EventBus bus{sequence.start};
  bus.emplace<ProbeModifier>("prune", takt::Cadence{.update = update});
  takt::TraceRecorder recorder{bus, trace};
  replay(bus, sequence);
  recorder.close();
  return trace;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(testing_golden)

BOOST_AUTO_TEST_CASE(a_file_is_written_when_it_is_asked_for_and_read_from_then_on) {
  const Folder folder;
  const Calls calls = some_calls();
  Folder::update();
  BOOST_TEST(golden(folder / "prune.calls", calls) == calls);
  BOOST_TEST(folder.files() == "prune.calls ");
  Folder::leave();
  BOOST_TEST(golden(folder / "prune.calls", calls) == calls);
  BOOST_TEST(golden(folder / "prune.calls", Calls{}) == calls);  // what the file holds
}

BOOST_AUTO_TEST_CASE(a_file_is_a_line_of_json_for_each_call) {
  const Folder folder;
  Folder::update();
  (void)golden(folder / "a.calls",
               Calls{{"prune", Hook::on_update, BusCall::batch_start, 3, 6, {}},
                     {"prune", Hook::on_end, BusCall::batch_end, 4, 8, "no \"memory\""}});
  BOOST_TEST(text_in(folder / "a.calls") ==
             header +
                 R"({"step":3,"batch":6,"at":"batch_start","modifier":"prune","hook":"on_update"})"
                 "\n"
                 R"({"step":4,"batch":8,"at":"batch_end","modifier":"prune","hook":"on_end",)"
                 R"("error":"no \"memory\""})"
                 "\n");
}

BOOST_AUTO_TEST_CASE(no_calls_have_a_file_too) {
  const Folder folder;
  Folder::update();
  BOOST_TEST(golden(folder / "none.calls", Calls{}) == Calls{});
  BOOST_TEST(text_in(folder / "none.calls") == header);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_there_is_replaced) {
  const Folder folder;
  write(folder / "prune.calls", std::string(100'000, 'x'));
  Folder::update();
  const Calls calls = some_calls();
  BOOST_TEST(golden(folder / "prune.calls", calls) == calls);
}

BOOST_AUTO_TEST_CASE(an_update_is_asked_for_by_a_value_that_is_not_0) {
  const Folder folder;
  for (const char* const value : {"", "0"}) {
    Folder::update(value);
    BOOST_CHECK_THROW((void)golden(folder / "a.calls", Calls{}), takt::TraceError);
    BOOST_TEST(folder.files().empty());
  }
  Folder::update("yes");
  BOOST_TEST(golden(folder / "a.calls", Calls{}) == Calls{});
}

BOOST_AUTO_TEST_CASE(a_missing_file_says_how_to_make_it) {
  const Folder folder;
  const fs::path file = folder / "prune.calls";
  const auto says = [&](const takt::TraceError& error) {
    BOOST_TEST(error.what() ==
               file.string() +
                   " is missing; run the test once with TAKT_UPDATE_GOLDEN=1 in its environment, "
                   "which writes it, and look at it before you commit it");
    return true;
  };
  BOOST_CHECK_EXCEPTION((void)golden(file, Calls{}), takt::TraceError, says);
  BOOST_CHECK_EXCEPTION((void)golden(file, takt::Trace{}), takt::TraceError, says);
  BOOST_TEST(folder.files().empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_or_read_is_told) {
  const Folder folder;
  const auto message = [](const fs::path& file, const Calls& calls) {
    try {
      (void)golden(file, calls);
    } catch (const takt::TraceError& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };
  const std::string name = (folder / "").string();
  BOOST_TEST(message(folder / "", {}) == name + " can't be read: Is a directory");
  Folder::update();
  BOOST_TEST(message(folder / "no/prune.calls", {}) ==
             name + "no/prune.calls.new can't be written: No such file or directory");
  BOOST_TEST(message(folder / "", {}) == name + " is a folder; give the name of a file to write");
  BOOST_TEST(message("/dev/full", {}) == "/dev/full can't be written; the disk may be full");
  BOOST_TEST(
      message(folder / "a.calls", {{"\xFF", Hook::on_update, BusCall::batch_start, 3, 6, {}}}) ==
      name +
          "a.calls can't be written: a modifier's name or an error has bytes that are "
          "not UTF-8");
  BOOST_TEST(folder.files().empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_holds_something_else_is_refused_with_its_line) {
  const std::string good =
      R"({"step":3,"batch":6,"at":"batch_start","modifier":"prune","hook":"on_update"})"
      "\n";
  const auto line = [](const std::string& at, const std::string& hook, const std::string& step) {
    return header + R"({"batch":6,"modifier":"p","at":)" + at + R"(,"hook":)" + hook +
           R"(,"step":)" + step + "}\n";
  };
  check_refused("", ":1: is empty; a file of calls begins with {\"takt_calls\":1}");
  check_refused(good, ":1: is no beginning of a file of calls, which is {\"takt_calls\":1}");
  check_refused("{\"takt_calls\":2}\n", ":1: is of another version; this takt reads version 1");
  check_refused("[]\n", ":1: is no JSON object");
  check_refused(header + good + "<<<<<<< HEAD\n" + good, ":3: is no valid JSON from column 1 on");
  check_refused(header + good.substr(0, 40), ":2: is no valid JSON from column 41 on");
  check_refused(header + "\n", ":2: is no valid JSON from column 1 on");
  check_refused(header + "7\n", ":2: is no JSON object");
  check_refused(header + "{}\n", R"(:2: has no "hook" that is a text)");
  check_refused(line(R"("batch_start")", "7", "3"), R"(:2: has no "hook" that is a text)");
  check_refused(line(R"("batch_start")", R"("update")", "3"),
                R"(:2: has no "hook" that is a hook, such as on_update)");
  check_refused(line(R"("batch")", R"("on_update")", "3"),
                R"(:2: has no "at" that is a call on the bus, such as batch_start)");
  for (const std::string step : {"-1", "1.5", "\"3\"", "null", "9223372036854775808"}) {
    check_refused(line(R"("batch_start")", R"("on_update")", step),
                  R"(:2: has no "step" that is a whole number from 0 on)");
  }
  check_refused(line(R"("batch_start")", R"("on_update")", "1e999"),
                ":2: has a number that is too large");
}

BOOST_AUTO_TEST_CASE(lines_may_be_edited_by_hand) {
  const Folder folder;
  write(folder / "a.calls",
        "{ \"takt_calls\": 1, \"note\": \"ours\" }\r\n"
        R"({"hook": "on_update", "modifier": "p", "batch": 2, "step": 1, "why": 5,)"
        R"( "at": "abort_calibration_epoch"})");
  BOOST_TEST(golden(folder / "a.calls", Calls{}) ==
             (Calls{{"p", Hook::on_update, BusCall::abort_calibration_epoch, 1, 2, {}}}));
}

BOOST_AUTO_TEST_CASE(a_trace_is_kept_without_its_times) {
  const Folder folder;
  const takt::Trace trace = some_trace();
  Folder::update();
  const takt::Trace held = golden(folder / "run.jsonl", trace);
  BOOST_TEST(diff(held, trace).equal());
  BOOST_TEST(folder.files() == "run.jsonl ");
  const std::string text = text_in(folder / "run.jsonl");
  BOOST_TEST(text.find("\"t\":") == std::string::npos);
  BOOST_TEST(text.find("\"ns\":") == std::string::npos);
  // So writing it again changes nothing.
  (void)golden(folder / "run.jsonl", some_trace());
  BOOST_TEST(text_in(folder / "run.jsonl") == text);
  Folder::leave();
  BOOST_TEST(diff(golden(folder / "run.jsonl", trace), trace).equal());
  BOOST_TEST(!diff(golden(folder / "run.jsonl", trace), some_trace(2.0)).equal());
}

BOOST_AUTO_TEST_CASE(a_trace_that_cannot_be_read_is_told_with_its_line) {
  const Folder folder;
  const fs::path file = folder / "run.jsonl";
  write(file, "{\"takt_calls\":1}\n");
  BOOST_CHECK_EXCEPTION((void)golden(file, takt::Trace{}), takt::TraceError,
                        [&](const takt::TraceError& error) {
                          return std::string{error.what()}.starts_with(file.string() + ":1: ");
                        });
}

BOOST_AUTO_TEST_SUITE_END()
