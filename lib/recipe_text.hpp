// SPDX-License-Identifier: BSL-1.0
/// \file
/// The text of a recipe, out of its file.
#ifndef TAKT_LIB_RECIPE_TEXT_HPP
#define TAKT_LIB_RECIPE_TEXT_HPP

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace takt::detail {

/// How long a recipe may be, in bytes.
inline constexpr std::size_t longest_recipe = std::size_t{1} << 20U;

/// Reads a file, at most one byte more than a recipe may have. Throws `RecipeError` for one that is
/// missing, a folder, unreadable or too long.
[[nodiscard]] std::string recipe_text(const std::filesystem::path& file);

/// What stands between the first two lines of "---", with the lines before it left empty, so that
/// line numbers stay true. Throws `RecipeError` when there are no such lines.
[[nodiscard]] std::string front_matter(std::string_view text, const std::string& source);

/// Whether a text is UTF-8 and has none of Unicode's noncharacters (chapter 23.7), which can't be
/// written as YAML.
[[nodiscard]] bool is_unicode(std::string_view text) noexcept;

}  // namespace takt::detail

#endif
