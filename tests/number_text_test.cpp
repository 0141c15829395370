// SPDX-License-Identifier: BSL-1.0
#include "number_text.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>

BOOST_AUTO_TEST_SUITE(number_text)

BOOST_AUTO_TEST_CASE(a_number_is_shown_as_short_as_it_can_be) {
  using takt::detail::text_of;
  BOOST_TEST(text_of(0.9) == "0.9");
  BOOST_TEST(text_of(8.0) == "8");
  BOOST_TEST(text_of(-1e-5) == "-1e-05");
  BOOST_TEST(text_of(std::numeric_limits<double>::quiet_NaN()) == "nan");
  BOOST_TEST(text_of(std::numeric_limits<double>::infinity()) == "inf");
}

BOOST_AUTO_TEST_CASE(the_text_reads_back_as_the_number) {
  BOOST_TEST(rc::check("round trip", [](double value) {
    RC_ASSERT(std::stod(takt::detail::text_of(value)) == value);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
