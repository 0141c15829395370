// SPDX-License-Identifier: BSL-1.0
/// \file
/// The options with which a command is given a recipe.
#ifndef TAKT_LIB_CLI_RECIPE_SOURCE_HPP
#define TAKT_LIB_CLI_RECIPE_SOURCE_HPP

#include <CLI/App.hpp>
#include <istream>
#include <string>
#include <utility>
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
  /// Adds `--recipe` with that help in place of RECIPE, and the others.
  void add_as_option(CLI::App& command, const std::string& help);
  /// Adds the others only; the file is named later.
  void add_reading_options(CLI::App& command);
  /// `in_stream`: what is in it is handed to `read`.
  void set_file(std::string file, bool in_stream) {
    file_ = std::move(file);
    in_stream_ = in_stream;
  }

  [[nodiscard]] bool given() const noexcept { return !file_.empty(); }
  [[nodiscard]] bool is_standard_input() const noexcept { return file_ == "-"; }

  /// Throws `RecipeError` or `PluginError`. The recipe "-" comes from `in`.
  [[nodiscard]] Recipe read(std::istream& in) const;

  /// The recipe's name for people.
  [[nodiscard]] std::string name() const { return file_ == "-" ? "standard input" : file_; }

 private:
  std::string file_;
  bool in_stream_ = false;
  std::vector<std::string> plugins_;
  std::vector<std::string> args_;
  std::vector<std::string> stages_;
};

}  // namespace takt::cli

#endif
