// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "quantization_cases.hpp"

namespace {

using takt::Batch;
using takt::QuantizationModifier;
using takt::QuantizationParameters;
using takt::QuantizationSettings;
using takt::test::all_as;
using takt::test::has;
using takt::test::message_of;
using takt::test::nested;
using takt::test::three_bits;
using Training = takt::test::QuantizedTraining;
using Values = std::vector<float>;
using takt::QuantizationStrategy;
using takt::WeightQuantization;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(quantization, Training)

BOOST_AUTO_TEST_CASE(a_batch_sees_quantized_weights_and_its_step_the_full_precision_ones) {
  quantize({.config_groups = all_as(three_bits)});
  TAKT_CHECK_VALUES(step_to({7, -2, 0.9F, 3}), 3, 1, -1, 0);
  TAKT_CHECK_VALUES(stepped_on, 3.5, 0.75, -1.25, 0);
  TAKT_CHECK_VALUES(model[0].values, 7, -2, 0.9F, 3);
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 0}), 6, -2, 0, 4);  // a scale of 2; 0.45 and 1.5 are rounded
  TAKT_CHECK_VALUES(stepped_on, 7, -2, 0.9F, 3);
}

BOOST_AUTO_TEST_CASE(a_batch_without_a_step_leaves_full_precision_weights) {
  quantize({.config_groups = all_as(three_bits)});
  bus.batch([&](Batch&) { TAKT_CHECK_VALUES(model[0].values, 3, 1, -1, 0); });
  TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 1}), 3, 1, -1, 0);
  TAKT_CHECK_VALUES(stepped_on, 3.5, 0.75, -1.25, 0);
}

BOOST_AUTO_TEST_CASE(after_the_step_the_rest_of_the_batch_has_full_precision_weights) {
  quantize({.config_groups = all_as(three_bits)});
  bus.batch([&](Batch& batch) {
    batch.loss(1.0);
    TAKT_CHECK_VALUES(model[0].values, 3, 1, -1, 0);  // backward comes after the loss
    BOOST_TEST(modifier->applied());
    batch.step([] {});
    BOOST_TEST(!modifier->applied());
    TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
  });
}

BOOST_AUTO_TEST_CASE(biases_stay_as_they_are_unless_they_are_named) {
  quantize({.targets = {"Linear"}, .scheme = "W8A16"});
  bus.batch([&](Batch&) { TAKT_CHECK_VALUES(model[1].values, 0.3F, 5); });
  Training other;
  other.quantize({.config_groups = all_as(three_bits, {"fc.bias"})});
  other.bus.batch([&](Batch&) {
    TAKT_CHECK_VALUES(other.model[0].values, 3.5, 0.75, -1.25, 0);
    BOOST_TEST(other.model[1].values.at(0) == 0.0F);
  });
}

BOOST_AUTO_TEST_CASE(scales_are_found_where_the_cadence_is_due_and_held_between) {
  quantize({.cadence = {.update = 2}, .config_groups = all_as(three_bits)});
  TAKT_CHECK_VALUES(step_to({7, 1.25, 0, 0}), 3, 1, -1, 0);
  BOOST_TEST(scale() == 1.0F);
  TAKT_CHECK_VALUES(step_to({7, 1.25, 0, 0}), 3, 1, 0, 0);  // step 1: 7 is beyond the grid
  BOOST_TEST(scale() == 1.0F);
  TAKT_CHECK_VALUES(step_to({3.5, 1.25, 0, 0}), 6, 2, 0, 0);  // step 2
  BOOST_TEST(scale() == 2.0F);
}

BOOST_AUTO_TEST_CASE(the_first_batch_of_the_window_finds_scales_though_it_is_not_due) {
  quantize({.cadence = {.start = 1, .update = 2}, .config_groups = all_as(three_bits)});
  TAKT_CHECK_VALUES(step_to({7, 2, 0, 0}), 3.5, 0.75, -1.25, 0);
  TAKT_CHECK_VALUES(step_to({3.5, 2, 0, 0}), 6, 2, 0, 0);
  TAKT_CHECK_VALUES(step_to({7, 2, 0, 0}), 3, 2, 0, 0);
  TAKT_CHECK_VALUES(step_to({7, 2, 0, 0}), 3, 2, 0, 0);
}

