// SPDX-License-Identifier: BSL-1.0
// Quantized weights in the model for evaluation, and to be saved.
#include <boost/test/unit_test.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/ema.hpp>
#include <vector>

#include "error_text.hpp"
#include "quantization_cases.hpp"

namespace {

using takt::Batch;
using takt::LifecycleError;
using takt::QuantizationModifier;
using takt::QuantizationParameters;
using takt::QuantizationSettings;
using takt::test::all_as;
using takt::test::has;
using takt::test::message_of;
using takt::test::nested;
using takt::test::three_bits;
using Training = takt::test::QuantizedTraining;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(quantization_apply, Training)

BOOST_AUTO_TEST_CASE(apply_puts_quantized_weights_in_and_restore_takes_them_out) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  BOOST_TEST(!modifier->applied());
  modifier->apply(model);
  BOOST_TEST(modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3, 1, 0, 0);
  modifier->restore(model);
  BOOST_TEST(!modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
  modifier->restore(model);
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
}

BOOST_AUTO_TEST_CASE(in_the_window_an_evaluation_has_the_scales_of_the_last_batch) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({7, 1.25, 0, 0});
  modifier->with_quantized(model, [&] { TAKT_CHECK_VALUES(model[0].values, 3, 1, 0, 0); });
  BOOST_TEST(scale() == 1.0F);
  TAKT_CHECK_VALUES(step_to({7, 1.25, 0, 0}), 6, 2, 0, 0);
  BOOST_TEST(scale() == 2.0F);
}

BOOST_AUTO_TEST_CASE(after_the_window_an_evaluation_has_the_scales_of_the_weights_there_are) {
  quantize({.cadence = {.end = 0}, .config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  (void)step_to({7, 1.25, 0, 0});
  modifier->with_quantized(model, [&] { TAKT_CHECK_VALUES(model[0].values, 6, 2, 0, 0); });
  BOOST_TEST(scale() == 2.0F);
  bus.finalize();
  modifier->apply(model);  // to be saved
  TAKT_CHECK_VALUES(model[0].values, 6, 2, 0, 0);
}

BOOST_AUTO_TEST_CASE(before_the_window_there_is_nothing_to_apply) {
  quantize({.cadence = {.start = 1}, .config_groups = all_as(three_bits)});
  (void)step_to({7, 0, 0, 0});
  BOOST_TEST(has(message_of<LifecycleError>([&] { modifier->apply(model); }), "no scales"));
  TAKT_CHECK_VALUES(model[0].values, 7, 0, 0, 0);
  modifier->restore(model);
  TAKT_CHECK_VALUES(model[0].values, 7, 0, 0, 0);
}

BOOST_AUTO_TEST_CASE(apply_in_a_batch_that_has_them_or_twice_is_an_error) {
  quantize({.config_groups = all_as(three_bits)});
  bus.batch([&](Batch&) { BOOST_CHECK_THROW(modifier->apply(model), LifecycleError); });
  modifier->apply(model);
  BOOST_CHECK_THROW(modifier->apply(model), LifecycleError);
  TAKT_CHECK_VALUES(model[0].values, 3, 1, -1, 0);
  modifier->restore(model);
  TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
}

BOOST_AUTO_TEST_CASE(full_precision_weights_are_back_after_a_callable_that_throws) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  BOOST_CHECK_THROW(modifier->with_quantized(model, [] { throw std::runtime_error{"no data"}; }),
                    std::runtime_error);
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
}

BOOST_AUTO_TEST_CASE(a_batch_that_starts_with_applied_ones_gets_full_precision_and_an_error) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  modifier->apply(model);
  const std::string error =
      nested<LifecycleError>([&] { bus.batch([](Batch&) { BOOST_FAIL("it ran"); }); });
  BOOST_TEST(has(error, "Call restore"), error);
  BOOST_TEST(!modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 0}), 3, 1, 0, 0);
}

BOOST_AUTO_TEST_CASE(full_precision_weights_are_back_before_the_error_is_told) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  modifier->apply(model);
  BOOST_TEST(nested<LifecycleError>([&] { bus.batch_start(); }) != "");
  BOOST_TEST(!modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);  // the batch is open, and may go on
}

