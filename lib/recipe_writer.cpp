// SPDX-License-Identifier: BSL-1.0
// How a recipe is written as YAML.
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_set>

#include "expression.hpp"
#include "number_text.hpp"
#include "takt/recipe.hpp"

namespace takt {
namespace {

using Modifiers = std::span<const RecipeModifier>;

std::string number_text(double number) {
  if (std::isnan(number)) return ".nan";
  if (std::isinf(number)) return number < 0.0 ? "-.inf" : ".inf";
  return detail::text_of(number);
}

void write(YAML::Emitter& out, const SettingValue& value) {
  if (const auto* const truth = value.get_if<bool>()) {
    out << (*truth ? "true" : "false");
  } else if (const auto* const number = value.get_if<double>()) {
    out << number_text(*number);
  } else if (const auto* const text = value.get_if<std::string>()) {
    out << YAML::DoubleQuoted << *text;
  } else if (const auto* const list = value.get_if<SettingValue::List>()) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const SettingValue& each : *list) write(out, each);
    out << YAML::EndSeq;
  } else if (const auto* const map = value.get_if<SettingValue::Map>()) {
    out << YAML::Flow << YAML::BeginMap;
    for (const SettingEntry& each : *map) {
      out << YAML::Key << YAML::DoubleQuoted << each.key << YAML::Value;
      write(out, each.value);
    }
    out << YAML::EndMap;
  } else {
    out << YAML::Null;
  }
}

bool is_null(std::string_view name) { return name == "null" || name == "Null" || name == "NULL"; }

void write_name(YAML::Emitter& out, const std::string& name) {
  out << YAML::Key;
  if (detail::is_name(name) && !is_null(name)) {
    out << name;
  } else {
    out << YAML::DoubleQuoted << name;
  }
  out << YAML::Value;
}

void write_modifier(YAML::Emitter& out, const RecipeModifier& modifier) {
  write_name(out, modifier.type);
  if (modifier.settings.empty()) {
    out << YAML::Null;
    return;
  }
  out << YAML::BeginMap;
  for (const SettingEntry& setting : modifier.settings) {
    write_name(out, setting.key);
    write(out, setting.value);
  }
  out << YAML::EndMap;
}

/// Those at the beginning that have the same `member` as the first.
Modifiers run_of(Modifiers modifiers, std::string RecipeModifier::*member) {
  const auto differs = [&](const RecipeModifier& each) {
    return each.*member != modifiers.front().*member;
  };
  const auto end = std::ranges::find_if(modifiers, differs);
  return modifiers.first(static_cast<std::size_t>(end - modifiers.begin()));
}

/// A list where a class stands twice, and otherwise a map.
void write_group(YAML::Emitter& out, Modifiers group) {
  std::unordered_set<std::string> types;
  for (const RecipeModifier& modifier : group) types.insert(modifier.type);
  const bool is_list = types.size() < group.size();
  write_name(out, group.front().group);
  out << (is_list ? YAML::BeginSeq : YAML::BeginMap);
  for (const RecipeModifier& modifier : group) {
    if (is_list) out << YAML::BeginMap;
    write_modifier(out, modifier);
    if (is_list) out << YAML::EndMap;
  }
  out << (is_list ? YAML::EndSeq : YAML::EndMap);
}

void write_stage(YAML::Emitter& out, Modifiers stage) {
  while (!stage.empty()) {
    const Modifiers group = run_of(stage, &RecipeModifier::group);
    if (group.front().group.empty()) {
      for (const RecipeModifier& modifier : group) write_modifier(out, modifier);
    } else {
      write_group(out, group);
    }
    stage = stage.subspan(group.size());
  }
}

}  // namespace

std::string Recipe::to_yaml() const {
  YAML::Emitter out;
  out << YAML::BeginMap;
  if (!plugins_.empty()) {
    write_name(out, "plugins");
    write(out, SettingType<std::vector<std::string>>::write(plugins_));
  }
  for (Modifiers rest{modifiers_}; !rest.empty();) {
    const Modifiers stage = run_of(rest, &RecipeModifier::stage);
    if (stage.front().stage.empty()) {
      write_stage(out, stage);
    } else {
      write_name(out, stage.front().stage);
      out << YAML::BeginMap;
      write_stage(out, stage);
      out << YAML::EndMap;
    }
    rest = rest.subspan(stage.size());
  }
  out << YAML::EndMap;
  return std::string{out.c_str(), out.size()} + '\n';
}

}  // namespace takt