BOOST_AUTO_TEST_CASE(a_first_batch_that_is_aborted_comes_again_as_the_first) {
  quantize({.cadence = {.start = 1, .update = 7}, .config_groups = all_as(three_bits)});
  (void)step_to({3.5, 2, 0, 0});
  bus.batch_start();
  bus.abort_batch();
  model[0].values = {7, 2, 0, 0};
  TAKT_CHECK_VALUES(step_to({3.5, 2, 0, 0}), 6, 2, 0, 0);
  TAKT_CHECK_VALUES(step_to({3.5, 2, 0, 0}), 4, 2, 0, 0);
}

BOOST_AUTO_TEST_CASE(batches_that_accumulate_gradients_have_the_scales_of_their_index) {
  quantize({.cadence = {.update = 2}, .config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1, 0, 0});
  bus.batch([&](Batch&) {});
  model[0].values = {7, 1, 0, 0};  // whoever did that
  bus.batch([&](Batch&) { TAKT_CHECK_VALUES(model[0].values, 3, 1, 0, 0); });
  (void)step_to({7, 1, 0, 0});
  bus.batch([&](Batch&) { TAKT_CHECK_VALUES(model[0].values, 6, 0, 0, 0); });
}

BOOST_AUTO_TEST_CASE(after_its_window_batches_run_on_full_precision_weights) {
  quantize({.cadence = {.end = 1}, .config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.2F, 0, 0});
  (void)step_to({7, 1.2F, 0, 0});
  BOOST_TEST(scale() == 2.0F);  // of the weights that the window leaves
  TAKT_CHECK_VALUES(step_to({3.5, 1.2F, 0, 0}), 7, 1.2F, 0, 0);
  BOOST_TEST(scale() == 2.0F);
}

BOOST_AUTO_TEST_CASE(a_window_that_opens_in_a_calibration_epoch_quantizes_its_batches) {
  quantize({.cadence = {.update = 2}, .config_groups = all_as(three_bits)});
  bus.calibration_epoch([&] {
    TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
    bus.batch([&](Batch&) { TAKT_CHECK_VALUES(model[0].values, 3, 1, -1, 0); });
  });
  TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_resumed_in_the_window_finds_scales_at_once) {
  Training other{{}, {.global_step = 3, .global_batch = 3}};
  other.quantize({.cadence = {.start = 0, .update = 2}, .config_groups = all_as(three_bits)});
  TAKT_CHECK_VALUES(other.step_to({0, 0, 0, 0}), 3, 1, -1, 0);
}

BOOST_AUTO_TEST_CASE(an_asymmetric_grid_keeps_zero_and_uses_all_of_its_integers) {
  model[0].values = {0, 7, 3.4F, 0};
  quantize({.config_groups = all_as({.num_bits = 3, .symmetric = false})});
  TAKT_CHECK_VALUES(step_to({-3.5, 3.5, 0, 1.6F}), 0, 7, 3, 0);
  BOOST_TEST(bus.state().get<QuantizationParameters>().find("fc.weight")->affines[0].zero_point ==
             -4);
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 0}), -4, 3, 0, 2);
}

BOOST_AUTO_TEST_CASE(all_zero_weights_stay_zero) {
  for (const bool symmetric : {true, false}) {
    Training other;
    other.model[0].values = {0, 0, 3.5, 1};
    other.quantize(
        {.config_groups = all_as(
             {.num_bits = 3, .symmetric = symmetric, .strategy = QuantizationStrategy::channel})});
    const Values seen = other.step_to({0, 0, 0, 0});
    BOOST_TEST(seen[0] == 0.0F);
    BOOST_TEST(seen[1] == 0.0F);
    TAKT_CHECK_VALUES(other.step_to({1, 1, 1, 1}), 0, 0, 0, 0);
  }
}

