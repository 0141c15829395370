// SPDX-License-Identifier: BSL-1.0
#include "takt/setting_type.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"

namespace {

using takt::SettingType;
using takt::SettingValue;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t largest_whole = std::int64_t{1} << 53;

template <class T>
T read(const SettingValue& value) {
  return SettingType<T>::read(value);
}

/// That `T` can't be read from a value, and what the message says of it.
template <class T>
void check_refused(const SettingValue& value, const std::string& message) {
  try {
    (void)SettingType<T>::read(value);
    BOOST_ERROR("read: " << to_string(value));
  } catch (const takt::InvalidModifier& error) {
    BOOST_TEST(error.what() == message);
  }
}

/// That a drawn `T` is what is read when it was written.
template <class T>
void assert_same_when_read_again(const T& value) {
  RC_ASSERT(SettingType<T>::read(SettingType<T>::write(value)) == value);
}

/// Doubles by their bits, so of any size.
rc::Gen<double> any_double() {
  return rc::gen::map(rc::gen::pair(takt::test::evenly<std::uint64_t>(0, std::uint64_t{1} << 63),
                                    rc::gen::arbitrary<bool>()),
                      [](const std::pair<std::uint64_t, bool>& drawn) {
                        const auto value = std::bit_cast<double>(drawn.first);
                        return std::isnan(value) ? infinity
                                                 : std::copysign(value, drawn.second ? -1.0 : 1.0);
                      });
}

rc::Gen<float> any_float() {
  return rc::gen::map(takt::test::evenly<std::uint64_t>(0, 0xFFFFFFFFU), [](std::uint64_t bits) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    return std::isnan(value) ? 0.0F : value;
  });
}

rc::Gen<std::int64_t> any_whole() {
  return rc::gen::map(rc::gen::pair(takt::test::whole_of_any_size(53), rc::gen::arbitrary<bool>()),
                      [](const std::pair<std::int64_t, bool>& drawn) {
                        return drawn.second ? -drawn.first : drawn.first;
                      });
}

enum class Pace { slow, fast };

}  // namespace

template <>
struct takt::SettingType<Pace> {
  static std::string name() { return "pace"; }
  static Pace read(const SettingValue& value) {
    if (value == SettingValue{"slow"}) return Pace::slow;
    if (value == SettingValue{"fast"}) return Pace::fast;
    throw_wrong_type(value, name());
  }
  static SettingValue write(const Pace& value) { return value == Pace::slow ? "slow" : "fast"; }
};

BOOST_AUTO_TEST_SUITE(setting_type)

BOOST_AUTO_TEST_CASE(each_type_has_a_name_for_people) {
  BOOST_TEST(SettingType<double>::name() == "number");
  BOOST_TEST(SettingType<float>::name() == "number");
  BOOST_TEST(SettingType<std::int64_t>::name() == "whole number");
  BOOST_TEST(SettingType<bool>::name() == "true or false");
  BOOST_TEST(SettingType<std::string>::name() == "text");
  BOOST_TEST(SettingType<std::optional<double>>::name() == "number");
  BOOST_TEST(SettingType<std::vector<std::string>>::name() == "list of text");
}

BOOST_AUTO_TEST_CASE(a_double_is_read_from_a_number) {
  BOOST_TEST(read<double>(0.1) == 0.1);
  BOOST_TEST(read<double>(-3) == -3.0);
  BOOST_TEST(read<double>(infinity) == infinity);
  BOOST_TEST(std::isnan(read<double>(std::nan(""))));
}

BOOST_AUTO_TEST_CASE(a_double_is_read_from_nothing_else) {
  check_refused<double>("fast", R"(is "fast", text; it is a number)");
  check_refused<double>("0.1", R"(is "0.1", text; it is a number)");
  check_refused<double>(true, "is true, true or false; it is a number");
  check_refused<double>(List{1}, "is [1], a list; it is a number");
  check_refused<double>(Map{{"a", 1}}, "is {a: 1}, a map; it is a number");
  check_refused<double>({}, "is null; it is a number");
}

BOOST_AUTO_TEST_CASE(a_float_is_the_nearest_to_a_number) {
  BOOST_TEST(read<float>(0.1) == 0.1F);
  BOOST_TEST(read<float>(-2) == -2.0F);
  BOOST_TEST(std::isnan(read<float>(std::nan(""))));
}

