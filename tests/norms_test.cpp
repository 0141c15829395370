// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <takt/modifiers/norms.hpp>
#include <vector>

namespace {

using takt::kernels::max_magnitude;
using takt::kernels::sum_of_magnitudes;
using takt::kernels::sum_of_squares;
using Values = std::vector<float>;

constexpr float largest = std::numeric_limits<float>::max();
constexpr float denormal = std::numeric_limits<float>::denorm_min();
constexpr float infinity = std::numeric_limits<float>::infinity();

}  // namespace

BOOST_AUTO_TEST_SUITE(norms)

BOOST_AUTO_TEST_CASE(no_numbers_have_the_norm_0) {
  BOOST_TEST(sum_of_squares({}) == 0.0);
  BOOST_TEST(sum_of_magnitudes({}) == 0.0);
  BOOST_TEST(max_magnitude({}) == 0.0F);
}

BOOST_AUTO_TEST_CASE(each_number_counts_wherever_it_is) {
  for (const std::size_t size : {1U, 7U, 8U, 9U, 16U, 17U}) {
    for (std::size_t i = 0; i < size; ++i) {
      Values values(size, 1.0F);
      values[i] = -3.0F;
      BOOST_TEST(sum_of_squares(values) == static_cast<double>(size) + 8.0);
      BOOST_TEST(sum_of_magnitudes(values) == static_cast<double>(size) + 2.0);
      BOOST_TEST(max_magnitude(values) == 3.0F);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_largest_and_the_smallest_numbers_have_room) {
  const Values large(20, -largest);
  BOOST_TEST(sum_of_squares(large) == 20.0 * double{largest} * double{largest});
  BOOST_TEST(sum_of_magnitudes(large) == 20.0 * double{largest});
  BOOST_TEST(max_magnitude(large) == largest);
  const Values small(20, -denormal);
  BOOST_TEST(sum_of_squares(small) == 20.0 * double{denormal} * double{denormal});
  BOOST_TEST(sum_of_magnitudes(small) == 20.0 * double{denormal});
  BOOST_TEST(max_magnitude(small) == denormal);
}

BOOST_AUTO_TEST_CASE(an_infinity_gives_infinity_and_a_nan_nan) {
  for (std::size_t i = 0; i < 19; ++i) {
    Values values(19, 1.0F);
    values[i] = -infinity;
    BOOST_TEST(sum_of_squares(values) == double{infinity});
    BOOST_TEST(sum_of_magnitudes(values) == double{infinity});
    BOOST_TEST(max_magnitude(values) == infinity);
    values[(i + 5) % 19] = -std::numeric_limits<float>::quiet_NaN();
    BOOST_TEST(std::isnan(sum_of_squares(values)));
    BOOST_TEST(std::isnan(sum_of_magnitudes(values)));
    BOOST_TEST(std::isnan(max_magnitude(values)));
  }
}

BOOST_AUTO_TEST_CASE(whole_numbers_have_the_norms_that_plain_loops_find) {
  BOOST_TEST(rc::check("norms", [] {
    Values values;
    double squares = 0.0;
    double magnitudes = 0.0;
    float greatest = 0.0F;
    for (const int number : *rc::gen::container<std::vector<int>>(rc::gen::inRange(-999, 1000))) {
      const double one = std::abs(number);
      values.push_back(static_cast<float>(number));
      squares += one * one;
      magnitudes += one;
      greatest = std::max(greatest, static_cast<float>(one));
    }
    RC_ASSERT(sum_of_squares(values) == squares);
    RC_ASSERT(sum_of_magnitudes(values) == magnitudes);
    RC_ASSERT(max_magnitude(values) == greatest);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
