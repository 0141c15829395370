// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a recipe gives a modifier's setting: a value as a file, or a program, writes it.
#ifndef TAKT_SETTING_VALUE_HPP
#define TAKT_SETTING_VALUE_HPP

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace takt {

/// A place in a recipe, counted from 1. {0, 0} is no place: the value was made in a program.
struct Mark {
  std::int64_t line = 0;
  std::int64_t column = 0;

  friend bool operator==(const Mark&, const Mark&) noexcept = default;
};

struct SettingEntry;

/// Nothing, true or false, a number, text, a list, or a map from names to values in the order in
/// which they were written. A value; its const members may be called from several threads.
class SettingValue {
 public:
  using List = std::vector<SettingValue>;
  using Map = std::vector<SettingEntry>;

  SettingValue() noexcept = default;  ///< nothing
  // They are defined where `SettingEntry` is complete, which a variant that holds a `Map` needs.
  SettingValue(bool value) noexcept;  // NOLINT(google-explicit-constructor)
  template <class Number>
  SettingValue(Number value) noexcept  // NOLINT(google-explicit-constructor)
      requires(std::is_arithmetic_v<Number> && !std::same_as<Number, bool>);
  SettingValue(std::string value);       // NOLINT
  SettingValue(const char* value);       // NOLINT
  SettingValue(std::string_view value);  // NOLINT
  SettingValue(List value);              // NOLINT
  SettingValue(Map value);               // NOLINT
  /// A map: `{{"start", 1}, {"end", 8}}`.
  SettingValue(std::initializer_list<SettingEntry> entries);

  [[nodiscard]] bool is_nothing() const noexcept;
  /// The value when it is of that kind, null otherwise: bool, double, std::string, List or Map.
  template <class T>
  [[nodiscard]] const T* get_if() const noexcept {
    return std::get_if<T>(&data_);
  }
  template <class T>
  [[nodiscard]] T* get_if() noexcept {
    return std::get_if<T>(&data_);
  }

  /// The value of a map's entry; null when there is none, or when this is no map.
  [[nodiscard]] const SettingValue* find(std::string_view key) const noexcept;

  Mark mark{};  ///< where it was written; two values that differ in it alone are equal

  friend bool operator==(const SettingValue& a, const SettingValue& b);

 private:
  std::variant<std::monostate, bool, double, std::string, List, Map> data_;
};

/// A name and its value in a map.
struct SettingEntry {
  std::string key{};
  SettingValue value{};
  Mark mark{};  ///< where the name was written

  friend bool operator==(const SettingEntry& a, const SettingEntry& b) {
    return a.key == b.key && a.value == b.value;
  }
};

template <class Number>
SettingValue::SettingValue(Number value) noexcept
    requires(std::is_arithmetic_v<Number> && !std::same_as<Number, bool>)
    : data_{static_cast<double>(value)} {}

/// On one line, as YAML's flow style has it: `[0.5, true, "2:4"]`. Long text is cut.
[[nodiscard]] std::string to_string(const SettingValue& value);

}  // namespace takt

#endif
