// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/weight_quantizer.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

using takt::InvalidModifier;
using takt::QuantizationObserver;
using takt::QuantizationStrategy;
using takt::WeightQuantization;
using takt::WeightQuantizer;
using takt::test::has;
using takt::test::message_of;
using Values = std::vector<float>;
using Shape = std::vector<std::int64_t>;

struct Weights {
  Shape shape{};
  Values values{};

  [[nodiscard]] takt::Parameter parameter() {
    return {.name = "fc.weight", .shape = shape, .values = values};
  }
};

constexpr auto tensor = QuantizationStrategy::tensor;
constexpr auto channel = QuantizationStrategy::channel;
constexpr auto group = QuantizationStrategy::group;

Values quantized(Weights weights, const WeightQuantization& how) {
  WeightQuantizer quantizer{weights.parameter(), how};
  quantizer.observe(weights.values);
  quantizer.quantize(weights.values);
  return weights.values;
}

Shape scale_shape(Weights weights, const WeightQuantization& how) {
  const WeightQuantizer quantizer{weights.parameter(), how};
  const auto& parameter = *quantizer.parameter();
  std::int64_t count = 1;
  for (const std::int64_t extent : parameter.scale_shape) count *= extent;
  BOOST_TEST(parameter.affines.size() == static_cast<std::size_t>(count));
  return parameter.scale_shape;
}

std::string refusal(Weights weights, const WeightQuantization& how) {
  return message_of<InvalidModifier>([&] { WeightQuantizer{weights.parameter(), how}; });
}

}  // namespace