BOOST_AUTO_TEST_CASE(weights_that_are_not_finite_are_no_part_of_the_scale) {
  model[0].values = {std::numeric_limits<float>::infinity(), std::nanf(""), 3.5, 1};
  quantize({.config_groups = all_as(three_bits)});
  const Values seen = step_to({0, 0, 0, 0});
  BOOST_TEST(seen[0] == 3.0F);
  BOOST_TEST(std::isnan(seen[1]));
  BOOST_TEST(std::isinf(stepped_on[0]));
}

// Groups and schemes.

BOOST_AUTO_TEST_CASE(groups_quantize_each_their_own_targets) {
  model.parameters.push_back(
      {.name = "conv.weight", .shape = {2, 1, 1, 1}, .values = {1.75, 0.5}, .kind = "Conv2d"});
  quantize(
      {.config_groups = {{.name = "a", .targets = {"Linear"}, .weights = three_bits},
                         {.name = "b",
                          .targets = {"Conv2d"},
                          .weights = {.num_bits = 2, .strategy = QuantizationStrategy::channel}}}});
  bus.batch([&](Batch&) {
    TAKT_CHECK_VALUES(model[0].values, 3, 1, -1, 0);
    BOOST_TEST(model[2].values[0] == 1.75F / 1.5F);
    BOOST_TEST(model[2].values[1] == 0.5F / 1.5F);
  });
}

BOOST_AUTO_TEST_CASE(targets_are_those_of_the_scheme_and_ignore_is_for_all) {
  model.parameters.push_back({.name = "head.weight", .shape = {1, 2}, .values = {1, 2}});
  quantize({.ignore = {"head.weight"}, .scheme = "w2a16"});
  bus.batch([&](Batch&) { TAKT_CHECK_VALUES(model[2].values, 1, 2); });
  const auto& parameters = bus.state().get<QuantizationParameters>();
  BOOST_TEST(parameters.all().size() == 1U);
  BOOST_TEST(parameters.find("fc.weight")->weights.num_bits == 2);
}

BOOST_AUTO_TEST_CASE(a_parameter_in_two_groups_is_named) {
  QuantizationSettings settings{.config_groups = all_as(three_bits)};
  settings.config_groups.push_back({.name = "second", .targets = {"fc.weight"}});
  const std::string error = nested<takt::InvalidModifier>([&] { quantize(settings); });
  BOOST_TEST(has(error, "'fc.weight' is in group_0 and in second"), error);
}

BOOST_AUTO_TEST_CASE(rows_that_groups_do_not_share_out_are_told_before_training_starts) {
  model[0] = {.name = "fc.weight", .shape = {2, 200}, .values = Values(400)};
  const std::string error = nested<takt::InvalidModifier>(
      [&] { quantize({.cadence = {.start = 5}, .scheme = "W4A16"}); });
  BOOST_TEST(has(error, "\"QuantizationModifier\""), error);
  BOOST_TEST(has(error, "'fc.weight'"), error);
  BOOST_TEST(has(error, "200 weights"), error);
  BOOST_TEST(has(error, "that does is 100"), error);
}

BOOST_AUTO_TEST_CASE(the_observer_of_the_settings_is_that_of_all_weights) {
  quantize({.scheme = "W4A16", .weight_observer = "MSE"});
  bus.batch([](Batch&) {});
  BOOST_TEST(bus.state().get<QuantizationParameters>().find("fc.weight")->weights.observer ==
             takt::QuantizationObserver::mse);
}

