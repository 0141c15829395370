// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/quantization_range.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

namespace kernels = takt::kernels;
using kernels::Affine;
using kernels::affine_of;
using kernels::Grid;
using kernels::grid_of;
using kernels::min_max;
using kernels::mse_range;
using kernels::MseSearch;
using kernels::Range;
using takt::test::has;
using takt::test::message_of;
using Values = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float largest = std::numeric_limits<float>::max();
constexpr float epsilon = std::numeric_limits<float>::epsilon();

Values normal_values(std::size_t count, std::uint32_t seed) {
  std::mt19937 random{seed};
  std::normal_distribution<float> normal;
  Values values(count);
  for (float& value : values) value = normal(random);
  return values;
}

Range searched(const Values& values, Grid grid, bool symmetric, const MseSearch& search = {}) {
  Values scratch;
  return mse_range(values, grid, symmetric, search, scratch);
}

/// The sum of |what quantization changes a finite number by|^norm.
double error_of(const Values& values, Range range, Grid grid, bool symmetric, double norm) {
  Values finite;
  std::ranges::copy_if(values, std::back_inserter(finite),
                       [](float v) { return std::isfinite(v); });
  Values quantized = finite;
  kernels::fake_quantize(quantized, quantized, affine_of(range, grid, symmetric), grid);
  double sum = 0.0;
  for (std::size_t i = 0; i < finite.size(); ++i) {
    sum += std::pow(std::abs(double{quantized[i]} - double{finite[i]}), norm);
  }
  return sum;
}

Range shrunk(Range range, double p) {
  return {static_cast<float>(p * double{range.low}), static_cast<float>(p * double{range.high})};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_range)

BOOST_AUTO_TEST_CASE(a_number_of_bits_has_its_grid) {
  BOOST_TEST(grid_of(2).low == -2);
  BOOST_TEST(grid_of(2).high == 1);
  BOOST_TEST(grid_of(4).low == -8);
  BOOST_TEST(grid_of(4).high == 7);
  BOOST_TEST(grid_of(8).low == -128);
  BOOST_TEST(grid_of(8).high == 127);
  for (const int bits : {-1, 0, 1, 9, 32}) {
    const std::string message = message_of<takt::InvalidModifier>([&] { (void)grid_of(bits); });
    BOOST_TEST(has(message, "2 to 8"));
  }
}

BOOST_AUTO_TEST_CASE(the_range_is_that_of_the_finite_numbers) {
  const auto check = [](const Values& values, float low, float high) {
    BOOST_TEST(min_max(values).low == low);
    BOOST_TEST(min_max(values).high == high);
  };
  check({}, 0, 0);
  check({3}, 3, 3);
  check({2, -1, 5, 3}, -1, 5);
  check({-4, -2, -3}, -4, -2);
  check({not_a_number, -infinity, infinity}, 0, 0);
  check({not_a_number, 1, -infinity, 2, infinity}, 1, 2);
  check({-largest, largest}, -largest, largest);
  for (std::size_t i = 0; i < 20; ++i) {
    Values values(20, 1.0F);
    values[i] = -7;
    values[(i + 1) % 20] = infinity;
    values[(i + 2) % 20] = 9;
    values[(i + 3) % 20] = -infinity;
    check(values, -7, 9);
  }
}

BOOST_AUTO_TEST_CASE(a_symmetric_grid_is_about_zero) {
  const Affine eight = affine_of({-3, 2}, grid_of(8), true);
  BOOST_TEST(eight.scale == 3.0F / 127.5F);
  BOOST_TEST(eight.zero_point == 0);
  BOOST_TEST(affine_of({1, 15}, grid_of(4), true).scale == 2.0F);
  BOOST_TEST(affine_of({-1, 3}, grid_of(2), true).scale == 2.0F);
}

BOOST_AUTO_TEST_CASE(an_asymmetric_grid_covers_the_range_and_zero) {
  const Affine both = affine_of({-5, 10}, grid_of(4), false);
  BOOST_TEST(both.scale == 1.0F);
  BOOST_TEST(both.zero_point == -3);
  const Affine above = affine_of({5, 15}, grid_of(4), false);
  BOOST_TEST(above.scale == 1.0F);
  BOOST_TEST(above.zero_point == -8);
  const Affine below = affine_of({-30, -15}, grid_of(4), false);
  BOOST_TEST(below.scale == 2.0F);
  BOOST_TEST(below.zero_point == 7);
  BOOST_TEST(affine_of({-1.5F, 13.5F}, grid_of(4), false).zero_point == -6);  // -6.5
  BOOST_TEST(affine_of({-2.5F, 12.5F}, grid_of(4), false).zero_point == -6);  // -5.5
}

