// SPDX-License-Identifier: BSL-1.0
// `takt replay`.
#include <boost/test/unit_test.hpp>
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

/// A trace that takes an update of "prune" for one that never was.
std::string without_an_update(std::string text) {
  const std::string update = R"({"modifier":"prune","hook":"on_update")";
  const std::size_t begin = text.rfind(update);
  const std::size_t end = text.find('}', begin) + 1;
  const bool alone = text[begin - 1] == '[';
  return text.erase(alone ? begin : begin - 1, alone ? end - begin : end - begin + 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_replay)

BOOST_AUTO_TEST_CASE(a_run_that_goes_the_same_way_is_told_as_equal) {
  const Outcome outcome = run_takt({"replay", "-"}, recorded_text(8));
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out == "standard input: equal in 42 events\n");
}

BOOST_AUTO_TEST_CASE(what_runs_otherwise_is_told_and_the_exit_code_is_1) {
  const Outcome outcome = run_takt({"replay", "-"}, without_an_update(recorded_text(8)));
  BOOST_TEST(outcome.code == 1);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out == R"(standard input: different in 1 of 42 events
  step 6, batch_start: prune ran, the trace says it did not
)");
}

BOOST_AUTO_TEST_CASE(a_recipe_s_modifiers_take_the_place_of_the_recorded_ones) {
  const ScratchFolder folder;
  const std::string trace = folder.file("run.jsonl", recorded_text(8)).string();
  const std::string recipe = folder
                                 .file("other.yaml",
                                       "args: {to: 1}\nmodifiers:\n"
                                       "  - EpochRangeModifier: {name: range, end: \"{{to}}\"}\n")
                                 .string();
  const Outcome outcome = run_takt({"replay", trace, "--recipe", recipe});
  BOOST_TEST(outcome.code == 1);
  BOOST_TEST(outcome.out.starts_with(trace + " with " + recipe + ": different in "), outcome.out);
  BOOST_TEST(has(outcome.out, "on_initialize of range ran, the trace says it did not"),
             outcome.out);
  const Outcome longer =
      run_takt({"replay", trace, "--recipe", recipe, "--arg", "to=9", "--most", "99"});
  const Outcome shorter = run_takt({"replay", trace, "--recipe", recipe, "--most", "99"});
  BOOST_TEST(longer.out != shorter.out);
  const Outcome piped =
      run_takt({"replay", trace, "--recipe", "-"}, takt::test::content_of(recipe));
  BOOST_TEST(piped.out.starts_with(trace + " with standard input: different"), piped.out);
}

BOOST_AUTO_TEST_CASE(as_many_differences_are_listed_as_are_asked_for) {
  const std::string text = without_an_update(without_an_update(recorded_text(8)));
  const std::string more = "  and more; --most N lists more of them\n";
  const Outcome one = run_takt({"replay", "-", "--most", "1"}, text);
  BOOST_TEST(one.code == 1);
  BOOST_TEST(one.out ==
             "standard input: different in 2 of 42 events\n"
             "  step 4, batch_start: prune ran, the trace says it did not\n" +
                 more);
  BOOST_TEST(!has(run_takt({"replay", "-", "--most", "2"}, text).out, more));
  BOOST_TEST(!has(run_takt({"replay", "-"}, text).out, more));
  check_refused(run_takt({"replay", "-", "--most", "0"}, text), {"--most", "from 1 on"});
}

BOOST_AUTO_TEST_CASE(a_torn_trace_is_replayed_as_far_as_it_goes) {
  const std::string whole = recorded_text(8);
  const Outcome outcome = run_takt({"replay", "-"}, whole.substr(0, whole.size() - 10));
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out ==
             "standard input: equal in 41 events\n"
             "note: a trace ends in a torn line, which was left out\n");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_and_the_exit_code_is_2) {
  const ScratchFolder folder;
  const std::string trace = folder.file("run.jsonl", recorded_text(2)).string();
  check_refused(run_takt({"replay"}), {"TRACE", "takt replay --help"});
  check_refused(run_takt({"replay", ""}), {"TRACE", "names no file"});
  check_refused(run_takt({"replay", "/no/such.jsonl"}), {"/no/such.jsonl", "No such file"});
  check_refused(run_takt({"replay", "-"}, "{\"takt_trace\":2}\n"), {"version 2"});
  check_refused(run_takt({"replay", "-"}, recorded_text(1) + "{\"ev\n"), {"standard input:9:"});
  check_refused(run_takt({"replay", trace, "--recipe", "/no/such.yaml"}), {"/no/such.yaml"});
  check_refused(run_takt({"replay", trace, "--recipe", ""}), {"--recipe", "names no file"});
  check_refused(run_takt({"replay", trace, "--recipe", "-"}, "modifiers: [Nothing: {}]\n"),
                {"standard input:1:", "Nothing"});
}

BOOST_AUTO_TEST_CASE(a_call_that_no_bus_accepts_is_told_with_its_line) {
  const std::string text =
      "{\"takt_trace\":1,\"start\":{\"step\":0,\"batch\":0}}\n"
      "{\"event\":\"batch_end\",\"step\":0,\"batch\":0}\n";
  check_refused(run_takt({"replay", "-"}, text), {"standard input:2:", "batch_end"});
}

BOOST_AUTO_TEST_CASE(standard_input_is_one_of_the_two) {
  check_refused(run_takt({"replay", "-", "--recipe", "-"}, recorded_text(1)),
                {"TRACE and --recipe", "only one"});
}

BOOST_AUTO_TEST_CASE(options_for_a_recipe_need_one) {
  for (const char* const option : {"--plugin", "--arg", "--stage"}) {
    check_refused(run_takt({"replay", "-", option, "a=1"}, recorded_text(1)),
                  {option, "--recipe too"});
  }
}

BOOST_AUTO_TEST_SUITE_END()
