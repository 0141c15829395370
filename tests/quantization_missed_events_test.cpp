// SPDX-License-Identifier: BSL-1.0
// What quantization and its neighbours come to where an error made one of them miss an event, and
// the loop went on: the same in whichever order they are registered.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "quantization_cases.hpp"

namespace {

using takt::EventType;
using takt::QuantizationModifier;
using takt::QuantizationSettings;
using takt::test::all_as;
using takt::test::three_bits;
using enum takt::EventType;
using Values = std::vector<float>;

/// A bus on which the first modifier throws at the first event of a type.
struct MissingBus {
  explicit MissingBus(EventType type) {
    bus.state().set(model);
    bus.on({type}, {}, [this] {
      if (!std::exchange(thrown, true)) throw std::runtime_error{"a fault"};
    });
  }

  void quantize() {
    quantizer = bus.emplace<QuantizationModifier>(
        QuantizationSettings{.config_groups = all_as(three_bits)});
  }
  /// A batch whose optimizer sets the weights, in a loop that goes on after an error.
  void step_to(const Values& weights) {
    const auto emit = [&](EventType type) {
      try {
        bus.emit(type);
      } catch (const takt::ModifierError&) {  // as if nothing had been thrown
      }
    };
    emit(BATCH_START);
    emit(OPTIM_PRE_STEP);
    model[0].values = weights;
    emit(OPTIM_POST_STEP);
    emit(BATCH_END);
  }

  bool thrown = false;
  VectorModel model{{{.name = "w", .shape = {2, 2}, .values = {3.5, 0.75, -1.25, 0}}}};
  takt::EventBus bus;
  std::shared_ptr<QuantizationModifier> quantizer;
};

/// And on which a quantizer comes before or after another modifier.
template <class M, class Settings>
struct Missing : MissingBus {
  Missing(EventType type, const Settings& settings, bool quantizer_first) : MissingBus{type} {
    if (quantizer_first) quantize();
    other = bus.emplace<M>(settings);
    if (!quantizer_first) quantize();
    bus.initialize();
  }

  std::shared_ptr<M> other;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_missed_events)

BOOST_AUTO_TEST_CASE(zeros_that_were_not_held_after_a_step_are_held_when_a_batch_is_aborted) {
  for (const bool quantizer_first : {true, false}) {
    Missing<takt::ConstantPruningModifier, takt::ConstantPruningSettings> run{
        OPTIM_POST_STEP, {}, quantizer_first};
    run.step_to({3.5, 1.25, 0.25, 2});
    BOOST_TEST(run.model[0].values[3] == 2.0F);  // missed
    run.bus.batch_start();
    run.bus.abort_batch();
    TAKT_CHECK_VALUES(run.model[0].values, 3.5, 1.25, 0.25, 0);
  }
}

BOOST_AUTO_TEST_CASE(weights_that_were_not_guarded_after_a_step_are_put_right_when_one_is_aborted) {
  for (const bool quantizer_first : {true, false}) {
    Missing<takt::NanGuardModifier, takt::NanGuardSettings> run{
        OPTIM_POST_STEP, {.action = "restore"}, quantizer_first};
    run.step_to({std::numeric_limits<float>::infinity(), 1, 1, 1});
    run.bus.batch_start();
    run.bus.abort_batch();
    TAKT_CHECK_VALUES(run.model[0].values, 3.5, 0.75, -1.25, 0);
  }
}

BOOST_AUTO_TEST_CASE(a_step_that_moves_quantized_weights_is_undone_and_not_kept_as_good) {
  for (const bool quantizer_first : {true, false}) {
    Missing<takt::NanGuardModifier, takt::NanGuardSettings> run{
        OPTIM_PRE_STEP, {.action = "restore"}, quantizer_first};
    run.step_to({9, 9, 9, 9});
    run.step_to({std::numeric_limits<float>::infinity(), 1, 1, 1});
    TAKT_CHECK_VALUES(run.model[0].values, 3.5, 0.75, -1.25, 0);
  }
}

BOOST_AUTO_TEST_CASE(a_step_that_moves_quantized_weights_is_undone_and_not_averaged) {
  for (const bool quantizer_first : {true, false}) {
    Missing<takt::EMAModifier, takt::EMASettings> run{
        OPTIM_PRE_STEP, {.decay = 0.5}, quantizer_first};
    run.step_to({9, 9, 9, 9});
    TAKT_CHECK_VALUES(run.model[0].values, 3.5, 0.75, -1.25, 0);
    run.other->with_averages(run.model,
                             [&] { TAKT_CHECK_VALUES(run.model[0].values, 3.5, 0.75, -1.25, 0); });
  }
}

BOOST_AUTO_TEST_CASE(a_batch_whose_end_was_missed_counts_as_the_first_of_the_window) {
  for (const bool thrower_first : {true, false}) {
    takt::EventBus bus{{.global_step = 1}};
    VectorModel model{{{.name = "w", .shape = {1, 2}, .values = {3.5, 1}}}};
    bus.state().set(model);
    const auto fail = [&] {
      bus.on({BATCH_END}, {}, [thrown = false]() mutable {
        if (!std::exchange(thrown, true)) throw std::runtime_error{"a fault"};
      });
    };
    if (thrower_first) fail();
    bus.emplace<QuantizationModifier>(
        QuantizationSettings{.cadence = {.update = 7}, .config_groups = all_as(three_bits)});
    if (!thrower_first) fail();
    bus.initialize();
    BOOST_CHECK_THROW(bus.batch([](takt::Batch&) {}), takt::ModifierError);
    model[0].values = {7, 1};
    bus.batch([&](takt::Batch&) { TAKT_CHECK_VALUES(model[0].values, 3, 1); });
  }
}

BOOST_AUTO_TEST_CASE(averages_left_in_a_batch_are_taken_out_from_under_quantized_weights) {
  for (const bool quantizer_first : {true, false}) {
    Missing<takt::EMAModifier, takt::EMASettings> run{
        SEQUENTIAL_EPOCH_END, {.decay = 0.5}, quantizer_first};
    run.step_to({7, 1.25, 0, 0});
    run.other->apply(run.model);
    BOOST_CHECK_THROW(run.bus.batch_start(), takt::ModifierError);
    if (quantizer_first) {
      BOOST_TEST(run.quantizer->applied());
      TAKT_CHECK_VALUES(run.model[0].values, 6, 2, 0, 0);
    }
    run.bus.abort_batch();
    TAKT_CHECK_VALUES(run.model[0].values, 7, 1.25, 0, 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
