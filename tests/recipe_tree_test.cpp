// SPDX-License-Identifier: BSL-1.0
#include "recipe_tree.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "cadence_cases.hpp"
#include "number_text.hpp"
#include "recipe_cases.hpp"
#include "takt/error.hpp"

namespace {

using takt::Mark;
using takt::SettingEntry;
using takt::SettingValue;
using takt::detail::size_of;
using takt::test::has;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;

const std::string source = "tree";

SettingValue tree(std::string_view text) { return takt::detail::recipe_tree(text, source); }

std::string refusal(std::string_view text) {
  return takt::test::message_of<takt::RecipeError>([&] { (void)tree(text); });
}

void check(std::string_view text, const SettingValue& expected) {
  const SettingValue made = tree(text);
  BOOST_TEST((made == expected), text << " is " << to_string(made));
}

void check_refused(std::string_view text, const std::string& place, const std::string& words) {
  const std::string message = refusal(text);
  BOOST_TEST(message.starts_with("tree:" + place + ": "), message);
  BOOST_TEST(has(message, words), message);
}

void check_number(const std::string& text, double expected) {
  const SettingValue made = tree(text);
  BOOST_REQUIRE_MESSAGE(made.get_if<double>() != nullptr, text << " is " << to_string(made));
  BOOST_TEST(*made.get_if<double>() == expected, text << " is " << to_string(made));
  BOOST_TEST(std::signbit(*made.get_if<double>()) == std::signbit(expected), text);
}

/// "a, a, ..." `count` times.
std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "" : ", ") + text;
  return all;
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_tree)

// ---- Single values

BOOST_AUTO_TEST_CASE(nothing_has_five_words) {
  for (const char* const word : {"~", "null", "Null", "NULL", "None"}) {
    check(word, {});
    check(std::string{"["} + word + "]", List{{}});
  }
  check("a:", Map{{"a", {}}});
  check("[nULL, none, Nil]", List{"nULL", "none", "Nil"});
}

BOOST_AUTO_TEST_CASE(true_and_false_have_three_words_each) {
  check("[true, True, TRUE]", List{true, true, true});
  check("[false, False, FALSE]", List{false, false, false});
}

BOOST_AUTO_TEST_CASE(other_words_for_true_and_false_are_text) {
  check("[yes, no, on, off, y, n, tRUE]", List{"yes", "no", "on", "off", "y", "n", "tRUE"});
}

BOOST_AUTO_TEST_CASE(numbers_are_decimal) {
  check_number("0", 0.0);
  check_number("-0", -0.0);
  check_number("+7", 7.0);
  check_number("-7.25", -7.25);
  check_number(".5", 0.5);
  check_number("5.", 5.0);
  check_number("-.5", -0.5);
  check_number("012", 12.0);
  check_number("1e3", 1000.0);
  check_number("1E+3", 1000.0);
  check_number("8e-5", 8e-5);
  check_number("1.5e-4", 1.5e-4);
}

BOOST_AUTO_TEST_CASE(what_only_resembles_a_number_is_text) {
  for (const char* const text :
       {"1e",    "e5",    ".",        "+",         "--1", "+-1", "-+1", "1.2.3",
        "1e5.5", "1_000", "0x10",     "0o7",       "1,5", "1 2", "2:4", "inf",
        "nan",   "-inf",  "infinity", ".Infinity", "5%",  "1e+", "-e5", "+.e5"}) {
    check(text, text);
  }
}

BOOST_AUTO_TEST_CASE(infinity_and_not_a_number_start_with_a_dot) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const char* const word : {".inf", ".Inf", ".INF", "+.inf"}) check_number(word, infinity);
  for (const char* const word : {"-.inf", "-.Inf", "-.INF"}) check_number(word, -infinity);
  for (const char* const word : {".nan", ".NaN", ".NAN"}) {
    const SettingValue made = tree(word);
    BOOST_REQUIRE(made.get_if<double>());
    BOOST_TEST(std::isnan(*made.get_if<double>()));
  }
  check("-.nan", "-.nan");
}

BOOST_AUTO_TEST_CASE(numbers_beyond_a_double_are_infinite_or_zero) {
  const double infinity = std::numeric_limits<double>::infinity();
  check_number("1e999", infinity);
  check_number("-1e999", -infinity);
  check_number(std::string(400, '9'), infinity);
  check_number("1e-999", 0.0);
  check_number("-1e-999", -0.0);
  check_number("0." + std::string(400, '0') + "1", 0.0);
}

BOOST_AUTO_TEST_CASE(numbers_are_read_to_the_last_bit) {
  BOOST_TEST(rc::check("the shortest text of a number is that number", [] {
    const double number = *takt::test::real_of_any_size(-1022, 1023);
    RC_ASSERT(tree(takt::detail::text_of(number)) == SettingValue{number});
    RC_ASSERT(tree(takt::detail::text_of(-number)) == SettingValue{-number});
  }));
}

