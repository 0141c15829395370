// SPDX-License-Identifier: BSL-1.0
// Magnitude pruning that holds its masks after its end, and the names that SparseML and LLM
// Compressor have for its settings.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/mask.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "vector_model.hpp"

namespace {

using takt::MagnitudePruningModifier;
using takt::MagnitudePruningSettings;
using takt::Registry;
using takt::SettingValue;

using List = SettingValue::List;
using Longs = std::vector<long>;
using Map = SettingValue::Map;
using Shape = std::vector<std::int64_t>;

/// Weights of sizes 1, 2, 3, ..., so that the first are pruned first.
VectorParameter rising_weight(std::string name, Shape shape) {
  std::size_t size = 1;
  for (const std::int64_t dimension : shape) size *= static_cast<std::size_t>(dimension);
  VectorParameter parameter{.name = std::move(name), .shape = std::move(shape), .kind = "Linear"};
  for (std::size_t i = 0; i < size; ++i) parameter.values.push_back(static_cast<float>(i + 1));
  parameter.gradients.assign(size, 1.0F);
  return parameter;
}

/// A bus and a model whose optimizer moves every weight, masked or not.
struct Training {
  explicit Training(takt::Event start = {},
                    VectorParameter weight = rising_weight("fc.weight", {10, 10}))
      : bus{start} {
    model.parameters.push_back(std::move(weight));
    bus.state().set<takt::Model>(model);
  }

  void move_weights() {
    for (VectorParameter& parameter : model.parameters) {
      for (float& value : parameter.values) value += 0.5F;
    }
  }

  void step() {
    for (VectorParameter& parameter : model.parameters) {
      std::ranges::fill(parameter.gradients, 1.0F);
    }
    bus.batch([&](takt::Batch& batch) { batch.step([&] { move_weights(); }); });
  }

  /// The zeros of the first parameter after each of so many steps.
  Longs zeros_after(int steps) {
    Longs zeros;
    for (int i = 0; i < steps; ++i) {
      step();
      zeros.push_back(model[0].zeros());
    }
    return zeros;
  }

