// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "vector_model.hpp"

namespace {

using takt::MagnitudePruningModifier;
using takt::MagnitudePruningSettings;
using takt::test::nested;

using Shape = std::vector<std::int64_t>;
using Longs = std::vector<long>;

VectorParameter random_weight(std::string name, Shape shape, unsigned seed = 1) {
  std::size_t size = 1;
  for (const std::int64_t dimension : shape) size *= static_cast<std::size_t>(dimension);
  VectorParameter parameter{.name = std::move(name), .shape = std::move(shape), .kind = "Linear"};
  std::mt19937 random{seed};
  std::uniform_real_distribution<float> weight{0.1F, 1.0F};
  for (std::size_t i = 0; i < size; ++i) {
    parameter.values.push_back(i % 2 == 0 ? weight(random) : -weight(random));
  }
  parameter.gradients.assign(size, 1.0F);
  return parameter;
}

/// A bus and a model whose optimizer moves every weight, masked or not.
struct Training {
  explicit Training(VectorParameter weight = random_weight("fc.weight", {10, 10}),
                    takt::Event start = {})
      : bus{start} {
    model.parameters.push_back(std::move(weight));
    bus.state().set(model);
  }

  void move_weights() {
    for (VectorParameter& parameter : model.parameters) {
      for (float& value : parameter.values) value += 0.5F + drift(random);
    }
  }

  void step() {
    for (VectorParameter& parameter : model.parameters) {
      std::ranges::fill(parameter.gradients, 1.0F);
    }
    bus.batch([&](takt::Batch& batch) {
      batch.step([&] {
        before_step();
        move_weights();
      });
    });
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

  std::shared_ptr<MagnitudePruningModifier> prune(MagnitudePruningSettings settings) {
    return bus.emplace<MagnitudePruningModifier>(std::move(settings));
  }

  VectorModel model;
  takt::EventBus bus;
  std::function<void()> before_step = [] {};
  std::mt19937 random{7};
  std::uniform_real_distribution<float> drift{0.0F, 0.4F};
};

MagnitudePruningSettings linear(double start, double end,
                                std::optional<double> update = std::nullopt) {
  return {.cadence = {.start = start, .end = end, .update = update},
          .init_sparsity = 0.0,
          .final_sparsity = 0.8,
          .update_scheduler = "linear"};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// That the constructor refuses the settings with a message in which each of `words` occurs.
void check_refused(const MagnitudePruningSettings& settings,
                   const std::vector<std::string>& words) {
  try {
    const MagnitudePruningModifier modifier{settings};
    BOOST_ERROR("not refused, expected: " << words.front());
  } catch (const takt::InvalidModifier& error) {
    const std::string message = error.what();
    BOOST_TEST(contains(message, "\"" + settings.name + "\""), message);
    for (const std::string& word : words) {
      BOOST_TEST(contains(message, word), "no \"" << word << "\" in: " << message);
    }
  }
}

}  // namespace

#define TAKT_CHECK_LONGS(actual, ...) \
  BOOST_TEST((actual) == (Longs{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_AUTO_TEST_SUITE(magnitude_pruning)

BOOST_AUTO_TEST_CASE(each_due_step_prunes_to_the_sparsity_of_its_index) {
  Training training;
  const auto modifier = training.prune(linear(1, 9, 2));
  training.bus.initialize();
  BOOST_TEST(modifier->sparsity() == 0.0);
  TAKT_CHECK_LONGS(training.zeros_after(8), 0, 0, 10, 10, 30, 30, 50, 50);
  BOOST_TEST(modifier->sparsity() == 0.5);
}

BOOST_AUTO_TEST_CASE(an_unset_start_is_0) {
  Training training;
  MagnitudePruningSettings settings = linear(0, 8);
  settings.cadence.start.reset();
  training.prune(settings);
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(9), 0, 10, 20, 30, 40, 50, 60, 70, 80);
}

BOOST_AUTO_TEST_CASE(the_last_due_step_lands_on_the_final_sparsity) {
  Training training;
  training.prune(linear(0, 10, 4));  // due at 0, 4 and 8
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(11), 0, 0, 0, 0, 32, 32, 32, 32, 80, 80, 80);
}

BOOST_AUTO_TEST_CASE(an_end_that_no_step_meets_is_arrived_at_by_the_step_before) {
  Training training{random_weight("fc.weight", {10, 10}), takt::Event{.steps_per_epoch = 3}};
  training.prune(linear(0, 1.5));  // steps 0 to 4
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(5), 0, 17, 35, 53, 80);
}

BOOST_AUTO_TEST_CASE(cubic_is_the_schedule_unless_another_is_named) {
  Training training;
  training.prune({.cadence = {.end = 4}, .final_sparsity = 0.85});
  training.bus.initialize();
  // 0.85 - 0.8 (1 - t)^3
  TAKT_CHECK_LONGS(training.zeros_after(5), 5, 51, 75, 83, 85);
}

BOOST_AUTO_TEST_CASE(multi_step_prunes_at_its_milestones_and_needs_no_end) {
  Training training;
  training.prune({.cadence = {.start = 1},
                  .init_sparsity = 0.1,
                  .update_scheduler = "multi_step",
                  .milestones = {{3, 0.4}, {5, 0.7}}});
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(7), 0, 10, 10, 40, 40, 70, 70);
}

BOOST_AUTO_TEST_CASE(an_exponent_reaches_its_schedule) {
  Training training;
  MagnitudePruningSettings settings = linear(0, 2);
  settings.update_scheduler = "polynomial";
  settings.exponent = 3.0;
  training.prune(settings);
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(3), 0, 10, 80);
}

