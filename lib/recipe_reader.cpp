// SPDX-License-Identifier: BSL-1.0
#include "recipe_reader.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "nearest_name.hpp"
#include "recipe_failure.hpp"
#include "recipe_tree.hpp"
#include "takt/plugin.hpp"

namespace takt {
namespace {

constexpr std::string_view stage_ending = "_stage";
constexpr std::string_view group_ending = "modifiers";

bool is_group(std::string_view key) { return key.ends_with(group_ending); }

bool is_for_people(std::string_view key) {
  return key == "version" || key == "metadata" || key == "__metadata__";
}

/// Whether a value can be an arg without standing under `args`.
bool is_plain(const SettingValue& value) {
  if (value.get_if<SettingValue::Map>() != nullptr) return false;
  const auto* const list = value.get_if<SettingValue::List>();
  return list == nullptr || std::ranges::all_of(*list, is_plain);
}

std::string in_quotes(const std::string& text) { return to_string(SettingValue{text}); }

/// Where `word` stands in a text by itself, not as a part of another; npos when nowhere.
std::size_t find_word(std::string_view text, std::string_view word) {
  const auto is_part = [&](std::size_t i) {
    return i < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    if (!(at > 0 && is_part(at - 1)) && !is_part(at + word.size())) return at;
  }
  return std::string_view::npos;
}

/// The mark of the setting that a message names first; of the modifier when it names none.
Mark mark_at_fault(const RecipeModifier& modifier, const ModifierInfo& info,
                   const std::string& message) {
  Mark mark = modifier.mark;
  std::size_t first = std::numeric_limits<std::size_t>::max();
  for (const SettingEntry& given : modifier.settings) {
    const SettingInfo* const setting = info.setting(given.key);
    if (setting == nullptr) continue;
    const std::size_t at =
        std::min(find_word(message, given.key), find_word(message, setting->name));
    if (at >= first) continue;
    first = at;
    mark = given.value.mark;
  }
  return mark;
}

/// The mark of a setting: of its value, or of its name where that is unknown.
Mark mark_of_setting(const RecipeModifier& modifier, const ModifierInfo& info,
                     const std::string& setting) {
  Mark mark = modifier.mark;
  for (const SettingEntry& given : modifier.settings) {
    if (given.key != setting) continue;
    mark = info.setting(setting) == nullptr ? given.mark : given.value.mark;
  }
  return mark;
}

}  // namespace

RecipeReader::RecipeReader(const RecipeOptions& options, const std::string& source,
                           std::filesystem::path folder)
    : options_{options}, source_{source}, folder_{std::move(folder)}, args_{source} {
  recipe_.registry_ = options.registry;
  for (const SettingEntry& arg : options.args) args_.fix(arg.key, arg.value);
}

void RecipeReader::fail(Mark mark, const std::string& problem) const {
  detail::fail_recipe(source_, mark, problem);
}

Recipe RecipeReader::read(std::string_view text) && {
  const SettingValue tree = detail::recipe_tree(text, source_);
  if (const auto* const top = tree.get_if<SettingValue::Map>()) {
    read_args(*top);
    for (const SettingEntry& entry : *top) read_top_entry(entry);
  } else if (tree.get_if<SettingValue::List>() != nullptr) {
    read_group("", "modifiers", tree, args_);
  } else {
    fail(tree.mark,
         "is " + to_string(tree) + "; a recipe is a map of stages, or a list of modifiers");
  }
  require_known_stages();
  const std::string in_vain = args_.fixed_in_vain();
  if (!in_vain.empty()) {
    fail({}, "there is no arg " + in_quotes(in_vain) + " to set; " + args_.nearest(in_vain));
  }
  if (recipe_.modifiers_.empty() && options_.stages.empty()) {
    fail(tree.mark, "has no modifiers; they stand under <name>_stage > <group>_modifiers > class");
  }
  name_all();
  return std::move(recipe_);
}

void RecipeReader::read_args(const SettingValue::Map& top) {
  for (const SettingEntry& entry : top) {
    if (entry.key == "plugins") {
      read_plugins(entry.value);
    } else if (entry.key == "args") {
      set_args(entry, args_);
    } else if (is_plain(entry.value) && !is_group(entry.key) && !is_stage(entry) &&
               !is_for_people(entry.key) && !names_class(entry.key) && entry.key != "stages") {
      args_.set(entry.key, entry.value);
    }
  }
}

void RecipeReader::set_args(const SettingEntry& entry, detail::RecipeArgs& args) const {
  const auto* const map = entry.value.get_if<SettingValue::Map>();
  if (map == nullptr && !entry.value.is_nothing()) {
    fail(entry.value.mark, "args is " + to_string(entry.value) + "; it is a map: name: value");
  }
  if (map == nullptr) return;
  for (const SettingEntry& arg : *map) args.set(arg.key, arg.value);
}

void RecipeReader::read_plugins(const SettingValue& value) {
  std::vector<std::string> plugins;
  try {
    plugins = SettingType<std::vector<std::string>>::read(value);
  } catch (const InvalidModifier& error) {
    fail(value.mark, std::string{"plugins "} + error.what());
  }
  if (!options_.load_plugins && !plugins.empty()) {
    fail(value.mark, "names the plugin " + in_quotes(plugins.front()) +
                         ", and plugins are not loaded here; load it beforehand, or allow it");
  }
  for (const std::string& plugin : plugins) {
    std::filesystem::path path{plugin};
    if (path.has_parent_path() && path.is_relative()) path = folder_ / path;
    try {
      (void)load_plugin(path, recipe_.registry_);
    } catch (const PluginError& error) {
      throw PluginError(source_ + ':' + std::to_string(value.mark.line) + ':' +
                        std::to_string(value.mark.column) + ": " + error.what());
    }
  }
  recipe_.plugins_ = std::move(plugins);
}

bool RecipeReader::names_class(const std::string& key) const {
  return recipe_.registry_.find(key) != nullptr || key.ends_with("Modifier");
}

/// SparseML's stages may have any name: it is their groups that tell.
bool RecipeReader::is_stage(const SettingEntry& entry) const {
  if (entry.key.ends_with(stage_ending)) return true;
  const auto* const map = entry.value.get_if<SettingValue::Map>();
  return map != nullptr && !entry.key.empty() &&
         std::ranges::any_of(*map, [this](const SettingEntry& each) {
           return is_group(each.key) || names_class(each.key);
         });
}

void RecipeReader::read_top_entry(const SettingEntry& entry) {
  const std::string& key = entry.key;
  if (key == "args" || key == "plugins" || is_for_people(key)) return;
  if (key == "stages") {
    const auto* const stages = entry.value.get_if<SettingValue::Map>();
    if (stages == nullptr) {
      fail(entry.value.mark, "stages is " + to_string(entry.value) + "; it is a map of stages");
    }
    for (const SettingEntry& each : *stages) {
      std::string stage = each.key;
      if (!stage.ends_with(stage_ending)) stage += stage_ending;
      read_stage(stage, each);
    }
  } else if (is_group(key)) {
    if (keeps("")) read_group("", key, entry.value, args_);
  } else if (names_class(key)) {
    if (keeps("")) read_modifier("", "", entry, args_);
  } else if (is_stage(entry)) {
    read_stage(key, entry);
  } else if (!is_plain(entry.value)) {
    const std::vector<std::string> known{"args",      "plugins",  "stages",
                                         "modifiers", "metadata", key + "_stage"};
    fail(entry.mark, "there is no " + in_quotes(key) +
                         " at the top of a recipe; the nearest is \"" +
                         detail::nearest_name(key, known) +
                         "\". There are args, plugins, <name>_stage and <group>_modifiers");
  }
}

bool RecipeReader::keeps(const std::string& stage) const {
  if (options_.stages.empty()) return true;
  return std::ranges::any_of(options_.stages, [&](const std::string& kept) {
    return stage.empty() ? kept == "default"
                         : kept == stage || kept + std::string{stage_ending} == stage;
  });
}

void RecipeReader::require_known_stages() const {
  for (const std::string& kept : options_.stages) {
    const auto is_it = [&](const std::string& stage) {
      return kept == stage || kept + std::string{stage_ending} == stage;
    };
    if (kept == "default" || std::ranges::any_of(recipe_.stages_, is_it)) continue;
    std::string problem = "there is no stage " + in_quotes(kept);
    if (recipe_.stages_.empty()) fail({}, problem + "; the recipe has no stages");
    std::vector<std::string> known = recipe_.stages_;
    if (!kept.ends_with(stage_ending)) {
      for (std::string& stage : known) stage.resize(stage.size() - stage_ending.size());
    }
    fail({}, problem + "; the nearest is \"" + detail::nearest_name(kept, known) + '"');
  }
}

void RecipeReader::read_stage(const std::string& stage, const SettingEntry& stage_entry) {
  const SettingValue& value = stage_entry.value;
  if (!stages_.insert(stage).second) {
    fail(stage_entry.mark,
         "there is a second stage " + in_quotes(stage) + "; give it another name");
  }
  recipe_.stages_.push_back(stage);
  if (!keeps(stage) || value.is_nothing()) return;
  const auto* const map = value.get_if<SettingValue::Map>();
  if (map == nullptr) {
    fail(value.mark, stage + " is " + to_string(value) +
                         "; a stage is a map: <group>_modifiers > class > settings");
  }
  detail::RecipeArgs args{args_};
  for (const SettingEntry& entry : *map) {
    if (entry.key == "args") {
      set_args(entry, args);
    } else if (is_plain(entry.value)) {
      args.set(entry.key, entry.value);
    }
  }
  const SettingValue* const enabled = value.find("enabled");
  if (enabled != nullptr && *enabled == SettingValue{false}) return;
  for (const SettingEntry& entry : *map) read_stage_entry(stage, entry, args);
}

void RecipeReader::read_stage_entry(const std::string& stage, const SettingEntry& entry,
                                    detail::RecipeArgs& args) {
  const std::string& key = entry.key;
  if (key == "args" || is_for_people(key)) return;
  if (key == "run_type") {
    read_run_type(stage, entry.value);
  } else if (is_group(key)) {
    read_group(stage, key, entry.value, args);
  } else if (names_class(key)) {
    read_modifier(stage, "", entry, args);
  } else if (!is_plain(entry.value)) {
    const std::vector<std::string> known{"args",     "run_type",          "modifiers",
                                         "metadata", "pruning_modifiers", key + "_modifiers"};
    fail(entry.mark, "there is no " + in_quotes(key) + " in a stage; the nearest is \"" +
                         detail::nearest_name(key, known) +
                         "\". There are args, run_type and <group>_modifiers");
  }
}

void RecipeReader::read_run_type(const std::string& stage, const SettingValue& value) {
  const SettingRange types = one_of({"train", "oneshot"});
  try {
    types.check(SettingType<std::string>::read(value));
  } catch (const InvalidModifier& error) {
    fail(value.mark, std::string{"run_type "} + error.what());
  }
  if (value == SettingValue{"oneshot"}) {
    recipe_.warnings_.push_back(stage +
                                " has run_type oneshot, which makes no difference here: a modifier "
                                "runs when its start, end and update say so");
  }
}

void RecipeReader::read_group(const std::string& stage, const std::string& group,
                              const SettingValue& value, detail::RecipeArgs& args) {
  if (value.is_nothing()) return;
  if (const auto* const map = value.get_if<SettingValue::Map>()) {
    for (const SettingEntry& entry : *map) read_modifier(stage, group, entry, args);
    return;
  }
  const auto* const list = value.get_if<SettingValue::List>();
  if (list == nullptr) {
    fail(value.mark, group + " is " + to_string(value) + "; it is a map or a list of modifiers");
  }
  for (const SettingValue& item : *list) {
    const auto* const map = item.get_if<SettingValue::Map>();
    if (const auto* const text = item.get_if<std::string>()) {
      read_modifier(stage, group, {.key = *text, .mark = item.mark}, args);
    } else if (map != nullptr && map->size() == 1) {
      read_modifier(stage, group, map->front(), args);
    } else {
      std::string problem = "is " + to_string(item) +
                            "; an item is one class with its settings, as in "
                            "- LearningRateModifier: {learning_rate: 0.1}";
      if (map != nullptr && !map->empty() && map->front().value.is_nothing()) {
        problem += ". Indent the settings deeper than the class";
      }
      fail(item.mark, problem);
    }
  }
}

void RecipeReader::read_modifier(const std::string& stage, const std::string& group,
                                 const SettingEntry& entry, detail::RecipeArgs& args) {
  if (recipe_.registry_.find(entry.key) == nullptr) {
    fail(entry.mark, recipe_.registry_.unknown(entry.key));
  }
  RecipeModifier modifier{.stage = stage, .group = group, .type = entry.key, .mark = entry.mark};
  const SettingValue settings = args.put_in(entry.value);
  if (const auto* const map = settings.get_if<SettingValue::Map>()) {
    modifier.settings = *map;
  } else if (!settings.is_nothing()) {
    fail(entry.value.mark, "the settings of " + entry.key + " are " + to_string(settings) +
                               "; they are a map: name: value");
  }
  check(modifier);
  recipe_.modifiers_.push_back(std::move(modifier));
}

/// Makes the modifier once, and keeps what it says of itself.
void RecipeReader::check(RecipeModifier& modifier) const {
  const ModifierInfo& info = *recipe_.registry_.find(modifier.type);
  try {
    const auto made = recipe_.registry_.make(modifier.type, modifier.settings);
    modifier.name = made->name();
    modifier.cadence = made->cadence();
  } catch (const SettingError& error) {
    fail(mark_of_setting(modifier, info, error.setting()), error.what());
  } catch (const InvalidModifier& error) {
    fail(mark_at_fault(modifier, info, error.what()), error.what());
  } catch (const std::exception& error) {
    fail(mark_at_fault(modifier, info, error.what()), modifier.type + ": " + error.what());
  }
}

/// Names that are given are used once; those that are not get a number after the first.
void RecipeReader::name_all() {
  std::map<std::string, Mark, std::less<>> taken;
  const auto given = [](const RecipeModifier& modifier) {
    return std::ranges::find(modifier.settings, "name", &SettingEntry::key);
  };
  for (const RecipeModifier& modifier : recipe_.modifiers_) {
    const auto name = given(modifier);
    if (name == modifier.settings.end()) continue;
    const auto [first, is_new] = taken.emplace(modifier.name, name->value.mark);
    if (is_new) continue;
    fail(name->value.mark, "the name " + in_quotes(modifier.name) + " is taken on line " +
                               std::to_string(first->second.line) + "; names are unique");
  }
  std::map<std::string, std::size_t> counts;
  for (RecipeModifier& modifier : recipe_.modifiers_) {
    if (given(modifier) != modifier.settings.end()) continue;
    const std::string usual = modifier.name;
    std::size_t& count = counts[usual];
    do {
      ++count;
      modifier.name = usual;
      if (count > 1) modifier.name += ' ' + std::to_string(count);
    } while (!taken.emplace(modifier.name, modifier.mark).second);
  }
}

}  // namespace takt
