// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/select_prunable.hpp"

#include <algorithm>
#include <iterator>

#include "takt/error.hpp"

namespace takt {
namespace {

bool is_vector(Model& model, std::size_t i) { return model.parameter(i).shape.size() < 2; }

bool is_name(Model& model, const std::string& target) {
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    if (model.parameter(i).name == target) return true;
  }
  return false;
}

/// What those targets choose that say which parameters they mean, not which layers.
std::vector<std::size_t> select_named(Model& model, std::span<const std::string> targets,
                                      std::span<const std::string> ignore) {
  std::vector<std::string> naming;
  std::ranges::copy_if(targets, std::back_inserter(naming), [&](const std::string& target) {
    return target.starts_with("re:") || is_name(model, target);
  });
  try {
    return select(model, naming, ignore);
  } catch (const TargetError&) {  // the other targets chose all there is
    return {};
  }
}

}  // namespace

std::vector<std::size_t> select_prunable(Model& model, std::span<const std::string> targets,
                                         std::span<const std::string> ignore) {
  std::vector<std::size_t> chosen = select(model, targets, ignore);
  const auto vector = [&](std::size_t i) { return is_vector(model, i); };
  if (std::ranges::none_of(chosen, vector)) return chosen;

  const std::string first{model.parameter(chosen.front()).name};
  const std::vector<std::size_t> named = select_named(model, targets, ignore);
  std::erase_if(chosen,
                [&](std::size_t i) { return vector(i) && !std::ranges::binary_search(named, i); });
  if (chosen.empty()) {
    throw TargetError("targets choose only parameters of rank 0 and 1, such as '" + first +
                      "', which are pruned only when a target names them; give their names, or "
                      "choose parameters of rank 2 and more");
  }
  return chosen;
}

}  // namespace takt