BOOST_AUTO_TEST_CASE(what_stands_in_quotes_is_text) {
  check(R"(["1", '1', "true", 'null', "~", "", '', ".inf"])",
        List{"1", "1", "true", "null", "~", "", "", ".inf"});
  check(R"("a\tb\u00e9\x41")", "a\tb\u00e9\x41");
  check("'it''s'", "it's");
}

BOOST_AUTO_TEST_CASE(yaml_s_own_tags_choose_text_or_number) {
  check("!!str 5", "5");
  check("! 5", "5");
  check("!!int 5", 5);
  check("!!float 5", 5);
}

BOOST_AUTO_TEST_CASE(plain_text_and_blocks_are_text) {
  check("a b: c d", Map{{"a b", "c d"}});
  check("a: |\n  x\n  y\n", Map{{"a", "x\ny\n"}});
  check("a: >-\n  x\n  y\n", Map{{"a", "x y"}});
  check("a: |+\n  5\n\n", Map{{"a", "5\n\n"}});
  check("a: x\n  y\n", Map{{"a", "x y"}});
}

// ---- Lists, maps and tags

BOOST_AUTO_TEST_CASE(lists_and_maps_are_read_in_both_styles_and_as_json) {
  const SettingValue expected{{"a", List{1, "b", {}}}, {"c", Map{{"d", true}}}, {"e", Map{}}};
  check("a:\n  - 1\n  - b\n  -\nc:\n  d: true\ne: {}\n", expected);
  check("{a: [1, b, ~], c: {d: true}, e: {}}", expected);
  check(R"({"a":[1,"b",null],"c":{"d":true},"e":{}})", expected);
  check("- [1]\n-\n  - 2\n- - 3\n", List{List{1}, List{2}, List{3}});
}

BOOST_AUTO_TEST_CASE(names_are_text_whatever_they_look_like) {
  check("{1: a, 0.50: b, true: c, 'x': d, ~: e}",
        Map{{"1", "a"}, {"0.50", "b"}, {"true", "c"}, {"x", "d"}, {"", "e"}});
}

BOOST_AUTO_TEST_CASE(a_map_keeps_the_order_in_which_it_was_written) {
  check("{z: 1, a: 2, m: 3}", Map{{"z", 1}, {"a", 2}, {"m", 3}});
}

BOOST_AUTO_TEST_CASE(a_name_is_given_once_in_a_map) {
  check_refused("{a: 1, b: 2, a: 3}", "1:14", "\"a\" is given twice");
  check_refused("a: 1\n'a': 1\n", "2:1", "\"a\" is given twice");
  check_refused("1: 1\n'1': 1\n", "2:1", "\"1\" is given twice");
  check("[{a: 1}, {a: 2}]", List{Map{{"a", 1}}, Map{{"a", 2}}});
}

BOOST_AUTO_TEST_CASE(a_list_or_map_is_no_name) {
  check_refused("{[a]: 1}", "1:2", "a list is no name");
  check_refused("{{a: 1}: 2}", "1:2", "a map is no name");
  check_refused("? {a}\n: 2\n", "1:1", "a map is no name");
  check_refused("{{a, b}}", "1:2", "a map is no name");
}

BOOST_AUTO_TEST_CASE(two_braces_are_text) {
  check("{{a}}", "{{a}}");
  check("{a: {{b}}, c: {{ d * 2 }}}", Map{{"a", "{{b}}"}, {"c", "{{d * 2}}"}});
  check("[{{a}}, {{(a + 1) / 2}}]", List{"{{a}}", "{{(a + 1) / 2}}"});
  check("{{{a}}: 1}", Map{{"{{a}}", 1}});
  check("{{a}}:\n  b\n", Map{{"{{a}}", "b"}});
  check("a: {{1}}", Map{{"a", "{{1}}"}});
}

BOOST_AUTO_TEST_CASE(a_tag_is_a_map_from_its_name) {
  check("!A {a: 1}", Map{{"A", Map{{"a", 1}}}});
  check("- !A\n  a: 1\n- !B\n- !C: [1]\n- !D x\n",
        List{Map{{"A", Map{{"a", 1}}}}, Map{{"B", {}}}, Map{{"C", List{1}}}, Map{{"D", "x"}}});
}

// ---- Aliases

BOOST_AUTO_TEST_CASE(an_alias_is_what_its_anchor_marks) {
  check("[&a [1, 2], *a, &b x, *b, *a]", List{List{1, 2}, List{1, 2}, "x", "x", List{1, 2}});
  check("a: &x {b: 1}\nc: *x\n", Map{{"a", Map{{"b", 1}}}, {"c", Map{{"b", 1}}}});
  check("[&n ~, *n, &t !A 1, *t]", List{{}, {}, Map{{"A", 1}}, Map{{"A", 1}}});
}

