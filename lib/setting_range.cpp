// SPDX-License-Identifier: BSL-1.0
#include "takt/setting_range.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "nearest_name.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {

using detail::text_of;

void SettingRange::check(const SettingValue& value) const {
  if (const auto* const number = value.get_if<double>()) {
    check_number(*number);
  } else if (const auto* const text = value.get_if<std::string>()) {
    check_text(*text);
  } else if (const auto* const list = value.get_if<SettingValue::List>()) {
    for (const SettingValue& each : *list) check(each);
  }
}

void SettingRange::check_number(double value) const {
  const bool inside = (open_ ? value > least_ : value >= least_) && value <= most_;
  const bool bounded = std::isfinite(least_) || std::isfinite(most_);
  if (!bounded || inside) return;  // NaN is not inside
  throw InvalidModifier("is " + text_of(value) + "; it is " + text_);
}

void SettingRange::check_text(const std::string& value) const {
  if (choices_.empty() || std::ranges::find(choices_, value) != choices_.end()) return;
  throw InvalidModifier("is " + to_string(SettingValue{value}) + "; it is " + text_ +
                        ". The nearest is \"" + detail::nearest_name(value, choices_) + '"');
}

SettingRange at_least(double least) {
  SettingRange range;
  range.least_ = least;
  range.text_ = text_of(least) + " or more";
  return range;
}

SettingRange more_than(double bound) {
  SettingRange range;
  range.least_ = bound;
  range.open_ = true;
  range.text_ = "more than " + text_of(bound);
  return range;
}

SettingRange between(double least, double most) {
  SettingRange range;
  range.least_ = least;
  range.most_ = most;
  range.text_ = text_of(least) + " to " + text_of(most);
  return range;
}

SettingRange one_of(std::vector<std::string> choices) {
  SettingRange range;
  range.text_ = "one of ";
  for (const std::string& choice : choices) {
    if (&choice != &choices.front()) range.text_ += ", ";
    range.text_ += choice;
  }
  range.choices_ = std::move(choices);
  return range;
}

SettingRange described(std::string text) {
  SettingRange range;
  range.text_ = std::move(text);
  return range;
}

}  // namespace takt
