// SPDX-License-Identifier: BSL-1.0
#include "takt/registry.hpp"

#include <algorithm>
#include <utility>

#include "loaded_plugin.hpp"
#include "nearest_name.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

/// Owns a plugin's modifier, and lets go of the shared library after the modifier. It is made and
/// destroyed by the program's own code, unlike the modifier's own owner.
struct KeepLoaded {
  std::shared_ptr<const detail::LoadedPlugin> plugin;
  std::shared_ptr<Modifier> modifier;

  void operator()(Modifier*) noexcept {
    modifier.reset();
    plugin.reset();
  }
};

/// A plugin's exception may have its code in the plugin, so none leaves it: what arrives is made
/// here, while the plugin is loaded.
std::shared_ptr<Modifier> make_from_plugin(const ModifierType& type,
                                           const SettingValue::Map& settings) {
  try {
    return type.make(settings);
  } catch (const SettingError& error) {
    throw SettingError(std::string{error.setting()}, std::string{error.what()});
  } catch (const InvalidCadence& error) {
    throw InvalidCadence(std::string{error.what()});
  } catch (const std::exception& error) {
    throw InvalidModifier(std::string{error.what()});
  } catch (...) {
    throw InvalidModifier(type.info.name +
                          " can't be made: it threw something that is not a std::exception");
  }
}

void require_complete(const ModifierType& type) {
  const std::string& name = type.info.name;
  if (name.empty()) throw InvalidModifier("a kind of modifier has no name; give it its class's");
  if (!type.make) {
    throw InvalidModifier(name + " has no function that makes it; bind one with ModifierBinding");
  }
  std::vector<std::string> names;
  for (const SettingInfo& setting : type.info.settings) {
    names.push_back(setting.name);
    names.insert(names.end(), setting.other_names.begin(), setting.other_names.end());
  }
  std::ranges::sort(names);
  if (!names.empty() && names.front().empty()) {
    throw InvalidModifier(name + " has a setting without a name");
  }
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return;
  throw InvalidModifier(name + " has two settings named \"" + *twice + "\"; a name is used once");
}

}  // namespace

Registry& Registry::operator=(Registry other) noexcept {
  // What was here is destroyed with `other`, in the order that its members ask for.
  plugins_.swap(other.plugins_);
  entries_.swap(other.entries_);
  other_names_.swap(other.other_names_);
  return *this;
}

void Registry::require_free(const std::string& name) const {
  const Entry* const taken = entry(name);
  if (taken == nullptr) return;
  std::string problem = "the name \"" + name + "\" is taken by ";
  if (taken->plugin) {
    problem +=
        "the plugin \"" + taken->plugin->info().name + "\", " + taken->plugin->info().path.string();
  } else {
    problem += "a modifier that is registered already";
  }
  throw InvalidModifier(problem + "; choose another");
}

void Registry::add(ModifierType type) {
  require_complete(type);
  std::string name = type.info.name;
  require_free(name);
  std::map<std::string, std::string, std::less<>> others;
  for (const std::string& other : type.info.other_names) {
    require_free(other);
    if (other == name || !others.emplace(other, name).second) {
      std::string problem = name;
      problem += " has the name \"";
      problem += other;
      throw InvalidModifier(problem + "\" twice; a name is used once");
    }
  }
  Entry made{.type = std::make_shared<const ModifierType>(std::move(type))};
  entries_.emplace(std::move(name), std::move(made));
  other_names_.merge(others);
}

const Registry::Entry* Registry::entry(std::string_view name) const noexcept {
  auto found = entries_.find(name);
  if (found == entries_.end()) {
    const auto other = other_names_.find(name);
    if (other != other_names_.end()) found = entries_.find(other->second);
  }
  return found == entries_.end() ? nullptr : &found->second;
}

const ModifierInfo* Registry::find(std::string_view name) const noexcept {
  const Entry* const found = entry(name);
  return found == nullptr ? nullptr : &found->type->info;
}

std::vector<ModifierInfo> Registry::modifiers() const {
  std::vector<ModifierInfo> infos;
  infos.reserve(entries_.size());
  for (const auto& [name, each] : entries_) infos.push_back(each.type->info);
  return infos;
}

std::string Registry::unknown(std::string_view name) const {
  std::vector<std::string> known;
  for (const auto& [each, entry] : entries_) known.push_back(each);
  for (const auto& [each, canonical] : other_names_) known.push_back(each);
  std::string problem = "there is no modifier " + to_string(SettingValue{name});
  if (known.empty()) return problem + ", for none is registered";
  return problem + "; the nearest is \"" + detail::nearest_name(name, known) + '"';
}

std::shared_ptr<Modifier> Registry::make(std::string_view name,
                                         const SettingValue::Map& settings) const {
  const Entry* const found = entry(name);
  if (found == nullptr) throw InvalidModifier(unknown(name));
  const ModifierType& type = *found->type;
  std::shared_ptr<Modifier> made =
      found->plugin ? make_from_plugin(type, settings) : type.make(settings);
  if (!made) throw InvalidModifier(type.info.name + " can't be made: its function returned null");
  if (!found->plugin) return made;
  Modifier* const modifier = made.get();
  return {modifier, KeepLoaded{found->plugin, std::move(made)}};
}

std::vector<PluginInfo> Registry::plugins() const {
  std::vector<PluginInfo> infos;
  infos.reserve(plugins_.size());
  for (const auto& plugin : plugins_) infos.push_back(plugin->info());
  return infos;
}

std::optional<PluginInfo> Registry::plugin_of(std::string_view name) const {
  const Entry* const found = entry(name);
  if (found == nullptr || !found->plugin) return std::nullopt;
  return found->plugin->info();
}

void Registry::adopt(std::shared_ptr<const detail::LoadedPlugin> plugin, const Registry& before) {
  for (auto& [name, each] : entries_) {
    if (!before.entries_.contains(name)) each.plugin = plugin;
  }
  plugins_.push_back(std::move(plugin));
}

}  // namespace takt
