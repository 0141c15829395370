// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <limits>
#include <sstream>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/quantization_scheme.hpp>

#include "error_text.hpp"

namespace {

using takt::InvalidModifier;
using takt::quantization_scheme;
using takt::QuantizationObserver;
using takt::QuantizationStrategy;
using takt::WeightQuantization;
using takt::test::has;
using takt::test::message_of;

std::string refusal(const WeightQuantization& weights) {
  return message_of<InvalidModifier>([&] { takt::require_valid(weights); });
}

std::string refusal(const char* scheme) {
  return message_of<InvalidModifier>([&] { (void)quantization_scheme(scheme); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_scheme)

BOOST_AUTO_TEST_CASE(eight_bits_are_per_channel_and_fewer_in_groups_of_128) {
  const WeightQuantization eight = takt::quantization_scheme("W8A16");
  BOOST_TEST(eight.num_bits == 8);
  BOOST_TEST(eight.symmetric);
  BOOST_TEST(eight.strategy == QuantizationStrategy::channel);
  BOOST_TEST(eight.group_size == 0);
  BOOST_TEST(eight.observer == QuantizationObserver::minmax);
  const WeightQuantization four = takt::quantization_scheme("W4A16_ASYM");
  BOOST_TEST(four.num_bits == 4);
  BOOST_TEST(!four.symmetric);
  BOOST_TEST(four.strategy == QuantizationStrategy::group);
  BOOST_TEST(four.group_size == 128);
}

BOOST_AUTO_TEST_CASE(there_are_schemes_of_2_to_8_bits_and_all_are_valid) {
  BOOST_TEST(takt::quantization_schemes().size() == 14U);
  for (int bits = 2; bits <= 8; ++bits) {
    const std::string name = "W" + std::to_string(bits) + "A16";
    BOOST_TEST(takt::quantization_scheme(name).num_bits == bits);
    BOOST_TEST(takt::quantization_scheme(name).symmetric);
    BOOST_TEST(!takt::quantization_scheme(name + "_ASYM").symmetric);
  }
  for (const std::string& name : takt::quantization_schemes()) {
    takt::require_valid(takt::quantization_scheme(name));
  }
}

BOOST_AUTO_TEST_CASE(case_does_not_matter) {
  BOOST_TEST(takt::quantization_scheme("w4a16_asym").num_bits == 4);
}

BOOST_AUTO_TEST_CASE(a_scheme_that_quantizes_activations_is_refused_with_one_that_does_not) {
  for (const char* const name : {"W8A8", "INT8", "int8"}) {
    BOOST_TEST(has(refusal(name), "quantizes activations too"), refusal(name));
    BOOST_TEST(has(refusal(name), "use W8A16"), refusal(name));
  }
  BOOST_TEST(has(refusal("W4A8"), "use W4A16"), refusal("W4A8"));
  for (const char* const name : {"FP8", "FP8_DYNAMIC", "NVFP4", "MXFP4A16"}) {
    BOOST_TEST(has(refusal(name), "has floats"), refusal(name));
  }
  BOOST_TEST(has(refusal("UNQUANTIZED"), "quantizes nothing"), refusal("UNQUANTIZED"));
}

BOOST_AUTO_TEST_CASE(an_unknown_scheme_gets_the_nearest_one) {
  BOOST_TEST(has(refusal("W4A61"), "the nearest is \"W4A16\""), refusal("W4A61"));
  BOOST_TEST(has(refusal("W9A16"), "W2A16 to W8A16"), refusal("W9A16"));
  BOOST_TEST(has(refusal(""), "no scheme \"\""), refusal(""));
}

BOOST_AUTO_TEST_CASE(numbers_out_of_their_range_are_refused) {
  constexpr auto group = QuantizationStrategy::group;
  BOOST_TEST(has(refusal({.num_bits = 1}), "num_bits is 1; it is 2 to 8"));
  BOOST_TEST(has(refusal({.num_bits = 9}), "num_bits is 9"));
  BOOST_TEST(has(refusal({.strategy = group}), "group_size is 0; with strategy group it is 1"));
  BOOST_TEST(has(refusal({.strategy = group, .group_size = -1}), "group_size is -1"));
  BOOST_TEST(has(refusal({.group_size = 64}), "strategy is tensor; only strategy group"));
  takt::require_valid({.strategy = group, .group_size = 1});
}

BOOST_AUTO_TEST_CASE(a_search_for_the_least_error_is_checked_where_there_is_one) {
  constexpr auto mse = QuantizationObserver::mse;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(has(refusal({.observer = mse, .mse = {.maxshrink = 1.5}}), "maxshrink is 1.5"));
  BOOST_TEST(has(refusal({.observer = mse, .mse = {.maxshrink = nan}}), "maxshrink is nan"));
  BOOST_TEST(has(refusal({.observer = mse, .mse = {.grid = 0}}), "grid is 0"));
  BOOST_TEST(has(refusal({.observer = mse, .mse = {.patience = -1}}), "patience is -1"));
  BOOST_TEST(has(refusal({.observer = mse, .mse = {.norm = 0}}), "norm is 0"));
  BOOST_TEST(has(refusal({.observer = mse, .mse = {.norm = 17}}), "norm is 17"));
  takt::require_valid({.mse = {.grid = 0}});
  takt::require_valid({.observer = mse, .mse = {.maxshrink = 1, .grid = 1, .patience = 0}});
}

BOOST_AUTO_TEST_CASE(strategies_and_observers_are_written_by_their_names) {
  std::ostringstream out;
  out << QuantizationStrategy::tensor << ' ' << QuantizationStrategy::channel << ' '
      << QuantizationStrategy::group << ' ' << QuantizationObserver::minmax << ' '
      << QuantizationObserver::mse;
  BOOST_TEST(out.str() == "tensor channel group minmax mse");
}

BOOST_AUTO_TEST_SUITE_END()
