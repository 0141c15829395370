// SPDX-License-Identifier: BSL-1.0
/// \file
/// A kind of modifier as data: its name, its settings, and how one is made from them.
#ifndef TAKT_MODIFIER_TYPE_HPP
#define TAKT_MODIFIER_TYPE_HPP

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "takt/cadence.hpp"
#include "takt/modifier.hpp"
#include "takt/setting_range.hpp"
#include "takt/setting_type.hpp"
#include "takt/setting_value.hpp"

namespace takt {

/// One setting of a kind of modifier.
struct SettingInfo {
  std::string name{};
  std::string type{};            ///< in words: "number", "list of text"
  std::string range{};           ///< in words: "0 to 1"; empty = everything of its type
  SettingValue default_value{};  ///< nothing = unset
  bool required = false;         ///< there is no modifier without it
  std::string meaning{};         ///< one sentence
  std::vector<std::string>
      other_names{};  ///< accepted as well, as SparseML's older recipes have it
};

/// What a kind of modifier is, for people.
struct ModifierInfo {
  std::string name{};                      ///< of its class, such as "MagnitudePruningModifier"
  std::string summary{};                   ///< one line
  std::vector<SettingInfo> settings{};     ///< in the order in which they are shown
  std::vector<std::string> other_names{};  ///< accepted as well in a recipe

  /// The setting of that name, or with that other name; null when there is none.
  [[nodiscard]] const SettingInfo* setting(std::string_view name) const noexcept;
};

/// A kind of modifier that a registry can hold: what it is, and what makes one. `ModifierBinding`
/// is the short way to one. Registries are asked by several threads at once, and so `make` is
/// called by several at once: a modifier's constructor, and what reads its settings, must allow
/// that.
struct ModifierType {
  ModifierInfo info{};
  /// Makes a modifier from settings; one that is left out has its default. Throws `SettingError`
  /// for a setting that is unknown, given twice, missing, of the wrong type or out of its range,
  /// and whatever the modifier's constructor throws.
  std::function<std::shared_ptr<Modifier>(const SettingValue::Map& settings)> make{};
};

namespace detail {
/// Calls `read(i, entry)` for each setting that is given, `i` its position in `info.settings`, and
/// turns what it throws, and what is unknown, given twice or missing, into a `SettingError`.
void read_settings(const ModifierInfo& info, const SettingValue::Map& given,
                   const std::function<void(std::size_t, const SettingEntry&)>& read);

/// The value of start, end or update. Under its name in SparseML's older recipes -1 means unset.
[[nodiscard]] std::optional<double> read_bound(const SettingEntry& entry);
}  // namespace detail

/// Binds a modifier class `M` to the struct `S` that its constructor takes:
///
///     ModifierType type =
///         ModifierBinding<Clip, ClipSettings>{"ClipModifier", "bounds gradients"}
///             .setting("limit", &ClipSettings::limit, "the largest size", more_than(0));
///
/// `S` is default-constructible, and what it then holds are the defaults that are shown. It has the
/// members `std::string name` and `Cadence cadence`; they are bound by themselves, as the settings
/// `name`, `start`, `end` and `update`; the last three also as `start_epoch`, `end_epoch` and
/// `update_frequency`, as older recipes of SparseML have them. One thread at a time puts it
/// together.
template <class M, class S>
class ModifierBinding {
 public:
  ModifierBinding(std::string name, std::string summary) {
    type_.name = std::move(name);
    type_.summary = std::move(summary);
    setting("name", &S::name, "what it is called; unique on its bus");
    bind_cadence("start", "start_epoch", &Cadence::start,
                 "index at which its window opens; unset = at once");
    bind_cadence("end", "end_epoch", &Cadence::end,
                 "last index of its window; unset = until training ends");
    bind_cadence("update", "update_frequency", &Cadence::update,
                 "due at whole multiples of it; unset or 0 = at every step");
  }

  /// Binds one member, of `S` or of a base of it. The order is that in which settings are listed.
  template <class T, class Base>
  ModifierBinding& setting(const std::string& name, T Base::*member, const std::string& meaning,
                           SettingRange range = {}) {
    static_assert(std::derived_from<S, Base>, "the member is none of the settings struct's");
    type_.settings.push_back({.name = name,
                              .type = SettingType<T>::name(),
                              .range = range.text(),
                              .default_value = SettingType<T>::write(S{}.*member),
                              .meaning = meaning});
    readers_.push_back([member, range = std::move(range)](S& settings, const SettingEntry& entry) {
      range.check(entry.value);
      settings.*member = SettingType<T>::read(entry.value);
    });
    return *this;
  }

  /// The same, for a setting that a recipe has to give; its default is not shown.
  template <class T, class Base>
  ModifierBinding& required(const std::string& name, T Base::*member, const std::string& meaning,
                            SettingRange range = {}) {
    setting(name, member, meaning, std::move(range));
    type_.settings.back().required = true;
    type_.settings.back().default_value = {};
    return *this;
  }

  /// Binds a setting that is no single member: `read(settings, value)` puts it where it belongs,
  /// and throws `InvalidModifier` for what it can't take.
  ModifierBinding& reads(const std::string& name, const std::string& type,
                         const std::string& meaning,
                         std::function<void(S&, const SettingValue&)> read) {
    type_.settings.push_back({.name = name, .type = type, .meaning = meaning});
    readers_.push_back([read = std::move(read)](S& settings, const SettingEntry& entry) {
      read(settings, entry.value);
    });
    return *this;
  }

  /// What is left to do, or to check, when all settings have been read.
  ModifierBinding& finish(std::function<void(S&)> finish) {
    finish_ = std::move(finish);
    return *this;
  }

  /// Another name for the setting `name`, which is bound already.
  ModifierBinding& also(std::string_view name, const std::string& other_name) {
    for (SettingInfo& setting : type_.settings) {
      if (setting.name == name) setting.other_names.push_back(other_name);
    }
    return *this;
  }

  /// Another name for the modifier itself.
  ModifierBinding& also(std::string other_name) {
    type_.other_names.push_back(std::move(other_name));
    return *this;
  }

  operator ModifierType() const {  // NOLINT(google-explicit-constructor)
    return {type_,
            [type = type_, readers = readers_, finish = finish_](const SettingValue::Map& given) {
              S settings{};
              detail::read_settings(type, given, [&](std::size_t i, const SettingEntry& entry) {
                readers[i](settings, entry);
              });
              if (finish) finish(settings);
              return std::make_shared<M>(std::move(settings));
            }};
  }

 private:
  void bind_cadence(const std::string& name, const std::string& other_name,
                    std::optional<double> Cadence::*member, const std::string& meaning) {
    using Bound = std::optional<double>;
    type_.settings.push_back({.name = name,
                              .type = SettingType<Bound>::name(),
                              .range = member == &Cadence::update ? "0 or more" : "",
                              .default_value = SettingType<Bound>::write(S{}.cadence.*member),
                              .meaning = meaning,
                              .other_names = {other_name}});
    readers_.push_back([member](S& settings, const SettingEntry& entry) {
      settings.cadence.*member = detail::read_bound(entry);
    });
  }

  ModifierInfo type_;
  std::vector<std::function<void(S&, const SettingEntry&)>> readers_;
  std::function<void(S&)> finish_;
};

}  // namespace takt

#endif