BOOST_AUTO_TEST_CASE(every_parameter_is_pruned_by_itself_to_the_exact_count) {
  Training training{random_weight("a.weight", {7, 3})};
  training.model.parameters.push_back(random_weight("b.weight", {10, 10}, 2));
  for (float& value : training.model[1].values) value *= 100.0F;  // larger than all of the other's
  training.prune({.cadence = {.end = 3}, .final_sparsity = 0.9});
  training.bus.initialize();
  training.zeros_after(4);
  BOOST_TEST(training.model[0].zeros() == 18);  // floor(0.9 x 21)
  BOOST_TEST(training.model[1].zeros() == 90);
}

BOOST_AUTO_TEST_CASE(the_smallest_weights_go_first) {
  Training training{{.name = "w", .shape = {2, 4}, .values = {8, -1, 7, -2, 6, -3, 5, -4}}};
  training.prune({.cadence = {.end = 4}, .init_sparsity = 0.5, .final_sparsity = 0.5});
  training.bus.initialize();
  training.bus.batch_start();
  BOOST_TEST(training.model[0].values == (std::vector<float>{8, 0, 7, 0, 6, 0, 5, 0}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_optimizer_sees_no_gradient_of_what_is_pruned) {
  Training training;
  training.prune(linear(0, 4));
  int steps_seen = 0;
  training.before_step = [&] {
    ++steps_seen;
    const VectorParameter& weight = training.model[0];
    for (std::size_t i = 0; i < weight.values.size(); ++i) {
      const float expected = weight.values[i] == 0.0F ? 0.0F : 1.0F;
      BOOST_REQUIRE_EQUAL(weight.gradients[i], expected);
    }
  };
  training.bus.initialize();
  training.zeros_after(5);
  BOOST_TEST(steps_seen == 5);
  BOOST_TEST(std::ranges::count(training.model[0].gradients, 0.0F) == 80);
}

BOOST_AUTO_TEST_CASE(a_model_without_gradients_can_be_pruned) {
  Training training;
  training.model[0].gradients.clear();
  training.prune(linear(0, 2));
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(3), 0, 40, 80);
}

BOOST_AUTO_TEST_CASE(after_the_window_nothing_holds_the_mask) {
  Training training;
  training.prune(linear(0, 2));
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(4), 0, 40, 80, 0);
}

BOOST_AUTO_TEST_CASE(a_constant_modifier_that_starts_at_its_end_leaves_no_step_unmasked) {
  Training training;
  training.prune(linear(0, 2));
  training.bus.emplace<takt::ConstantPruningModifier>(
      takt::ConstantPruningSettings{.cadence = {.start = 2}});
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(6), 0, 40, 80, 80, 80, 80);
}

