// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the tests of recipes share.
#ifndef TAKT_TESTS_RECIPE_CASES_HPP
#define TAKT_TESTS_RECIPE_CASES_HPP

#include <string>
#include <string_view>

#include "error_text.hpp"
#include "scratch_folder.hpp"
#include "takt/error.hpp"
#include "takt/recipe.hpp"

namespace takt::test {

/// What a recipe is refused with.
inline std::string refusal(std::string_view text, const RecipeOptions& options = {}) {
  return message_of<RecipeError>([&] { (void)Recipe::from_string(text, options); });
}

}  // namespace takt::test

#endif
