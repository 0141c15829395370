// SPDX-License-Identifier: BSL-1.0
/// \file
/// From the values of a recipe to its modifiers.
#ifndef TAKT_LIB_RECIPE_READER_HPP
#define TAKT_LIB_RECIPE_READER_HPP

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_set>

#include "recipe_args.hpp"
#include "takt/recipe.hpp"
#include "takt/setting_value.hpp"

namespace takt {

/// Reads one recipe: first what it is made of (args, plugins, stages, groups), then each modifier,
/// which is made once to see that its settings fit together.
class RecipeReader {
 public:
  /// `folder` is where relative paths of plugins start.
  RecipeReader(const RecipeOptions& options, const std::string& source,
               std::filesystem::path folder);

  [[nodiscard]] Recipe read(std::string_view text) &&;

 private:
  [[noreturn]] void fail(Mark mark, const std::string& problem) const;

  void read_args(const SettingValue::Map& top);
  void read_plugins(const SettingValue& value);
  void read_top_entry(const SettingEntry& entry);
  void read_stage(const std::string& stage, const SettingEntry& stage_entry);
  void read_stage_entry(const std::string& stage, const SettingEntry& entry,
                        detail::RecipeArgs& args);
  void read_run_type(const std::string& stage, const SettingValue& value);
  void read_group(const std::string& stage, const std::string& group, const SettingValue& value,
                  detail::RecipeArgs& args);
  void read_modifier(const std::string& stage, const std::string& group, const SettingEntry& entry,
                     detail::RecipeArgs& args);
  void check(RecipeModifier& modifier) const;
  void name_all();

  void set_args(const SettingEntry& entry, detail::RecipeArgs& args) const;
  [[nodiscard]] bool keeps(const std::string& stage) const;
  void require_known_stages() const;
  [[nodiscard]] bool is_stage(const SettingEntry& entry) const;
  [[nodiscard]] bool names_class(const std::string& key) const;

  const RecipeOptions& options_;
  const std::string& source_;
  std::filesystem::path folder_;
  detail::RecipeArgs args_;
  Recipe recipe_;
  std::unordered_set<std::string> stages_;  // those of `recipe_`
};

}  // namespace takt

#endif
