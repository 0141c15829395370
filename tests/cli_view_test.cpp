// SPDX-License-Identifier: BSL-1.0
// `takt view`.
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "cli_run.hpp"
#include "scratch_folder.hpp"

namespace {

using takt::test::check_refused;
using takt::test::has;
using takt::test::Outcome;
using takt::test::recorded_text;
using takt::test::run_takt;
using takt::test::ScratchFolder;

const std::string recipe_text = R"(modifiers:
  - ConstantPruningModifier: {name: hold, start: 2}
)";

Outcome view(const std::string& input, std::vector<std::string> args = {}) {
  args.insert(args.begin(), {"view", "-"});
  return run_takt(args, input);
}

/// The trace without its times, so that what is written does not depend on them.
std::string untimed(std::string text) {
  for (const char* const key : {",\"t\":", ",\"ns\":"}) {
    for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at)) {
      text.erase(at, text.find_first_of(",}", at + 1) - at);
    }
  }
  return text;
}

/// A pipe with a text in it, which has a name as that of `<(command)` in a shell.
class FilledPipe {
 public:
  explicit FilledPipe(const std::string& text) {
    std::array<int, 2> ends{};
    BOOST_TEST_REQUIRE(pipe(ends.data()) == 0);
    end_ = ends[0];
    const auto written = write(ends[1], text.data(), text.size());
    close(ends[1]);
    BOOST_TEST_REQUIRE(written == static_cast<ssize_t>(text.size()));
  }
  FilledPipe(const FilledPipe&) = delete;
  FilledPipe& operator=(const FilledPipe&) = delete;
  ~FilledPipe() { close(end_); }

  [[nodiscard]] std::string name() const { return "/dev/fd/" + std::to_string(end_); }

 private:
  int end_ = -1;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_view)

BOOST_AUTO_TEST_CASE(a_trace_is_a_table_and_a_drawing) {
  const Outcome outcome = view(untimed(recorded_text(8)));
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out == R"(standard input: 8 steps, 4 per epoch; 42 events
modifier  active at steps  updates  events  time
prune     2 to 6           3        0       -
watch     0 to 7           0        8       -

     loss 2 ┤   ⠙⢦⡀
            │     ⠉⠳⣄⡀
            │        ⠙⢦⣀⡀
            │           ⠉⠉⠙⠒⠒⠦⠤⢤⣀⣀⣀⡀
       0.25 ┤                      ⠉⠉⠉⠉⠉⠙⠒⠒⠒⠒⠒⠒⠲⠤⠤⠤⠤⠤⠤⢤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡀
       step  0      1      2      3      4      5      6      7
             ┼──────┴──────┴──────┴──────┼──────┴──────┴──────┴──────
      epoch  0                           1
prune                      ███████───────███████───────███████         3 updates
watch        ├───────────────────────────────────────────────────────   8 events
)");
}

BOOST_AUTO_TEST_CASE(a_trace_with_times_tells_how_long_hooks_took) {
  const Outcome outcome = run_takt(
      {"view", "-"}, R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"slow"}]}
{"event":"initialize","step":0,"batch":0,"t":5,"hooks":[{"modifier":"slow","hook":"on_initialize","ns":2000000}]}
{"event":"batch_start","step":0,"batch":0,"t":9,"hooks":[{"modifier":"slow","hook":"on_start","ns":500000}]}
)");
  BOOST_TEST(has(outcome.out, "\nslow      0                0        0       2.5 ms\n"),
             outcome.out);
}

BOOST_AUTO_TEST_CASE(hooks_that_threw_are_counted) {
  const Outcome outcome =
      view(R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"bad"}]}
{"event":"initialize","step":0,"batch":0,"hooks":[{"modifier":"bad","hook":"on_initialize","error":"no"}]}
)");
  BOOST_TEST(has(outcome.out, "time  threw\nbad       never            0        0       -     1\n"),
             outcome.out);
  BOOST_TEST(!has(view(recorded_text(1)).out, "threw"));
}

BOOST_AUTO_TEST_CASE(a_run_that_was_resumed_and_one_without_epochs_say_so) {
  const Outcome outcome = view(R"({"takt_trace":1,"start":{"step":7,"batch":7}}
{"event":"initialize","step":7,"batch":7}
{"event":"batch_start","step":7,"batch":7}
)");
  BOOST_TEST(outcome.out.starts_with("standard input: 1 step, from step 7 on; 2 events\n"),
             outcome.out);
  BOOST_TEST(has(outcome.out, "no modifiers\n"), outcome.out);
}

BOOST_AUTO_TEST_CASE(a_trace_without_events_is_fine) {
  const std::string header =
      R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a"}]})";
  const Outcome outcome = view(header + "\n");
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out == R"(standard input: 0 steps; 0 events
modifier  active at steps  updates  events  time
a         never            0        0       -
)");
  BOOST_TEST(view("{\"takt_trace\":1,\"start\":{\"step\":0,\"batch\":0}}\n").out ==
             "standard input: 0 steps; 0 events\n");
}

