// SPDX-License-Identifier: BSL-1.0
// The files that recorders write to: when they have their names, and what happens when they can't
// be written.
#if defined(__unix__)
#include <fcntl.h>
#include <unistd.h>
#endif

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "probe.hpp"
#include "scratch_folder.hpp"
#include "takt/trace_recorder.hpp"
#include "trace_cases.hpp"

namespace {

using takt::EventBus;
using takt::LifecycleError;
using takt::TraceError;
using takt::TraceRecorder;
using takt::test::lines_of;
using enum takt::EventType;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// What a handler was told.
struct Told {
  Lines lines;
  void by(TraceRecorder& recorder) {
    recorder.on_error([this](const TraceError& error) { lines.push_back(error.what()); });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_recorder_file)

// ---- Files --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_has_its_name_from_initialize_on) {
  const takt::test::ScratchFolder folder;
  const auto file = folder.file("run.jsonl", "old");
  const auto new_file = folder.path() / "run.jsonl.new";
  ProbedBus run;
  {
    const TraceRecorder recorder{run.bus, file};
    BOOST_TEST(text_of(file) == "old");
    run.bus.initialize();
    BOOST_TEST(lines_of(text_of(file)).size() == 1U);
    BOOST_TEST(!std::filesystem::exists(new_file));
    run.batch();
  }
  BOOST_TEST(takt::read_trace(file).entries.size() == 3U);
  BOOST_TEST(!std::filesystem::exists(new_file));
}

BOOST_AUTO_TEST_CASE(a_run_that_never_begins_leaves_the_old_file_and_no_other) {
  const takt::test::ScratchFolder folder;
  const auto file = folder.file("run.jsonl", "old");
  for (const bool closes : {false, true}) {
    EventBus bus;
    TraceRecorder recorder{bus, file};
    if (closes) recorder.close();
  }
  EventBus bus;
  bus.initialize();
  BOOST_CHECK_THROW((TraceRecorder{bus, file}), LifecycleError);
  BOOST_TEST(text_of(file) == "old");
  BOOST_TEST(!std::filesystem::exists(folder.path() / "run.jsonl.new"));
}

BOOST_AUTO_TEST_CASE(a_file_that_a_killed_run_has_left_is_no_obstacle) {
  const takt::test::ScratchFolder folder;
  (void)folder.file("run.jsonl.new", std::string(100'000, 'x'));
  EventBus bus;
  {
    const TraceRecorder recorder{bus, folder.path() / "run.jsonl"};
    bus.initialize();
  }
  BOOST_TEST(takt::read_trace(folder.path() / "run.jsonl").entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_link_to_a_file_stays_a_link) {
  const takt::test::ScratchFolder folder;
  const auto file = folder.file("real.jsonl", "old");
  const auto link = folder.path() / "latest.jsonl";
  std::filesystem::create_symlink("real.jsonl", link);
  EventBus bus;
  {
    const TraceRecorder recorder{bus, link};
    BOOST_TEST(text_of(file) == "old");
    bus.initialize();
  }
  BOOST_TEST(std::filesystem::is_symlink(link));
  BOOST_TEST(takt::read_trace(file).entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_can_not_be_written_is_named) {
  const takt::test::ScratchFolder folder;
  EventBus bus;
  const auto error_of = [&](const std::filesystem::path& file) -> std::string {
    try {
      const TraceRecorder recorder{bus, file};
    } catch (const TraceError& error) {
      return error.what();
    }
    return "";
  };
  BOOST_TEST(error_of(folder.path()) ==
             folder.path().string() + " is a folder; give the name of a file to write");
  BOOST_TEST(error_of("") == "an empty name can't be written to; give a file's");
  const auto nowhere = folder.path() / "none" / "run.jsonl";
  BOOST_TEST(error_of(nowhere) ==
             nowhere.string() + ".new can't be written: No such file or directory");
  BOOST_CHECK_NO_THROW(bus.initialize());  // nobody watches
}

BOOST_AUTO_TEST_CASE(a_file_that_can_not_take_its_name_ends_the_recording) {
  const takt::test::ScratchFolder folder;
  const auto file = folder.path() / "run.jsonl";
  Told told_of;
  ProbedBus run;
  {
    TraceRecorder recorder{run.bus, file};
    told_of.by(recorder);
    std::filesystem::create_directory(file);
    run.bus.initialize();
    run.step();
    BOOST_TEST(recorder.entries() == 0);
    BOOST_CHECK_THROW(recorder.close(), TraceError);
  }
  BOOST_TEST_REQUIRE(told_of.lines.size() == 1U);
  BOOST_TEST(told_of.lines[0].starts_with(file.string() + ".new can't be renamed to " +
                                          file.string() + ": "));
  BOOST_TEST(!std::filesystem::exists(folder.path() / "run.jsonl.new"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_ends_the_recording_and_not_the_run) {
  if (!std::filesystem::exists("/dev/full")) return;
  Told told_of;
  ProbedBus run;
  run.add("a", {}, {.due = BATCH_START});
  {
    TraceRecorder recorder{run.bus, "/dev/full"};
    told_of.by(recorder);
    run.bus.initialize();
    run.step(3);
    run.bus.finalize();
    BOOST_TEST(recorder.entries() == 0);
    BOOST_CHECK_EXCEPTION(recorder.close(), TraceError, [](const TraceError& e) {
      return std::string{e.what()} == "/dev/full can't be written any more; the disk may be full";
    });
  }
  BOOST_TEST(told_of.lines.size() == 1U);
  BOOST_TEST(run.take("a on_update").size() == 3U);
  BOOST_TEST(std::filesystem::exists("/dev/full"));
}

BOOST_AUTO_TEST_CASE(a_device_is_written_to_as_it_is) {
  if (!std::filesystem::exists("/dev/null")) return;
  ProbedBus run;
  TraceRecorder recorder{run.bus, "/dev/null"};
  run.bus.initialize();
  run.step();
  BOOST_CHECK_NO_THROW(recorder.close());
  BOOST_TEST(recorder.entries() == 5);
  BOOST_TEST(!std::filesystem::is_regular_file("/dev/null"));
}

#if defined(__unix__)
BOOST_AUTO_TEST_CASE(a_file_that_is_open_already_is_written_to_as_it_is) {
  if (!std::filesystem::exists("/dev/fd")) return;
  const auto by_number = [](int number) { return "/dev/fd/" + std::to_string(number); };
  const takt::test::ScratchFolder folder;
  const auto file = folder.file("run.jsonl", "old");
  const int opened = open(file.c_str(), O_RDWR);
  int ends[2] = {};
  BOOST_TEST_REQUIRE(opened >= 0);
  BOOST_TEST_REQUIRE(pipe(ends) == 0);
  for (const int number : {opened, ends[1]}) {
    EventBus bus;
    TraceRecorder recorder{bus, by_number(number)};
    bus.initialize();
    recorder.close();
  }
  // It is the same file still: no other has taken its name.
  std::string text(1000, ' ');
  text.resize(static_cast<std::size_t>(read(opened, text.data(), text.size())));
  BOOST_TEST(lines_of(text).size() == 2U);
  std::string piped(1000, ' ');
  piped.resize(static_cast<std::size_t>(read(ends[0], piped.data(), piped.size())));
  BOOST_TEST(lines_of(piped).size() == 2U);
  for (const int number : {opened, ends[0], ends[1]}) close(number);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