BOOST_AUTO_TEST_CASE(batches_without_a_step_prune_nothing_further) {
  Training training;
  training.prune(linear(0, 4));
  training.bus.initialize();
  training.step();
  for (int i = 0; i < 3; ++i) {
    training.bus.batch([](takt::Batch&) {});
    BOOST_TEST(training.model[0].zeros() == 20);
  }
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_leaves_the_masks_held_and_is_repeated_without_change) {
  Training training;
  training.prune(linear(0, 4));
  training.bus.initialize();
  training.step();
  const auto failing_step = [&](takt::Batch& batch) {
    batch.step([&] {
      training.move_weights();
      throw std::runtime_error{"out of memory"};
    });
  };
  BOOST_CHECK_THROW(training.bus.batch(failing_step), std::runtime_error);
  BOOST_TEST(training.model[0].zeros() == 20);
  std::vector<bool> pruned;
  for (const float value : training.model[0].values) pruned.push_back(value == 0.0F);
  training.step();
  BOOST_TEST(training.model[0].zeros() == 20);
  for (std::size_t i = 0; i < pruned.size(); ++i) {
    if (pruned[i]) BOOST_TEST(training.model[0].values[i] == 0.0F);
  }
  training.step();
  BOOST_TEST(training.model[0].zeros() == 40);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_is_pruned_at_once_as_its_last_due_step_would_have_been) {
  Training training{random_weight("fc.weight", {10, 10}), takt::Event{.global_step = 6}};
  const auto modifier = training.prune(linear(0, 16, 4));
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(4), 20, 20, 40, 40);
  BOOST_TEST(modifier->sparsity() == 0.4);
}

BOOST_AUTO_TEST_CASE(a_run_resumed_behind_the_last_due_step_has_the_final_sparsity) {
  Training training{random_weight("fc.weight", {10, 10}), takt::Event{.global_step = 9}};
  training.prune(linear(0, 10, 4));
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(2), 80, 80);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_keeps_the_zeros_it_brings) {
  Training training;
  training.prune(linear(0, 16, 4));
  training.bus.initialize();
  training.zeros_after(6);
  const std::vector<float> values = training.model[0].values;

  Training resumed{training.model[0], training.bus.now()};
  resumed.prune(linear(0, 16, 4));
  resumed.bus.initialize();
  resumed.bus.batch_start();
  BOOST_TEST(resumed.model[0].values == values, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_window_that_opens_between_due_steps_waits_for_the_first) {
  Training training;
  training.prune(linear(1, 9, 4));  // due at 4 and 8
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(9), 0, 0, 0, 0, 30, 30, 30, 30, 80);
}

BOOST_AUTO_TEST_CASE(a_window_that_closes_in_a_calibration_epoch_is_pruned_before_it) {
  Training training;
  training.prune(linear(0, 2));
  training.bus.initialize();
  training.zeros_after(2);
  training.bus.calibration_epoch([] {});
  BOOST_TEST(training.model[0].zeros() == 80);
}

BOOST_AUTO_TEST_CASE(a_bias_is_pruned_only_when_it_is_named) {
  Training training;
  training.model.parameters.push_back(random_weight("fc.bias", {10}));
  MagnitudePruningSettings settings = linear(0, 1);
  settings.targets = {"Linear"};
  training.prune(settings);
  settings.name = "biases";
  settings.targets = {"__ALL__", "re:.*bias"};
  settings.ignore = {"fc.weight"};
  settings.cadence = {.start = 2, .end = 3};
  training.prune(settings);
  training.bus.initialize();
  training.zeros_after(2);
  BOOST_TEST(training.model[0].zeros() == 80);
  BOOST_TEST(training.model[1].zeros() == 0);
  training.zeros_after(2);
  BOOST_TEST(training.model[0].zeros() == 0);
  BOOST_TEST(training.model[1].zeros() == 8);
}

