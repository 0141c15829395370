// SPDX-License-Identifier: BSL-1.0
#include "takt/setting_value.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::Mark;
using takt::SettingValue;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;

static_assert(std::is_nothrow_move_constructible_v<SettingValue>);
static_assert(std::is_nothrow_move_assignable_v<SettingValue>);

/// One value of each kind, and some that differ within a kind.
std::vector<SettingValue> different_values() {
  return {{},
          true,
          false,
          0,
          1,
          "",
          "1",
          "true",
          "null",
          List{},
          List{1},
          List{1, 2},
          List{2, 1},
          List{SettingValue{List{1}}},
          Map{},
          Map{{"a", 1}},
          Map{{"b", 1}},
          Map{{"a", 2}},
          Map{{"a", 1}, {"b", 2}},
          Map{{"b", 2}, {"a", 1}}};
}

/// How many of the kinds a value is of.
int kinds_of(const SettingValue& value) {
  return (value.is_nothing() ? 1 : 0) + (value.get_if<bool>() != nullptr ? 1 : 0) +
         (value.get_if<double>() != nullptr ? 1 : 0) +
         (value.get_if<std::string>() != nullptr ? 1 : 0) +
         (value.get_if<List>() != nullptr ? 1 : 0) + (value.get_if<Map>() != nullptr ? 1 : 0);
}

/// Any value, lists and maps in one another to some depth.
rc::Gen<SettingValue> any_value(int depth) {
  const auto truth =
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool drawn) { return SettingValue{drawn}; });
  const auto number =
      rc::gen::map(takt::test::real_of_any_size(-30, 30), [](double x) { return SettingValue{x}; });
  const auto text = rc::gen::map(rc::gen::arbitrary<std::string>(),
                                 [](const std::string& drawn) { return SettingValue{drawn}; });
  const auto nothing = rc::gen::construct<SettingValue>();
  if (depth == 0) return rc::gen::oneOf(nothing, truth, number, text);
  const auto several = rc::gen::resize(
      3, rc::gen::container<std::vector<std::pair<std::string, SettingValue>>>(rc::gen::pair(
             rc::gen::resize(4, rc::gen::arbitrary<std::string>()), any_value(depth - 1))));
  const auto list = rc::gen::map(several, [](const auto& drawn) {
    List made;
    for (const auto& [key, value] : drawn) made.push_back(value);
    return SettingValue{made};
  });
  const auto map = rc::gen::map(several, [](const auto& drawn) {
    Map made;
    for (const auto& [key, value] : drawn) made.push_back({key, value});
    return SettingValue{made};
  });
  return rc::gen::oneOf(nothing, truth, number, text, list, map);
}

/// Gives a value, and all that is in it, another mark.
void mark_all(SettingValue& value, std::int64_t line) {
  value.mark = {line, 2 * line};
  if (auto* const list = value.get_if<List>()) {
    for (SettingValue& each : *list) mark_all(each, ++line);
  } else if (auto* const map = value.get_if<Map>()) {
    for (takt::SettingEntry& each : *map) {
      each.mark = {line, 1};
      mark_all(each.value, ++line);
    }
  }
}

/// Whether a byte is inside of a character of UTF-8.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

BOOST_AUTO_TEST_SUITE(setting_value)

BOOST_AUTO_TEST_CASE(a_default_value_is_nothing) {
  const SettingValue value;
  BOOST_TEST(value.is_nothing());
  BOOST_TEST(kinds_of(value) == 1);
  BOOST_TEST((value.mark == Mark{0, 0}));
  BOOST_TEST(SettingValue{}.is_nothing());
}

BOOST_AUTO_TEST_CASE(a_value_is_of_one_kind_only) {
  for (const SettingValue& each : different_values()) {
    BOOST_TEST(kinds_of(each) == 1, to_string(each));
  }
}

BOOST_AUTO_TEST_CASE(true_and_false_are_kept) {
  const SettingValue yes = true;
  const SettingValue no = false;
  BOOST_REQUIRE(yes.get_if<bool>());
  BOOST_REQUIRE(no.get_if<bool>());
  BOOST_TEST(*yes.get_if<bool>());
  BOOST_TEST(!*no.get_if<bool>());
}

