// SPDX-License-Identifier: BSL-1.0
// Where examples/06-libtorch looks at its network: when a recipe goes from dense to pruned, and
// from there to quantized.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "../examples/06-libtorch/stages.hpp"
#include "error_text.hpp"

namespace {

const std::string train_until_10 = "- EpochRangeModifier: {end: 10}\n";
const std::string prune_from_4 =
    "- MagnitudePruningModifier: {start: 4, end: 6, final_sparsity: 0.5}\n";
const std::string quantize_from_8 = "- QuantizationModifier: {start: 8, scheme: W8A16}\n";

std::string stages_in(const std::string& recipe) {
  std::string text;
  for (const Stage& stage : stages_of(takt::Recipe::from_string(recipe))) {
    text += stage.name + (stage.quantized ? "* " : " ") + std::to_string(std::lround(stage.start)) +
            "-" + std::to_string(std::lround(stage.end)) + "; ";
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stages)

BOOST_AUTO_TEST_CASE(a_stage_ends_where_the_next_one_begins) {
  BOOST_TEST(stages_in(train_until_10 + prune_from_4 + quantize_from_8) ==
             "dense 0-4; pruned 4-8; quantized* 8-10; ");
}

BOOST_AUTO_TEST_CASE(a_recipe_that_only_trains_has_one_stage) {
  BOOST_TEST(stages_in(train_until_10) == "dense 0-10; ");
}

BOOST_AUTO_TEST_CASE(what_is_pruned_after_it_is_quantized_is_quantized_too) {
  BOOST_TEST(stages_in("- EpochRangeModifier: {end: 10}\n"
                       "- MagnitudePruningModifier: {start: 5, end: 6, final_sparsity: 0.5}\n"
                       "- QuantizationModifier: {start: 2, scheme: W8A16}\n") ==
             "dense 0-2; quantized* 2-5; pruned* 5-10; ");
}

BOOST_AUTO_TEST_CASE(of_several_modifiers_that_prune_the_first_one_counts) {
  BOOST_TEST(stages_in(train_until_10 +
                       "- MagnitudePruningModifier: {name: late, start: 7, end: 9, "
                       "final_sparsity: 0.5}\n" +
                       prune_from_4) == "dense 0-4; pruned 4-10; ");
}

BOOST_AUTO_TEST_CASE(a_stage_that_training_does_not_reach_is_none) {
  BOOST_TEST(stages_in("- EpochRangeModifier: {end: 8}\n" + prune_from_4 + quantize_from_8) ==
             "dense 0-4; pruned 4-8; ");
}

BOOST_AUTO_TEST_CASE(a_recipe_without_an_end_is_refused) {
  const std::string said =
      takt::test::message_of<std::runtime_error>([] { (void)stages_in(prune_from_4); });
  BOOST_TEST(takt::test::has(said, "an EpochRangeModifier says when"), said);
}

BOOST_AUTO_TEST_CASE(each_end_but_the_last_is_told_once_before_the_modifiers_of_the_next_stage) {
  const std::vector<Stage> three{{.name = "a", .start = 0, .end = 1},
                                 {.name = "b", .start = 1, .end = 2.3},
                                 {.name = "c", .start = 2.3, .end = 3}};
  takt::EventBus bus{takt::Event{.steps_per_epoch = 4}};
  std::vector<std::string> told;
  at_stage_ends(bus, three, [&](const Stage& stage, const takt::Event& next) {
    told.push_back(stage.name + " before step " + std::to_string(next.global_step));
  });
  bus.on(takt::EventType::BATCH_START, {.start = 1, .end = 1}, [&] { told.emplace_back("ran"); });
  bus.initialize();
  for (int step = 0; step < 12; ++step) {
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }
  bus.finalize();
  BOOST_TEST(told == (std::vector<std::string>{"a before step 4", "ran", "b before step 10"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
