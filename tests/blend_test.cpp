// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <takt/error.hpp>
#include <takt/modifiers/blend.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

namespace kernels = takt::kernels;
using takt::test::has;
using takt::test::message_of;
using Values = std::vector<float>;

constexpr float largest = std::numeric_limits<float>::max();
constexpr float denormal = std::numeric_limits<float>::denorm_min();
constexpr float infinity = std::numeric_limits<float>::infinity();

float blended(float average, float value, double share) {
  Values averages{average};
  kernels::blend(averages, Values{value}, share);
  return averages.front();
}

/// Any finite number, by its bits.
float finite() {
  return std::bit_cast<float>(*rc::gen::suchThat<std::uint32_t>(
      [](std::uint32_t bits) { return std::isfinite(std::bit_cast<float>(bits)); }));
}

double drawn_share() {
  return *rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(0, 1001), [](int k) { return k / 1000.0; }),
      rc::gen::map(rc::gen::inRange(0, 1000), [](int k) { return 1.0 - k * 1e-7; }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blend)

BOOST_AUTO_TEST_CASE(averages_keep_their_share) {
  Values averages{1, 2, -4, 8, 0};
  kernels::blend(averages, Values{3, 2, 4, -8, 1}, 0.75);
  BOOST_TEST(averages == (Values{1.5F, 2, -2, 4, 0.25F}), boost::test_tools::per_element());
  kernels::blend(averages, Values{3.5F, 2, 2, -4, 1.25F}, 0.25);
  BOOST_TEST(averages == (Values{3, 2, 1, -2, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_whole_share_leaves_them_and_none_replaces_them) {
  for (const float average : {0.1F, -largest, denormal}) {
    for (const float value : {3.7F, largest, -denormal}) {
      BOOST_TEST(blended(average, value, 1.0) == average);
      BOOST_TEST(blended(average, value, 0.0) == value);
    }
  }
}

BOOST_AUTO_TEST_CASE(no_numbers_are_no_work) {
  Values none;
  kernels::blend(none, none, 0.5);
  BOOST_TEST(none.empty());
}

BOOST_AUTO_TEST_CASE(a_nan_gives_nan) {
  constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
  for (const double share : {0.25, 0.75}) {
    BOOST_TEST(std::isnan(blended(not_a_number, 1, share)));
    BOOST_TEST(std::isnan(blended(1, not_a_number, share)));
    BOOST_TEST(!std::isfinite(blended(1, infinity, share)));
    BOOST_TEST(!std::isfinite(blended(-infinity, 1, share)));
  }
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused_before_anything_changes) {
  Values averages{1, 2};
  const std::string message = message_of<takt::InvalidModifier>([&] {
    kernels::blend(averages, Values{1, 2, 3}, 0.5);
  });
  BOOST_TEST(has(message, "2 averages were given 3 values"));
  for (const double share : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    BOOST_CHECK_THROW(kernels::blend(averages, Values{5, 5}, share), takt::InvalidModifier);
  }
  BOOST_TEST(averages == (Values{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(any_two_finite_numbers_have_between_them_what_they_become) {
  BOOST_TEST(rc::check("within the two", [] {
    const float average = finite();
    const float value = *rc::gen::oneOf(
        rc::gen::exec([] { return finite(); }),
        rc::gen::element(average, -average, largest, -largest, std::nextafter(average, 0.0F)));
    const float result = blended(average, value, drawn_share());
    RC_ASSERT(result >= std::min(average, value));
    RC_ASSERT(result <= std::max(average, value));
  }));
}

BOOST_AUTO_TEST_CASE(it_is_as_exact_as_float_has_room_for) {
  BOOST_TEST(rc::check("half an ulp, and little of the step", [] {
    const float average = finite();
    const float value = finite();
    const double share = drawn_share();
    const double exact = share * double{average} + (1.0 - share) * double{value};
    const double step = std::min(share, 1.0 - share) * std::abs(double{value} - double{average});
    const auto nearest = static_cast<float>(exact);
    const double ulp =
        double{std::nextafter(std::abs(nearest), largest)} - double{std::abs(nearest)};
    RC_ASSERT(std::abs(double{blended(average, value, share)} - exact) <=
              0.5 * ulp + 0x1p-22 * step + double{denormal});
  }));
}

BOOST_AUTO_TEST_SUITE_END()
