// SPDX-License-Identifier: BSL-1.0
#include "shown_text.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

namespace {

using takt::detail::character_count;
using takt::detail::shortened;

const std::string replaced = "\uFFFD";

std::string shown(std::string_view text) { return takt::detail::shown_text(text); }

}  // namespace

BOOST_AUTO_TEST_SUITE(shown_text)

BOOST_AUTO_TEST_CASE(a_name_is_shown_as_it_is) {
  BOOST_TEST(shown("") == "");
  BOOST_TEST(shown("warm-up 1 <b>") == "warm-up 1 <b>");
  BOOST_TEST(shown("Wärme 温度 🎵") == "Wärme 温度 🎵");
}

BOOST_AUTO_TEST_CASE(control_characters_are_replaced) {
  BOOST_TEST(shown("a\x1b[31m\n") == "a" + replaced + "[31m" + replaced);
  BOOST_TEST(shown("\x7f") == replaced);
  BOOST_TEST(shown("\u0085\u2028\u202E\u2066") == replaced + replaced + replaced + replaced);
  BOOST_TEST(shown(std::string(1, '\0')) == replaced);
}

BOOST_AUTO_TEST_CASE(what_is_no_utf_8_is_replaced_byte_by_byte) {
  BOOST_TEST(shown("a\xff\x62") == "a" + replaced + "b");
  BOOST_TEST(shown("\xc3") == replaced);                                // cut short
  BOOST_TEST(shown("\xc0\xaf") == replaced + replaced);                 // overlong
  BOOST_TEST(shown("\xed\xa0\x80") == replaced + replaced + replaced);  // a surrogate
  BOOST_TEST(shown("\xf4\x90\x80\x80").size() == 4 * replaced.size());  // past the last
  BOOST_TEST(shown("\xe2\x82z") == replaced + replaced + "z");
}

BOOST_AUTO_TEST_CASE(noncharacters_are_replaced) {
  BOOST_TEST(shown("\uFFFE") == replaced);
  BOOST_TEST(shown("\uFDD0") == replaced);
  BOOST_TEST(shown("\U0001FFFF") == replaced);
}

BOOST_AUTO_TEST_CASE(what_is_shown_is_shown_as_it_is) {
  BOOST_TEST(rc::check("shown twice", [](const std::string& text) {
    const std::string once = shown(text);
    RC_ASSERT(shown(once) == once);
    RC_ASSERT(character_count(once) <= text.size());
  }));
}

BOOST_AUTO_TEST_CASE(a_text_that_is_too_long_ends_in_an_ellipsis) {
  BOOST_TEST(shortened("Wärme", 5) == "Wärme");
  BOOST_TEST(shortened("Wärme", 4) == "Wär…");
  BOOST_TEST(shortened("Wärme", 1) == "…");
  BOOST_TEST(shortened("", 1) == "");
}

BOOST_AUTO_TEST_SUITE_END()
