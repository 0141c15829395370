// SPDX-License-Identifier: BSL-1.0
// How args are put into the settings of a recipe.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cadence_cases.hpp"
#include "number_text.hpp"
#include "recipe_args.hpp"
#include "recipe_cases.hpp"
#include "takt/recipe.hpp"

namespace {

using takt::Recipe;
using takt::RecipeOptions;
using takt::SettingValue;
using takt::test::has;
using takt::test::refusal;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;

constexpr std::string_view some_args = R"(args:
  num_epochs: 40
  sparsity: 0.9
  half: 0.5
  word: cubic
  flag: true
  nothing: null
  layers: [fc1, fc2]
  table: {a: 1, b: [2, 3]}
  warm_up: "{{num_epochs / 10}}"
  later: eval(warm_up + 1)
  named: "{{layers}}"
)";

/// A recipe with the args above and one modifier that takes any value, and that value as it is
/// read.
std::string recipe_with(const std::string& value, std::string_view args = some_args) {
  std::string text{args};
  text += "modifiers:\n  - SetLearningRateModifier:\n      learning_rate: 1\n      log_types: ";
  return text + value + '\n';
}

SettingValue value_in(const std::string& text, const RecipeOptions& options = {}) {
  const Recipe recipe = Recipe::from_string(text, options);
  return recipe.modifiers().back().settings.back().value;
}

SettingValue value_of(const std::string& value, const RecipeOptions& options = {}) {
  return value_in(recipe_with(value), options);
}

void check(const std::string& value, const SettingValue& expected) {
  const SettingValue made = value_of(value);
  BOOST_TEST((made == expected), value << " is " << to_string(made));
}

