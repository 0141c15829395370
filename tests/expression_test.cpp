// SPDX-License-Identifier: BSL-1.0
#include "expression.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "number_text.hpp"

namespace {

using takt::detail::evaluate;
using takt::detail::is_name;
using takt::detail::longest_expression;
using takt::test::evenly;

const std::map<std::string, double> values{{"a", 2.0},    {"b", 0.5},   {"num_epochs", 10.0},
                                           {"_x1", -3.0}, {"min", 7.0}, {"Z", 0.0}};

double value_of(const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) throw std::out_of_range("no " + name);
  return found->second;
}

double result(std::string_view expression) { return evaluate(expression, value_of); }

std::string refusal(std::string_view expression) {
  try {
    return "not refused: " + std::to_string(result(expression));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

void check_no_arithmetic(std::string_view expression, const std::string& from) {
  const std::string message = refusal(expression);
  BOOST_TEST(message.find("no arithmetic, from " + from + " on") != std::string::npos, message);
  BOOST_TEST(message.find("parentheses") != std::string::npos, message);
}

// ---- Random expressions, computed by a tree that knows of no text

/// What binds tighter has the larger number, as in Python's reference, section 6.17.
enum Level { of_sums = 1, of_products = 2, of_signs = 3, of_powers = 4, of_primaries = 5 };

struct Tree {
  std::string text{};
  Level level = of_primaries;
  double value = 0.0;
  bool fails = false;  // somewhere in it, something is not finite
};

double remainder_of(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0.0 && std::signbit(rest) != std::signbit(b)) rest += b;
  return rest;
}

double computed(const std::string& sign, double a, double b) {
  if (sign == "+") return a + b;
  if (sign == "-") return a - b;
  if (sign == "*") return a * b;
  if (sign == "/") return a / b;
  if (sign == "%") return remainder_of(a, b);
  if (sign == "//") return std::round((a - remainder_of(a, b)) / b);
  return std::pow(a, b);
}

std::string spaces() { return std::string(*evenly<std::size_t>(0, 1), ' '); }

/// The text of a part of a larger expression: in parentheses where that needs them, and sometimes
/// where it does not.
std::string part(const Tree& tree, Level least) {
  if (tree.level >= least && *evenly(0, 5) != 0) return tree.text;
  return '(' + spaces() + tree.text + spaces() + ')';
}

Tree draw_number() {
  const double number =
      static_cast<double>(*evenly(0, 40)) / *rc::gen::elementOf(std::vector{1.0, 4.0, 10.0});
  return {.text = takt::detail::text_of(number), .value = number};
}

Tree draw_name() {
  const auto [name, value] = *rc::gen::elementOf(
      std::vector<std::pair<std::string, double>>{values.begin(), values.end()});
  return {.text = name, .value = value};
}

Tree draw_tree(int depth);

Tree draw_binary(int depth) {
  struct Operator {
    std::string sign;
    Level level;
    Level left;
    Level right;
  };
  static const std::vector<Operator> operators{
      {"+", of_sums, of_sums, of_products},       {"-", of_sums, of_sums, of_products},
      {"*", of_products, of_products, of_signs},  {"/", of_products, of_products, of_signs},
      {"//", of_products, of_products, of_signs}, {"%", of_products, of_products, of_signs},
      {"**", of_powers, of_primaries, of_signs}};
  const Operator op = operators[*evenly<std::size_t>(0, operators.size() - 1)];
  const Tree a = draw_tree(depth - 1);
  const Tree b = draw_tree(depth - 1);
  Tree made{.text = part(a, op.left) + spaces() + op.sign + spaces() + part(b, op.right),
            .level = op.level,
            .value = computed(op.sign, a.value, b.value)};
  made.fails = a.fails || b.fails || !std::isfinite(made.value);
  return made;
}

Tree draw_sign(int depth) {
  const bool minus = *rc::gen::arbitrary<bool>();
  Tree tree = draw_tree(depth - 1);
  std::string text{minus ? '-' : '+'};
  text += spaces();
  tree.text = text + part(tree, of_signs);
  tree.level = of_signs;
  if (minus) tree.value = -tree.value;
  return tree;
}

Tree draw_call(int depth) {
  using One = double (*)(double);
  static const std::vector<std::pair<std::string, One>> functions{
      {"abs", [](double x) { return std::fabs(x); }},
      {"floor", [](double x) { return std::floor(x); }},
      {"ceil", [](double x) { return std::ceil(x); }},
      {"int", [](double x) { return x < 0.0 ? std::ceil(x) : std::floor(x); }},
      {"float", [](double x) { return x; }},
      {"round", [](double x) { return x - std::remainder(x, 1.0); }}};
  const auto& [name, function] = functions[*evenly<std::size_t>(0, functions.size() - 1)];
  const Tree inside = draw_tree(depth - 1);
  return {.text = name + spaces() + '(' + spaces() + inside.text + spaces() + ')',
          .value = inside.fails ? 0.0 : function(inside.value),
          .fails = inside.fails};
}

Tree draw_least_or_most(int depth) {
  const bool least = *rc::gen::arbitrary<bool>();
  Tree made{.text = least ? "min(" : "max("};
  const auto count = *evenly(1, 3);
  for (int i = 0; i < count; ++i) {
    const Tree each = draw_tree(depth - 1);
    const bool better = least ? each.value < made.value : each.value > made.value;
    if (i == 0 || better) made.value = each.value;
    made.fails = made.fails || each.fails;
    made.text += (i == 0 ? "" : spaces() + ',' + spaces()) + each.text;
  }
  made.text += ')';
  return made;
}

Tree draw_tree(int depth) {
  if (depth == 0) return *rc::gen::arbitrary<bool>() ? draw_number() : draw_name();
  switch (*evenly(0, 7)) {
    case 0:
      return draw_number();
    case 1:
      return draw_sign(depth);
    case 2:
      return draw_call(depth);
    case 3:
      return draw_least_or_most(depth);
    default:
      return draw_binary(depth);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(expression)

BOOST_AUTO_TEST_CASE(a_number_is_itself) {
  BOOST_TEST(result("7") == 7.0);
  BOOST_TEST(result("0.9") == 0.9);
  BOOST_TEST(result(".5") == 0.5);
  BOOST_TEST(result("5.") == 5.0);
  BOOST_TEST(result("1e-4") == 1e-4);
  BOOST_TEST(result("2.5E+3") == 2500.0);
  BOOST_TEST(result("  3\t\n") == 3.0);
}

BOOST_AUTO_TEST_CASE(a_number_is_read_to_the_last_bit) {
  BOOST_TEST(rc::check("any text of digits is the number that C++ has for it", [] {
    std::string text = std::to_string(*takt::test::whole_of_any_size(62));
    text.insert(*evenly<std::size_t>(0, text.size()), 1, '.');
    text += 'e';
    text += std::to_string(*evenly(-20, 20));
    double expected = 0.0;
    std::from_chars(text.data(), text.data() + text.size(), expected);
    RC_ASSERT(result(text) == expected);
  }));
}

BOOST_AUTO_TEST_CASE(a_name_is_its_value) {
  BOOST_TEST(result("num_epochs") == 10.0);
  BOOST_TEST(result("_x1") == -3.0);
  BOOST_TEST(result("min") == 7.0);
  BOOST_TEST(result("2 * num_epochs - _x1") == 23.0);
}

BOOST_AUTO_TEST_CASE(what_the_value_of_a_name_throws_passes_through) {
  BOOST_CHECK_THROW((void)result("a + unknown"), std::out_of_range);
  BOOST_CHECK_THROW((void)result("unknown * 2"), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(operators_compute) {
  BOOST_TEST(result("7 + 2") == 9.0);
  BOOST_TEST(result("7 - 2") == 5.0);
  BOOST_TEST(result("7 * 2") == 14.0);
  BOOST_TEST(result("7 / 2") == 3.5);
  BOOST_TEST(result("7 // 2") == 3.0);
  BOOST_TEST(result("7 % 2") == 1.0);
  BOOST_TEST(result("7 ** 2") == 49.0);
  BOOST_TEST(result("7-2*3") == 1.0);
}

BOOST_AUTO_TEST_CASE(products_bind_tighter_than_sums_and_powers_than_both) {
  BOOST_TEST(result("1 + 2 * 3") == 7.0);
  BOOST_TEST(result("(1 + 2) * 3") == 9.0);
  BOOST_TEST(result("2 * 3 ** 2") == 18.0);
  BOOST_TEST(result("10 - 6 / 2") == 7.0);
  BOOST_TEST(result("10 - 7 % 4") == 7.0);
  BOOST_TEST(result("10 + 7 // 4") == 11.0);
}

BOOST_AUTO_TEST_CASE(sums_and_products_go_from_left_to_right) {
  BOOST_TEST(result("10 - 2 - 3") == 5.0);
  BOOST_TEST(result("100 / 10 / 2") == 5.0);
  BOOST_TEST(result("100 // 7 * 7") == 98.0);
  BOOST_TEST(result("2 * 7 % 5") == 4.0);
}

BOOST_AUTO_TEST_CASE(powers_go_from_right_to_left) {
  BOOST_TEST(result("2 ** 3 ** 2") == 512.0);
  BOOST_TEST(result("(2 ** 3) ** 2") == 64.0);
}

BOOST_AUTO_TEST_CASE(a_sign_binds_looser_than_a_power_on_its_right_and_tighter_than_a_product) {
  BOOST_TEST(result("-2 ** 2") == -4.0);
  BOOST_TEST(result("(-2) ** 2") == 4.0);
  BOOST_TEST(result("2 ** -1") == 0.5);
  BOOST_TEST(result("-2 ** -2") == -0.25);
  BOOST_TEST(result("2 ** -3 ** 2") == 1.0 / 512.0);
  BOOST_TEST(result("-7 // 2") == -4.0);
  BOOST_TEST(result("-7 % 4") == 1.0);
  BOOST_TEST(result("3 * -2") == -6.0);
  BOOST_TEST(result("3 - -2") == 5.0);
  BOOST_TEST(result("--3") == 3.0);
  BOOST_TEST(result("-+-3") == 3.0);
}

BOOST_AUTO_TEST_CASE(whole_division_rounds_down) {
  BOOST_TEST(result("7 // 2") == 3.0);
  BOOST_TEST(result("-7 // 2") == -4.0);
  BOOST_TEST(result("7 // -2") == -4.0);
  BOOST_TEST(result("-7 // -2") == 3.0);
  BOOST_TEST(result("0.9 // 0.3") == 3.0);
}

BOOST_AUTO_TEST_CASE(a_remainder_has_the_sign_of_the_right_side) {
  BOOST_TEST(result("7 % 3") == 1.0);
  BOOST_TEST(result("-7 % 3") == 2.0);
  BOOST_TEST(result("7 % -3") == -2.0);
  BOOST_TEST(result("-7 % -3") == -1.0);
  BOOST_TEST(result("6 % -3") == 0.0);
  BOOST_TEST(result("5.5 % 2") == 1.5);
}

BOOST_AUTO_TEST_CASE(quotient_and_remainder_belong_together) {
  BOOST_TEST(result("1 // 0.1") == 9.0);
  BOOST_TEST(result("1 % 0.1") == std::fmod(1.0, 0.1));
  BOOST_TEST(rc::check("a is b times the quotient plus the remainder", [] {
    const double a = static_cast<double>(*evenly(-1000, 1000)) / 10.0;
    const double b =
        static_cast<double>(*evenly(1, 100)) / *rc::gen::elementOf(std::vector{10.0, -10.0});
    const std::string left = '(' + takt::detail::text_of(a) + ')';
    const std::string right = '(' + takt::detail::text_of(b) + ')';
    const double quotient = result(left + "//" + right);
    const double rest = result(left + '%' + right);
    RC_ASSERT(quotient == std::floor(quotient));
    RC_ASSERT(std::abs(quotient * b + rest - a) < 1e-11);
    RC_ASSERT(rest == 0.0 || std::signbit(rest) == std::signbit(b));
    RC_ASSERT(std::abs(rest) < std::abs(b));
  }));
}

BOOST_AUTO_TEST_CASE(functions_compute) {
  BOOST_TEST(result("abs(-2.5)") == 2.5);
  BOOST_TEST(result("floor(-2.5)") == -3.0);
  BOOST_TEST(result("ceil(-2.5)") == -2.0);
  BOOST_TEST(result("ceil(2.1)") == 3.0);
  BOOST_TEST(result("int(-2.7)") == -2.0);
  BOOST_TEST(result("int(2.7)") == 2.0);
  BOOST_TEST(result("float(3)") == 3.0);
  BOOST_TEST(result("min(3, 1, 2)") == 1.0);
  BOOST_TEST(result("max(3, 1, 2)") == 3.0);
  BOOST_TEST(result("max(-3)") == -3.0);
  BOOST_TEST(result("2 * max ( a , b ) ** 2") == 8.0);
  BOOST_TEST(result("min(max(1, 2), max(3, 4))") == 2.0);
}

BOOST_AUTO_TEST_CASE(halves_are_rounded_to_the_even_number) {
  BOOST_TEST(result("round(0.5)") == 0.0);
  BOOST_TEST(result("round(1.5)") == 2.0);
  BOOST_TEST(result("round(2.5)") == 2.0);
  BOOST_TEST(result("round(-1.5)") == -2.0);
  BOOST_TEST(result("round(2.51)") == 3.0);
}

BOOST_AUTO_TEST_CASE(zero_has_no_sign) {
  for (const char* const zero : {"-0", "0 * -1", "-4 % 2", "round(-0.2)", "int(-0.5)", "-Z"}) {
    BOOST_TEST(!std::signbit(result(zero)), zero);
  }
}

BOOST_AUTO_TEST_CASE(any_expression_is_what_its_tree_computes) {
  int failed = 0;
  BOOST_TEST(rc::check("text and tree agree, also on what is not finite", [&failed] {
    const Tree tree = draw_tree(*evenly(0, 4));
    RC_PRE(tree.text.size() <= longest_expression);
    RC_LOG() << tree.text << '\n';
    if (tree.fails) {
      ++failed;
      RC_ASSERT(refusal(tree.text).find("no finite number") != std::string::npos);
    } else {
      RC_ASSERT(result(tree.text) == tree.value);
    }
  }));
  BOOST_TEST(failed > 0);
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_refused_wherever_it_turns_up) {
  for (const char* const expression :
       {"1 / 0", "0 / 0", "1 // 0", "1 % 0", "0 ** -1", "(-8) ** 0.5", "10 ** 400", "1e308 * 10",
        "-1e308 - 1e308", "1 / (1 / 0)", "min(1, 1 / 0)", "1 / Z", "1 // Z", "1 / 10 ** 400"}) {
    const std::string message = refusal(expression);
    BOOST_TEST(message.find("no finite number") != std::string::npos, message);
    BOOST_TEST(message.starts_with('"' + std::string{expression} + '"'), message);
    BOOST_TEST(message.find("divided by 0") != std::string::npos, message);
  }
  BOOST_CHECK_THROW((void)result("1e999"), std::invalid_argument);
  const auto infinite = [](const std::string&) { return HUGE_VAL; };
  const auto nan = [](const std::string&) { return std::nan(""); };
  BOOST_CHECK_THROW((void)evaluate("x + 1", infinite), std::invalid_argument);
  BOOST_CHECK_THROW((void)evaluate("-x", infinite), std::invalid_argument);
  BOOST_CHECK_THROW((void)evaluate("abs(x)", nan), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(what_is_no_arithmetic_is_told_from_where_on) {
  check_no_arithmetic("", "its end");
  check_no_arithmetic("1 +", "its end");
  check_no_arithmetic("(1", "its end");
  check_no_arithmetic("1 2", "\"2\"");
  check_no_arithmetic("a b", "\"b\"");
  check_no_arithmetic("1)", "\")\"");
  check_no_arithmetic("2 * * 3", "\"* * 3\"");
  check_no_arithmetic("()", "\")\"");
  check_no_arithmetic("0x10", "\"x10\"");
  check_no_arithmetic("1e", "\"e\"");
  check_no_arithmetic("a.b", "\".b\"");
  check_no_arithmetic("a == b", "\"== b\"");
  check_no_arithmetic("a; b", "\"; b\"");
  check_no_arithmetic("a if b else 2", "\"if b else 2\"");
  check_no_arithmetic("\xC3\xA9", "\"\xC3\xA9\"");
  check_no_arithmetic("min()", "\")\"");
  check_no_arithmetic("min(1, 2,)", "\",)\"");
  check_no_arithmetic("abs(1", "its end");
  check_no_arithmetic("__import__('os').system('ls')", "\"'os').system('ls')\"");
  check_no_arithmetic(std::string_view{"1\0", 2}, "\"\\x00\"");
}

BOOST_AUTO_TEST_CASE(the_words_for_what_is_not_finite_are_names) {
  for (const char* const word : {"inf", "nan", "Infinity", "NaN", "infinity"}) {
    BOOST_CHECK_THROW((void)result(word), std::out_of_range);
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_function_is_told_with_those_there_are) {
  for (const char* const call : {"sqrt(4)", "MIN(4)", "a(1)", "eval(1)"}) {
    const std::string message = refusal(call);
    const std::string name = std::string{call}.substr(0, std::string_view{call}.find('('));
    BOOST_TEST(message.find("no function \"" + name + '"') != std::string::npos, message);
    BOOST_TEST(
        message.find("abs, floor, ceil, int, float, round, min and max") != std::string::npos,
        message);
  }
}

BOOST_AUTO_TEST_CASE(a_function_of_one_number_takes_one) {
  for (const char* const call : {"abs(1, 2)", "round(1.234, 2)", "int(1, 2)"}) {
    BOOST_TEST(refusal(call).find("takes one number") != std::string::npos, refusal(call));
  }
}

BOOST_AUTO_TEST_CASE(an_expression_may_be_as_long_as_it_may_be_and_no_longer) {
  std::string sum = "1";
  while (sum.size() + 2 <= longest_expression) sum += "+1";
  sum.resize(longest_expression, ' ');
  BOOST_TEST(result(sum) == 100.0);
  BOOST_TEST(refusal(sum + ' ').find("too long; it has at most 200 characters") !=
             std::string::npos);
  BOOST_TEST(refusal(std::string(1'000'000, '(')).size() < 200U);
}

BOOST_AUTO_TEST_CASE(parentheses_and_signs_may_go_as_deep_as_the_length_allows) {
  std::string deep(99, '(');
  deep += '7';
  deep.append(99, ')');
  BOOST_TEST(result(deep) == 7.0);
  std::string minus(198, '-');
  minus += '7';
  BOOST_TEST(result(minus) == 7.0);
  check_no_arithmetic(std::string(200, '('), "its end");
}

BOOST_AUTO_TEST_CASE(bytes_of_any_kind_are_computed_or_refused) {
  BOOST_TEST(rc::check("nothing else is thrown, and nothing but a number comes back", [] {
    const auto letters = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string{"01.e+-*/%() ,abmix_\xC3\xA9"}));
    try {
      RC_ASSERT(std::isfinite(result(letters)));
    } catch (const std::invalid_argument&) {
    } catch (const std::out_of_range&) {
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_name_is_letters_digits_and_underscores_no_digit_first) {
  for (const char* const name : {"a", "Z9", "_", "num_epochs", "__x__"}) BOOST_TEST(is_name(name));
  for (const char* const other : {"", "1a", "a b", "a-b", "a.b", " a", "\xC3\xA9", "a*"}) {
    BOOST_TEST(!is_name(other), other);
  }
}

BOOST_AUTO_TEST_SUITE_END()
