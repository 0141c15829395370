// SPDX-License-Identifier: BSL-1.0
/// \file
/// The options with which a command is given a recipe.
#ifndef TAKT_LIB_CLI_RECIPE_SOURCE_HPP
#define TAKT_LIB_CLI_RECIPE_SOURCE_HPP

#include <CLI/App.hpp>
#include <istream>
#include <string>
#include <vector>

#include "takt/recipe.hpp"
#include "takt/registry.hpp"

namespace takt::cli {

/// Adds `--plugin` to a command. `plugins` outlives it.
void add_plugin_option(CLI::App& command, std::vector<std::string>& plugins);

/// The built-in modifiers, and those of these plugins. Throws `PluginError`.
[[nodiscard]] Registry registry_with(const std::vector<std::string>& plugins);

/// A recipe as the command line names it.
class RecipeSource {
 public:
  /// Adds RECIPE, `--plugin`, `--arg` and `--stage`. This object outlives the command.
  void add_options(CLI::App& command);

  /// Throws `RecipeError` or `PluginError`. The recipe "-" comes from `in`.
  [[nodiscard]] Recipe read(std::istream& in) const;

  /// The recipe's name for people.
  [[nodiscard]] std::string name() const { return file_ == "-" ? "standard input" : file_; }

 private:
  std::string file_;
  std::vector<std::string> plugins_;
  std::vector<std::string> args_;
  std::vector<std::string> stages_;
};

}  // namespace takt::cli

#endif
