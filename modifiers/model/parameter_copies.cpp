// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/parameter_copies.hpp"

#include <algorithm>
#include <string>

#include "takt/error.hpp"
#include "takt/modifiers/blend.hpp"

namespace takt {

ParameterCopies::ParameterCopies(Model& model, std::span<const std::size_t> positions) {
  copies_.reserve(positions.size());
  for (const std::size_t position : positions) {
    const std::span<const float> values = model.values(position);
    copies_.push_back({position, {values.begin(), values.end()}});
  }
}

void ParameterCopies::take(Model& model) {
  require_sizes(model);
  for (Copy& copy : copies_) {
    std::ranges::copy(model.values(copy.position), copy.values.begin());
  }
}

void ParameterCopies::put(Model& model) const {
  require_sizes(model);
  for (const Copy& copy : copies_) {
    std::ranges::copy(copy.values, model.values(copy.position).begin());
  }
}

void ParameterCopies::exchange(Model& model) {
  require_sizes(model);
  for (Copy& copy : copies_) {
    std::ranges::swap_ranges(copy.values, model.values(copy.position));
  }
}

void ParameterCopies::blend(Model& model, double share) {
  require_sizes(model);
  for (Copy& copy : copies_) {
    kernels::blend(copy.values, model.values(copy.position), share);
  }
}

void ParameterCopies::require_sizes(Model& model) const {
  for (const Copy& copy : copies_) {
    const std::size_t size = model.values(copy.position).size();
    if (size == copy.values.size()) continue;
    std::string problem = "parameter '";
    problem += model.parameter(copy.position).name;
    problem += "': it has " + std::to_string(size) + " values, but " +
               std::to_string(copy.values.size()) +
               " when it was copied; a parameter keeps its shape";
    throw InvalidModifier(problem);
  }
}

}  // namespace takt