#define TAKT_CHECK_ALL(actual, Type, ...) \
  BOOST_TEST((actual) == (Type{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_AUTO_TEST_SUITE(weight_quantizer)

// With 3 bits, -4 to 3, a part whose greatest weight is 3.5 has a scale of 1.

BOOST_AUTO_TEST_CASE(a_tensor_has_one_scale) {
  const Weights weights{{2, 2}, {3.5, 0.75, 7, -1.25}};
  TAKT_CHECK_ALL(scale_shape(weights, {.num_bits = 3}), Shape, 1);
  TAKT_CHECK_ALL(quantized(weights, {.num_bits = 3}), Values, 4, 0, 6, -2);
}

BOOST_AUTO_TEST_CASE(a_channel_is_a_row_whatever_the_other_dimensions) {
  const Weights weights{{2, 1, 2}, {3.5, 0.75, 7, -1.25}};
  const WeightQuantization how{.num_bits = 3, .strategy = channel};
  TAKT_CHECK_ALL(scale_shape(weights, how), Shape, 2, 1);
  TAKT_CHECK_ALL(quantized(weights, how), Values, 3, 1, 6, -2);
}

BOOST_AUTO_TEST_CASE(groups_are_weights_one_after_another_of_a_row) {
  const Weights weights{{2, 4}, {3.5, 0.75, 7, -1.25, 14, 3, 3.5, -3.25}};
  const WeightQuantization how{.num_bits = 3, .strategy = group, .group_size = 2};
  TAKT_CHECK_ALL(scale_shape(weights, how), Shape, 2, 2);
  TAKT_CHECK_ALL(quantized(weights, how), Values, 3, 1, 6, -2, 12, 4, 3, -3);
}

BOOST_AUTO_TEST_CASE(a_row_that_is_shorter_than_a_group_is_one) {
  const Weights weights{{2, 2}, {3.5, 0.75, 7, -1.25}};
  const WeightQuantization how{.num_bits = 3, .strategy = group, .group_size = 128};
  TAKT_CHECK_ALL(scale_shape(weights, how), Shape, 2, 1);
  TAKT_CHECK_ALL(quantized(weights, how), Values, 3, 1, 6, -2);
}

BOOST_AUTO_TEST_CASE(a_vector_is_one_row) {
  const Weights weights{{3}, {3.5, 0.75, -1.25}};
  TAKT_CHECK_ALL(scale_shape(weights, {.strategy = channel}), Shape, 1, 1);
  TAKT_CHECK_ALL(quantized(weights, {.num_bits = 3, .strategy = channel}), Values, 3, 1, -1);
  TAKT_CHECK_ALL(scale_shape({{}, {2}}, {.strategy = channel}), Shape, 1, 1);
}

BOOST_AUTO_TEST_CASE(groups_that_do_not_share_out_a_row_are_refused_with_those_that_do) {
  const WeightQuantization how{.strategy = group, .group_size = 4};
  const std::string error = refusal({{2, 6}, Values(12)}, how);
  BOOST_TEST(has(error, "parameter 'fc.weight'"), error);
  BOOST_TEST(has(error, "rows have 6 weights, which groups of 4 don't"), error);
  BOOST_TEST(has(error, "does is 3"), error);
  BOOST_TEST(refusal({{2, 8}, Values(16)}, how) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(values_that_the_shape_does_not_hold_are_refused) {
  for (const auto strategy : {tensor, channel}) {
    const std::string error = refusal({{2, 2}, Values(3)}, {.strategy = strategy});
    BOOST_TEST(has(error, "its shape holds 4 weights, but it has 3"), error);
  }
}

BOOST_AUTO_TEST_CASE(a_parameter_without_weights_is_nothing_to_do) {
  for (const auto strategy : {tensor, channel, group}) {
    for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}, Shape{0}}) {
      const WeightQuantization how{.strategy = strategy, .group_size = strategy == group ? 2 : 0};
      BOOST_TEST(quantized({shape, {}}, how).empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(scales_are_held_until_weights_are_observed_again) {
  Weights weights{{1, 2}, {3.5, 1.25}};
  WeightQuantizer quantizer{weights.parameter(), {.num_bits = 3}};
  quantizer.observe(weights.values);
  weights.values = {7, 1.25};
  quantizer.quantize(weights.values);
  TAKT_CHECK_ALL(weights.values, Values, 3, 1);
  weights.values = {7, 1.25};
  quantizer.observe(weights.values);
  quantizer.quantize(weights.values);
  TAKT_CHECK_ALL(weights.values, Values, 6, 2);
}

BOOST_AUTO_TEST_CASE(what_it_shows_follows_it) {
  Weights weights{{1, 2}, {3.5, 1.25}};
  WeightQuantizer quantizer{weights.parameter(), {.num_bits = 3, .symmetric = true}};
  const auto shown = quantizer.parameter();
  BOOST_TEST(shown->name == "fc.weight");
  TAKT_CHECK_ALL(shown->shape, Shape, 1, 2);
  BOOST_TEST(shown->affines.at(0).scale == 1.0F);
  weights.values = {7, 1.25};
  quantizer.observe(weights.values);
  BOOST_TEST(shown->affines.at(0).scale == 2.0F);
}

BOOST_AUTO_TEST_CASE(the_least_error_gives_up_a_weight_that_stands_out) {
  Values values(64, 0.2F);
  values[0] = 1.0F;
  const auto scale_with = [&](QuantizationObserver observer) {
    Weights weights{{1, 64}, values};
    WeightQuantizer quantizer{weights.parameter(), {.num_bits = 4, .observer = observer}};
    quantizer.observe(weights.values);
    return quantizer.parameter()->affines[0].scale;
  };
  BOOST_TEST(scale_with(QuantizationObserver::minmax) == 1.0F / 7.5F);
  BOOST_TEST(scale_with(QuantizationObserver::mse) < 1.0F / 7.5F);
}

BOOST_AUTO_TEST_CASE(an_all_zero_channel_stays_zero_beside_one_that_is_not) {
  for (int bits = 2; bits <= 8; ++bits) {
    for (const bool symmetric : {true, false}) {
      const Values values = quantized(
          {{2, 2}, {0, 0, 3, -1}}, {.num_bits = bits, .symmetric = symmetric, .strategy = channel});
      BOOST_TEST(values[0] == 0.0F);
      BOOST_TEST(values[1] == 0.0F);
      BOOST_TEST(values[2] > 1.0F);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
