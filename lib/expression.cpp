// SPDX-License-Identifier: BSL-1.0
#include "expression.hpp"

#include <algorithm>
#include <boost/fusion/include/at_c.hpp>
#include <boost/spirit/home/x3.hpp>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "takt/setting_value.hpp"

namespace takt::detail {
namespace {

namespace x3 = boost::spirit::x3;

using ValueOf = std::function<double(const std::string&)>;
struct ValueOfTag;

/// Numbers without a sign, for + and - are operators, and without the words "inf" and "nan".
struct PlainNumber : x3::ureal_policies<double> {
  template <class Iterator, class Attribute>
  static bool parse_inf(Iterator&, const Iterator&, Attribute&) {
    return false;
  }
  template <class Iterator, class Attribute>
  static bool parse_nan(Iterator&, const Iterator&, Attribute&) {
    return false;
  }
};
const x3::real_parser<double, PlainNumber> number;

/// Something is divided by 0, or too large, or has no real root.
struct NotFinite {};

double checked(double value) {
  if (!std::isfinite(value)) throw NotFinite{};
  return value;
}

/// The text says what the number is: Spirit's own arithmetic is a bit off where digits are many.
double read_number(std::string_view text) {
  double value = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return checked(value);
}

double remainder_like_python(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0.0 && (rest < 0.0) != (b < 0.0) ? rest + b : rest;
}

/// So that a is b times the quotient plus the remainder: 1 // 0.1 is 9, for 0.1 as it is stored is
/// more than a tenth.
double quotient_like_python(double a, double b) {
  return std::round((a - remainder_like_python(a, b)) / b);
}

double call(const std::string& function, const std::vector<double>& arguments) {
  using One = double (*)(double);
  static const std::vector<std::pair<std::string, One>> of_one{
      {"abs", [](double x) { return std::abs(x); }},
      {"floor", [](double x) { return std::floor(x); }},
      {"ceil", [](double x) { return std::ceil(x); }},
      {"int", [](double x) { return std::trunc(x); }},
      {"float", [](double x) { return x; }},
      {"round", [](double x) { return std::nearbyint(x); }}};
  if (function == "min") return *std::ranges::min_element(arguments);
  if (function == "max") return *std::ranges::max_element(arguments);
  const auto found = std::ranges::find(of_one, function, &std::pair<std::string, One>::first);
  if (found == of_one.end()) {
    throw std::invalid_argument("there is no function " + to_string(SettingValue{function}) +
                                "; there are abs, floor, ceil, int, float, round, min and max");
  }
  if (arguments.size() != 1) throw std::invalid_argument(function + " takes one number");
  return found->second(arguments.front());
}

// Each action changes or sets the value of the rule that it stands in.
const auto set = [](auto& context) { x3::_val(context) = x3::_attr(context); };
const auto set_number = [](auto& context) {
  const auto& text = x3::_attr(context);
  x3::_val(context) = read_number({text.begin(), text.end()});
};
const auto add = [](auto& context) {
  x3::_val(context) = checked(x3::_val(context) + x3::_attr(context));
};
const auto subtract = [](auto& context) {
  x3::_val(context) = checked(x3::_val(context) - x3::_attr(context));
};
const auto multiply = [](auto& context) {
  x3::_val(context) = checked(x3::_val(context) * x3::_attr(context));
};
const auto divide = [](auto& context) {
  x3::_val(context) = checked(x3::_val(context) / x3::_attr(context));
};
const auto divide_down = [](auto& context) {
  x3::_val(context) = checked(quotient_like_python(x3::_val(context), x3::_attr(context)));
};
const auto take_remainder = [](auto& context) {
  x3::_val(context) = checked(remainder_like_python(x3::_val(context), x3::_attr(context)));
};
const auto raise = [](auto& context) {
  x3::_val(context) = checked(std::pow(x3::_val(context), x3::_attr(context)));
};
const auto negate = [](auto& context) { x3::_val(context) = -x3::_attr(context); };
const auto look_up = [](auto& context) {
  x3::_val(context) = x3::get<ValueOfTag>(context).get()(x3::_attr(context));
};
const auto apply = [](auto& context) {
  using boost::fusion::at_c;
  x3::_val(context) = call(at_c<0>(x3::_attr(context)), at_c<1>(x3::_attr(context)));
};

const x3::rule<struct NameRule, std::string> name{"a name"};
const x3::rule<struct SumRule, double> sum{"a number"};
const x3::rule<struct ProductRule, double> product{"a number"};
const x3::rule<struct SignedRule, double> signed_power{"a number"};
const x3::rule<struct PowerRule, double> power{"a number"};
const x3::rule<struct PrimaryRule, double> primary{"a number, a name or ("};

const auto name_def = x3::lexeme[x3::char_("A-Za-z_") >> *x3::char_("A-Za-z0-9_")];
const auto sum_def = product[set] >> *(('+' > product[add]) | ('-' > product[subtract]));
const auto product_def = signed_power[set] >>
                         *((x3::lit("//") > signed_power[divide_down]) |
                           ('/' > signed_power[divide]) |
                           ((x3::lit('*') >> !x3::lit('*')) > signed_power[multiply]) |
                           ('%' > signed_power[take_remainder]));
const auto signed_power_def = ('-' > signed_power[negate]) | ('+' > signed_power[set]) | power[set];
const auto power_def = primary[set] >> -(x3::lit("**") > signed_power[raise]);
const auto primary_def = x3::raw[number][set_number] | ((name >> '(') > (sum % ',') > ')')[apply] |
                         name[look_up] | ('(' > sum[set] > ')');

BOOST_SPIRIT_DEFINE(name, sum, product, signed_power, power, primary)

}  // namespace

double evaluate(std::string_view expression, const ValueOf& value_of) {
  const std::string shown = to_string(SettingValue{expression});
  if (expression.size() > longest_expression) {
    throw std::invalid_argument("the expression " + shown + " is too long; it has at most " +
                                std::to_string(longest_expression) + " characters");
  }
  const char* at = expression.data();
  const char* const end = at + expression.size();
  double result = 0.0;
  bool whole = false;
  try {
    const auto with_names = x3::with<ValueOfTag>(std::cref(value_of))[sum];
    whole = x3::phrase_parse(at, end, with_names, x3::ascii::space, result) && at == end;
    checked(result);
  } catch (const x3::expectation_failure<const char*>& failure) {
    at = failure.where();
    whole = false;
  } catch (const NotFinite&) {
    throw std::invalid_argument(shown +
                                " is no finite number; something is divided by 0, or too large");
  }
  if (!whole) {
    const std::string rest{at, end};
    throw std::invalid_argument(
        shown + " is no arithmetic, from " +
        (rest.empty() ? "its end" : to_string(SettingValue{rest})) +
        " on; it is numbers, names, + - * / // % **, parentheses, and abs, floor, ceil, int, "
        "float, round, min and max");
  }
  return result + 0.0;  // -0 is written as 0
}

bool is_name(std::string_view text) noexcept {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view digits = "0123456789";
  if (text.empty() || letters.find(text.front()) == std::string_view::npos) return false;
  return std::ranges::all_of(text, [&](char each) {
    return letters.find(each) != std::string_view::npos ||
           digits.find(each) != std::string_view::npos;
  });
}

}  // namespace takt::detail