BOOST_AUTO_TEST_CASE(a_float_is_written_with_as_many_digits_as_it_has) {
  BOOST_TEST((SettingType<float>::write(0.1F) == SettingValue{0.1}));
  BOOST_TEST(to_string(SettingType<float>::write(0.1F)) == "0.1");
  BOOST_TEST((SettingType<float>::write(0.5F) == SettingValue{0.5}));
}

BOOST_AUTO_TEST_CASE(a_float_may_be_infinite) {
  BOOST_TEST(read<float>(infinity) == std::numeric_limits<float>::infinity());
  BOOST_TEST(read<float>(-infinity) == -std::numeric_limits<float>::infinity());
}

BOOST_AUTO_TEST_CASE(a_number_that_is_too_large_for_a_float_is_refused) {
  for (const double value : {1e39, -1e39, 1e300}) {
    BOOST_CHECK_EXCEPTION(read<float>(value), takt::InvalidModifier, [](const auto& error) {
      return std::string{error.what()}.find("at most 3.4028") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(a_float_is_not_read_from_text) {
  check_refused<float>("0.1", R"(is "0.1", text; it is a number)");
}

BOOST_AUTO_TEST_CASE(a_whole_number_is_read_from_a_number_without_a_fraction) {
  BOOST_TEST(read<std::int64_t>(7) == 7);
  BOOST_TEST(read<std::int64_t>(-7.0) == -7);
  BOOST_TEST(read<std::int64_t>(1e15) == 1'000'000'000'000'000);
}

BOOST_AUTO_TEST_CASE(a_fraction_is_no_whole_number) {
  check_refused<std::int64_t>(0.5, "is 0.5, a number; it is a whole number");
  check_refused<std::int64_t>(-1e-300, "is -1e-300, a number; it is a whole number");
  check_refused<std::int64_t>(std::nan(""), "is nan, a number; it is a whole number");
}

BOOST_AUTO_TEST_CASE(a_whole_number_goes_up_to_2_to_the_53) {
  BOOST_TEST(read<std::int64_t>(largest_whole) == largest_whole);
  BOOST_TEST(read<std::int64_t>(-largest_whole) == -largest_whole);
  for (const double value : {0x1p53 + 2.0, -0x1p53 - 2.0, 0x1p63, 1e300, infinity, -infinity}) {
    BOOST_CHECK_EXCEPTION(read<std::int64_t>(value), takt::InvalidModifier, [](const auto& error) {
      return std::string{error.what()}.find("up to 2^53") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(a_whole_number_is_not_read_from_text_or_a_truth) {
  check_refused<std::int64_t>("7", R"(is "7", text; it is a whole number)");
  check_refused<std::int64_t>(true, "is true, true or false; it is a whole number");
}

BOOST_AUTO_TEST_CASE(a_truth_is_read_from_true_and_false_alone) {
  BOOST_TEST(read<bool>(true));
  BOOST_TEST(!read<bool>(false));
  check_refused<bool>(1, "is 1, a number; it is true or false");
  check_refused<bool>("yes", R"(is "yes", text; it is true or false)");
  check_refused<bool>({}, "is null; it is true or false");
}

BOOST_AUTO_TEST_CASE(text_is_read_from_text) {
  BOOST_TEST(read<std::string>("cubic").compare("cubic") == 0);
  BOOST_TEST(read<std::string>("").empty());
}

BOOST_AUTO_TEST_CASE(what_looks_like_no_text_is_to_be_put_in_quotes) {
  check_refused<std::string>(24, "is 24, a number; it is text, so put it in quotes");
  check_refused<std::string>(true, "is true, true or false; it is text, so put it in quotes");
}

BOOST_AUTO_TEST_CASE(quotes_make_no_text_of_a_list_a_map_or_nothing) {
  check_refused<std::string>(List{"a"}, R"(is ["a"], a list; it is text)");
  check_refused<std::string>(Map{{"a", 1}}, "is {a: 1}, a map; it is text");
  BOOST_CHECK_EXCEPTION(read<std::string>({}), takt::InvalidModifier, [](const auto& error) {
    const std::string message = error.what();
    return message.find("null") != std::string::npos && message.ends_with("it is text");
  });
}

BOOST_AUTO_TEST_CASE(an_optional_is_unset_by_nothing) {
  BOOST_TEST(!read<std::optional<double>>({}).has_value());
  BOOST_TEST((read<std::optional<double>>(0) == std::optional{0.0}));
  BOOST_TEST(SettingType<std::optional<double>>::write(std::nullopt).is_nothing());
}

BOOST_AUTO_TEST_CASE(an_optional_is_as_strict_as_its_type) {
  check_refused<std::optional<double>>("null", R"(is "null", text; it is a number)");
}

BOOST_AUTO_TEST_CASE(a_list_is_read_element_by_element) {
  BOOST_TEST((read<std::vector<double>>(List{1, 0.5}) == std::vector<double>{1.0, 0.5}));
  BOOST_TEST(read<std::vector<double>>(List{}).empty());
}

BOOST_AUTO_TEST_CASE(a_single_value_is_a_list_of_one) {
  BOOST_TEST((read<std::vector<double>>(2) == std::vector<double>{2.0}));
  BOOST_TEST((read<std::vector<std::string>>("all") == std::vector<std::string>{"all"}));
}

BOOST_AUTO_TEST_CASE(nothing_is_no_list) {
  check_refused<std::vector<double>>({}, "is null; it is a list of number");
}

BOOST_AUTO_TEST_CASE(an_element_of_another_type_is_refused_by_itself) {
  check_refused<std::vector<double>>(List{1, "two", 3}, R"(is "two", text; it is a number)");
  check_refused<std::vector<double>>("two", R"(is "two", text; it is a number)");
}

BOOST_AUTO_TEST_CASE(a_list_of_one_is_written_as_a_list) {
  BOOST_TEST((SettingType<std::vector<double>>::write({2.0}) == SettingValue{List{2}}));
}

BOOST_AUTO_TEST_CASE(a_type_of_ones_own_is_used_in_lists_and_optionals) {
  using Paces = std::vector<Pace>;
  BOOST_TEST((read<Paces>(List{"slow", "fast"}) == Paces{Pace::slow, Pace::fast}));
  BOOST_TEST((read<std::optional<Pace>>("fast") == std::optional{Pace::fast}));
  BOOST_TEST(SettingType<Paces>::name() == "list of pace");
  check_refused<Paces>(List{"brisk"}, R"(is "brisk", text; it is a pace)");
}

BOOST_AUTO_TEST_CASE(any_double_is_the_same_when_written_and_read) {
  BOOST_TEST(
      rc::check("a double is kept", [] { assert_same_when_read_again<double>(*any_double()); }));
}

BOOST_AUTO_TEST_CASE(any_float_is_the_same_when_written_and_read) {
  BOOST_TEST(
      rc::check("a float is kept", [] { assert_same_when_read_again<float>(*any_float()); }));
}

BOOST_AUTO_TEST_CASE(a_float_whose_digits_are_rounded_twice_is_the_same_when_written_and_read) {
  // As a double, 7.038531e-26 lies just between two floats, and the nearest is not this one.
  const float value = 0x1.5c87fap-84F;
  BOOST_TEST(read<float>(SettingType<float>::write(value)) == value);
}

BOOST_AUTO_TEST_CASE(the_largest_float_is_the_same_when_written_and_read) {
  const float largest = std::numeric_limits<float>::max();
  BOOST_TEST(read<float>(SettingType<float>::write(largest)) == largest);
  BOOST_TEST(read<float>(SettingType<float>::write(-largest)) == -largest);
}

BOOST_AUTO_TEST_CASE(the_smallest_float_is_the_same_when_written_and_read) {
  const float smallest = std::numeric_limits<float>::denorm_min();
  BOOST_TEST(read<float>(SettingType<float>::write(smallest)) == smallest);
}

BOOST_AUTO_TEST_CASE(any_whole_number_is_the_same_when_written_and_read) {
  BOOST_TEST(rc::check("a whole number is kept",
                       [] { assert_same_when_read_again<std::int64_t>(*any_whole()); }));
}

BOOST_AUTO_TEST_CASE(any_truth_or_text_is_the_same_when_written_and_read) {
  BOOST_TEST(rc::check("a truth is kept", [](bool value) { assert_same_when_read_again(value); }));
  BOOST_TEST(rc::check("text is kept",
                       [](const std::string& value) { assert_same_when_read_again(value); }));
}

BOOST_AUTO_TEST_CASE(any_optional_or_list_is_the_same_when_written_and_read) {
  BOOST_TEST(rc::check("an optional is kept", [](bool set) {
    assert_same_when_read_again(set ? std::optional{*any_double()} : std::nullopt);
  }));
  BOOST_TEST(rc::check("a list of numbers is kept", [] {
    assert_same_when_read_again(*rc::gen::container<std::vector<double>>(any_double()));
  }));
  BOOST_TEST(rc::check("a list of text is kept", [](const std::vector<std::string>& value) {
    assert_same_when_read_again(value);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
