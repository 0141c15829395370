// SPDX-License-Identifier: BSL-1.0
// `takt plan` and `takt explain`.
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli_run.hpp"

namespace {

using takt::test::has;
using takt::test::Outcome;

const std::string recipe_text = R"(rate_stage:
  rate_modifiers:
    - LearningRateModifier: {name: warm-up, learning_rate: 0.1, end: 1}
    - LearningRateModifier: {name: later, learning_rate: 0.01, start: 100}
sparsity_stage:
  pruning_modifiers:
    MagnitudePruningModifier: {start: 4, end: 28, update: 0.5, final_sparsity: 0.9}
    ConstantPruningModifier: {start: 28}
)";

Outcome run(std::vector<std::string> args, const std::string& recipe = recipe_text,
            std::optional<int> columns = std::nullopt) {
  args.insert(args.begin() + 1, "-");
  return takt::test::run_takt(args, recipe, columns);
}

Outcome explain(const std::string& step) {
  return run({"explain", "--step", step, "--steps-per-epoch", "44", "--epochs", "40"});
}

void check_refused(const Outcome& outcome, const std::string& words) {
  takt::test::check_refused(outcome, {words});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_plan)

BOOST_AUTO_TEST_CASE(a_plan_has_a_row_for_each_modifier) {
  const Outcome outcome = run({"plan", "--epochs", "40", "--steps-per-epoch", "44"});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out == R"(standard input: 40 epochs of 44 steps, 1760 steps in all
modifier                  active at steps  updates  events  due at steps
warm-up                   0 to 44          45       0       0, 1, 2, ..., 44
later                     never            0        0       -
MagnitudePruningModifier  176 to 1232      49       2114    176, 198, 220, ..., 1232
ConstantPruningModifier   1232 to 1759     0        1056    -

                    step  0         500         1000       1500
                          ┼────┬────┬┴───┬────┬──┴─┬────┬───┴┬─────
                   epoch  0    5    10   15   20   25   30   35
warm-up                   ██                                          45 updates
later                     never
MagnitudePruningModifier      ╫╫╫╫╫╫╫╫╫╫╫╫╫╫╫╫┼╫╫╫╫╫╫╫╫               49 updates
ConstantPruningModifier                               ├────────────  1056 events
)");
}

BOOST_AUTO_TEST_CASE(a_plan_fits_the_terminal_and_has_a_line_for_each_thing_where_that_is_narrow) {
  const std::vector<std::string> args{"plan", "--epochs", "40", "--steps-per-epoch", "44"};
  const Outcome narrow = run(args, recipe_text, 40);
  BOOST_TEST(takt::test::widest_row(narrow.out) == 40, narrow.out);
  BOOST_TEST(has(narrow.out, R"(
MagnitudePruningModifier
  active at steps  176 to 1232
  updates          49
  events           2114
  due at steps     176, 198, 220, ...,
                   1232
)"),
             narrow.out);
  const Outcome usual = run(args, recipe_text, 80);
  BOOST_TEST(takt::test::widest_row(usual.out) == 80, usual.out);
  BOOST_TEST(has(usual.out, "\nmodifier  "), usual.out);
}

BOOST_AUTO_TEST_CASE(colours_are_for_terminals_that_want_them) {
  std::istringstream in{recipe_text};
  std::ostringstream out;
  const std::vector<std::string> args{"plan", "-", "--steps", "9"};
  BOOST_TEST(takt::cli::run(
                 args, {.in = in, .out = out, .err = out, .columns = 80, .colours = true}) == 0);
  BOOST_TEST(has(out.str(), "\x1b["), out.str());
  BOOST_TEST(!has(run({"plan", "--steps", "9"}, recipe_text, 80).out, "\x1b"));
}

BOOST_AUTO_TEST_CASE(a_run_of_one_step_or_none_is_told_in_right_words) {
  BOOST_TEST(run({"plan", "--steps", "1"}).out.starts_with("standard input: 1 step\n"));
  BOOST_TEST(run({"plan", "--epochs", "1", "--steps-per-epoch", "1"})
                 .out.starts_with("standard input: 1 epoch of 1 step, 1 step in all\n"));
  BOOST_TEST(run({"plan", "--steps", "0"}).out == R"(standard input: 0 steps
modifier                  active at steps  updates  events  due at steps
warm-up                   never            0        0       -
later                     never            0        0       -
MagnitudePruningModifier  never            0        0       -
ConstantPruningModifier   never            0        0       -
)");
}

