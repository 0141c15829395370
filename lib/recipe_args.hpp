// SPDX-License-Identifier: BSL-1.0
/// \file
/// The args of a recipe, and how they are put in where settings ask for them.
#ifndef TAKT_LIB_RECIPE_ARGS_HPP
#define TAKT_LIB_RECIPE_ARGS_HPP

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "recipe_tree.hpp"
#include "takt/setting_value.hpp"

namespace takt::detail {

/// How deep a modifier's settings may be nested, a level for each arg that asks for another. A
/// recipe is written with its stage, group and class around them.
inline constexpr std::size_t deepest_settings = most_levels - 8;

/// Args by name. Those of a stage stand before the recipe's own.
class RecipeArgs {
 public:
  /// A recipe's args. `source` is its name in messages, and outlives this.
  explicit RecipeArgs(const std::string& source) : source_{&source} {}
  /// A stage's. The recipe's outlive them.
  explicit RecipeArgs(RecipeArgs& of_recipe) : source_{of_recipe.source_}, outer_{&of_recipe} {}

  /// A value from the program, which stands before all others of that name.
  void fix(const std::string& name, SettingValue value);
  /// A value from the recipe, which may itself ask for args.
  void set(const std::string& name, SettingValue value);
  /// A fixed arg that the recipe neither set nor asked for; empty when there is none.
  [[nodiscard]] std::string fixed_in_vain() const;
  /// The nearest arg to a name that is not known, as the end of a message.
  [[nodiscard]] std::string nearest(std::string_view name) const;

  /// The value with all its `{{...}}` and `eval(...)` put in. Throws `RecipeError` for an arg that
  /// does not exist or asks for itself, for what is no arithmetic, and when args repeat too much or
  /// go too deep.
  [[nodiscard]] SettingValue put_in(const SettingValue& value);

 private:
  struct Arg {
    SettingValue value{};
    bool fixed = false;   // by the program
    bool set = false;     // by the recipe
    bool used = false;    // by a setting
    bool in_use = false;  // it is being put in
  };

  [[noreturn]] void fail(const std::string& problem) const;
  [[nodiscard]] Arg* find(std::string_view name);
  void count(const ValueSize& size);
  void count(std::size_t values, std::size_t characters);
  [[nodiscard]] RecipeArgs& counter() noexcept { return outer_ == nullptr ? *this : *outer_; }
  SettingValue resolve_text(const std::string& text);
  SettingValue value_of_expression(std::string_view expression);
  SettingValue value_of_arg(const std::string& name);

  const std::string* source_;
  RecipeArgs* outer_ = nullptr;
  std::map<std::string, Arg, std::less<>> args_;
  std::size_t values_ = 0;      // put in so far, those of the stages included
  std::size_t characters_ = 0;  // of them
  std::size_t levels_ = 0;      // that are being put in, likewise
  Mark mark_{};                 // of the text that is looked at
};

}  // namespace takt::detail

#endif