BOOST_AUTO_TEST_CASE(an_alias_may_stand_for_a_name) {
  check("{&k a: 1, b: {*k : 2}}", Map{{"a", 1}, {"b", Map{{"a", 2}}}});
}

BOOST_AUTO_TEST_CASE(of_two_anchors_of_a_name_the_last_counts) {
  check("[&a 1, *a, &a 2, *a]", List{1, 1, 2, 2});
}

BOOST_AUTO_TEST_CASE(an_alias_without_an_anchor_before_it_is_refused) {
  check_refused("[*a, &a 1]", "1:2", "anchor");
  check_refused("a: 1\nb: *c\n", "2:4", "anchor");
}

BOOST_AUTO_TEST_CASE(an_alias_can_t_stand_inside_what_it_repeats) {
  check_refused("&a [*a]", "1:5", "inside what it repeats");
  check_refused("&a\nb: {c: *a}\n", "2:8", "inside what it repeats");
}

BOOST_AUTO_TEST_CASE(a_merge_brings_in_what_a_map_does_not_have_itself) {
  const std::string base = "base: &b {x: 1, y: 2}\n";
  const SettingEntry first{"base", Map{{"x", 1}, {"y", 2}}};
  check(base + "c: {<<: *b, y: 3, z: 4}", Map{first, {"c", Map{{"y", 3}, {"z", 4}, {"x", 1}}}});
  check(base + "c:\n  y: 3\n  <<: *b\n", Map{first, {"c", Map{{"y", 3}, {"x", 1}}}});
  check("{<<: {a: 1}, b: 2}", Map{{"b", 2}, {"a", 1}});
}

BOOST_AUTO_TEST_CASE(a_merge_is_of_one_map_and_once) {
  check_refused("{<<: [1]}", "1:2", "<< brings in one map, once");
  check_refused("{a: 1, <<: x}", "1:8", "<< brings in one map, once");
  check_refused("{<<: {a: 1}, <<: {b: 1}}", "1:14", "<< brings in one map, once");
}

// ---- Where things were written

BOOST_AUTO_TEST_CASE(each_value_and_name_knows_its_line_and_column) {
  const SettingValue root =
      tree("# first\na: 1\nbc:\n  - x\n  -   {d: [7], e: }\n\nf: |\n  text\n");
  BOOST_TEST((root.mark == Mark{2, 1}));
  const Map& map = *root.get_if<Map>();
  BOOST_TEST((map[0].mark == Mark{2, 1}));
  BOOST_TEST((map[0].value.mark == Mark{2, 4}));
  BOOST_TEST((map[1].mark == Mark{3, 1}));
  BOOST_TEST((map[1].value.mark == Mark{4, 3}));
  const List& list = *map[1].value.get_if<List>();
  BOOST_TEST((list[0].mark == Mark{4, 5}));
  BOOST_TEST((list[1].mark == Mark{5, 7}));
  const Map& inner = *list[1].get_if<Map>();
  BOOST_TEST((inner[0].mark == Mark{5, 8}));
  BOOST_TEST((inner[0].value.mark == Mark{5, 11}));
  BOOST_TEST((inner[0].value.get_if<List>()->front().mark == Mark{5, 12}));
  BOOST_TEST((inner[1].mark == Mark{5, 16}));
  BOOST_TEST((map[2].mark == Mark{7, 1}));
  BOOST_TEST((map[2].value.mark == Mark{7, 4}));
}

BOOST_AUTO_TEST_CASE(a_value_that_is_left_out_is_where_its_name_is) {
  const SettingValue root = tree("a: 1\nb:\nc:\n\n");
  BOOST_TEST((root.find("b")->mark == Mark{2, 1}));
  BOOST_TEST((root.find("c")->mark == Mark{3, 1}));
  BOOST_TEST((tree("a:\n\n\n").find("a")->mark == Mark{1, 1}));
  BOOST_TEST((tree("a: ~\nb: 2").find("a")->mark == Mark{1, 4}));
}

BOOST_AUTO_TEST_CASE(an_alias_is_where_it_stands_and_a_tag_where_it_begins) {
  const SettingValue root = tree("- &a {x: 1}\n- *a\n- !T {y: 2}\n- {{b}}\n");
  const List& list = *root.get_if<List>();
  BOOST_TEST((list[0].mark == Mark{1, 3}));
  BOOST_TEST((list[1].mark == Mark{2, 3}));
  BOOST_TEST((list[1].get_if<Map>()->front().mark == Mark{1, 7}));
  BOOST_TEST((list[2].mark == Mark{3, 3}));
  BOOST_TEST((list[2].get_if<Map>()->front().mark == Mark{3, 3}));
  BOOST_TEST((list[3].mark == Mark{4, 3}));
}

