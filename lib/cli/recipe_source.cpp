// SPDX-License-Identifier: BSL-1.0
#include "recipe_source.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "option_checks.hpp"
#include "recipe_text.hpp"
#include "recipe_tree.hpp"
#include "takt/error.hpp"
#include "takt/plugin.hpp"

namespace takt::cli {
namespace {

/// "sparsity=0.8"; the value is written as in a recipe.
SettingEntry arg_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    throw RecipeError("--arg " + std::string{text} + ": write NAME=VALUE, such as sparsity=0.8");
  }
  std::string name{text.substr(0, equals)};
  const std::string_view value = text.substr(equals + 1);
  if (value.find_first_not_of(" \t") == std::string_view::npos) return {std::move(name), ""};
  return {name, detail::recipe_tree(value, "--arg " + name)};
}

/// At most one byte more than a recipe may have, so that reading the recipe refuses it.
std::string text_from(std::istream& in) {
  std::string text(detail::longest_recipe + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw RecipeError("standard input can't be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// An option that may be repeated, and takes one value each time.
void add_list_option(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                     const std::string& value_name, const std::string& help) {
  command.add_option(name, values, help + "; may be repeated")
      ->type_name(value_name)
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
}

}  // namespace

void add_plugin_option(CLI::App& command, std::vector<std::string>& plugins) {
  add_list_option(command, "--plugin", plugins, "PLUGIN", "load a plugin, by name or path");
}

Registry registry_with(const std::vector<std::string>& plugins) {
  Registry registry = Registry::builtin();
  for (const std::string& plugin : plugins) load_plugin(plugin, registry);
  return registry;
}

void RecipeSource::add_options(CLI::App& command) {
  command.add_option("RECIPE", file_, "a file, YAML or JSON; - reads standard input")
      ->required()
      ->type_name("")
      ->check(input_file());
  add_reading_options(command);
}

void RecipeSource::add_as_option(CLI::App& command, const std::string& help) {
  command.add_option("--recipe", file_, help)->type_name("RECIPE")->check(input_file());
  add_reading_options(command);
}

void RecipeSource::add_reading_options(CLI::App& command) {
  add_plugin_option(command, plugins_);
  add_list_option(command, "--arg", args_, "NAME=VALUE", "replace an arg of the recipe");
  add_list_option(command, "--stage", stages_, "STAGE", "read this stage only");
}

Recipe RecipeSource::read(std::istream& in) const {
  RecipeOptions options{.registry = registry_with(plugins_), .stages = stages_};
  for (const std::string& arg : args_) options.args.push_back(arg_of(arg));
  if (file_ == "-" || in_stream_) return Recipe::from_string(text_from(in), options, name());
  return Recipe::from_file(file_, options);
}

}  // namespace takt::cli
