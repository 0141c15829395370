// SPDX-License-Identifier: BSL-1.0
/// \file
/// How the C++ types of settings are read from a `SettingValue` and written to one.
#ifndef TAKT_SETTING_TYPE_HPP
#define TAKT_SETTING_TYPE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "takt/setting_value.hpp"

namespace takt {

/// Specialize it for a type of your own to use that type in a settings struct:
///
///     static std::string name();                   // what to write, such as "number"
///     static T read(const SettingValue& value);    // InvalidModifier: not of this type
///     static SettingValue write(const T& value);   // reads back as the same
///
/// `read` throws with `throw_wrong_type`, so that all messages are alike. Several threads may call
/// all three at once.
template <class T>
struct SettingType;

/// Throws `InvalidModifier`: "is fast (text); it is a number".
[[noreturn]] void throw_wrong_type(const SettingValue& value, const std::string& wanted);

template <>
struct SettingType<double> {
  static std::string name() { return "number"; }
  static double read(const SettingValue& value);
  static SettingValue write(double value) { return value; }
};

template <>
struct SettingType<float> {
  static std::string name() { return "number"; }
  static float read(const SettingValue& value);
  static SettingValue write(float value);
};

/// Whole numbers up to 2^53, which a double holds exactly.
template <>
struct SettingType<std::int64_t> {
  static std::string name() { return "whole number"; }
  static std::int64_t read(const SettingValue& value);
  static SettingValue write(std::int64_t value) { return value; }
};

template <>
struct SettingType<bool> {
  static std::string name() { return "true or false"; }
  static bool read(const SettingValue& value);
  static SettingValue write(bool value) { return value; }
};

template <>
struct SettingType<std::string> {
  static std::string name() { return "text"; }
  static std::string read(const SettingValue& value);
  static SettingValue write(const std::string& value) { return value; }
};

/// A value, or nothing ("null"), which is "unset".
template <class T>
struct SettingType<std::optional<T>> {
  static std::string name() { return SettingType<T>::name(); }
  static std::optional<T> read(const SettingValue& value) {
    if (value.is_nothing()) return std::nullopt;
    return SettingType<T>::read(value);
  }
  static SettingValue write(const std::optional<T>& value) {
    return value ? SettingType<T>::write(*value) : SettingValue{};
  }
};

/// A list; a single value is a list of one.
template <class T>
struct SettingType<std::vector<T>> {
  static std::string name() { return "list of " + SettingType<T>::name(); }
  static std::vector<T> read(const SettingValue& value) {
    if (value.is_nothing()) throw_wrong_type(value, name());
    const auto* const list = value.get_if<SettingValue::List>();
    std::vector<T> read;
    if (list == nullptr) {
      read.push_back(SettingType<T>::read(value));
      return read;
    }
    read.reserve(list->size());
    for (const SettingValue& each : *list) read.push_back(SettingType<T>::read(each));
    return read;
  }
  static SettingValue write(const std::vector<T>& value) {
    SettingValue::List list;
    list.reserve(value.size());
    for (const T& each : value) list.push_back(SettingType<T>::write(each));
    return list;
  }
};

}  // namespace takt

#endif