BOOST_AUTO_TEST_CASE(a_scale_has_a_floor_and_zeros_stay_zero) {
  for (const bool symmetric : {true, false}) {
    for (const float most : {0.0F, 1e-45F, 1e-8F}) {
      const Affine affine = affine_of({-most, most}, grid_of(8), symmetric);
      BOOST_TEST(affine.scale == epsilon);
      Values zeros(5);
      kernels::fake_quantize(zeros, zeros, affine, grid_of(8));
      for (const float zero : zeros) BOOST_TEST(std::bit_cast<std::uint32_t>(zero) == 0U);
    }
  }
}

BOOST_AUTO_TEST_CASE(any_range_gives_what_quantization_takes_and_no_infinite_weights) {
  BOOST_TEST(rc::check("any range", [] {
    const auto end = [] {
      const auto bits = *rc::gen::suchThat<std::uint32_t>(
          [](std::uint32_t any) { return std::isfinite(std::bit_cast<float>(any)); });
      return *rc::gen::element(std::bit_cast<float>(bits), 0.0F, largest, -largest);
    };
    const float one = end();
    const float other = end();
    const Range range{std::min(one, other), std::max(one, other)};
    const Grid grid = grid_of(*rc::gen::inRange(2, 9));
    const bool symmetric = *rc::gen::arbitrary<bool>();
    const Affine affine = affine_of(range, grid, symmetric);
    Values values{range.low, range.high, 0.0F, -infinity, infinity};
    kernels::fake_quantize(values, values, affine, grid);
    for (const float value : values) RC_ASSERT(std::isfinite(value));
    RC_ASSERT(values[2] == 0.0F);
    RC_ASSERT(!symmetric || affine.zero_point == 0);
    if (std::abs(one) > 1e38F || std::abs(other) > 1e38F) return;
    // Half a step for rounding, and half for a grid that has one integer less above zero, or whose
    // zero had to become one of its integers; some ulp of the float arithmetic.
    const double most = 1.0001 * double{affine.scale};
    RC_ASSERT(std::abs(double{values[0]} - double{range.low}) <= most);
    RC_ASSERT(std::abs(double{values[1]} - double{range.high}) <= most);
  }));
}

