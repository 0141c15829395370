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
#include <takt/error.hpp>
#include <takt/modifiers/kth_magnitude.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

namespace kernels = takt::kernels;
using takt::kernels::KthMagnitude;
using takt::kernels::KthScratch;
using takt::test::has;
using takt::test::message_of;
using Values = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float denormal = std::numeric_limits<float>::denorm_min();

/// From here on counts of the bits decide, below the numbers are sorted.
constexpr std::size_t many = 20'000;

float kth(const Values& values, std::size_t k) {
  KthScratch scratch;
  return kernels::kth_magnitude(values, k, scratch).value;
}

std::size_t below(const Values& values, std::size_t k) {
  KthScratch scratch;
  return kernels::kth_magnitude(values, k, scratch).below;
}

/// NaN last, as numbers that can be compared.
std::vector<double> sorted_magnitudes(const Values& values) {
  std::vector<double> sorted;
  for (const float value : values) {
    sorted.push_back(std::isnan(value)   ? std::numeric_limits<double>::infinity()
                     : std::isinf(value) ? std::numeric_limits<double>::max()
                                         : std::abs(double{value}));
  }
  std::ranges::sort(sorted);
  return sorted;
}

bool agrees(const Values& values, const std::vector<double>& sorted, std::size_t k,
            KthScratch& scratch) {
  const KthMagnitude found = kernels::kth_magnitude(values, k, scratch);
  const double expected = sorted_magnitudes({found.value}).front();
  const auto first = std::ranges::lower_bound(sorted, sorted[k]);
  return !std::signbit(found.value) && expected == sorted[k] &&
         found.below == static_cast<std::size_t>(first - sorted.begin());
}

/// Any float at all, by its bits, or one that a thousand others are equal to in its upper half.
Values drawn_values(std::size_t count, std::uint32_t seed, std::uint32_t fixed_bits,
                    std::uint32_t free_bits) {
  Values values(count);
  std::mt19937 random{seed};
  for (float& value : values) {
    value = std::bit_cast<float>(static_cast<std::uint32_t>(fixed_bits | (random() & free_bits)));
  }
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kth_magnitude)

BOOST_AUTO_TEST_CASE(magnitudes_are_counted_from_0_in_their_order) {
  const Values values{-3, 1, -2, 0.5F};
  BOOST_TEST(kth(values, 0) == 0.5F);
  BOOST_TEST(kth(values, 1) == 1.0F);
  BOOST_TEST(kth(values, 2) == 2.0F);
  BOOST_TEST(kth(values, 3) == 3.0F);
  BOOST_TEST(kth({-7}, 0) == 7.0F);
}

BOOST_AUTO_TEST_CASE(those_that_are_less_are_counted_too) {
  const Values values{2, -1, 1, 3, -2, 2, 0};
  for (const std::size_t k : {1U, 2U}) BOOST_TEST(below(values, k) == 1U);
  for (const std::size_t k : {3U, 4U, 5U}) BOOST_TEST(below(values, k) == 3U);
  BOOST_TEST(below(values, 6) == 6U);
  BOOST_TEST(below({0.0F, -0.0F}, 1) == 0U);
}

BOOST_AUTO_TEST_CASE(denormal_numbers_infinities_and_nan_have_their_places) {
  Values values{not_a_number,  -infinity, denormal,      -0.0F,
                -2 * denormal, infinity,  -not_a_number, 1};
  for (const std::size_t zeros : {std::size_t{0}, many}) {
    values.resize(8 + zeros);
    BOOST_TEST(kth(values, zeros) == 0.0F);
    BOOST_TEST(kth(values, zeros + 1) == denormal);
    BOOST_TEST(kth(values, zeros + 2) == 2 * denormal);
    BOOST_TEST(kth(values, zeros + 4) == infinity);
    BOOST_TEST(kth(values, zeros + 5) == infinity);
    BOOST_TEST(std::isnan(kth(values, zeros + 6)));
    BOOST_TEST(std::isnan(kth(values, zeros + 7)));
    BOOST_TEST(below(values, zeros + 5) == zeros + 4);
    BOOST_TEST(below(values, zeros + 7) == zeros + 6);
  }
}

BOOST_AUTO_TEST_CASE(nan_of_all_kinds_are_equal) {
  const auto small = std::bit_cast<float>(0x7f800001U);
  const auto large = std::bit_cast<float>(0xffffffffU);
  Values values(many, 1.0F);
  values.insert(values.end(), {small, large, not_a_number});
  BOOST_TEST(std::isnan(kth(values, many)));
  for (std::size_t k = many; k < many + 3; ++k) BOOST_TEST(below(values, k) == many);
}

