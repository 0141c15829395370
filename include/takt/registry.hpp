// SPDX-License-Identifier: BSL-1.0
/// \file
/// Modifiers by name.
#ifndef TAKT_REGISTRY_HPP
#define TAKT_REGISTRY_HPP

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "takt/modifier.hpp"
#include "takt/modifier_type.hpp"
#include "takt/setting_value.hpp"

namespace takt {

namespace detail {
class LoadedPlugin;
}

/// What a plugin says of itself.
struct PluginInfo {
  std::string name{};
  std::string version{};
  std::filesystem::path path{};  ///< the shared library it came from
};

/// The kinds of modifiers that there are, by the name of their class. A value: a copy knows the
/// same kinds and keeps the same plugins loaded. Its const members may be called from several
/// threads.
class Registry {
 public:
  /// Knows no modifier.
  Registry() = default;
  Registry(const Registry&) = default;
  Registry(Registry&&) noexcept = default;
  Registry& operator=(Registry other) noexcept;
  ~Registry() = default;

  /// Knows those that takt brings. They are listed in one function, so linking a static library
  /// loses none.
  [[nodiscard]] static const Registry& builtin();

  /// Adds a kind of modifier. Throws `InvalidModifier` when it has no name or nothing that makes
  /// it, when two of its settings share a name, or when one of its names is taken.
  void add(ModifierType type);

  /// What there is under a name, or under another name of it; null when there is nothing. Valid
  /// until the registry is changed.
  [[nodiscard]] const ModifierInfo* find(std::string_view name) const noexcept;
  /// All of them, by name.
  [[nodiscard]] std::vector<ModifierInfo> modifiers() const;
  /// What to say of a name that is not known: that there is none, and the nearest there is.
  [[nodiscard]] std::string unknown(std::string_view name) const;

  /// Makes a modifier: `registry.make("LearningRateModifier", {{"learning_rate", 0.1}})`. Throws
  /// `InvalidModifier` for a name that is unknown, with the nearest known one, `SettingError` for
  /// settings it does not have or that are missing, of the wrong type or out of range, and what
  /// the modifier's own constructor throws. What a plugin's modifier throws arrives as one of
  /// takt's errors. A plugin stays loaded while a modifier that it made lives.
  [[nodiscard]] std::shared_ptr<Modifier> make(std::string_view name,
                                               const SettingValue::Map& settings = {}) const;

  /// The plugins that were loaded into it, in that order.
  [[nodiscard]] std::vector<PluginInfo> plugins() const;
  /// The plugin that a modifier comes from; nothing for those of the program itself.
  [[nodiscard]] std::optional<PluginInfo> plugin_of(std::string_view name) const;

 private:
  friend PluginInfo load_plugin(const std::filesystem::path& path, Registry& registry);

  // What a plugin registers has code in its shared library, so the library is released last: in an
  // entry as in the registry, the members that keep it loaded come first.
  struct Entry {
    std::shared_ptr<const detail::LoadedPlugin> plugin{};  // null for the program's own
    std::shared_ptr<const ModifierType> type{};
  };

  [[nodiscard]] const Entry* entry(std::string_view name) const noexcept;
  void require_free(const std::string& name) const;
  void adopt(std::shared_ptr<const detail::LoadedPlugin> plugin, const Registry& before);

  std::vector<std::shared_ptr<const detail::LoadedPlugin>> plugins_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::string, std::less<>> other_names_;  // to the names in `entries_`
};

}  // namespace takt

#endif