BOOST_AUTO_TEST_CASE(a_torn_trace_is_shown_with_a_note) {
  const std::string whole = recorded_text(8);
  const Outcome outcome = view(whole.substr(0, whole.size() - 10));
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out.ends_with("note: the trace ends in a torn line, which was left out\n"),
             outcome.out);
  BOOST_TEST(!has(view(whole).out, "torn"));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_trace_is_told_with_its_line) {
  const std::string whole = recorded_text(2);
  check_refused(view("{\"takt_trace\": 2}\n"), {"standard input:1", "version 2", "version 1"});
  check_refused(view(whole + "{\"event\":\"batch_st\n"), {"standard input:14:", "JSON"});
  check_refused(view(whole + "{\"event\":\"lunch\",\"step\":2,\"batch\":2}\n"),
                {"standard input:14:", "lunch", "batch_start"});
  const ScratchFolder folder;
  check_refused(run_takt({"view", folder.file("a.jsonl", "{\"takt_tra\n").string()}),
                {"a.jsonl:1:", "JSON"});
  check_refused(run_takt({"view", folder.file("b.jsonl", "").string()}), {"b.jsonl:1:", "empty"});
  check_refused(run_takt({"view", folder.file("c.jsonl", "{}\n").string()}),
                {"c.jsonl:1:", "no takt trace"});
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_told_for_what_it_is) {
  for (const char* const file : {"/no/such/run.jsonl", "/no/such/recipe.yaml"}) {
    check_refused(run_takt({"view", file}), {file, "no such file", "a trace or a recipe"});
  }
  check_refused(run_takt({"view", "/"}), {"folder"});
  check_refused(run_takt({"view", ""}), {"FILE", "names no file"});
  check_refused(run_takt({"view"}), {"FILE"});
}

BOOST_AUTO_TEST_CASE(a_recipe_is_shown_as_its_plan) {
  const Outcome outcome = view(recipe_text, {"--steps", "8"});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out == run_takt({"plan", "-", "--steps", "8"}, recipe_text).out);
  check_refused(view(recipe_text), {"--epochs or --steps", "takt view --help"});
}

BOOST_AUTO_TEST_CASE(a_trace_is_known_by_its_first_line_whatever_it_is_called) {
  const ScratchFolder folder;
  const std::string file = folder.file("trace", recorded_text(8)).string();
  BOOST_TEST(
      run_takt({"view", file}).out.starts_with(file + ": 8 steps, 4 per epoch; 42 events\n"));
  const std::string recipe = folder.file("recipe", recipe_text).string();
  BOOST_TEST(run_takt({"view", recipe, "--steps", "3"}).out.starts_with(recipe + ": 3 steps\n"));
}

BOOST_AUTO_TEST_CASE(pipes_are_read_once) {
  if (!std::filesystem::exists("/dev/fd")) return;
  const ScratchFolder folder;
  const FilledPipe trace{recorded_text(50)};
  const std::string chrome = (folder.path() / "chrome.json").string();
  const Outcome drawn = run_takt({"view", trace.name(), "--chrome", chrome});
  BOOST_TEST(has(drawn.out, trace.name() + ": 50 steps"), drawn.out << drawn.err);
  BOOST_TEST(has(takt::test::content_of(chrome), "\"step\":49"));
  const FilledPipe recipe{recipe_text};
  const Outcome planned = run_takt({"view", recipe.name(), "--steps", "3"});
  BOOST_TEST(planned.out.starts_with(recipe.name() + ": 3 steps\n"), planned.out << planned.err);
}

BOOST_AUTO_TEST_CASE(a_short_trace_shows_no_progress) {
  std::istringstream in{recorded_text(8)};
  std::ostringstream out;
  std::ostringstream err;
  BOOST_TEST(takt::cli::run({"view", "-"}, {.in = in, .out = out, .err = err, .err_columns = 80}) ==
             0);
  BOOST_TEST(err.str().empty(), err.str());
}

BOOST_AUTO_TEST_CASE(options_that_do_not_go_with_the_file_are_refused) {
  for (const char* const option :
       {"--epochs", "--steps", "--steps-per-epoch", "--batches-per-step", "--from"}) {
    check_refused(view(recorded_text(1), {option, "1"}), {option, "for recipes"});
  }
  check_refused(view(recorded_text(1), {"--stage", "a"}), {"--stage", "for recipes"});
  check_refused(view(recorded_text(1), {"--arg", "a=1"}), {"--arg", "for recipes"});
  check_refused(view(recipe_text, {"--steps", "3", "--chrome", "x"}), {"--chrome", "for traces"});
}

BOOST_AUTO_TEST_CASE(it_fits_terminals) {
  for (const int columns : {40, 60, 80, 120}) {
    const Outcome outcome = run_takt({"view", "-"}, recorded_text(8), columns);
    BOOST_TEST(takt::test::widest_row(outcome.out) <= columns, outcome.out);
  }
}

BOOST_AUTO_TEST_CASE(names_do_not_move_the_terminal_s_cursor) {
  const Outcome outcome =
      view(R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a\u001b[2Jb"}]}
{"event":"initialize","step":0,"batch":0}
{"event":"batch_start","step":0,"batch":0}
)");
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(!has(outcome.out, "\x1b"), outcome.out);
}

BOOST_AUTO_TEST_SUITE_END()
