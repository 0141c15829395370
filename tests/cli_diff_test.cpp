// SPDX-License-Identifier: BSL-1.0
// `takt diff`.
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

/// Compares a file with what is read from standard input.
Outcome diff(const std::string& a, const std::string& b,
             const std::vector<std::string>& more = {}) {
  const ScratchFolder folder;
  std::vector<std::string> args{"diff", folder.file("a.jsonl", a).string(), "-"};
  args.insert(args.end(), more.begin(), more.end());
  Outcome outcome = run_takt(args, b);
  const std::string path = folder.path().string() + '/';
  for (std::size_t at = outcome.out.find(path); at != std::string::npos;
       at = outcome.out.find(path)) {
    outcome.out.erase(at, path.size());
  }
  return outcome;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_diff)

BOOST_AUTO_TEST_CASE(two_equal_runs_are_told_as_equal) {
  const Outcome outcome = diff(recorded_text(8), recorded_text(8));
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out == "a.jsonl and standard input: equal in 42 events\n");
}

BOOST_AUTO_TEST_CASE(differences_are_told_and_the_exit_code_is_1) {
  const Outcome outcome = diff(recorded_text(8), recorded_text(9));
  BOOST_TEST(outcome.code == 1);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out.starts_with("a.jsonl and standard input: different in "), outcome.out);
  BOOST_TEST(has(outcome.out, "\n  "), outcome.out);
  BOOST_TEST(has(outcome.out, "step 8"), outcome.out);
}

BOOST_AUTO_TEST_CASE(losses_may_be_a_little_apart) {
  const std::string a = recorded_text(8, 2.0);
  const std::string b = recorded_text(8, 2.02);
  BOOST_TEST(diff(a, b).code == 1);
  BOOST_TEST(has(diff(a, b).out, "loss"));
  BOOST_TEST(diff(a, b, {"--loss-tolerance", "0.009"}).code == 1);
  BOOST_TEST(diff(a, b, {"--loss-tolerance", "0.011"}).code == 0);
  BOOST_TEST(diff(a, b, {"--loss-tolerance", "1e-1"}).code == 0);
  BOOST_TEST(diff(a, b, {"--loss-tolerance", "inf"}).code == 0);
}

BOOST_AUTO_TEST_CASE(a_tolerance_is_a_number_from_0_on) {
  for (const char* const nonsense : {"-1", "nan", "-inf", "a little", "0.1x", "", "0x1p3", " 1"}) {
    check_refused(diff(recorded_text(1), recorded_text(1), {"--loss-tolerance", nonsense}),
                  {"--loss-tolerance", "no number from 0 on", "takt diff --help"});
  }
}

BOOST_AUTO_TEST_CASE(as_many_differences_are_listed_as_are_asked_for) {
  const Outcome two = diff(recorded_text(8, 2.0), recorded_text(8, 3.0), {"--most", "2"});
  BOOST_TEST(two.code == 1);
  BOOST_TEST(two.out.starts_with("a.jsonl and standard input: different in 8 of 42 events\n"),
             two.out);
  BOOST_TEST(two.out.ends_with("\n  and more; --most N lists more of them\n"), two.out);
  BOOST_TEST(has(two.out, "step 1,"), two.out);
  BOOST_TEST(!has(two.out, "step 2,"), two.out);
  const Outcome all = diff(recorded_text(8, 2.0), recorded_text(8, 3.0), {"--most", "8"});
  BOOST_TEST(has(all.out, "step 7,"), all.out);
  BOOST_TEST(!has(all.out, "and more"), all.out);
}

BOOST_AUTO_TEST_CASE(a_torn_trace_is_told_of) {
  const std::string whole = recorded_text(8);
  const Outcome outcome = diff(whole, whole.substr(0, whole.size() - 10));
  BOOST_TEST(outcome.code == 1);
  BOOST_TEST(has(outcome.out, "in a torn line; a.jsonl goes on"), outcome.out);
  BOOST_TEST(outcome.out.ends_with("\nnote: a trace ends in a torn line, which was left out\n"),
             outcome.out);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_and_the_exit_code_is_2) {
  check_refused(run_takt({"diff"}), {"A", "takt diff --help"});
  check_refused(run_takt({"diff", "-"}), {"B is required", "takt diff --help"});
  check_refused(run_takt({"diff", "a", "b", "c"}), {"\"c\" is one argument too many"});
  check_refused(run_takt({"diff", "-", ""}), {"B", "names no file"});
  check_refused(run_takt({"diff", "-", "-"}, recorded_text(1)), {"A and B", "only one"});
  check_refused(run_takt({"diff", "-", "/no/such.jsonl"}, recorded_text(1)), {"/no/such.jsonl"});
  check_refused(diff("modifiers: []\n", recorded_text(1)), {"a.jsonl:1:"});
  check_refused(diff(recorded_text(1), "{\"takt_trace\":7}\n"), {"standard input:1", "version 7"});
}

BOOST_AUTO_TEST_CASE(what_differs_fits_the_terminal) {
  const ScratchFolder folder;
  const std::string a = folder.file("a", recorded_text(8, 2.0)).string();
  const std::string b = folder.file("b", recorded_text(8, 3.0)).string();
  const Outcome outcome = run_takt({"diff", a, b}, "", 60);
  BOOST_TEST(takt::test::widest_row(outcome.out) <= 60, outcome.out);
}

BOOST_AUTO_TEST_SUITE_END()
