// SPDX-License-Identifier: BSL-1.0
// How a recipe comes onto a bus.
#include "takt/recipe.hpp"

#include <exception>

#include "bus_core.hpp"
#include "cadence_advice.hpp"
#include "takt/event_bus.hpp"

namespace takt {

std::vector<std::string> EventBus::apply(const Recipe& recipe) {
  std::vector<std::string> warnings = recipe.warnings();
  for (const RecipeModifier& modifier : recipe.modifiers()) {
    for (const std::string& line :
         detail::cadence_advice(modifier.cadence, now().steps_per_epoch)) {
      warnings.push_back(modifier.name + ": " + line);
    }
  }
  const std::vector<std::shared_ptr<Modifier>> made = recipe.make();
  if (!recipe.registry().plugins().empty()) {
    kept_.push_back(std::make_shared<const Registry>(recipe.registry()));
  }
  std::size_t added = 0;
  try {
    for (; added < made.size(); ++added) add(made[added]);
  } catch (...) {
    // The one that threw is on the bus if it threw as it was initialized. Memory may have run out.
    for (std::size_t i = 0; i <= added; ++i) {
      if (!core_->roster.has(*made[i])) continue;
      try {
        remove(made[i]->name());
      } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the first error counts
      }
    }
    throw;
  }
  return warnings;
}

}  // namespace takt