BOOST_AUTO_TEST_CASE(the_end_of_the_window_and_of_training_take_out_what_is_applied) {
  quantize({.cadence = {.end = 1}, .config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  bus.batch([&](Batch& batch) {
    batch.step([] {});
    modifier->apply(model);
  });
  BOOST_TEST(!modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
  modifier->apply(model);
  bus.finalize();
  BOOST_TEST(!modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
}

BOOST_AUTO_TEST_CASE(a_window_that_closes_with_a_calibration_epoch_takes_out_what_is_applied) {
  quantize({.cadence = {.end = 0}, .config_groups = all_as(three_bits)});
  model[0].values = {3.5, 1.25, 0, 0};
  bus.calibration_epoch_start();
  modifier->apply(model);
  bus.calibration_epoch_end();
  BOOST_TEST(!modifier->applied());
  TAKT_CHECK_VALUES(model[0].values, 3.5, 1.25, 0, 0);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_window_that_training_cuts_short_takes_out_what_is_applied) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({7, 1.25, 0, 0});
  modifier->apply(model);
  bus.finalize();
  TAKT_CHECK_VALUES(model[0].values, 7, 1.25, 0, 0);
  BOOST_TEST(scale() == 2.0F);  // of the full-precision weights, not of the applied ones
}

BOOST_AUTO_TEST_CASE(restore_in_a_batch_lets_the_rest_of_it_run_on_full_precision) {
  quantize({.config_groups = all_as(three_bits)});
  bus.batch([&](Batch& batch) {
    modifier->restore(model);
    batch.step([&] {
      TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
      model[0].values = {7, 1.25, 0, 0};
    });
  });
  TAKT_CHECK_VALUES(model[0].values, 7, 1.25, 0, 0);
}

BOOST_AUTO_TEST_CASE(the_integers_are_those_that_the_quantized_weights_stand_for) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({7, 1.25, -8, 0});
  bus.finalize();
  const auto& found = *bus.state().get<QuantizationParameters>().find("fc.weight");
  const auto integers = takt::quantized_values(found, model[0].values);
  modifier->with_quantized(model, [&] {
    for (std::size_t i = 0; i < integers.size(); ++i) {
      BOOST_TEST(model[0].values[i] == static_cast<float>(integers[i]) * found.affines[0].scale);
    }
  });
}

BOOST_AUTO_TEST_CASE(averages_of_quantized_training_are_of_full_precision_weights) {
  const auto ema = bus.emplace<takt::EMAModifier>(takt::EMASettings{.decay = 0.5});
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({7, 0.25, 0, 0});
  ema->with_averages(model, [&] {
    TAKT_CHECK_VALUES(model[0].values, 5.25, 0.5, -0.625, 0);
    modifier->with_quantized(model, [&] { TAKT_CHECK_VALUES(model[0].values, 3, 0, -1, 0); });
    TAKT_CHECK_VALUES(model[0].values, 5.25, 0.5, -0.625, 0);
  });
  TAKT_CHECK_VALUES(model[0].values, 7, 0.25, 0, 0);
}

BOOST_AUTO_TEST_CASE(averages_and_quantized_weights_are_taken_out_in_any_order) {
  const auto ema = bus.emplace<takt::EMAModifier>(takt::EMASettings{.decay = 0.5});
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({7, 0.25, 0, 0});
  ema->apply(model);
  modifier->apply(model);
  ema->restore(model);
  TAKT_CHECK_VALUES(model[0].values, 3, 0, 0, 0);
  modifier->restore(model);
  TAKT_CHECK_VALUES(model[0].values, 7, 0.25, 0, 0);
  ema->with_averages(model, [&] { TAKT_CHECK_VALUES(model[0].values, 5.25, 0.5, -0.625, 0); });
}

BOOST_AUTO_TEST_CASE(on_another_bus_it_begins_anew) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({7, 0.25, 0, 0});
  bus.finalize();
  BOOST_TEST(bus.remove("QuantizationModifier"));
  Training next;
  next.bus.add(modifier);
  next.bus.initialize();
  TAKT_CHECK_VALUES(next.step_to({0, 0, 0, 0}), 3, 1, -1, 0);
  BOOST_TEST(next.scale() == 1.0F);
}

BOOST_AUTO_TEST_CASE(a_bus_may_be_gone_before_quantized_weights_are_taken_out) {
  VectorModel net{{{.name = "w", .shape = {1, 2}, .values = {3.5, 1.25}}}};
  std::shared_ptr<QuantizationModifier> left;
  {
    takt::EventBus short_lived;
    short_lived.state().set(net);
    left = short_lived.emplace<QuantizationModifier>(
        QuantizationSettings{.config_groups = all_as(three_bits)});
    short_lived.initialize();
    short_lived.batch([](Batch&) {});
    left->apply(net);
  }
  TAKT_CHECK_VALUES(net[0].values, 3, 1);
  left->restore(net);
  TAKT_CHECK_VALUES(net[0].values, 3.5, 1.25);
}

BOOST_AUTO_TEST_SUITE_END()