BOOST_AUTO_TEST_CASE(a_search_finds_the_least_error_of_all_that_it_may_try) {
  BOOST_TEST(rc::check("least error", [] {
    Values values =
        normal_values(*rc::gen::inRange<std::size_t>(1, 200), *rc::gen::arbitrary<std::uint32_t>());
    values.push_back(static_cast<float>(*rc::gen::inRange(-20, 20)));
    const Grid grid = grid_of(*rc::gen::inRange(2, 9));
    const bool symmetric = *rc::gen::arbitrary<bool>();
    const MseSearch search{.maxshrink = *rc::gen::element(0.2, 0.5, 1.0),
                           .grid = *rc::gen::element(10, 100),
                           .patience = 0,
                           .norm = *rc::gen::element(2.0, 2.4, 1.0, 0.5, 7.3)};
    const Range widest = min_max(values);
    const double found =
        error_of(values, searched(values, grid, symmetric, search), grid, symmetric, search.norm);
    const int tries = static_cast<int>(std::lround(search.maxshrink * search.grid));
    for (int i = 0; i < tries; ++i) {
      const Range range = shrunk(widest, 1.0 - static_cast<double>(i) / search.grid);
      RC_ASSERT(found <= (1.0 + 1e-4) * error_of(values, range, grid, symmetric, search.norm));
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_search_shrinks_the_range_by_a_whole_number_of_steps_below_the_share_given) {
  // One number far out, which costs little by itself.
  Values values = normal_values(2000, 7);
  values.push_back(40);
  const Range widest = min_max(values);
  const Range found =
      searched(values, grid_of(4), true, {.maxshrink = 0.2, .patience = 0, .norm = 1.0});
  BOOST_TEST(found.high == shrunk(widest, 0.81).high);
  BOOST_TEST(found.low == shrunk(widest, 0.81).low);
  const MseSearch inexact{.maxshrink = 0.29, .patience = 0, .norm = 1.0};  // 28.999999999999996
  BOOST_TEST(searched(values, grid_of(4), true, inexact).high == shrunk(widest, 0.72).high);
  BOOST_TEST(searched(values, grid_of(4), true, {.maxshrink = 0.0}).high == 40.0F);
  BOOST_TEST(
      searched(values, grid_of(4), true, {.maxshrink = 0.3, .grid = 10, .patience = 0, .norm = 1.0})
          .high == shrunk(widest, 0.8).high);
}

BOOST_AUTO_TEST_CASE(two_bits_gain_by_half_the_range_and_the_whole_search) {
  const Values values = normal_values(5000, 3);
  const Range widest = min_max(values);
  const Range found =
      searched(values, grid_of(2), true, {.maxshrink = 1.0, .patience = 0, .norm = 2.0});
  const double before = error_of(values, widest, grid_of(2), true, 2.0);
  BOOST_TEST(error_of(values, found, grid_of(2), true, 2.0) < 0.5 * before);
  BOOST_TEST(found.high < 0.6F * widest.high);
}

BOOST_AUTO_TEST_CASE(a_search_ends_when_its_patience_does) {
  const Grid grid = grid_of(2);
  int ended_early = 0;
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    const Values values = normal_values(50, seed);
    const Range widest = min_max(values);
    double least = std::numeric_limits<double>::infinity();
    Range expected = widest;
    int without_gain = 0;
    for (int i = 0; i < 100 && without_gain < 2; ++i) {
      const Range range = shrunk(widest, 1.0 - i / 100.0);
      const double error = error_of(values, range, grid, true, 2.0);
      without_gain = error < least ? 0 : without_gain + 1;
      if (error < least) expected = range;
      least = std::min(least, error);
    }
    MseSearch search{.maxshrink = 1.0, .patience = 2, .norm = 2.0};
    BOOST_TEST(searched(values, grid, true, search).high == expected.high);
    search.patience = 0;
    if (searched(values, grid, true, search).high < expected.high) ++ended_early;
  }
  BOOST_TEST(ended_early > 0);
}

BOOST_AUTO_TEST_CASE(numbers_that_are_not_finite_are_not_searched_for) {
  Values values = normal_values(100, 5);
  const Range expected = searched(values, grid_of(4), false);
  values.insert(values.begin() + 7, {not_a_number, infinity, -infinity});
  const Range found = searched(values, grid_of(4), false);
  BOOST_TEST(found.low == expected.low);
  BOOST_TEST(found.high == expected.high);
  BOOST_TEST(searched({not_a_number}, grid_of(4), false).high == 0.0F);
  BOOST_TEST(searched({}, grid_of(4), true).high == 0.0F);
  BOOST_TEST(searched({0, 0}, grid_of(4), true).high == 0.0F);
}

BOOST_AUTO_TEST_CASE(tiny_and_huge_numbers_are_searched_as_others_are) {
  const Values values = normal_values(300, 9);
  const Range expected = searched(values, grid_of(4), true);
  for (const float factor : {0x1p-18F, 0x1p100F}) {
    Values scaled = values;
    for (float& value : scaled) value *= factor;
    BOOST_TEST(searched(scaled, grid_of(4), true).high == expected.high * factor);
  }
}

BOOST_AUTO_TEST_CASE(a_search_that_makes_no_sense_is_refused) {
  const auto refusal = [](const MseSearch& search) {
    return message_of<takt::InvalidModifier>(
        [&] { (void)searched({1}, grid_of(4), true, search); });
  };
  BOOST_TEST(has(refusal({.maxshrink = -0.1}), "maxshrink is -0.1"));
  BOOST_TEST(has(refusal({.maxshrink = 1.1}), "from 0 to 1"));
  BOOST_TEST(has(refusal({.maxshrink = std::nan("")}), "maxshrink"));
  BOOST_TEST(has(refusal({.grid = 0}), "grid is 0"));
  BOOST_TEST(has(refusal({.patience = -1}), "patience is -1"));
  BOOST_TEST(has(refusal({.norm = 0.0}), "norm is 0"));
  BOOST_TEST(has(refusal({.norm = 16.5}), "at most 16"));
  BOOST_TEST(has(refusal({.norm = std::nan("")}), "norm"));
}

BOOST_AUTO_TEST_SUITE_END()