BOOST_AUTO_TEST_CASE(every_type_of_number_is_a_number) {
  for (const SettingValue& each :
       {SettingValue{3}, SettingValue{3U}, SettingValue{std::int64_t{3}},
        SettingValue{std::uint8_t{3}}, SettingValue{3.0F}, SettingValue{3.0}, SettingValue{3.0L}}) {
    BOOST_REQUIRE(each.get_if<double>());
    BOOST_TEST(*each.get_if<double>() == 3.0);
  }
}

BOOST_AUTO_TEST_CASE(every_type_of_text_is_text) {
  for (const SettingValue& each : {SettingValue{"cubic"}, SettingValue{std::string{"cubic"}},
                                   SettingValue{std::string_view{"cubic"}}}) {
    BOOST_REQUIRE(each.get_if<std::string>());
    BOOST_TEST(*each.get_if<std::string>() == "cubic");
  }
}

BOOST_AUTO_TEST_CASE(text_may_hold_a_byte_that_is_zero) {
  const std::string text{"a\0b", 3};
  const SettingValue value{std::string_view{text}};
  BOOST_REQUIRE(value.get_if<std::string>());
  BOOST_TEST((*value.get_if<std::string>() == text));
}

BOOST_AUTO_TEST_CASE(a_list_keeps_its_elements_in_order) {
  const SettingValue value = List{1, "two", true};
  const auto* const list = value.get_if<List>();
  BOOST_REQUIRE(list);
  BOOST_REQUIRE_EQUAL(list->size(), 3U);
  BOOST_TEST((list->at(0) == SettingValue{1}));
  BOOST_TEST((list->at(1) == SettingValue{"two"}));
  BOOST_TEST((list->at(2) == SettingValue{true}));
}

BOOST_AUTO_TEST_CASE(a_map_keeps_its_entries_in_the_order_in_which_they_were_written) {
  const SettingValue value{{"start", 1}, {"end", 8}, {"a", "x"}};
  const auto* const map = value.get_if<Map>();
  BOOST_REQUIRE(map);
  BOOST_REQUIRE_EQUAL(map->size(), 3U);
  BOOST_TEST(map->at(0).key == "start");
  BOOST_TEST(map->at(1).key == "end");
  BOOST_TEST(map->at(2).key == "a");
}

BOOST_AUTO_TEST_CASE(a_value_can_be_changed_in_place) {
  SettingValue value = List{1};
  value.get_if<List>()->push_back("more");
  BOOST_TEST((value == SettingValue{List{1, "more"}}));
}

BOOST_AUTO_TEST_CASE(a_copy_is_a_value_of_its_own) {
  const SettingValue value = List{1};
  SettingValue copy = value;
  copy.get_if<List>()->clear();
  BOOST_TEST(value.get_if<List>()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_entry_of_a_map_is_found_by_its_name) {
  const SettingValue value{{"start", 1}, {"end", 8}};
  BOOST_REQUIRE(value.find("end"));
  BOOST_TEST((*value.find("end") == SettingValue{8}));
}

BOOST_AUTO_TEST_CASE(a_name_that_a_map_does_not_have_is_not_found) {
  const SettingValue value{{"start", Map{{"end", 8}}}};
  BOOST_TEST(value.find("end") == nullptr);
  BOOST_TEST(value.find("Start") == nullptr);
  BOOST_TEST(value.find("") == nullptr);
}

BOOST_AUTO_TEST_CASE(an_entry_that_is_nothing_is_found) {
  const SettingValue value{{"end", {}}};
  BOOST_REQUIRE(value.find("end"));
  BOOST_TEST(value.find("end")->is_nothing());
}

BOOST_AUTO_TEST_CASE(nothing_is_found_in_what_is_no_map) {
  for (const SettingValue& each : different_values()) {
    if (each.get_if<Map>() == nullptr) BOOST_TEST(each.find("a") == nullptr, to_string(each));
  }
}

BOOST_AUTO_TEST_CASE(values_of_another_kind_or_content_differ) {
  const std::vector<SettingValue> values = different_values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values.size(); ++j) {
      BOOST_TEST((values[i] == values[j]) == (i == j), to_string(values[i])
                                                           << " and " << to_string(values[j]));
    }
  }
}

BOOST_AUTO_TEST_CASE(equality_ignores_where_a_value_was_written) {
  BOOST_TEST(rc::check("a value with other marks is the same", [] {
    const SettingValue value = *any_value(3);
    SettingValue marked = value;
    mark_all(marked, *takt::test::evenly<std::int64_t>(1, 1000));
    RC_ASSERT(value == marked);
  }));
}

