// SPDX-License-Identifier: BSL-1.0
#include "loss_levels.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <vector>

namespace {

using takt::LossSpan;
using takt::detail::LossLevel;
using takt::detail::TimeScale;

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_levels)

BOOST_AUTO_TEST_CASE(spans_in_one_cell_come_together_by_their_steps) {
  const std::vector<LossLevel> levels = takt::detail::loss_levels(
      {{0, 0, 1.0, 3.0, 2.0}, {1, 3, 0.5, 2.0, 1.0}, {4, 4, 7.0, 7.0, 7.0}}, TimeScale{0, 8, 2});
  BOOST_TEST_REQUIRE(levels.size() == 2U);
  BOOST_TEST(levels[0].cell == 0);
  BOOST_TEST(levels[0].low == 0.5);
  BOOST_TEST(levels[0].high == 3.0);
  BOOST_TEST(levels[0].mean == 1.25);
  BOOST_TEST(levels[1].cell == 1);
  BOOST_TEST(levels[1].mean == 7.0);
}

BOOST_AUTO_TEST_CASE(a_span_is_in_the_cell_of_its_middle) {
  const std::vector<LossLevel> levels = takt::detail::loss_levels(
      {{0, 5, 1.0, 1.0, 1.0}, {6, 9, 2.0, 2.0, 2.0}}, TimeScale{0, 10, 10});
  BOOST_TEST_REQUIRE(levels.size() == 2U);
  BOOST_TEST(levels[0].cell == 2);
  BOOST_TEST(levels[1].cell == 7);
  BOOST_TEST(takt::detail::loss_levels({{0, 0, 1.0, 1.0, 1.0}}, TimeScale{0, 1, 9}).at(0).cell ==
             4);
}

BOOST_AUTO_TEST_CASE(what_can_not_be_drawn_is_left_out) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<LossSpan> losses{{0, 0, nan, 1.0, 1.0},
                                     {1, 1, 0.0, infinity, 1.0},
                                     {2, 2, 0.0, 1.0, -infinity},
                                     {3, 2, 0.0, 1.0, 0.5},
                                     {9, 10, 0.0, 1.0, 0.5}};
  BOOST_TEST(takt::detail::loss_levels(losses, TimeScale{0, 10, 10}).empty());
}

BOOST_AUTO_TEST_CASE(a_height_is_a_part_of_the_range) {
  using takt::detail::height_of;
  constexpr double largest = std::numeric_limits<double>::max();
  BOOST_TEST(height_of(1.5, 1.0, 3.0) == 0.25);
  BOOST_TEST(height_of(0.0, 1.0, 3.0) == 0.0);
  BOOST_TEST(height_of(4.0, 1.0, 3.0) == 1.0);
  BOOST_TEST(height_of(2.0, 2.0, 2.0) == 0.5);
  BOOST_TEST(height_of(0.0, -largest, largest) == 0.5);
}

BOOST_AUTO_TEST_SUITE_END()
