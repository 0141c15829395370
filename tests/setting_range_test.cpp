// SPDX-License-Identifier: BSL-1.0
#include "takt/setting_range.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"

namespace {

using takt::at_least;
using takt::between;
using takt::described;
using takt::more_than;
using takt::one_of;
using takt::SettingRange;
using takt::SettingValue;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;

constexpr double infinity = std::numeric_limits<double>::infinity();

bool allows(const SettingRange& range, const SettingValue& value) {
  try {
    range.check(value);
    return true;
  } catch (const takt::InvalidModifier&) {
    return false;
  }
}

/// What a range says of a value; empty when it allows it.
std::string message_of(const SettingRange& range, const SettingValue& value) {
  try {
    range.check(value);
  } catch (const takt::InvalidModifier& error) {
    return error.what();
  }
  return "";
}

/// Numbers of both signs, many of them the same.
rc::Gen<double> any_number() {
  const auto whole =
      rc::gen::map(takt::test::evenly(-5, 5), [](int drawn) { return static_cast<double>(drawn); });
  const auto positive = takt::test::real_of_any_size(-100, 100);
  const auto negative = rc::gen::map(positive, [](double drawn) { return -drawn; });
  return rc::gen::oneOf(whole, positive, negative);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(setting_range)

BOOST_AUTO_TEST_CASE(a_default_range_allows_everything) {
  const SettingRange range;
  for (const SettingValue& each : {SettingValue{}, SettingValue{true}, SettingValue{-1e300},
                                   SettingValue{infinity}, SettingValue{std::nan("")},
                                   SettingValue{"x"}, SettingValue{List{1}}, SettingValue{Map{}}}) {
    BOOST_TEST(allows(range, each), to_string(each));
  }
  BOOST_TEST(range.text().empty());
}

BOOST_AUTO_TEST_CASE(a_range_is_shown_in_words) {
  BOOST_TEST(at_least(0).text() == "0 or more");
  BOOST_TEST(more_than(0.5).text() == "more than 0.5");
  BOOST_TEST(between(0, 1).text() == "0 to 1");
  BOOST_TEST(one_of({"linear", "cubic"}).text() == "one of linear, cubic");
  BOOST_TEST(described("N:M or channel").text() == "N:M or channel");
}

BOOST_AUTO_TEST_CASE(at_least_allows_its_bound_and_what_is_above) {
  BOOST_TEST(rc::check("the bound is inside", [] {
    const double least = *any_number();
    const double value = *any_number();
    RC_ASSERT(allows(at_least(least), least));
    RC_ASSERT(allows(at_least(least), value) == (value >= least));
  }));
}

BOOST_AUTO_TEST_CASE(more_than_allows_what_is_above_its_bound) {
  BOOST_TEST(rc::check("the bound is outside", [] {
    const double bound = *any_number();
    const double value = *any_number();
    RC_ASSERT(!allows(more_than(bound), bound));
    RC_ASSERT(allows(more_than(bound), std::nextafter(bound, infinity)));
    RC_ASSERT(allows(more_than(bound), value) == (value > bound));
  }));
}

BOOST_AUTO_TEST_CASE(between_allows_both_its_bounds_and_what_is_inside) {
  BOOST_TEST(rc::check("both bounds are inside", [] {
    const double one = *any_number();
    const double other = *any_number();
    const double value = *any_number();
    const double least = std::min(one, other);
    const double most = std::max(one, other);
    const SettingRange range = between(least, most);
    RC_ASSERT(allows(range, least));
    RC_ASSERT(allows(range, most));
    RC_ASSERT(allows(range, value) == (value >= least && value <= most));
  }));
}

BOOST_AUTO_TEST_CASE(not_a_number_is_outside_of_any_bounds) {
  const double nan = std::nan("");
  BOOST_TEST(!allows(at_least(0), nan));
  BOOST_TEST(!allows(more_than(0), nan));
  BOOST_TEST(!allows(between(0, 1), nan));
}

BOOST_AUTO_TEST_CASE(infinity_is_inside_where_nothing_bounds_it) {
  BOOST_TEST(allows(at_least(0), infinity));
  BOOST_TEST(!allows(at_least(0), -infinity));
  BOOST_TEST(!allows(between(0, 1), infinity));
}

BOOST_AUTO_TEST_CASE(a_number_outside_is_refused_with_what_is_right) {
  BOOST_TEST(message_of(between(0, 1), 1.5) == "is 1.5; it is 0 to 1");
  BOOST_TEST(message_of(more_than(0), 0) == "is 0; it is more than 0");
  BOOST_TEST(message_of(at_least(1), 0.9) == "is 0.9; it is 1 or more");
}

BOOST_AUTO_TEST_CASE(one_of_allows_its_choices_as_they_are_written) {
  const SettingRange range = one_of({"linear", "cubic"});
  BOOST_TEST(allows(range, "linear"));
  BOOST_TEST(allows(range, "cubic"));
  BOOST_TEST(!allows(range, "Linear"));
  BOOST_TEST(!allows(range, "linear "));
  BOOST_TEST(!allows(range, "linear, cubic"));
  BOOST_TEST(!allows(range, ""));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_choice_is_refused_with_all_and_the_nearest) {
  BOOST_TEST(message_of(one_of({"linear", "cubic", "polynomial"}), "cubix") ==
             R"(is "cubix"; it is one of linear, cubic, polynomial. The nearest is "cubic")");
}

BOOST_AUTO_TEST_CASE(each_element_of_a_list_is_checked) {
  BOOST_TEST(allows(between(0, 1), List{0, 0.5, 1}));
  BOOST_TEST(allows(between(0, 1), List{}));
  BOOST_TEST(message_of(between(0, 1), List{0, 0.5, 2}) == "is 2; it is 0 to 1");
  BOOST_TEST(!allows(between(0, 1), List{List{0.5}, List{0.5, -1}}));
  BOOST_TEST(!allows(one_of({"a", "b"}), List{"a", "c"}));
}

BOOST_AUTO_TEST_CASE(nothing_is_always_inside) {
  BOOST_TEST(allows(at_least(1), {}));
  BOOST_TEST(allows(more_than(1), {}));
  BOOST_TEST(allows(between(1, 2), {}));
  BOOST_TEST(allows(one_of({"a"}), {}));
}

BOOST_AUTO_TEST_CASE(a_value_of_another_type_is_left_to_the_type) {
  BOOST_TEST(allows(between(1, 2), "x"));
  BOOST_TEST(allows(between(1, 2), true));
  BOOST_TEST(allows(between(1, 2), Map{{"a", 5}}));
  BOOST_TEST(allows(one_of({"a"}), 5));
}

BOOST_AUTO_TEST_CASE(a_description_checks_nothing) {
  BOOST_TEST(allows(described("2:4"), "anything"));
  BOOST_TEST(allows(described("2:4"), -1));
}

BOOST_AUTO_TEST_SUITE_END()
