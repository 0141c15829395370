// SPDX-License-Identifier: BSL-1.0
#include "takt/modifier_type.hpp"

#include <algorithm>

#include "nearest_name.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

bool goes_by(const SettingInfo& setting, std::string_view name) {
  return setting.name == name ||
         std::ranges::find(setting.other_names, name) != setting.other_names.end();
}

std::vector<std::string> names_of(const ModifierInfo& info) {
  std::vector<std::string> names;
  for (const SettingInfo& setting : info.settings) names.push_back(setting.name);
  return names;
}

[[noreturn]] void refuse_unknown(const ModifierInfo& info, const std::string& name) {
  const std::vector<std::string> known = names_of(info);
  std::string list;
  for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
  throw SettingError(name, info.name + " has no setting " + to_string(SettingValue{name}) +
                               "; the nearest is \"" + detail::nearest_name(name, known) +
                               "\", and all are " + list);
}

/// What the setting takes, for a message: "a number, 0 to 1".
std::string wanted(const SettingInfo& setting) {
  std::string text = setting.type;
  if (!setting.range.empty()) text += ", " + setting.range;
  return text;
}

}  // namespace

const SettingInfo* ModifierInfo::setting(std::string_view wanted_name) const noexcept {
  const auto found = std::ranges::find_if(
      settings, [wanted_name](const SettingInfo& each) { return goes_by(each, wanted_name); });
  return found == settings.end() ? nullptr : &*found;
}

void detail::read_settings(const ModifierInfo& info, const SettingValue::Map& given,
                           const std::function<void(std::size_t, const SettingEntry&)>& read) {
  std::vector<const SettingEntry*> seen(info.settings.size(), nullptr);
  for (const SettingEntry& entry : given) {
    const SettingInfo* const setting = info.setting(entry.key);
    if (setting == nullptr) refuse_unknown(info, entry.key);
    const auto i = static_cast<std::size_t>(setting - info.settings.data());
    if (seen[i] != nullptr) {
      std::string problem = info.name + ": " + entry.key + " is given twice";
      if (entry.key != seen[i]->key) problem += ", the first time as " + seen[i]->key;
      throw SettingError(entry.key, problem + "; once is enough");
    }
    seen[i] = &entry;
    try {
      read(i, entry);
    } catch (const InvalidModifier& error) {
      throw SettingError(entry.key, info.name + ": " + entry.key + ' ' + error.what());
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const SettingInfo& setting = info.settings[i];
    if (!setting.required || seen[i] != nullptr) continue;
    throw SettingError(setting.name, info.name + " needs " + setting.name + ", " + setting.meaning +
                                         " (" + wanted(setting) + ')');
  }
}

std::optional<double> detail::read_bound(const SettingEntry& entry) {
  const auto bound = SettingType<std::optional<double>>::read(entry.value);
  const bool older =
      entry.key == "start_epoch" || entry.key == "end_epoch" || entry.key == "update_frequency";
  if (older && bound == -1.0) return std::nullopt;
  return bound;
}

}  // namespace takt