BOOST_AUTO_TEST_CASE(whole_filters_channels_and_blocks_are_pruned) {
  for (const auto& [structure, zeros] : std::vector<std::pair<std::string, long>>{
           {"filter", 8 * 15}, {"channel", 10 * 12}, {"block_2,5", 12 * 10}}) {
    Training training{random_weight("conv.weight", {10, 5, 3})};
    MagnitudePruningSettings settings = linear(0, 1);
    settings.mask_structure = structure;
    settings.final_sparsity = 0.82;  // of 10 filters, of 5 channels, of 15 blocks
    training.prune(settings);
    training.bus.initialize();
    training.zeros_after(2);
    BOOST_TEST(training.model[0].zeros() == zeros, structure);
  }
}

BOOST_AUTO_TEST_CASE(n_of_m_ends_with_every_group_full) {
  Training training{random_weight("fc.weight", {5, 9})};
  training.prune({.cadence = {.end = 3},
                  .init_sparsity = 0.0,
                  .final_sparsity = 0.6666,  // two thirds, as a recipe has it
                  .update_scheduler = "linear",
                  .mask_structure = "1:3"});
  training.bus.initialize();
  TAKT_CHECK_LONGS(training.zeros_after(4), 0, 10, 20, 30);
  for (std::size_t first = 0; first < 45; first += 3) {
    const auto group = training.model[0].values.begin() + static_cast<std::ptrdiff_t>(first);
    BOOST_TEST(std::count(group, group + 3, 0.0F) == 2);
  }
}