BOOST_AUTO_TEST_CASE(a_plan_can_count_in_steps_and_batches_and_start_later) {
  const Outcome outcome = run({"plan", "--steps", "30", "--from", "10", "--batches-per-step", "2",
                               "--calibration-batches", "3"});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out == R"(standard input: 30 steps, resumed at step 10
modifier                  active at steps  updates  events  due at steps
warm-up                   never            0        0       -
later                     never            0        0       -
MagnitudePruningModifier  10 to 28         42       38      10, 11, 12, ..., 28
ConstantPruningModifier   28 to 29         0        4       -

                    step  10         15        20         25
                          ┴──────────┴─────────┴──────────┴─────────
warm-up                   never
later                     never
MagnitudePruningModifier  ████████████████████████████████████████    42 updates
ConstantPruningModifier                                         ├───    4 events
)");
}

BOOST_AUTO_TEST_CASE(a_plan_needs_a_length_that_makes_sense) {
  check_refused(run({"plan"}), "no length");
  check_refused(run({"plan"}), "--epochs or --steps");
  check_refused(run({"plan", "--epochs", "3"}), "--steps-per-epoch");
  check_refused(run({"plan", "--epochs", "x", "--steps-per-epoch", "4"}), "\"x\" is no number");
  check_refused(run({"plan", "--epochs", "-1", "--steps-per-epoch", "4"}), "number from 0 on");
  check_refused(run({"plan", "--epochs", "inf", "--steps-per-epoch", "4"}), "inf epochs");
  check_refused(run({"plan", "--epochs", "3", "--steps", "3", "--steps-per-epoch", "4"}),
                "give one");
  check_refused(run({"plan", "--steps", "3", "--from", "4"}), "starts at step 4");
  check_refused(run({"plan", "--steps", "-3"}), "whole number from 0 on");
  check_refused(
      run({"plan", "--steps", "3", "--from", "9223372036854775807", "--batches-per-step", "9"}),
      "more than can be counted");
  check_refused(run({"plan", "--steps", "3"}, "nonsense"), "standard input:1:1");
}

BOOST_AUTO_TEST_CASE(a_step_is_explained_for_each_modifier) {
  const Outcome outcome = explain("600");
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out == R"(standard input at step 600 (epoch 13.6364)
  warm-up                   no more: its window closed at step 44 (epoch 1)
  later                     never runs: no step of the run is in its window
  MagnitudePruningModifier  runs on_event at optim_pre_step, optim_post_step; next due at step 616 (epoch 14)
  ConstantPruningModifier   not yet: its window opens at step 1232 (epoch 28)
)");
}

BOOST_AUTO_TEST_CASE(a_step_at_which_a_window_opens_or_closes_says_so) {
  const Outcome opens = explain("0");
  BOOST_TEST(has(opens.out, "warm-up                   runs on_initialize at initialize; on_start"),
             opens.out);
  const Outcome closes = explain("1232");
  BOOST_TEST(has(closes.out, "on_end at batch_end; not due again"), closes.out);
}

BOOST_AUTO_TEST_CASE(an_explanation_needs_no_length) {
  const Outcome outcome = run({"explain", "--step", "5000000"});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(has(outcome.out, "at step 5000000\n"), outcome.out);
  BOOST_TEST(has(outcome.out, "later                     runs on_update at"), outcome.out);
}

BOOST_AUTO_TEST_CASE(on_a_narrow_terminal_an_explanation_fits_below_its_modifier) {
  const Outcome outcome =
      run({"explain", "--step", "600", "--steps-per-epoch", "44"}, recipe_text, 40);
  BOOST_TEST(takt::test::widest_row(outcome.out) <= 40, outcome.out);
  BOOST_TEST(has(outcome.out, "\n    "), outcome.out);
}

BOOST_AUTO_TEST_CASE(a_step_outside_the_run_is_refused) {
  check_refused(explain("1760"), "step 1760 is not in the run; it has steps 0 to 1759");
  check_refused(run({"explain", "--steps", "9", "--from", "4", "--step", "3"}), "steps 4 to 8");
  check_refused(run({"explain"}), "--step");
}

BOOST_AUTO_TEST_SUITE_END()
