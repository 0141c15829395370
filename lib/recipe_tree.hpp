// SPDX-License-Identifier: BSL-1.0
/// \file
/// From YAML or JSON text to values that know where they were written.
#ifndef TAKT_LIB_RECIPE_TREE_HPP
#define TAKT_LIB_RECIPE_TREE_HPP

#include <cstddef>
#include <string>
#include <string_view>

#include "takt/setting_value.hpp"

namespace takt::detail {

/// How many values a recipe may have, those that aliases and args repeat included.
inline constexpr std::size_t most_values = 100'000;
/// How deep they may be nested.
inline constexpr std::size_t most_levels = 64;
/// How long a name may be, in bytes: the parser takes names of up to 1024 characters, and a byte is
/// written as up to four of them.
inline constexpr std::size_t longest_name = 200;

/// How large a value is, all that is in it included.
struct ValueSize {
  std::size_t values = 0;
  std::size_t characters = 0;  ///< bytes of text, names included
  std::size_t levels = 0;      ///< of lists and maps; 0 for a single value
};

[[nodiscard]] ValueSize size_of(const SettingValue& value);

/// Reads the one document of a text. Plain `{{…}}`, which YAML takes for a map in a map, is text; a
/// value with a tag, `!Name value`, is the map `{Name: value}`; `<<` in a map brings in the entries
/// of another that it does not have itself. Throws `RecipeError`.
[[nodiscard]] SettingValue recipe_tree(std::string_view text, const std::string& source);

}  // namespace takt::detail

#endif