BOOST_AUTO_TEST_CASE(a_position_that_there_is_not_is_refused) {
  KthScratch scratch;
  for (const std::size_t size : {0U, 1U, 5U}) {
    const Values values(size, 1.0F);
    BOOST_CHECK_THROW((void)kernels::kth_magnitude(values, size, scratch), takt::InvalidModifier);
  }
  const std::string message = message_of<takt::InvalidModifier>([&] {
    (void)kernels::kth_magnitude(Values{1, 2}, 3, scratch);
  });
  BOOST_TEST(has(message, "no magnitude 3 of 2"));
}

BOOST_AUTO_TEST_CASE(few_numbers_of_any_kind_are_found_as_sorting_finds_them) {
  BOOST_TEST(rc::check("few", [] {
    const auto bits = *rc::gen::nonEmpty<std::vector<std::uint32_t>>();
    Values values;
    for (const std::uint32_t one : bits) values.push_back(std::bit_cast<float>(one));
    const std::vector<double> sorted = sorted_magnitudes(values);
    KthScratch scratch;
    for (std::size_t k = 0; k < values.size(); ++k) RC_ASSERT(agrees(values, sorted, k, scratch));
  }));
}

BOOST_AUTO_TEST_CASE(many_numbers_are_found_as_sorting_finds_them) {
  BOOST_TEST(rc::check("many", [] {
    const std::size_t count = *rc::gen::inRange<std::size_t>(many / 2, 4 * many);
    const auto fixed = *rc::gen::element(0U, 0x3f800000U, 0x7f800000U, 0x80000000U);
    // From all bits to so few that most numbers are equal.
    const auto free = *rc::gen::element(0xffffffffU, 0xc07fffffU, 0x8001ffffU, 0x8000ffffU,
                                        0x80030003U, 0x80000000U);
    Values values = drawn_values(count, *rc::gen::arbitrary<std::uint32_t>(), fixed, free);
    if (*rc::gen::arbitrary<bool>())
      std::ranges::fill(values.begin(), values.begin() + many / 4, 0);
    if (*rc::gen::arbitrary<bool>())
      std::ranges::sort(values, {},
                        [](float value) { return std::bit_cast<std::uint32_t>(value); });
    const std::vector<double> sorted = sorted_magnitudes(values);
    KthScratch scratch;
    for (int i = 0; i < 3; ++i) {
      RC_ASSERT(agrees(values, sorted, *rc::gen::inRange<std::size_t>(0, count), scratch));
    }
    RC_ASSERT(agrees(values, sorted, 0, scratch));
    RC_ASSERT(agrees(values, sorted, count - 1, scratch));
  }));
}

BOOST_AUTO_TEST_CASE(memory_is_bounded_however_many_numbers_are_alike) {
  // All have the same upper half, and no two are the same.
  Values values(50'000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::bit_cast<float>(0x3f800000U + static_cast<std::uint32_t>(i));
  }
  KthScratch scratch;
  const KthMagnitude found = kernels::kth_magnitude(values, 12'345, scratch);
  BOOST_TEST(found.value == values[12'345]);
  BOOST_TEST(found.below == 12'345U);
  BOOST_TEST((scratch.counts.capacity() + scratch.survivors.capacity()) * sizeof(std::uint32_t) <=
             600'000U);
}

BOOST_AUTO_TEST_CASE(memory_that_is_given_again_is_not_allocated_again) {
  KthScratch scratch;
  const Values values = drawn_values(4 * many, 1, 0, 0xffffffffU);
  (void)kernels::kth_magnitude(Values(many, 1.0F), 7, scratch);
  (void)kernels::kth_magnitude(values, 7, scratch);
  (void)kernels::kth_magnitude(drawn_values(4 * many, 1, 0x3f800000U, 0xffffU), 7, scratch);
  const std::uint32_t* const counts = scratch.counts.data();
  const std::uint32_t* const survivors = scratch.survivors.data();
  BOOST_TEST(kernels::kth_magnitude(values, 7, scratch).below == 7U);
  BOOST_TEST(scratch.counts.data() == counts);
  BOOST_TEST(scratch.survivors.data() == survivors);
}

BOOST_AUTO_TEST_SUITE_END()