BOOST_AUTO_TEST_CASE(marks_are_equal_when_line_and_column_are) {
  BOOST_TEST((Mark{1, 2} == Mark{1, 2}));
  BOOST_TEST((Mark{1, 2} != Mark{1, 3}));
  BOOST_TEST((Mark{1, 2} != Mark{2, 2}));
}

BOOST_AUTO_TEST_CASE(a_value_is_shown_in_yaml_s_flow_style) {
  BOOST_TEST(to_string(SettingValue{}) == "null");
  BOOST_TEST(to_string(SettingValue{true}) == "true");
  BOOST_TEST(to_string(SettingValue{false}) == "false");
  BOOST_TEST(to_string(SettingValue{0.1}) == "0.1");
  BOOST_TEST(to_string(SettingValue{8}) == "8");
  BOOST_TEST(to_string(SettingValue{"2:4"}) == "\"2:4\"");
  BOOST_TEST(to_string(SettingValue{List{}}) == "[]");
  BOOST_TEST(to_string(SettingValue{Map{}}) == "{}");
  BOOST_TEST(to_string(SettingValue{List{0.5, true, "2:4"}}) == R"([0.5, true, "2:4"])");
  BOOST_TEST(to_string(SettingValue{{"start", 1}, {"end", List{8, {}}}}) ==
             "{start: 1, end: [8, null]}");
}

BOOST_AUTO_TEST_CASE(a_value_is_shown_on_one_line) {
  const std::string shown = to_string(SettingValue{{"a\nb", "first\nsecond\r\nthird"}});
  BOOST_TEST(shown.find_first_of("\r\n") == std::string::npos, shown);
}

BOOST_AUTO_TEST_CASE(text_of_60_bytes_with_its_quotes_is_shown_whole) {
  const std::string text(58, 'x');
  BOOST_TEST(to_string(SettingValue{text}) == '"' + text + '"');
}

BOOST_AUTO_TEST_CASE(longer_text_is_cut_with_an_ellipsis) {
  const std::string shown = '"' + std::string(59, 'x') + "...";
  BOOST_TEST(to_string(SettingValue{std::string(59, 'x')}) == shown);
  BOOST_TEST(to_string(SettingValue{std::string(1'000'000, 'x')}) == shown);
}

BOOST_AUTO_TEST_CASE(a_long_list_is_cut_with_an_ellipsis) {
  const std::string shown = to_string(SettingValue{List(1000, SettingValue{1})});
  BOOST_TEST(shown == "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,...");
}

BOOST_AUTO_TEST_CASE(a_long_name_in_a_map_is_cut_with_an_ellipsis) {
  const SettingValue value{{std::string(1000, 'k'), 1}};
  BOOST_TEST(to_string(value) == '{' + std::string(59, 'k') + "...");
}

BOOST_AUTO_TEST_CASE(long_text_is_cut_between_characters_of_utf_8) {
  BOOST_TEST(rc::check("what is left is a beginning of whole characters", [] {
    const auto letters = *rc::gen::container<std::vector<std::string>>(
        *takt::test::evenly<std::size_t>(0, 80),
        rc::gen::elementOf(std::vector<std::string>{"x", "\u00e9", "\u20ac", "\U0001f600"}));
    std::string text;
    for (const std::string& letter : letters) text += letter;
    const std::string whole = '"' + text + '"';
    std::string shown = to_string(SettingValue{text});
    if (whole.size() <= 60) {
      RC_ASSERT(shown == whole);
      return;
    }
    RC_ASSERT(shown.ends_with("..."));
    shown.resize(shown.size() - 3);
    RC_ASSERT(whole.starts_with(shown));
    RC_ASSERT(shown.size() <= 60U);
    RC_ASSERT(shown.size() >= 57U);
    RC_ASSERT(!continues(whole[shown.size()]));
  }));
}

BOOST_AUTO_TEST_CASE(what_is_shown_is_short_whatever_the_value) {
  BOOST_TEST(rc::check("60 bytes and an ellipsis are the most",
                       [] { RC_ASSERT(to_string(*any_value(4)).size() <= 63U); }));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_utf_8_is_shown_all_the_same) {
  const std::string shown = to_string(SettingValue{std::string(500, '\x80')});
  BOOST_TEST(shown.ends_with("..."));
  BOOST_TEST(shown.size() <= 63U);
}

BOOST_AUTO_TEST_SUITE_END()