BOOST_AUTO_TEST_CASE(n_of_m_needs_the_sparsity_of_its_pattern) {
  MagnitudePruningSettings settings = linear(0, 4);
  settings.mask_structure = "1:4";
  check_refused(settings, {"final_sparsity is 0.8", "1:4 keeps 1 of every 4", "needs 0.75"});
  settings.final_sparsity = 0.25;  // the share kept, not pruned
  check_refused(settings, {"needs 0.75"});
  settings.final_sparsity = 0.75;
  BOOST_CHECK_NO_THROW(MagnitudePruningModifier{settings});
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  check_refused({.name = "mine", .cadence = {.end = 1}}, {"final_sparsity is not set"});
  check_refused({.final_sparsity = 0.9}, {"cubic", "end"});
  check_refused({.cadence = {.start = 2, .end = 2}, .final_sparsity = 0.9}, {"after the start, 2"});
  check_refused(
      {.cadence = {.end = std::numeric_limits<double>::infinity()}, .final_sparsity = 0.9},
      {"finite"});
  check_refused({.cadence = {.end = 1}, .final_sparsity = 90.0}, {"90", "from 0 to 1"});
  check_refused({.cadence = {.end = 1}, .init_sparsity = std::nan(""), .final_sparsity = 0.9},
                {"init_sparsity is nan"});
  check_refused({.cadence = {.end = 1}, .final_sparsity = 0.9, .update_scheduler = "cubik"},
                {"\"cubik\"", "multi_step"});
  check_refused({.cadence = {.end = 1}, .final_sparsity = 0.9, .exponent = 2.0}, {"no exponent"});
  check_refused({.cadence = {.end = 1},
                 .final_sparsity = 0.9,
                 .update_scheduler = "polynomial",
                 .exponent = 0.0},
                {"exponent is 0"});
  check_refused({.update_scheduler = "multi_step"}, {"milestones"});
  check_refused({.cadence = {.end = 1}, .final_sparsity = 0.9, .mask_structure = "4:2"},
                {"\"4:2\"", "block_R,C"});
  BOOST_CHECK_THROW((MagnitudePruningModifier{{.cadence = {.start = 2, .end = 1}}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_told_before_training_starts) {
  takt::EventBus bus;
  bus.emplace<MagnitudePruningModifier>(linear(5, 9));
  BOOST_TEST(contains(nested<takt::MissingState>([&] { bus.initialize(); }), "Model"));
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_are_told_before_training_starts) {
  Training training;
  MagnitudePruningSettings settings = linear(5, 9);
  settings.targets = {"fc1.weight"};
  training.prune(settings);
  const std::string message = nested<takt::TargetError>([&] { training.bus.initialize(); });
  BOOST_TEST(contains(message, "fc1.weight"), message);
  BOOST_TEST(contains(message, "fc.weight"), message);
}

BOOST_AUTO_TEST_CASE(a_structure_that_does_not_fit_names_modifier_and_parameter) {
  Training training;
  MagnitudePruningSettings settings = linear(5, 9);
  settings.mask_structure = "block_3,3";
  training.prune(settings);
  const std::string message = nested<takt::InvalidModifier>([&] { training.bus.initialize(); });
  BOOST_TEST(contains(message, "\"MagnitudePruningModifier\""), message);
  BOOST_TEST(contains(message, "'fc.weight'"), message);
  BOOST_TEST(contains(message, "block_3,3"), message);
}

BOOST_AUTO_TEST_CASE(a_model_that_changed_since_initialize_is_checked_again_at_the_start) {
  Training training;
  training.model.parameters.push_back(random_weight("other.weight", {4, 8}));
  MagnitudePruningSettings settings = linear(0, 4);
  settings.init_sparsity = 0.5;
  settings.mask_structure = "block_2,2";
  training.prune(settings);
  training.bus.initialize();
  training.model[1].shape = {1, 32};
  const std::string message = nested<takt::InvalidModifier>([&] { training.bus.batch_start(); });
  BOOST_TEST(contains(message, "'other.weight'"), message);
  BOOST_TEST(training.model[0].zeros() == 0);  // nothing was changed
}

BOOST_AUTO_TEST_CASE(masks_hold_whatever_the_optimizer_does) {
  BOOST_TEST(rc::check("exact, monotone, held", [] {
    const auto structure =
        *rc::gen::element<std::string>("unstructured", "channel", "filter", "block_2,3", "2:4");
    const auto scheduler =
        *rc::gen::element<std::string>("linear", "cubic", "polynomial", "polynomial_decay");
    const std::size_t rows = *rc::gen::inRange<std::size_t>(1, 4) * 2;
    const std::size_t columns = *rc::gen::inRange<std::size_t>(1, 3) * 12;
    const std::size_t units = structure == "channel"     ? columns
                              : structure == "filter"    ? rows
                              : structure == "block_2,3" ? rows * columns / 6
                                                         : rows * columns;
    const double start = *rc::gen::inRange(0, 12) / 4.0;
    MagnitudePruningSettings settings{
        .cadence = {.start = start,
                    .end = start + *rc::gen::inRange(1, 16) / 4.0,
                    .update = *rc::gen::inRange(0, 5) / 4.0},
        .init_sparsity = *rc::gen::inRange(0, 50) / 100.0,
        .final_sparsity = structure == "2:4" ? 0.5 : *rc::gen::inRange(50, 101) / 100.0,
        .update_scheduler = scheduler,
        .mask_structure = structure};
    Training training{
        random_weight("w", {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)},
                      *rc::gen::arbitrary<unsigned>()),
        takt::Event{.steps_per_epoch = *rc::gen::inRange(1, 9)}};
    training.random.seed(*rc::gen::arbitrary<unsigned>());
    const auto modifier = training.prune(settings);
    std::vector<bool> pruned(rows * columns, false);
    bool any_due = false;
    training.bus.initialize();
    while (training.bus.now().current_index() <= *settings.cadence.end) {
      any_due = any_due || settings.cadence.should_update(training.bus.now());
      if (*rc::gen::inRange(0, 8) == 0) {
        training.bus.batch_start();
        training.bus.optim_pre_step();
        training.move_weights();
        training.bus.abort_batch();
      }
      training.step();
      const VectorParameter& weight = training.model[0];
      for (std::size_t i = 0; i < pruned.size(); ++i) {
        RC_ASSERT(!pruned[i] || weight.values[i] == 0.0F);
        pruned[i] = weight.values[i] == 0.0F;
      }
      const std::size_t count =
          takt::pruned_of(modifier->sparsity(), units) * (rows * columns / units);
      RC_ASSERT(weight.zeros() == static_cast<long>(count));
    }
    if (any_due) RC_ASSERT(modifier->sparsity() == *settings.final_sparsity);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
