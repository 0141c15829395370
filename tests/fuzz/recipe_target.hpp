// SPDX-License-Identifier: BSL-1.0
/// \file
/// What holds for any bytes that are read as a recipe. The fuzz target and the test of its corpus
/// share it.
#ifndef TAKT_TESTS_FUZZ_RECIPE_TARGET_HPP
#define TAKT_TESTS_FUZZ_RECIPE_TARGET_HPP

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <takt/event_bus.hpp>
#include <takt/recipe.hpp>

namespace takt::fuzz {

/// A written recipe that is longer is not read again: one that aliases and args have made large may
/// have more values, or be longer, than a recipe is allowed to.
inline constexpr std::size_t longest_written_recipe = std::size_t{1} << 16U;

/// The recipe in a text; nothing when it is refused, as the contract has it. No plugin is loaded.
inline std::optional<Recipe> recipe_in(std::string_view text) {
  RecipeOptions options;
  options.load_plugins = false;
  try {
    return Recipe::from_string(text, options);
  } catch (const RecipeError&) {
    return std::nullopt;
  }
}

/// That a recipe can be made, comes onto a bus, and reads back from what it is written as. Throws
/// `std::logic_error` for what does not hold; whatever else is thrown is a fault as well.
inline void check_recipe(std::string_view text) {
  const std::optional<Recipe> recipe = recipe_in(text);
  if (!recipe) return;
  for (const Event start : {Event{}, Event{.steps_per_epoch = 47}}) {
    EventBus bus{start};
    (void)bus.apply(*recipe);
    if (bus.modifiers().size() != recipe->modifiers().size()) {
      throw std::logic_error("the bus has another number of modifiers than the recipe");
    }
  }
  const std::string written = recipe->to_yaml();
  if (written.size() > longest_written_recipe) return;
  const std::optional<Recipe> again = recipe_in(written);
  if (!again) throw std::logic_error("what is written can't be read:\n" + written);
  // A setting of NaN is equal to nothing, so such a recipe is not even equal to itself.
  if (*recipe == *recipe && !(*again == *recipe)) {
    throw std::logic_error("what is written reads back as another recipe:\n" + written);
  }
  if (again->to_yaml() != written) {
    throw std::logic_error("what is written is written otherwise a second time:\n" + written);
  }
}

}  // namespace takt::fuzz

#endif
