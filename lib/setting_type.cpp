// SPDX-License-Identifier: BSL-1.0
#include "takt/setting_type.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

constexpr double largest_whole = 9007199254740992.0;  // 2^53

std::string kind_of(const SettingValue& value) {
  if (value.is_nothing()) return "nothing";
  if (value.get_if<bool>() != nullptr) return "true or false";
  if (value.get_if<double>() != nullptr) return "a number";
  if (value.get_if<std::string>() != nullptr) return "text";
  return value.get_if<SettingValue::List>() != nullptr ? "a list" : "a map";
}

}  // namespace

void throw_wrong_type(const SettingValue& value, const std::string& wanted) {
  const bool truth = wanted == SettingType<bool>::name();
  std::string message = "is " + to_string(value);
  if (!value.is_nothing()) message += ", " + kind_of(value);
  message += truth ? "; it is " : "; it is a ";
  message += wanted;
  if (wanted == SettingType<std::string>::name()) {
    message = "is " + to_string(value) + ", " + kind_of(value) + "; it is text";
    if (value.get_if<double>() != nullptr || value.get_if<bool>() != nullptr) {
      message += ", so put it in quotes";
    }
  }
  throw InvalidModifier(message);
}

double SettingType<double>::read(const SettingValue& value) {
  if (const auto* const number = value.get_if<double>()) return *number;
  throw_wrong_type(value, name());
}

float SettingType<float>::read(const SettingValue& value) {
  const double number = SettingType<double>::read(value);
  if (std::isfinite(number) &&
      std::abs(number) > static_cast<double>(std::numeric_limits<float>::max())) {
    throw InvalidModifier("is " + to_string(value) + "; it is at most " +
                          detail::text_of(std::numeric_limits<float>::max()));
  }
  return static_cast<float>(number);
}

// By way of its shortest text: 0.1F is written as 0.1, and not as 0.10000000149011612. A few floats
// are another number when that text is read as a double and then rounded: those are written
// exactly.
SettingValue SettingType<float>::write(float value) {
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  const auto exact = static_cast<double>(value);
  double number = exact;
  std::from_chars(text.data(), written.ptr, number);
  const bool fits = std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max());
  return fits && static_cast<float>(number) == value ? number : exact;
}

std::int64_t SettingType<std::int64_t>::read(const SettingValue& value) {
  const auto* const number = value.get_if<double>();
  if (number == nullptr || std::trunc(*number) != *number) throw_wrong_type(value, name());
  if (std::abs(*number) > largest_whole) {
    throw InvalidModifier("is " + to_string(value) + "; it is a whole number up to 2^53");
  }
  return static_cast<std::int64_t>(*number);
}

bool SettingType<bool>::read(const SettingValue& value) {
  if (const auto* const truth = value.get_if<bool>()) return *truth;
  throw_wrong_type(value, name());
}

std::string SettingType<std::string>::read(const SettingValue& value) {
  if (const auto* const text = value.get_if<std::string>()) return *text;
  throw_wrong_type(value, name());
}

}  // namespace takt
