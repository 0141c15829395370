// SPDX-License-Identifier: BSL-1.0
#include "recipe_args.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

#include "expression.hpp"
#include "nearest_name.hpp"
#include "number_text.hpp"
#include "recipe_failure.hpp"
#include "recipe_text.hpp"

namespace takt::detail {
namespace {

constexpr std::string_view spaces = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

bool is_eval(std::string_view text) { return text.starts_with("eval(") && text.ends_with(')'); }

}  // namespace

void RecipeArgs::fix(const std::string& name, SettingValue value) {
  args_[name] = {.value = std::move(value), .fixed = true};
}

void RecipeArgs::set(const std::string& name, SettingValue value) {
  if (outer_ != nullptr) {
    const auto outside = outer_->args_.find(name);
    if (outside != outer_->args_.end() && outside->second.fixed) {
      outside->second.set = true;
      return;
    }
  }
  Arg& arg = args_[name];
  arg.set = true;
  if (!arg.fixed) arg.value = std::move(value);
}

std::string RecipeArgs::fixed_in_vain() const {
  for (const auto& [name, arg] : args_) {
    if (arg.fixed && !arg.set && !arg.used) return name;
  }
  return "";
}

std::string RecipeArgs::nearest(std::string_view name) const {
  std::vector<std::string> names;
  for (const RecipeArgs* each = this; each != nullptr; each = each->outer_) {
    for (const auto& [known, arg] : each->args_) {
      if (arg.set) names.push_back(known);
    }
  }
  if (names.empty()) return "the recipe has no args; list them under args: at the top";
  return "the nearest is \"" + nearest_name(name, names) + '"';
}

void RecipeArgs::fail(const std::string& problem) const { fail_recipe(*source_, mark_, problem); }

RecipeArgs::Arg* RecipeArgs::find(std::string_view name) {
  const auto found = args_.find(name);
  if (found != args_.end()) return &found->second;
  return outer_ == nullptr ? nullptr : outer_->find(name);
}

void RecipeArgs::count(const ValueSize& size) { count(size.values, size.characters); }

void RecipeArgs::count(std::size_t values, std::size_t characters) {
  RecipeArgs& all = counter();
  all.values_ += values;
  all.characters_ += characters;
  if (all.values_ <= most_values && all.characters_ <= longest_recipe) return;
  fail("the args, put in, make too much; a recipe has at most " + std::to_string(most_values) +
       " values and " + std::to_string(longest_recipe) + " bytes of text");
}

SettingValue RecipeArgs::put_in(const SettingValue& value) {
  const Mark before = std::exchange(mark_, value.mark.line > 0 ? value.mark : mark_);
  if (++counter().levels_ > deepest_settings) {
    fail("is nested too deep; settings have at most " + std::to_string(deepest_settings) +
         " levels, those of args that ask for args counted");
  }
  SettingValue resolved = value;
  if (const auto* const text = value.get_if<std::string>()) {
    resolved = resolve_text(*text);
    resolved.mark = mark_;
  } else if (auto* const list = resolved.get_if<SettingValue::List>()) {
    for (SettingValue& each : *list) each = put_in(each);
  } else if (auto* const map = resolved.get_if<SettingValue::Map>()) {
    for (SettingEntry& each : *map) each.value = put_in(each.value);
  }
  --counter().levels_;
  mark_ = before;
  return resolved;
}

SettingValue RecipeArgs::resolve_text(const std::string& text) {
  const std::string_view whole = trimmed(text);
  if (is_eval(whole)) {
    return value_of_expression(whole.substr(5, whole.size() - 6));
  }
  std::string made;
  std::string_view rest = text;
  for (std::size_t open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
    const std::size_t close = rest.find("}}", open);
    if (close == std::string_view::npos) {
      fail(to_string(SettingValue{text}) + " has {{ without }}; close it");
    }
    SettingValue value = value_of_expression(rest.substr(open + 2, close - open - 2));
    const bool alone = whole.size() == close + 2 - open && whole.data() == rest.data() + open;
    if (alone) return value;
    const std::size_t before = made.size();
    made += rest.substr(0, open);
    if (const auto* const inserted = value.get_if<std::string>()) {
      made += *inserted;
    } else if (const auto* const number = value.get_if<double>()) {
      made += text_of(*number);
    } else {
      fail(to_string(SettingValue{text}) + " puts " + to_string(value) +
           " into text; only text and numbers can stand there");
    }
    count(0, made.size() - before);
    rest.remove_prefix(close + 2);
  }
  made += rest;
  if (made.find("{{") != std::string::npos || is_eval(trimmed(made))) {
    fail(to_string(SettingValue{text}) + " makes " + to_string(SettingValue{made}) +
         ", which asks for args again; a recipe can't have that");
  }
  return made;
}

SettingValue RecipeArgs::value_of_expression(std::string_view expression) {
  const std::string_view inside = trimmed(expression);
  if (is_name(inside)) return value_of_arg(std::string{inside});
  try {
    return evaluate(inside, [this](const std::string& name) {
      const SettingValue value = value_of_arg(name);
      if (const auto* const number = value.get_if<double>()) return *number;
      fail("the arg " + name + " is " + to_string(value) + "; to compute with it, it is a number");
    });
  } catch (const std::invalid_argument& error) {
    fail(error.what());
  }
}

SettingValue RecipeArgs::value_of_arg(const std::string& name) {
  Arg* const found = find(name);
  if (found == nullptr) {
    fail("there is no arg " + to_string(SettingValue{name}) + "; " + nearest(name));
  }
  Arg& arg = *found;
  if (arg.in_use) fail("the arg " + name + " asks for itself");
  arg.used = true;
  count(size_of(arg.value));
  arg.in_use = true;
  SettingValue value;
  try {
    value = put_in(arg.value);
  } catch (...) {
    arg.in_use = false;
    throw;
  }
  arg.in_use = false;
  count(size_of(value));
  return value;
}

}  // namespace takt::detail