  VectorModel model;
  takt::EventBus bus;
};

/// Zeros in steps 0, 1, 2, ...: 0, 40, 80 of 100, then held or not.
MagnitudePruningSettings two_steps(bool leave_enabled) {
  return {.cadence = {.start = 0, .end = 2},
          .init_sparsity = 0.0,
          .final_sparsity = 0.8,
          .update_scheduler = "linear",
          .leave_enabled = leave_enabled};
}

/// The zeros of a 10 by 10 weight after each of so many steps with a modifier of a recipe.
Longs zeros_with(const std::string& type, const Map& settings, int steps, Shape shape = {10, 10}) {
  Training training{{}, rising_weight("fc.weight", std::move(shape))};
  training.bus.add(Registry::builtin().make(type, settings));
  training.bus.initialize();
  return training.zeros_after(steps);
}

/// A line from 0 to `final_sparsity` in two steps, and what else is given.
Map line_to(double final_sparsity, const Map& more) {
  Map settings{{"init_sparsity", 0},
               {"final_sparsity", final_sparsity},
               {"update_scheduler", "linear"},
               {"start", 0},
               {"end", 2}};
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

/// The setting that a `SettingError` is about, "other" for another `InvalidModifier`.
std::string refused(const Map& settings, const std::string& word) {
  try {
    (void)Registry::builtin().make("MagnitudePruningModifier", settings);
  } catch (const takt::InvalidModifier& error) {
    const std::string message = error.what();
    BOOST_TEST((message.find(word) != std::string::npos), "no \"" << word << "\" in: " << message);
    const auto* const about = dynamic_cast<const takt::SettingError*>(&error);
    return about == nullptr ? "other" : about->setting();
  }
  return "nothing";
}

}  // namespace

#define TAKT_CHECK_LONGS(actual, ...) \
  BOOST_TEST((actual) == (Longs{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_AUTO_TEST_SUITE(magnitude_pruning_hold)

BOOST_AUTO_TEST_CASE(what_was_pruned_is_held_until_training_ends_only_with_leave_enabled) {
  Training held;
  held.bus.emplace<MagnitudePruningModifier>(two_steps(true));
  held.bus.initialize();
  TAKT_CHECK_LONGS(held.zeros_after(6), 0, 40, 80, 80, 80, 80);

  Training free;
  free.bus.emplace<MagnitudePruningModifier>(two_steps(false));
  free.bus.initialize();
  TAKT_CHECK_LONGS(free.zeros_after(6), 0, 40, 80, 0, 0, 0);
}

BOOST_AUTO_TEST_CASE(with_leave_enabled_the_window_has_no_end_and_without_it_the_one_given) {
  BOOST_TEST((MagnitudePruningModifier{two_steps(true)}.cadence() == takt::Cadence{.start = 0}));
  BOOST_TEST((MagnitudePruningModifier{two_steps(false)}.cadence() ==
              takt::Cadence{.start = 0, .end = 2}));
  MagnitudePruningSettings often = two_steps(true);
  often.cadence.update = 2;
  BOOST_TEST((MagnitudePruningModifier{often}.cadence() == takt::Cadence{.start = 0, .update = 2}));
}

BOOST_AUTO_TEST_CASE(an_end_is_needed_and_checked_all_the_same) {
  MagnitudePruningSettings settings = two_steps(true);
  settings.cadence.end.reset();
  BOOST_CHECK_THROW(MagnitudePruningModifier{settings}, takt::InvalidModifier);
  settings.cadence.end = -1;
  BOOST_CHECK_THROW(MagnitudePruningModifier{settings}, takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(after_the_end_nothing_more_is_pruned_and_the_masks_stay_the_same) {
  Training training;
  const auto modifier = training.bus.emplace<MagnitudePruningModifier>(two_steps(true));
  training.bus.initialize();
  training.zeros_after(3);
  // What is smallest now is not what was pruned.
  std::ranges::reverse(training.model[0].values);
  std::vector<float>& values = training.model[0].values;
  std::ranges::fill(values, 5.0F);
  training.zeros_after(4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    BOOST_REQUIRE_MESSAGE((values[i] == 0.0F) == (i < 80), "weight " << i << " is " << values[i]);
  }
  BOOST_TEST(modifier->sparsity() == 0.8);
  BOOST_TEST((modifier->phase() == takt::Phase::active));
}

BOOST_AUTO_TEST_CASE(after_the_end_gradients_are_masked_too) {
  Training training;
  training.bus.emplace<MagnitudePruningModifier>(two_steps(true));
  training.bus.initialize();
  training.zeros_after(5);
  BOOST_TEST(std::ranges::count(training.model[0].gradients, 0.0F) == 80);
}

BOOST_AUTO_TEST_CASE(the_final_sparsity_is_met_where_the_end_lies_between_two_due_steps) {
  MagnitudePruningSettings settings = two_steps(true);
  settings.cadence = {.start = 0, .end = 5, .update = 2};  // due at 0, 2 and 4
  Training training;
  training.bus.emplace<MagnitudePruningModifier>(settings);
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(8), 0, 0, 32, 32, 80, 80, 80, 80);
}

BOOST_AUTO_TEST_CASE(a_run_resumed_after_the_end_is_pruned_to_the_final_sparsity_and_held) {
  Training training{{.global_step = 7}};
  training.bus.emplace<MagnitudePruningModifier>(two_steps(true));
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(3), 80, 80, 80);
}

BOOST_AUTO_TEST_CASE(what_is_due_after_the_end_prunes_nothing_where_nothing_was_due_before) {
  MagnitudePruningSettings settings = two_steps(true);
  settings.cadence = {.start = 1, .end = 3, .update = 4};
  for (const int step : {0, 9}) {
    Training training{{.global_step = step}};
    training.bus.emplace<MagnitudePruningModifier>(settings);
    training.bus.initialize();
    TAKT_CHECK_LONGS(training.zeros_after(6), 0, 0, 0, 0, 0, 0);
  }
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_aborted_after_the_end_leaves_the_masks_held) {
  Training training;
  training.bus.emplace<MagnitudePruningModifier>(two_steps(true));
  training.bus.initialize();
  training.zeros_after(4);
  training.bus.batch_start();
  training.bus.optim_pre_step();
  training.move_weights();
  training.bus.abort_batch();
  BOOST_TEST(training.model[0].zeros() == 80);
}

BOOST_AUTO_TEST_CASE(finalizing_and_removing_let_go_of_the_weights) {
  Training training;
  training.bus.emplace<MagnitudePruningModifier>(two_steps(true));
  training.bus.initialize();
  training.zeros_after(4);
  BOOST_TEST(training.bus.remove("MagnitudePruningModifier"));
  TAKT_CHECK_LONGS(training.zeros_after(1), 0);
}

BOOST_AUTO_TEST_CASE(milestones_are_held_after_the_last_one) {
  TAKT_CHECK_LONGS(zeros_with("MagnitudePruningModifier",
                              {{"update_scheduler", "multi_step"},
                               {"init_sparsity", 0},
                               {"milestones", List{List{1, 0.3}, List{2, 0.6}}},
                               {"end", 3},
                               {"leave_enabled", true}},
                              6),
                   0, 30, 60, 60, 60, 60);
}

BOOST_AUTO_TEST_CASE(whatever_the_window_a_held_weight_never_comes_back) {
  BOOST_TEST(rc::check("with leave_enabled", [] {
    const auto steps_per_epoch = *rc::gen::inRange<std::int64_t>(1, 6);
    const double start = *rc::gen::inRange(0, 8) / 4.0;
    MagnitudePruningSettings settings{
        .cadence = {.start = start,
                    .end = start + *rc::gen::inRange(1, 12) / 4.0,
                    .update = *rc::gen::inRange(0, 5) / 4.0},
        .final_sparsity = *rc::gen::inRange(5, 101) / 100.0,
        .update_scheduler = *rc::gen::element<std::string>("linear", "cubic", "polynomial"),
        .leave_enabled = true};
    Training training{{.steps_per_epoch = steps_per_epoch}};
    const auto modifier = training.bus.emplace<MagnitudePruningModifier>(settings);
    training.bus.initialize();
    std::vector<bool> pruned(100, false);
    for (int step = 0; step < 40; ++step) {
      training.step();
      const std::vector<float>& values = training.model[0].values;
      for (std::size_t i = 0; i < pruned.size(); ++i) {
        RC_ASSERT(!pruned[i] || values[i] == 0.0F);
        pruned[i] = values[i] == 0.0F;
      }
      RC_ASSERT(training.model[0].zeros() ==
                static_cast<long>(takt::pruned_of(modifier->sparsity(), 100)));
    }
    const takt::Cadence& due = settings.cadence;
    if (due.next_update({.steps_per_epoch = steps_per_epoch})) {
      RC_ASSERT(modifier->sparsity() == *settings.final_sparsity);
    }
  }));
}

// SparseML's older class, and its names for targets, update_scheduler and mask_structure.
BOOST_AUTO_TEST_CASE(a_recipe_of_sparseml_prunes_as_it_says) {
  TAKT_CHECK_LONGS(zeros_with("GMPruningModifier",
                              {{"params", List{"re:.*weight"}},
                               {"init_sparsity", 0},
                               {"final_sparsity", 0.8},
                               {"inter_func", "linear"},
                               {"start_epoch", 0},
                               {"end_epoch", 2},
                               {"update_frequency", -1},
                               {"mask_type", "unstructured"},
                               {"leave_enabled", true},
                               {"global_sparsity", false},
                               {"score_type", "magnitude"},
                               {"log_types", "__ALL__"}},
                              5),
                   0, 40, 80, 80, 80);
}

BOOST_AUTO_TEST_CASE(its_other_names_are_those_of_the_same_modifier) {
  const Registry& registry = Registry::builtin();
  const takt::ModifierInfo* const info = registry.find("GMPruningModifier");
  BOOST_REQUIRE(info != nullptr);
  BOOST_TEST(info->name == "MagnitudePruningModifier");
  BOOST_TEST(info->setting("params") == info->setting("targets"));
  BOOST_TEST(info->setting("inter_func") == info->setting("update_scheduler"));
  BOOST_TEST(info->setting("global_sparsity") == info->setting("apply_globally"));
  BOOST_TEST(refused(line_to(0.5, {{"params", "a"}, {"targets", "b"}}), "params") == "targets");
  BOOST_TEST(refused(line_to(0.5, {{"inter_func", "cubic"}}), "twice") == "inter_func");
}

BOOST_AUTO_TEST_CASE(the_targets_choose_by_either_name) {
  for (const char* const name : {"targets", "params"}) {
    Training training;
    training.model.parameters.push_back(rising_weight("other.weight", {10, 10}));
    training.bus.add(Registry::builtin().make("MagnitudePruningModifier",
                                              line_to(0.8, {{name, List{"re:other"}}})));
    training.bus.initialize();
    training.zeros_after(3);
    BOOST_TEST(training.model[0].zeros() == 0, name);
    BOOST_TEST(training.model[1].zeros() == 80, name);
  }
}

BOOST_AUTO_TEST_CASE(a_mask_type_is_a_mask_structure_by_another_name) {
  const auto zeros = [](const Map& more, double sparsity) {
    return zeros_with("MagnitudePruningModifier", line_to(sparsity, more), 3, {12, 8}).back();
  };
  BOOST_TEST(zeros({{"mask_type", "filter"}}, 0.5) == 6 * 8);
  BOOST_TEST(zeros({{"mask_type", "channel"}}, 0.5) == 4 * 12);
  BOOST_TEST(zeros({{"mask_type", "2:4"}}, 0.5) == 48);
  // 24 blocks of four weights of a row, 16 blocks of 3 by 2; 0.35 of them, rounded down.
  BOOST_TEST(zeros({{"mask_type", "block4"}}, 0.35) == 8 * 4);
  BOOST_TEST(zeros({{"mask_type", List{1, 4}}}, 0.35) == 8 * 4);
  BOOST_TEST(zeros({{"mask_type", List{3, 2}}}, 0.35) == 5 * 6);
  BOOST_TEST(zeros({{"mask_structure", "block_3,2"}}, 0.35) == 5 * 6);
}

BOOST_AUTO_TEST_CASE(a_mask_type_that_is_none_is_refused) {
  BOOST_TEST(refused(line_to(0.5, {{"mask_type", "block5"}}), "block5") == "other");
  BOOST_TEST(refused(line_to(0.5, {{"mask_type", List{1, 2, 3}}}), "[rows, columns]") ==
             "mask_type");
  BOOST_TEST(refused(line_to(0.5, {{"mask_type", List{1, 0.5}}}), "whole number") == "mask_type");
  BOOST_TEST(refused(line_to(0.5, {{"mask_type", List{0, 4}}}), "block_0,4") == "other");
  BOOST_TEST(refused(line_to(0.5, {{"mask_type", 4}}), "text") == "mask_type");
}

// LLM Compressor's scheduler_args: the exponent of a polynomial, or the steps of multi_step.
BOOST_AUTO_TEST_CASE(scheduler_args_are_the_exponent_or_the_milestones) {
  Map polynomial = line_to(0.8, {{"scheduler_args", Map{{"exponent", 3}}}});
  polynomial[2].value = "polynomial";
  TAKT_CHECK_LONGS(zeros_with("MagnitudePruningModifier", polynomial, 3), 0, 10, 80);
  TAKT_CHECK_LONGS(
      zeros_with("MagnitudePruningModifier",
                 {{"update_scheduler", "multi_step"},
                  {"init_sparsity", 0.1},
                  {"scheduler_args", Map{{"steps", List{SettingValue(List{1, 0.4})}}}}},
                 3),
      10, 40, 40);
  BOOST_TEST(refused(line_to(0.5, {{"scheduler_args", Map{{"exponents", 3}}}}),
                     "there are exponent and steps") == "scheduler_args");
  BOOST_TEST(
      refused(line_to(0.5, {{"scheduler_args", Map{{"steps", List{SettingValue(List{1})}}}}}),
              "[index, sparsity]") == "scheduler_args");
  BOOST_TEST(refused(line_to(0.5, {{"scheduler_args", 3}}), "map") == "scheduler_args");
}

BOOST_AUTO_TEST_CASE(what_takt_does_not_do_is_refused) {
  BOOST_TEST(refused(line_to(0.5, {{"global_sparsity", true}}), "only be false") ==
             "global_sparsity");
  BOOST_TEST(refused(line_to(0.5, {{"apply_globally", true}}), "only be false") ==
             "apply_globally");
  BOOST_TEST(refused(line_to(0.5, {{"score_type", "movement"}}), "magnitude") == "score_type");
  BOOST_TEST(refused(line_to(0.5, {{"leave_enabled", 1}}), "true or false") == "leave_enabled");
}

BOOST_AUTO_TEST_SUITE_END()
