// SPDX-License-Identifier: BSL-1.0
// Tests of modifiers, as in a test suite of your own. They need no images, no network and no
// training: digits.jsonl beside this file is a recorded run of 02-digits, made with batches of 239
// images instead of 32, six to the epoch, so that it is short.
#define BOOST_TEST_MODULE replay_test
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/takt.hpp>
#include <takt/testing.hpp>

namespace {

// What the modifiers act on: one layer of ten by ten weights, and an optimizer that does nothing.
struct Layer final : takt::Model {
  std::array<std::int64_t, 2> shape{10, 10};
  std::array<float, 100> weights{};
  Layer() {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 0.01F * static_cast<float>(i + 1);
  }
  std::size_t parameter_count() const override { return 1; }
  takt::Parameter parameter(std::size_t) override {
    return {.name = "fc.weight", .shape = shape, .values = weights};
  }
  long zeros() const { return std::ranges::count(weights, 0.0F); }
};

struct Rate final : takt::Optimizer {
  double rate = 0.0;
  double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override { rate = value; }
};

std::shared_ptr<takt::Modifier> pruning(takt::Cadence cadence) {
  return std::make_shared<takt::MagnitudePruningModifier>(
      takt::MagnitudePruningSettings{.name = "prune", .cadence = cadence, .final_sparsity = 0.9});
}

// A bus for the recorded run, with the modifiers that it had.
struct DigitsBus {
  takt::Trace trace = takt::read_trace(DIGITS_TRACE);
  Layer layer;
  Rate rate;
  takt::EventBus bus{trace.header.start, trace.header.options};

  explicit DigitsBus(takt::Cadence prune_when) {
    bus.state().set(layer);
    bus.state().set(rate);
    bus.emplace<takt::LearningRateModifier>(
        takt::LearningRateSettings{.name = "warm-up",
                                   .cadence = {.start = 0, .end = 1},
                                   .schedule = "linear_warmup",
                                   .learning_rate = 8e-3,
                                   .init_lr = 1e-4});
    bus.emplace<takt::LearningRateModifier>(
        takt::LearningRateSettings{.name = "cosine",
                                   .cadence = {.start = 1, .end = 40},
                                   .schedule = "cosine",
                                   .learning_rate = 8e-3,
                                   .final_lr = 1e-5});
    bus.add(pruning(prune_when));
    bus.emplace<takt::ConstantPruningModifier>(
        takt::ConstantPruningSettings{.name = "hold", .cadence = {.start = 28}});
    // The progress bar is not tested, and a test should not draw one: a probe stands in for it.
    bus.emplace<takt::testing::ProbeModifier>(
        "progress", takt::Cadence{.update = 5},
        takt::Interests{.due = takt::EventType::OPTIM_POST_STEP | takt::EventType::BATCH_END});
  }
};

}  // namespace

// Replaying makes the recorded calls on a bus, and compares which hooks run.
BOOST_AUTO_TEST_CASE(the_modifiers_run_as_they_did_when_it_was_recorded) {
  DigitsBus digits{{.start = 4, .end = 28, .update = 0.5}};
  const takt::TraceComparison comparison = takt::replay(digits.bus, digits.trace);
  BOOST_TEST(comparison.equal(), comparison);  // if not, it says where and how
  BOOST_TEST(digits.layer.zeros() == 90);
  BOOST_TEST(digits.rate.rate < 1e-4);
}

// How that reads, with a cadence that is not the recorded one.
BOOST_AUTO_TEST_CASE(another_cadence_is_told_in_words) {
  DigitsBus digits{{.start = 4, .end = 28, .update = 1}};
  const takt::TraceComparison comparison = takt::replay(digits.bus, digits.trace);
  BOOST_TEST(comparison.differing == 24);
  BOOST_TEST(comparison.differences.front().text ==
             "step 27, batch_start: prune did not run, the trace says it did");
}

// Without a recording: two epochs in a line, and what ran in them as values.
BOOST_AUTO_TEST_CASE(pruning_is_due_twice_an_epoch) {
  Layer layer;
  const takt::testing::Calls ran =
      takt::testing::run(pruning({.start = 0.5, .end = 1.5, .update = 0.5}),
                         takt::testing::epochs(2, {.steps_per_epoch = 4}),
                         {.prepare = [&](takt::EventBus& bus) { bus.state().set(layer); }});
  BOOST_TEST(ran.steps(takt::Hook::on_update) == (std::vector<std::int64_t>{2, 4, 6}),
             boost::test_tools::per_element());
  // All that ran stands in a file beside this one. With TAKT_UPDATE_GOLDEN=1 in the environment it
  // is written anew, and git shows what has changed.
  BOOST_TEST(ran == takt::testing::golden(PRUNE_CALLS, ran));
}
