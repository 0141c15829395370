// SPDX-License-Identifier: BSL-1.0
/// \file
/// An experiment as a file: which modifiers run, and with which settings.
#ifndef TAKT_RECIPE_HPP
#define TAKT_RECIPE_HPP

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "takt/cadence.hpp"
#include "takt/error.hpp"
#include "takt/modifier.hpp"
#include "takt/registry.hpp"
#include "takt/setting_value.hpp"

namespace takt {

/// How a recipe is read.
struct RecipeOptions {
  Registry registry = Registry::builtin();  ///< the modifiers that a recipe may name
  /// Each takes the place of the recipe's own of its name, or stands for one that settings ask for
  /// and the recipe leaves open. One that is neither is an error.
  SettingValue::Map args{};
  /// The stages to keep, with or without "_stage"; empty = all. What the others say is not looked
  /// at, so they may name modifiers that there are not.
  std::vector<std::string> stages{};
  /// Whether the plugins that a recipe names are loaded, and so their code run. Where recipes come
  /// from strangers, set it to false: then a recipe that names one is refused.
  bool load_plugins = true;
};

/// One modifier of a recipe.
struct RecipeModifier {
  std::string stage{};           ///< such as "sparsity_stage"; empty = in none
  std::string group{};           ///< such as "pruning_modifiers"; empty = in none
  std::string type{};            ///< its class, as the recipe names it
  std::string name{};            ///< on the bus; a second of a kind is "LearningRateModifier 2"
  SettingValue::Map settings{};  ///< as given, with the args put in
  Cadence cadence{};             ///< as its settings have it
  Mark mark{};                   ///< where its class is named

  /// Marks, and names that were not given, make no difference.
  friend bool operator==(const RecipeModifier& a, const RecipeModifier& b) {
    return a.stage == b.stage && a.group == b.group && a.type == b.type && a.settings == b.settings;
  }
};

/// A list of modifiers, read from YAML or JSON in the format of LLM Compressor and SparseML:
///
///     args:
///       sparsity: 0.9
///     sparsity_stage:                   # <name>_stage
///       pruning_modifiers:              # <group>_modifiers
///         MagnitudePruningModifier:     # the class, then its settings
///           final_sparsity: "{{sparsity}}"
///           start: 1.0
///           end: 8.0
///           update: 0.5
///
/// A group may also be a list, where a class can stand twice: `- LearningRateModifier: {…}`, or
/// `- !LearningRateModifier` as SparseML writes it. Groups may stand at the top, without a stage,
/// and a recipe may be nothing but such a list. Beside the stages there are
/// - `args`: values by name. `{{name}}` in a setting stands for one, `{{2 * (name + 1)}}` for a
///   number computed with + - * / // % ** and abs, floor, ceil, int, float, min, max, round;
///   `eval(…)` is another way to write it. Nothing is ever run as code. A number, text or list
///   under any other name at the top, or in a stage, is an arg too;
/// - `plugins`: shared libraries to load, by name or path (see `load_plugin`), relative
///   paths being paths from the recipe's folder;
/// - `version`, `metadata`: for people; not read.
///
/// What is wrong is told by a `RecipeError` that starts with file:line:column and names the text at
/// fault and the nearest known name. A recipe is at most 1 MiB of text and 100 000 values, both
/// counted with what aliases and args repeat, and 64 levels deep; a name in it has 200 bytes at
/// most.
///
/// A value; its const members may be called from several threads. It keeps its plugins loaded.
class Recipe {
 public:
  /// Reads a file. One whose name ends in ".md" has the recipe in its front matter, between two
  /// lines of "---". Throws `RecipeError`, or `PluginError` for a plugin that it names.
  [[nodiscard]] static Recipe from_file(const std::filesystem::path& file,
                                        const RecipeOptions& options = {});
  /// Reads a text; `name` stands for the file in messages.
  [[nodiscard]] static Recipe from_string(std::string_view text, const RecipeOptions& options = {},
                                          const std::string& name = "recipe");

  /// In the order in which they stand in the file, which is the order in which they run.
  [[nodiscard]] const std::vector<RecipeModifier>& modifiers() const noexcept { return modifiers_; }
  /// The names of all stages, those that were not kept included.
  [[nodiscard]] const std::vector<std::string>& stages() const noexcept { return stages_; }
  /// The plugins that it names.
  [[nodiscard]] const std::vector<std::string>& plugins() const noexcept { return plugins_; }
  /// What takt does otherwise than the recipe may expect, a line each.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// The modifiers that it could name, those of its plugins included.
  [[nodiscard]] const Registry& registry() const noexcept { return registry_; }

  /// New modifiers, one for each of `modifiers()`.
  [[nodiscard]] std::vector<std::shared_ptr<Modifier>> make() const;

  /// The recipe as YAML, with args put in. It reads back as an equal one, unless what aliases and
  /// args repeat makes it longer than a recipe may be.
  [[nodiscard]] std::string to_yaml() const;

  /// Whether they say the same: the same modifiers with the same settings, stages and plugins.
  friend bool operator==(const Recipe& a, const Recipe& b) {
    return a.modifiers_ == b.modifiers_ && a.plugins_ == b.plugins_;
  }

 private:
  friend class RecipeReader;

  Recipe() = default;

  Registry registry_;
  std::vector<RecipeModifier> modifiers_;
  std::vector<std::string> stages_;
  std::vector<std::string> plugins_;
  std::vector<std::string> warnings_;
};

}  // namespace takt

#endif
