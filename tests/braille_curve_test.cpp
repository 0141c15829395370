// SPDX-License-Identifier: BSL-1.0
#include "braille_curve.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <tuple>

namespace {

using takt::detail::BrailleCurve;

}  // namespace

BOOST_AUTO_TEST_SUITE(braille_curve)

BOOST_AUTO_TEST_CASE(a_character_has_two_by_four_dots) {
  const BrailleCurve curve{7, 3};
  BOOST_TEST(curve.width() == 14U);
  BOOST_TEST(curve.height() == 12U);
}

BOOST_AUTO_TEST_CASE(a_curve_without_points_is_blank) {
  const BrailleCurve curve{3, 1};
  BOOST_TEST(curve.row(0) == "");
}

BOOST_AUTO_TEST_CASE(a_point_is_a_dot) {
  for (const auto& [x, y, wanted] :
       {std::tuple{0U, 0U, "⠁"}, {0U, 3U, "⡀"}, {1U, 0U, "⠈"}, {1U, 3U, "⢀"}, {3U, 2U, " ⠠"}}) {
    BrailleCurve curve{2, 1};
    curve.line_to(x, y);
    BOOST_TEST(curve.row(0) == wanted);
  }
}

BOOST_AUTO_TEST_CASE(a_line_is_drawn_from_point_to_point) {
  BrailleCurve level{3, 1};
  level.line_to(0, 1);
  level.line_to(5, 1);
  BOOST_TEST(level.row(0) == "⠒⠒⠒");
  BrailleCurve falling{2, 1};
  falling.line_to(0, 0);
  falling.line_to(3, 3);
  BOOST_TEST(falling.row(0) == "⠳⣄");
}

BOOST_AUTO_TEST_CASE(a_steep_line_has_no_gaps) {
  BrailleCurve curve{1, 3};
  curve.line_to(0, 0);
  curve.line_to(1, 11);
  BOOST_TEST(curve.row(0) == "⡇");
  BOOST_TEST(curve.row(1) == "⢧");
  BOOST_TEST(curve.row(2) == "⢸");
}

BOOST_AUTO_TEST_SUITE_END()
