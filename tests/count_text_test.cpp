// SPDX-License-Identifier: BSL-1.0
#include "count_text.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>

namespace {

using takt::detail::duration_text;
using takt::detail::grouped;
using takt::detail::loss_level;
using takt::detail::tick_text;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

}  // namespace

BOOST_AUTO_TEST_SUITE(count_text)

BOOST_AUTO_TEST_CASE(a_tick_is_exact_and_short) {
  BOOST_TEST(tick_text(0) == "0");
  BOOST_TEST(tick_text(5'000) == "5000");
  BOOST_TEST(tick_text(50'000) == "50k");
  BOOST_TEST(tick_text(1'250'000) == "1.25M");
  BOOST_TEST(tick_text(1'050'000) == "1.05M");
  BOOST_TEST(tick_text(1'500'000) == "1.5M");
  BOOST_TEST(tick_text(1'000'100) == "1000100");
  BOOST_TEST(tick_text(200'000'000'000) == "200G");
  BOOST_TEST(tick_text(1'000'000'000'000) == "1T");
  BOOST_TEST(tick_text(largest) == "9223372036854775807");
}

BOOST_AUTO_TEST_CASE(a_count_is_in_digits_as_long_as_they_are_few) {
  BOOST_TEST(takt::detail::count_text(0) == "0");
  BOOST_TEST(takt::detail::count_text(999'999) == "999999");
  BOOST_TEST(takt::detail::count_text(1'000'000) == "1M");
  BOOST_TEST(takt::detail::count_text(1'054'000) == "1.05M");
  BOOST_TEST(takt::detail::count_text(999'600'000) == "1G");
  BOOST_TEST(takt::detail::count_text(std::int64_t{1} << 40) == "1.1T");
  BOOST_TEST(takt::detail::count_text(largest) == "9.22e+06T");
}

BOOST_AUTO_TEST_CASE(digits_are_in_groups_of_three) {
  BOOST_TEST(grouped(0, ",") == "0");
  BOOST_TEST(grouped(123, ",") == "123");
  BOOST_TEST(grouped(1'234'567, ",") == "1,234,567");
  BOOST_TEST(grouped(-123'456, " ") == "-123 456");
}

BOOST_AUTO_TEST_CASE(a_time_is_in_the_unit_that_suits_it) {
  BOOST_TEST(duration_text(0) == "0 ns");
  BOOST_TEST(duration_text(840) == "840 ns");
  BOOST_TEST(duration_text(999) == "1 µs");
  BOOST_TEST(duration_text(1'234'567) == "1.2 ms");
  BOOST_TEST(duration_text(34'400'000'000) == "34 s");
  BOOST_TEST(duration_text(90'000'000'000) == "1.5 min");
  BOOST_TEST(duration_text(9'000'000'000'000) == "2.5 h");
}

BOOST_AUTO_TEST_CASE(a_loss_has_three_digits) {
  BOOST_TEST(loss_level(2.30259) == "2.3");
  BOOST_TEST(loss_level(0.021349) == "0.0213");
  BOOST_TEST(loss_level(0.0000121) == "1.21e-05");
}

BOOST_AUTO_TEST_SUITE_END()
