// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/fake_quantize.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

namespace kernels = takt::kernels;
using kernels::Affine;
using kernels::Grid;
using takt::test::has;
using takt::test::message_of;
using Values = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float largest = std::numeric_limits<float>::max();
constexpr float denormal = std::numeric_limits<float>::denorm_min();
constexpr Grid four_bits{-8, 7};

Values fake_quantized(const Values& in, Affine affine, Grid grid) {
  Values out(in.size());
  kernels::fake_quantize(in, out, affine, grid);
  return out;
}

template <class Integer>
std::vector<Integer> quantized(const Values& in, Affine affine, Grid grid) {
  std::vector<Integer> out(in.size());
  kernels::quantize(in, out, affine, grid);
  return out;
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

/// With the words of the formula: whole numbers where it has them.
float reference(float value, Affine affine, Grid grid) {
  const float per_scale = 1.0F / affine.scale;
  const double rounded = std::nearbyint(double{value * per_scale});
  const double clamped =
      std::clamp(rounded + affine.zero_point, double(grid.low), double(grid.high));
  return static_cast<float>(static_cast<std::int64_t>(clamped) - affine.zero_point) * affine.scale;
}

struct Case {
  Affine affine{};
  Grid grid{};
  Values values{};
};

/// Numbers around the ends of the grid and halfway between its steps, and any other.
Case drawn_case() {
  Case drawn;
  drawn.grid.low = *rc::gen::element(-2, -8, -128, 0, 3, -70'000);
  drawn.grid.high = drawn.grid.low + *rc::gen::element(1, 3, 15, 255, 4'194'304);
  drawn.affine.zero_point = *rc::gen::inRange(drawn.grid.low, drawn.grid.high + 1);
  drawn.affine.scale =
      *rc::gen::element(1.0F, 0.1F, 0.003921569F, 1e-7F, 12345.678F, 3e30F, 1.2e-38F, 1e38F);
  const int count = *rc::gen::inRange(0, 40);
  for (int i = 0; i < count; ++i) {
    const float halves =
        static_cast<float>(*rc::gen::inRange(2 * (drawn.grid.low - drawn.affine.zero_point) - 9,
                                             2 * (drawn.grid.high - drawn.affine.zero_point) + 9));
    float value = 0.5F * halves * drawn.affine.scale;
    if (*rc::gen::inRange(0, 4) == 0)
      value = std::bit_cast<float>(*rc::gen::arbitrary<std::uint32_t>());
    if (*rc::gen::inRange(0, 4) == 0)
      value = std::nextafter(value, *rc::gen::element(-1e38F, 1e38F));
    drawn.values.push_back(value);
  }
  return drawn;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fake_quantize)

BOOST_AUTO_TEST_CASE(numbers_become_the_nearest_that_the_grid_stands_for) {
  const Values in{0.0F, 0.2F, 0.3F, -0.3F, 1.0F, -1.26F, 3.4F};
  BOOST_TEST(fake_quantized(in, {0.5F, 0}, four_bits) ==
                 (Values{0.0F, 0.0F, 0.5F, -0.5F, 1.0F, -1.5F, 3.5F}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(halves_are_rounded_to_even) {
  const Values in{0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -2.5F};
  BOOST_TEST(fake_quantized(in, {1.0F, 0}, four_bits) == (Values{0, 2, 2, 0, -2, -2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_rounds_to_zero_is_no_negative_zero) {
  for (const float value : {-0.3F, -0.0F, -denormal, 0.0F}) {
    for (const std::int32_t zero_point : {-8, -3, 0, 7}) {
      if (zero_point == -8 && value < -0.1F) continue;
      const float result = fake_quantized({value}, {1.0F, zero_point}, four_bits).front();
      BOOST_TEST(bits_of(result) == 0U);
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_beyond_the_grid_become_its_ends) {
  const Values in{100, -100, largest, -largest, infinity, -infinity};
  BOOST_TEST(fake_quantized(in, {0.5F, 0}, four_bits) == (Values{3.5F, -4, 3.5F, -4, 3.5F, -4}),
             boost::test_tools::per_element());
  BOOST_TEST(fake_quantized(in, {0.5F, 7}, four_bits) == (Values{0, -7.5F, 0, -7.5F, 0, -7.5F}),
             boost::test_tools::per_element());
  BOOST_TEST(fake_quantized(in, {0.5F, -8}, four_bits) == (Values{7.5F, 0, 7.5F, 0, 7.5F, 0}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nan_stays_nan_wherever_it_is) {
  for (std::size_t i = 0; i < 9; ++i) {
    Values values(9, 1.0F);
    values[i] = i % 2 == 0 ? not_a_number : -not_a_number;
    const Values result = fake_quantized(values, {1.0F, 2}, four_bits);
    for (std::size_t j = 0; j < 9; ++j) BOOST_TEST(std::isnan(result[j]) == (i == j));
  }
}

BOOST_AUTO_TEST_CASE(it_may_be_done_in_place) {
  Values values{0.3F, -0.3F, 9, 0.1F, not_a_number};
  const Values apart = fake_quantized(values, {0.5F, 0}, four_bits);
  kernels::fake_quantize(values, values, Affine{0.5F, 0}, four_bits);
  for (std::size_t i = 0; i < values.size(); ++i)
    BOOST_TEST(bits_of(values[i]) == bits_of(apart[i]));
}

BOOST_AUTO_TEST_CASE(parts_have_their_own_scale_and_zero_point) {
  const Values in{0.3F, 100, -0.3F, -100, 0.3F, 100};
  const std::vector<Affine> affines{{1.0F, 0}, {0.5F, 1}, {0.25F, -8}};
  Values out(in.size());
  kernels::fake_quantize(in, out, affines, four_bits);
  BOOST_TEST(out == (Values{0, 7, -0.5F, -4.5F, 0.25F, 3.75F}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(no_numbers_are_no_work) {
  Values none;
  kernels::fake_quantize(none, none, Affine{}, four_bits);
  kernels::fake_quantize(none, none, std::vector<Affine>{}, four_bits);
  kernels::fake_quantize(none, none, std::vector<Affine>(3), four_bits);
  BOOST_TEST(none.empty());
}

BOOST_AUTO_TEST_CASE(integers_are_those_that_fake_quantization_goes_by) {
  const Values in{0.3F, -0.3F, 1.1F, 100, -infinity, not_a_number};
  const std::vector<std::int8_t> expected{2, 0, 3, 7, -8, 1};
  BOOST_TEST(quantized<std::int8_t>(in, {0.5F, 1}, four_bits) == expected,
             boost::test_tools::per_element());
  Values back(expected.size());
  kernels::dequantize(expected, back, {0.5F, 1});
  BOOST_TEST(back == (Values{0.5F, -0.5F, 1.0F, 3, -4.5F, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(integers_of_32_bits_have_room_for_wide_grids) {
  const Grid wide{-1'000'000, 1'000'000};
  const Values in{0.5F, -123'456.6F, 9e9F};
  const std::vector<std::int32_t> expected{10, -123'447, 1'000'000};
  BOOST_TEST(quantized<std::int32_t>(in, {1.0F, 10}, wide) == expected,
             boost::test_tools::per_element());
  BOOST_TEST(quantized<std::int32_t>({not_a_number, 1}, {1.0F, 10}, wide).front() == 10);
  Values back(expected.size());
  kernels::dequantize(expected, back, {1.0F, 10});
  BOOST_TEST(back == (Values{0, -123'457, 999'990}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_no_grid_has_is_refused_before_anything_is_written) {
  Values values{3.3F, 4};
  const auto refusal = [&](Affine affine, Grid grid) {
    return message_of<takt::InvalidModifier>(
        [&] { kernels::fake_quantize(values, values, affine, grid); });
  };
  BOOST_TEST(has(refusal({1, 0}, {7, -8}), "from 7 to -8"));
  BOOST_TEST(has(refusal({1, 0}, {0, 0}), "from 0 to 0"));
  BOOST_TEST(has(refusal({1, 0}, {0, 4'194'305}), "4194304 steps"));
  BOOST_TEST(has(refusal({1, 0}, {-2'000'000'000, 2'000'000'000}), "4194304 steps"));
  BOOST_TEST(has(refusal({1, 8}, four_bits), "zero point is 8"));
  BOOST_TEST(has(refusal({1, -9}, four_bits), "zero point is -9"));
  for (const float scale : {0.0F, -1.0F, infinity, not_a_number, denormal}) {
    BOOST_TEST(has(refusal({scale, 0}, four_bits), "scale is"));
  }
  BOOST_TEST(values == (Values{3.3F, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sizes_and_integers_that_do_not_fit_are_refused) {
  Values three{1, 2, 3};
  Values two{1, 2};
  std::vector<std::int8_t> bytes(3);
  std::vector<std::int32_t> words(2);
  BOOST_CHECK_THROW(kernels::fake_quantize(three, two, Affine{}, four_bits), takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::fake_quantize(three, three, std::vector<Affine>(2), four_bits),
                    takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::fake_quantize(three, three, std::vector<Affine>{}, four_bits),
                    takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::quantize(two, bytes, Affine{}, four_bits), takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::quantize(three, words, Affine{}, four_bits), takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::dequantize(bytes, two, Affine{}), takt::InvalidModifier);
  const std::string message = message_of<takt::InvalidModifier>([&] {
    kernels::quantize(three, bytes, Affine{1, 0}, {-128, 128});
  });
  BOOST_TEST(has(message, "no room in integers of 8 bits"));
}

BOOST_AUTO_TEST_CASE(any_number_becomes_what_the_formula_says) {
  BOOST_TEST(rc::check("the formula", [] {
    const Case drawn = drawn_case();
    const Values result = fake_quantized(drawn.values, drawn.affine, drawn.grid);
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (std::isnan(drawn.values[i])) {
        RC_ASSERT(std::isnan(result[i]));
      } else {
        RC_ASSERT(bits_of(result[i]) ==
                  bits_of(reference(drawn.values[i], drawn.affine, drawn.grid)));
      }
    }
  }));
}

BOOST_AUTO_TEST_CASE(integers_and_back_are_the_same_as_fake_quantization) {
  BOOST_TEST(rc::check("there and back", [] {
    const Case drawn = drawn_case();
    const auto integers = quantized<std::int32_t>(drawn.values, drawn.affine, drawn.grid);
    Values back(integers.size());
    kernels::dequantize(integers, back, drawn.affine);
    const Values direct = fake_quantized(drawn.values, drawn.affine, drawn.grid);
    for (std::size_t i = 0; i < direct.size(); ++i) {
      RC_ASSERT(integers[i] >= drawn.grid.low);
      RC_ASSERT(integers[i] <= drawn.grid.high);
      if (std::isnan(direct[i])) {
        RC_ASSERT(integers[i] == drawn.affine.zero_point);
      } else {
        RC_ASSERT(bits_of(back[i]) == bits_of(direct[i]));
      }
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