/// That a value is refused where it stands, line 16 from column 18, with all of `words`.
void check_refused(const std::string& value, const std::vector<std::string>& words,
                   const std::string& place = "16:18") {
  const std::string message = refusal(recipe_with(value));
  BOOST_TEST(message.starts_with("recipe:" + place + ": "), message);
  for (const std::string& word : words) {
    BOOST_TEST(has(message, word), "no " << word << " in: " << message);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_args)

// ---- Where they are put in

BOOST_AUTO_TEST_CASE(a_name_in_braces_is_its_value_whatever_its_kind) {
  check("\"{{num_epochs}}\"", 40);
  check("'{{sparsity}}'", 0.9);
  check("'{{word}}'", "cubic");
  check("'{{flag}}'", true);
  check("'{{nothing}}'", {});
  check("'{{layers}}'", List{"fc1", "fc2"});
  check("'{{table}}'", Map{{"a", 1}, {"b", List{2, 3}}});
}

BOOST_AUTO_TEST_CASE(braces_need_no_quotes) {
  check("{{num_epochs}}", 40);
  check("{{ num_epochs }}", 40);
  check("{{num_epochs * 2}}", 80);
  check("{{layers}}", List{"fc1", "fc2"});
  check("[{{half}}, {{word}}]", List{0.5, "cubic"});
  check("{at: {{half}}}", Map{{"at", 0.5}});
}

BOOST_AUTO_TEST_CASE(space_around_a_name_makes_no_difference) {
  check("\"{{  num_epochs\t}}\"", 40);
  check("\"  {{num_epochs}}  \"", 40);
  check("\" eval( num_epochs ) \"", 40);
}

BOOST_AUTO_TEST_CASE(arithmetic_in_braces_is_computed) {
  check("\"{{num_epochs * 2}}\"", 80);
  check("\"{{2 * (num_epochs - 1) // 3}}\"", 26);
  check("\"{{max(half, min(sparsity, 2))}}\"", 0.9);
  check("\"{{1 + 1}}\"", 2);
  check("\"{{7}}\"", 7);
}

BOOST_AUTO_TEST_CASE(eval_is_another_way_to_write_it) {
  check("eval(num_epochs)", 40);
  check("eval(num_epochs * (1 + 1))", 80);
  check("eval(layers)", List{"fc1", "fc2"});
  check("eval(word)", "cubic");
  check("[eval(half), 'eval(half + half)']", List{0.5, 1});
}

BOOST_AUTO_TEST_CASE(eval_in_the_middle_of_text_is_text) {
  check("an eval(half)", "an eval(half)");
  check("eval(half) or so", "eval(half) or so");
  check("evaluate(half)", "evaluate(half)");
}

BOOST_AUTO_TEST_CASE(in_other_text_a_value_is_written) {
  check("\"re:{{word}}.*\"", "re:cubic.*");
  check("\"{{word}}-{{num_epochs}}\"", "cubic-40");
  check("\"{{half}} of {{num_epochs * 2}}\"", "0.5 of 80");
  check("\"{{word}} {{word}}\"", "cubic cubic");
  check("\"a {{0 * -1}}\"", "a 0");
  check("\" {{word}} x\"", " cubic x");
}

BOOST_AUTO_TEST_CASE(text_without_braces_stays_as_it_is) {
  check("num_epochs", "num_epochs");
  check("\"{num_epochs}\"", "{num_epochs}");
  check("\"}} {\"", "}} {");
  check("\"{ {num_epochs}}\"", "{ {num_epochs}}");
}

BOOST_AUTO_TEST_CASE(args_are_put_in_at_any_depth) {
  check("[[{a: '{{half}}'}], {b: ['{{word}}', x]}]",
        List{List{Map{{"a", 0.5}}}, Map{{"b", List{"cubic", "x"}}}});
}

BOOST_AUTO_TEST_CASE(names_of_settings_are_not_looked_at) {
  check("{'{{half}}': 1, 'eval(half)': 2}", Map{{"{{half}}", 1}, {"eval(half)", 2}});
}

BOOST_AUTO_TEST_CASE(a_whole_map_of_settings_may_be_an_arg) {
  const Recipe recipe = Recipe::from_string(R"(args: {usual: {columns: 9, end: "{{n}}"}, n: 4}
modifiers: [ProgressModifier: "{{usual}}"]
)");
  BOOST_TEST((recipe.modifiers()[0].settings == Map{{"columns", 9}, {"end", 4}}));
}

BOOST_AUTO_TEST_CASE(the_result_stands_where_it_was_asked_for) {
  const SettingValue value = value_of("'{{num_epochs}}'");
  BOOST_TEST((value.mark == takt::Mark{16, 18}));
}

// ---- Where they come from

BOOST_AUTO_TEST_CASE(args_may_ask_for_args_in_any_order) {
  check("'{{warm_up}}'", 4);
  check("'{{later}}'", 5);
  check("'{{later * 2}}'", 10);
  check("'{{named}}'", List{"fc1", "fc2"});
  BOOST_TEST((value_in(recipe_with("'{{a}}'", "args: {a: '{{b}}', b: '{{c + 1}}', c: 1}\n")) ==
              SettingValue{2}));
}

BOOST_AUTO_TEST_CASE(a_plain_value_at_the_top_is_an_arg) {
  const std::string top = "n: 3\nlayers: &l [a, b]\nrate: eval(n / 2)\nflag: true\nunset:\n";
  BOOST_TEST((value_in(recipe_with("'{{n}}'", top)) == SettingValue{3}));
  BOOST_TEST((value_in(recipe_with("eval(layers)", top)) == SettingValue{List{"a", "b"}}));
  BOOST_TEST((value_in(recipe_with("eval(rate)", top)) == SettingValue{1.5}));
  BOOST_TEST((value_in(recipe_with("eval(flag)", top)) == SettingValue{true}));
  BOOST_TEST(value_in(recipe_with("eval(unset)", top)).is_nothing());
}

BOOST_AUTO_TEST_CASE(what_has_a_meaning_at_the_top_is_no_arg) {
  for (const char* const name : {"version", "metadata", "plugins"}) {
    const std::string text =
        recipe_with("eval(" + std::string{name} + ")", "version: 1\nmetadata: 2\nplugins: []\n");
    BOOST_TEST(has(refusal(text), "there is no arg"), refusal(text));
  }
}

BOOST_AUTO_TEST_CASE(args_may_stand_after_what_asks_for_them) {
  const std::string text = "modifiers: [ProgressModifier: {columns: '{{n}}'}]\nargs: {n: 7}\n";
  BOOST_TEST((value_in(text) == SettingValue{7}));
}

BOOST_AUTO_TEST_CASE(args_that_are_nothing_are_none) {
  BOOST_TEST(Recipe::from_string("args:\nProgressModifier:").modifiers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(args_that_nothing_asks_for_are_not_looked_at) {
  BOOST_TEST(Recipe::from_string("args: {a: '{{b}}', c: '{{1/0}}'}\nProgressModifier:")
                 .modifiers()
                 .size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_stage_has_args_of_its_own_which_stand_before_the_recipes) {
  const Recipe recipe = Recipe::from_string(R"(args: {n: 1, m: 10}
a_stage:
  args: {n: 2}
  modifiers: [ProgressModifier: {columns: "{{n + m}}"}]
b_stage:
  n: 3
  modifiers: [ProgressModifier: {columns: "{{n + m}}"}]
c_stage:
  modifiers: [ProgressModifier: {columns: "{{n + m}}"}]
)");
  BOOST_TEST((recipe.modifiers()[0].settings[0].value == SettingValue{12}));
  BOOST_TEST((recipe.modifiers()[1].settings[0].value == SettingValue{13}));
  BOOST_TEST((recipe.modifiers()[2].settings[0].value == SettingValue{11}));
}

BOOST_AUTO_TEST_CASE(an_arg_of_a_stage_may_ask_for_one_of_the_recipe) {
  const std::string text =
      "m: 10\na_stage:\n  n: eval(m * 2)\n  modifiers: [ProgressModifier: {columns: eval(n)}]\n";
  BOOST_TEST((value_in(text) == SettingValue{20}));
}

BOOST_AUTO_TEST_CASE(args_of_one_stage_are_unknown_in_another) {
  const std::string message = refusal(R"(a_stage: {args: {n: 1}}
b_stage: {modifiers: [ProgressModifier: {columns: eval(n)}]}
)");
  BOOST_TEST(message.starts_with("recipe:2:51: there is no arg \"n\""), message);
}

// ---- Args of the program

BOOST_AUTO_TEST_CASE(an_arg_of_the_program_takes_the_place_of_the_recipes) {
  const RecipeOptions options{.args = {{"num_epochs", 80}, {"word", "linear"}}};
  BOOST_TEST((value_of("'{{num_epochs}}'", options) == SettingValue{80}));
  BOOST_TEST((value_of("'{{warm_up}}'", options) == SettingValue{8}));
  BOOST_TEST((value_of("'{{word}}'", options) == SettingValue{"linear"}));
  BOOST_TEST((value_of("'{{sparsity}}'", options) == SettingValue{0.9}));
}

BOOST_AUTO_TEST_CASE(an_arg_of_the_program_may_ask_for_args) {
  BOOST_TEST(
      (value_of("'{{half}}'", {.args = {{"half", "{{num_epochs / 2}}"}}}) == SettingValue{20}));
}

BOOST_AUTO_TEST_CASE(an_arg_of_the_program_takes_the_place_of_a_stages) {
  const std::string text = R"(n: 1
a_stage:
  args: {n: 2, m: 3}
  modifiers: [ProgressModifier: {columns: "{{n + m}}"}]
)";
  BOOST_TEST((value_in(text, {.args = {{"n", 20}, {"m", 30}}}) == SettingValue{50}));
}

BOOST_AUTO_TEST_CASE(an_arg_of_the_program_stands_for_one_that_the_recipe_leaves_open) {
  const std::string text = recipe_with("['{{a}}', '{{2 * b}}']", "c: 1\n");
  BOOST_TEST((value_in(text, {.args = {{"a", "x"}, {"b", 3}}}) == SettingValue{List{"x", 6}}));
  BOOST_TEST(has(refusal(text, {.args = {{"a", "x"}}}), "there is no arg \"b\""));
  BOOST_TEST(has(refusal(text, {.args = {{"a", 1}, {"b", 1}, {"d", 1}}}), "no arg \"d\" to set"));
}

BOOST_AUTO_TEST_CASE(an_arg_that_the_recipe_does_not_have_can_t_be_set) {
  const std::string message = refusal(recipe_with("1"), {.args = {{"num_epoch", 80}}});
  BOOST_TEST(message.starts_with("recipe: there is no arg \"num_epoch\" to set"), message);
  BOOST_TEST(has(message, "nearest is \"num_epochs\""), message);
  const std::string none = refusal("ProgressModifier:", {.args = {{"a", 1}}});
  BOOST_TEST(has(none, "the recipe has no args"), none);
}

// ---- What is refused

BOOST_AUTO_TEST_CASE(an_unknown_arg_is_told_with_the_nearest) {
  check_refused("'{{sparsty}}'", {"no arg \"sparsty\"", "nearest is \"sparsity\""});
  check_refused("'{{2 * sparsty}}'", {"no arg \"sparsty\"", "nearest is \"sparsity\""});
  check_refused("eval(sparsty)", {"no arg \"sparsty\"", "nearest is \"sparsity\""});
  check_refused("[1, 'x{{sparsty}}']", {"no arg \"sparsty\""}, "16:22");
  BOOST_TEST(has(refusal("ProgressModifier: {columns: eval(n)}"),
                 "the recipe has no args; list them under args"));
}

BOOST_AUTO_TEST_CASE(an_arg_that_asks_for_an_unknown_one_is_told_where_it_does) {
  const std::string message = refusal(recipe_with("'{{a}}'", "args:\n  a: '{{b}}'\n  bb: 1\n"));
  BOOST_TEST(message.starts_with("recipe:2:6: there is no arg \"b\""), message);
  BOOST_TEST(has(message, "nearest is \"a\""), message);
}

BOOST_AUTO_TEST_CASE(an_arg_that_asks_for_itself_is_refused) {
  for (const char* const args : {"args: {a: '{{a}}'}\n", "args: {a: 'x{{a + 1}}'}\n",
                                 "args: {a: eval(b), b: [eval(c)], c: '{{a}}'}\n"}) {
    const std::string message = refusal(recipe_with("'{{a}}'", args));
    BOOST_TEST(has(message, "the arg a asks for itself"), message);
    BOOST_TEST(message.starts_with("recipe:1:"), message);
  }
}

BOOST_AUTO_TEST_CASE(an_arg_that_was_asked_for_before_may_be_asked_for_again) {
  check("['{{later}}', '{{later}}', '{{later + later + warm_up}}']", List{5, 5, 14});
}

BOOST_AUTO_TEST_CASE(what_is_no_arithmetic_is_told_where_it_stands) {
  check_refused("'{{1 +}}'", {"\"1 +\" is no arithmetic"});
  check_refused("'{{}}'", {"is no arithmetic"});
  check_refused("eval(__import__('os'))", {"is no arithmetic"});
  check_refused("'{{num_epochs / 0}}'", {"no finite number", "divided by 0"});
  check_refused("'{{sqrt(2)}}'", {"no function \"sqrt\""});
  check_refused("'{{half half}}'", {"from \"half\" on"});
  check_refused("'{{" + std::string(201, '1') + "}}'", {"too long"});
}

BOOST_AUTO_TEST_CASE(only_numbers_can_be_computed_with) {
  check_refused("'{{word * 2}}'", {"the arg word is \"cubic\"", "it is a number"});
  check_refused("'{{layers + 1}}'", {"the arg layers is [\"fc1\", \"fc2\"]", "it is a number"});
  check_refused("'{{flag + 1}}'", {"the arg flag is true", "it is a number"});
}

BOOST_AUTO_TEST_CASE(only_text_and_numbers_can_be_put_into_text) {
  check_refused("'x{{layers}}'", {"\"x{{layers}}\"", "[\"fc1\", \"fc2\"]", "into text"});
  check_refused("'x{{flag}}'", {"true", "into text"});
  check_refused("'x{{nothing}}'", {"null", "into text"});
}

BOOST_AUTO_TEST_CASE(braces_that_are_not_closed_are_refused) {
  check_refused("'{{half'", {"\"{{half\" has {{ without }}"});
  check_refused("'a {{half}} {{word'", {"without }}"});
}

BOOST_AUTO_TEST_CASE(text_that_asks_for_args_only_once_it_is_made_is_refused) {
  const std::string args = "args: {open: '{', e: e, n: 1}\n";
  for (const char* const value :
       {"'{{open}}{n}}'", "'{{{open}}n}}'", "'{{e}}val(n)'", "' {{e}}val(n) '"}) {
    const std::string message = refusal(recipe_with(value, args));
    BOOST_TEST(message.starts_with("recipe:5:18: "), value << " " << message);
  }
}

BOOST_AUTO_TEST_CASE(a_value_of_the_wrong_type_is_told_where_it_is_put_in) {
  const std::string message =
      refusal("args:\n  n: wide\nmodifiers:\n  - ProgressModifier:\n      columns: '{{n}}'\n");
  BOOST_TEST(message.starts_with("recipe:5:16: "), message);
  BOOST_TEST(has(message, "columns is \"wide\", text"), message);
}

// ---- Bombs

BOOST_AUTO_TEST_CASE(args_that_repeat_too_many_values_are_refused) {
  std::string args = "args:\n  a0: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n";
  for (int i = 1; i < 10; ++i) {
    args += "  a" + std::to_string(i) + ": [";
    for (int j = 0; j < 10; ++j) args += "'{{a" + std::to_string(i - 1) + "}}', ";
    args += "]\n";
  }
  const std::string message = refusal(recipe_with("'{{a9}}'", args));
  BOOST_TEST(has(message, "make too much; a recipe has at most 100000 values"), message);
}

BOOST_AUTO_TEST_CASE(args_that_make_too_much_text_are_refused) {
  std::string args = "args:\n  a0: xxxxxxxxxx\n";
  for (int i = 1; i < 10; ++i) {
    args += "  a" + std::to_string(i) + ": '";
    for (int j = 0; j < 10; ++j) args += "{{a" + std::to_string(i - 1) + "}}";
    args += "'\n";
  }
  const std::string message = refusal(recipe_with("'{{a9}}'", args));
  BOOST_TEST(has(message, "make too much"), message);
  BOOST_TEST(has(message, "1048576 bytes of text"), message);
}

BOOST_AUTO_TEST_CASE(a_long_chain_of_args_is_refused) {
  std::string args = "args:\n  a0: 1\n";
  for (int i = 1; i < 30'000; ++i) {
    args += "  a" + std::to_string(i) + ": '{{a" + std::to_string(i - 1) + "}}'\n";
  }
  BOOST_TEST(has(refusal(recipe_with("'{{a29999}}'", args)), "nested too deep"));
  BOOST_TEST((value_in(recipe_with("'{{a40}}'", args)) == SettingValue{1}));
}

BOOST_AUTO_TEST_CASE(args_that_nest_one_another_too_deep_are_refused) {
  std::string args = "args:\n  a0: 1\n";
  for (int i = 1; i < 1000; ++i) {
    args += "  a" + std::to_string(i) + ": " + std::string(50, '[') + "'{{a" +
            std::to_string(i - 1) + "}}'" + std::string(50, ']') + '\n';
  }
  BOOST_TEST(has(refusal(recipe_with("'{{a999}}'", args)), "nested too deep"));
  BOOST_TEST(has(refusal(recipe_with("'{{a2}}'", args)), "nested too deep"));
  BOOST_TEST(value_in(recipe_with("'{{a1}}'", args)).get_if<List>() != nullptr);
}

// ---- On its own

BOOST_AUTO_TEST_CASE(what_is_put_in_is_counted_anew_for_each_recipe) {
  const std::string source = "recipe";
  for (int i = 0; i < 3; ++i) {
    takt::detail::RecipeArgs args{source};
    args.set("many", List(40'000, SettingValue{0}));
    BOOST_TEST(args.put_in("{{many}}").get_if<List>()->size() == 40'000U);
    BOOST_CHECK_THROW((void)args.put_in("{{many}}"), takt::RecipeError);
  }
}

BOOST_AUTO_TEST_CASE(any_number_that_is_put_in_is_the_number_to_the_last_bit) {
  BOOST_TEST(rc::check("alone, in arithmetic, and in text", [] {
    const std::string source = "recipe";
    const double number = *takt::test::real_of_any_size(-1000, 1000);
    takt::detail::RecipeArgs args{source};
    args.set("x", number);
    args.set("y", "{{x}}");
    RC_ASSERT(args.put_in("{{y}}") == SettingValue{number});
    RC_ASSERT(args.put_in("{{-y}}") == SettingValue{-number});
    RC_ASSERT(args.put_in("eval(" + takt::detail::text_of(number) + ")") == SettingValue{number});
    RC_ASSERT(args.put_in("<{{y}}>") == SettingValue{'<' + takt::detail::text_of(number) + '>'});
  }));
}

BOOST_AUTO_TEST_SUITE_END()