// ---- Limits

BOOST_AUTO_TEST_CASE(a_value_is_as_large_as_all_that_is_in_it) {
  const auto check_size = [](const SettingValue& value, std::size_t values, std::size_t characters,
                             std::size_t levels) {
    const takt::detail::ValueSize size = size_of(value);
    BOOST_TEST(size.values == values, to_string(value));
    BOOST_TEST(size.characters == characters, to_string(value));
    BOOST_TEST(size.levels == levels, to_string(value));
  };
  check_size({}, 1, 0, 0);
  check_size(3, 1, 0, 0);
  check_size("abc", 1, 3, 0);
  check_size(List{}, 1, 0, 1);
  check_size(List{1, "ab"}, 3, 2, 1);
  check_size(Map{{"key", List{List{}, "x"}}, {"b", 1}}, 5, 5, 3);
}

BOOST_AUTO_TEST_CASE(there_are_as_many_values_as_there_may_be_and_no_more) {
  const std::size_t most = takt::detail::most_values;
  BOOST_TEST(tree('[' + repeated("1", most - 1) + ']').get_if<List>()->size() == most - 1);
  BOOST_TEST(has(refusal('[' + repeated("1", most) + ']'), "at most 100000"));
}

BOOST_AUTO_TEST_CASE(values_that_aliases_repeat_are_counted) {
  const std::string thousand = "[&a [" + repeated("1", 1000) + "], ";
  BOOST_TEST(tree(thousand + repeated("*a", 90) + ']').get_if<List>()->size() == 91U);
  BOOST_TEST(
      has(refusal(thousand + repeated("*a", 100) + ']'), "those that aliases repeat counted"));
}

BOOST_AUTO_TEST_CASE(an_alias_bomb_is_refused_where_it_grows_too_large) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb +=
        'a' + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeated(before, 10) + "]\n";
  }
  const std::string message = refusal(bomb);
  BOOST_TEST(message.starts_with("tree:5:"), message);
  BOOST_TEST(has(message, "too many values"), message);
}

BOOST_AUTO_TEST_CASE(text_that_aliases_repeat_is_counted) {
  const std::string long_text = "[&a " + std::string(100'000, 'x') + ", ";
  BOOST_TEST(tree(long_text + repeated("*a", 8) + ']').get_if<List>()->size() == 9U);
  BOOST_TEST(has(refusal(long_text + repeated("*a", 11) + ']'), "aliases repeat too much text"));
}

BOOST_AUTO_TEST_CASE(levels_go_as_deep_as_they_may_and_no_deeper) {
  BOOST_TEST(size_of(tree(nested(64))).levels == 64U);
  check_refused(nested(65), "1:65", "nested too deep; a recipe has at most 64 levels");
  check_refused("a: " + nested(64), "1:67", "nested too deep");
  std::string maps;
  for (int i = 0; i < 70; ++i) maps += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  check_refused(maps, "65:65", "nested too deep");
}

BOOST_AUTO_TEST_CASE(levels_that_aliases_repeat_are_counted) {
  BOOST_TEST(size_of(tree("[&a " + nested(32) + ", &b [*a], [*b]]")).levels == 35U);
  const std::string deep = "[&a " + nested(40) + ", " + std::string(30, '[');
  check_refused(deep + "*a" + std::string(30, ']') + ']', "1:117", "nested too deep");
}

BOOST_AUTO_TEST_CASE(nesting_bombs_of_every_style_are_refused) {
  for (const char* const piece : {"[", "{", "- ", "? ", "[{", "{a: ", "{? ", "- - ", "{{", "[[{"}) {
    std::string bomb;
    while (bomb.size() < 300'000) bomb += piece;
    BOOST_TEST(has(refusal(bomb), "nested too deep"), piece << ": " << refusal(bomb));
  }
}

BOOST_AUTO_TEST_CASE(names_are_as_long_as_they_may_be_and_no_longer) {
  const std::string name(takt::detail::longest_name, 'n');
  check(name + ": 1", Map{{name, 1}});
  check_refused("- 1\n- " + name + "n: 1", "2:3", "too long; it has at most 200 bytes");
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_refused_at_its_beginning) {
  for (const char* const text : {"", "\n", "# only this\n", "  \n\n"}) {
    check_refused(text, "1:1", "is empty");
  }
}

BOOST_AUTO_TEST_CASE(a_text_has_one_document) {
  check("---\na: 1\n...\n", Map{{"a", 1}});
  check("%YAML 1.2\n---\na: 1\n", Map{{"a", 1}});
  check_refused("a: 1\n---\nb: 2\n", "2:1", "second document");
  check_refused("[1] [2]", "1:5", "second document");
}

BOOST_AUTO_TEST_SUITE_END()