BOOST_AUTO_TEST_CASE(a_scale_with_the_least_error_is_found) {
  Values weights(256);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(i % 16) / 16.0F - 0.5F;
  }
  weights[0] = 1.6F;  // one that stands out
  const auto error_with = [&](takt::QuantizationObserver observer) {
    Training run;
    run.model[0] = {.name = "fc.weight", .shape = {1, 256}, .values = weights};
    run.quantize({.config_groups = all_as({.num_bits = 4, .observer = observer})});
    double error = 0.0;
    run.bus.batch([&](Batch&) {
      for (std::size_t i = 0; i < weights.size(); ++i) {
        error += std::pow(std::abs(double{run.model[0].values[i]} - double{weights[i]}), 2.4);
      }
    });
    return error;
  };
  BOOST_TEST(error_with(takt::QuantizationObserver::mse) <
             error_with(takt::QuantizationObserver::minmax));
}

// Two of them.

BOOST_AUTO_TEST_CASE(two_quantize_different_parameters_at_a_time) {
  bus.emplace<QuantizationModifier>(
      QuantizationSettings{.name = "first", .config_groups = all_as({.num_bits = 2}, {"fc.bias"})});
  quantize({.config_groups = all_as(three_bits)});
  bus.batch([&](Batch&) {
    TAKT_CHECK_VALUES(model[0].values, 3, 1, -1, 0);
    BOOST_TEST(model[1].values[0] == 0.0F);
  });
  TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
  TAKT_CHECK_VALUES(model[1].values, 0.3F, 5);
  BOOST_TEST(bus.state().get<QuantizationParameters>().all().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_parameter_that_two_quantize_at_a_time_is_named) {
  bus.emplace<QuantizationModifier>(
      QuantizationSettings{.name = "first", .cadence = {.end = 3}, .scheme = "W8A16"});
  const std::string error = nested<takt::InvalidModifier>(
      [&] { quantize({.cadence = {.start = 3}, .scheme = "W4A16"}); });
  BOOST_TEST(has(error, "'fc.weight' is quantized by \"first\" too"), error);
  for (int i = 0; i < 3; ++i) (void)step_to({3.5, 0.75, -1.25, 0});
  BOOST_TEST(has(nested<takt::InvalidModifier>([&] { (void)step_to({0, 0, 0, 0}); }), "first"));
  TAKT_CHECK_VALUES(model[0].values, 3.5, 0.75, -1.25, 0);
}

BOOST_AUTO_TEST_CASE(bits_may_become_fewer_from_one_window_to_the_next) {
  bus.emplace<QuantizationModifier>(QuantizationSettings{
      .name = "first", .cadence = {.end = 0}, .config_groups = all_as({.num_bits = 8})});
  quantize({.cadence = {.start = 1}, .config_groups = all_as(three_bits)});
  BOOST_TEST(step_to({3.5, 0.75, -1.25, 0})[1] != 1.0F);
  BOOST_TEST(bus.state().get<QuantizationParameters>().find("fc.weight")->weights.num_bits == 8);
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 0}), 3, 1, -1, 0);
  BOOST_TEST(bus.state().get<QuantizationParameters>().find("fc.weight")->weights.num_bits == 3);
}

BOOST_AUTO_TEST_CASE(one_that_is_removed_leaves_its_parameters_to_another) {
  quantize({.scheme = "W8A16"});
  (void)step_to({3.5, 0.75, -1.25, 0});
  BOOST_TEST(bus.remove("QuantizationModifier"));
  modifier =
      bus.emplace<QuantizationModifier>(QuantizationSettings{.config_groups = all_as(three_bits)});
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 0}), 3, 1, -1, 0);
}

