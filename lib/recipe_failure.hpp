// SPDX-License-Identifier: BSL-1.0
/// \file
/// How a recipe is refused.
#ifndef TAKT_LIB_RECIPE_FAILURE_HPP
#define TAKT_LIB_RECIPE_FAILURE_HPP

#include <string>

#include "takt/error.hpp"
#include "takt/setting_value.hpp"

namespace takt::detail {

/// Throws a `RecipeError`: "prune.yaml:6:24: " and the problem. Without a mark, "prune.yaml: ".
[[noreturn]] inline void fail_recipe(const std::string& source, Mark mark,
                                     const std::string& problem) {
  std::string message = source;
  if (mark.line > 0) {
    message += ':';
    message += std::to_string(mark.line);
    message += ':';
    message += std::to_string(mark.column);
  }
  throw RecipeError(message + ": " + problem);
}

}  // namespace takt::detail

#endif
