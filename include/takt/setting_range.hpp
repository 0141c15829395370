// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which values of its type a setting takes.
#ifndef TAKT_SETTING_RANGE_HPP
#define TAKT_SETTING_RANGE_HPP

#include <limits>
#include <string>
#include <vector>

#include "takt/setting_value.hpp"

namespace takt {

/// The allowed values of a setting, checked when it is read and shown when it is listed. Made by
/// the functions below; a default one allows everything. A value; its const members may be called
/// from several threads.
class SettingRange {
 public:
  SettingRange() = default;

  /// Throws `InvalidModifier` for a number outside the bounds, or text that is none of the choices;
  /// of a list, each element is checked. "Nothing" is always inside.
  void check(const SettingValue& value) const;
  /// "0 to 1", "more than 0", "one of linear, cubic"; empty when everything is allowed.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  friend SettingRange at_least(double least);
  friend SettingRange more_than(double bound);
  friend SettingRange between(double least, double most);
  friend SettingRange one_of(std::vector<std::string> choices);
  friend SettingRange described(std::string text);

  void check_number(double value) const;
  void check_text(const std::string& value) const;

  std::string text_;
  double least_ = -std::numeric_limits<double>::infinity();
  double most_ = std::numeric_limits<double>::infinity();
  bool open_ = false;  // `least_` itself is outside
  std::vector<std::string> choices_;
};

/// Numbers from `least` on.
[[nodiscard]] SettingRange at_least(double least);
/// Numbers above `bound`.
[[nodiscard]] SettingRange more_than(double bound);
/// Numbers from `least` to `most`, both inside.
[[nodiscard]] SettingRange between(double least, double most);
/// Text that is one of these.
[[nodiscard]] SettingRange one_of(std::vector<std::string> choices);
/// What is allowed, in words; it is the modifier's constructor that checks it.
[[nodiscard]] SettingRange described(std::string text);

}  // namespace takt

#endif