// What it is made of.

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  const auto refusal = [](QuantizationSettings settings) {
    return message_of<takt::InvalidModifier>([&] { QuantizationModifier{std::move(settings)}; });
  };
  BOOST_TEST(has(refusal({.name = "mine"}), "\"mine\": it has neither scheme nor"));
  BOOST_TEST(has(refusal({.scheme = "W4A16", .config_groups = all_as({})}), "both"));
  BOOST_TEST(has(refusal({.scheme = "W9A16"}), "nearest"));
  BOOST_TEST(has(refusal({.scheme = "W8A16", .weight_observer = "hessian"}),
                 "weight_observer is \"hessian\"; it is minmax or mse"));
  BOOST_TEST(has(refusal({.config_groups = all_as({.num_bits = 9})}), "group_0: num_bits is 9"));
  BOOST_CHECK_THROW((QuantizationModifier{{.name = "", .scheme = "W8A16"}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((QuantizationModifier{{.cadence = {.start = 2, .end = 1}, .scheme = "W8A16"}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_and_a_missing_model_are_told_before_training) {
  const std::string error = nested<takt::TargetError>(
      [&] { quantize({.cadence = {.start = 5}, .targets = {"conv"}, .scheme = "W8A16"}); });
  BOOST_TEST(has(error, "fc.weight"), error);
  takt::EventBus empty;
  empty.emplace<QuantizationModifier>(QuantizationSettings{.scheme = "W8A16"});
  BOOST_TEST(nested<takt::MissingState>([&] { empty.initialize(); }) != "");
}

BOOST_AUTO_TEST_CASE(a_parameter_that_changes_its_size_is_named_and_nothing_is_changed) {
  quantize({.config_groups = all_as(three_bits)});
  (void)step_to({3.5, 1.25, 0, 0});
  model[0].values = {1, 2};
  BOOST_TEST(
      has(message_of<takt::InvalidModifier>([&] { modifier->apply(model); }), "'fc.weight'"));
  BOOST_TEST(!modifier->applied());
  BOOST_TEST(has(nested<takt::InvalidModifier>([&] { (void)step_to({0, 0, 0, 0}); }), "2 values"));
  TAKT_CHECK_VALUES(model[0].values, 1, 2);
}

BOOST_AUTO_TEST_CASE(any_bits_and_strategy_give_weights_of_the_grid_and_the_step_full_precision) {
  BOOST_TEST(rc::check("on the grid, within half a scale, and back bit for bit", [] {
    const auto rows = *rc::gen::inRange<std::int64_t>(1, 5);
    const auto groups = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto group_size = *rc::gen::inRange<std::int64_t>(1, 7);
    WeightQuantization how{
        .num_bits = *rc::gen::inRange(2, 9),
        .symmetric = *rc::gen::arbitrary<bool>(),
        .strategy = *rc::gen::element(QuantizationStrategy::tensor, QuantizationStrategy::channel,
                                      QuantizationStrategy::group)};
    if (how.strategy == QuantizationStrategy::group) how.group_size = group_size;
    Training run;
    VectorParameter& weight = run.model[0];
    weight.shape = {rows, groups * group_size};
    weight.values = *rc::gen::container<Values>(
        static_cast<std::size_t>(rows * groups * group_size),
        rc::gen::map(rc::gen::inRange(-999, 1000),
                     [](int n) { return n % 3 == 0 ? 0.0F : static_cast<float>(n) / 128.0F; }));
    const Values before = weight.values;
    run.quantize({.config_groups = all_as(how)});
    run.bus.batch([&](Batch&) {
      const auto& found = *run.bus.state().get<QuantizationParameters>().find("fc.weight");
      const std::size_t part = before.size() / found.affines.size();
      for (std::size_t i = 0; i < before.size(); ++i) {
        const takt::kernels::Affine affine = found.affines[i / part];
        const float steps = std::nearbyint(weight.values[i] / affine.scale);
        RC_ASSERT(steps * affine.scale == weight.values[i]);
        RC_ASSERT(steps + static_cast<float>(affine.zero_point) >=
                  static_cast<float>(found.grid().low));
        RC_ASSERT(steps + static_cast<float>(affine.zero_point) <=
                  static_cast<float>(found.grid().high));
        RC_ASSERT(std::abs(weight.values[i] - before[i]) <= 0.5001F * affine.scale);
        if (before[i] == 0.0F) RC_ASSERT(weight.values[i] == 0.0F);
      }
    });
    RC_ASSERT(weight.values == before);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
