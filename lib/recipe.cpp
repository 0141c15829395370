// SPDX-License-Identifier: BSL-1.0
#include "takt/recipe.hpp"

#include <utility>

#include "recipe_failure.hpp"
#include "recipe_reader.hpp"
#include "recipe_text.hpp"

namespace takt {
namespace {

Recipe read(std::string_view text, const RecipeOptions& options, const std::string& source,
            std::filesystem::path folder) {
  if (text.size() > detail::longest_recipe) {
    detail::fail_recipe(
        source, {},
        "is too long; a recipe has at most " + std::to_string(detail::longest_recipe) + " bytes");
  }
  return RecipeReader{options, source, std::move(folder)}.read(text);
}

}  // namespace

Recipe Recipe::from_file(const std::filesystem::path& file, const RecipeOptions& options) {
  const std::string source = file.string();
  std::string text = detail::recipe_text(file);
  if (file.extension() == ".md") text = detail::front_matter(text, source);
  return read(text, options, source, file.parent_path());
}

Recipe Recipe::from_string(std::string_view text, const RecipeOptions& options,
                           const std::string& name) {
  return read(text, options, name, {});
}

std::vector<std::shared_ptr<Modifier>> Recipe::make() const {
  std::vector<std::shared_ptr<Modifier>> made;
  made.reserve(modifiers_.size());
  for (const RecipeModifier& modifier : modifiers_) {
    SettingValue::Map settings = modifier.settings;
    if (SettingValue{settings}.find("name") == nullptr) settings.push_back({"name", modifier.name});
    made.push_back(registry_.make(modifier.type, settings));
  }
  return made;
}

}  // namespace takt
