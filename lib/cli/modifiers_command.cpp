// SPDX-License-Identifier: BSL-1.0
#include "modifiers_command.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "json_text.hpp"
#include "output_options.hpp"
#include "recipe_source.hpp"
#include "takt/error.hpp"
#include "takt/registry.hpp"

namespace takt::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> plugins;
  bool json = false;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

void list_all(const Registry& registry, const Screen& screen) {
  const std::vector<ModifierInfo> all = registry.modifiers();
  int widest = 0;
  for (const ModifierInfo& info : all) widest = std::max(widest, width_of(info.name));
  for (const ModifierInfo& info : all) {
    std::string line = padded(info.name, widest + 2);
    line += info.summary;
    if (const auto plugin = registry.plugin_of(info.name)) line += " (plugin " + plugin->name + ')';
    write_line(screen, line, widest + 2);
  }
}

/// "number, 0 to 1; default 0.9"
std::string type_words(const SettingInfo& setting) {
  std::string words = setting.type;
  if (!setting.range.empty()) words += ", " + setting.range;
  if (setting.required) {
    words += "; required";
  } else if (!setting.default_value.is_nothing()) {
    words += "; default " + to_string(setting.default_value);
  }
  return words;
}

void describe(const ModifierInfo& info, const Registry& registry, const Screen& screen) {
  write_line(screen, info.name + ": " + info.summary, 2);
  if (!info.other_names.empty()) write_line(screen, "also " + joined(info.other_names), 2);
  if (const auto plugin = registry.plugin_of(info.name)) {
    write_line(screen,
               "of plugin " + plugin->name + ' ' + plugin->version + ", " + plugin->path.string(),
               2);
  }
  for (const SettingInfo& setting : info.settings) {
    std::string heading = "  " + setting.name;
    if (!setting.other_names.empty()) heading += " (also " + joined(setting.other_names) + ')';
    write_line(screen, heading + ": " + type_words(setting), 6);
    write_line(screen, "      " + setting.meaning, 6);
  }
}

/// Without a fraction where there is none.
Json json_of_number(double number) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (number == std::trunc(number) && std::abs(number) < exact) {
    return static_cast<std::int64_t>(number);
  }
  return cli::json_of(std::optional{number});
}

Json json_of(const SettingValue& value) {
  if (const bool* const truth = value.get_if<bool>()) return *truth;
  if (const auto* const number = value.get_if<double>()) return json_of_number(*number);
  if (const auto* const text = value.get_if<std::string>()) return *text;
  Json json = nullptr;
  if (const auto* const list = value.get_if<SettingValue::List>()) {
    json = Json::array();
    for (const SettingValue& part : *list) json.push_back(json_of(part));
  } else if (const auto* const map = value.get_if<SettingValue::Map>()) {
    json = Json::object();
    for (const SettingEntry& entry : *map) json[entry.key] = json_of(entry.value);
  }
  return json;
}

Json json_of(const SettingInfo& setting) {
  return {{"name", setting.name},         {"other_names", setting.other_names},
          {"type", setting.type},         {"range", setting.range},
          {"required", setting.required}, {"default", json_of(setting.default_value)},
          {"meaning", setting.meaning}};
}

Json json_of(const ModifierInfo& info, const Registry& registry) {
  Json settings = Json::array();
  for (const SettingInfo& setting : info.settings) settings.push_back(json_of(setting));
  const auto plugin = registry.plugin_of(info.name);
  return {{"name", info.name},
          {"other_names", info.other_names},
          {"summary", info.summary},
          {"plugin", plugin ? Json(plugin->name) : Json(nullptr)},
          {"settings", settings}};
}

void run(const Options& options, const Screen& screen) {
  const Registry registry = registry_with(options.plugins);
  if (options.name.empty()) {
    if (!options.json) return list_all(registry, screen);
    Json all = Json::array();
    for (const ModifierInfo& info : registry.modifiers()) all.push_back(json_of(info, registry));
    return write_json(all, screen);
  }
  const ModifierInfo* const info = registry.find(options.name);
  if (info == nullptr) throw InvalidModifier(registry.unknown(options.name));
  if (options.json) return write_json(json_of(*info, registry), screen);
  describe(*info, registry, screen);
}

}  // namespace

void add_modifiers_command(CLI::App& program, const Screen& screen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *program.add_subcommand("modifiers", "list the modifiers, or one with its settings");
  command.group("Commands");
  command.add_option("NAME", options->name, "the class of one modifier")->type_name("");
  add_plugin_option(command, options->plugins);
  add_json_option(command, options->json);
  command.footer("For example: takt modifiers MagnitudePruningModifier");
  command.callback([options, &screen] { run(*options, screen); });
}

}  // namespace takt::cli
