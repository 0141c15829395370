// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/parameter_copies.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifiers/blend.hpp"

namespace takt {
namespace {

[[noreturn]] void refuse_copy(Model& model, std::size_t position, std::uint64_t found,
                              std::size_t size) {
  std::string problem = "parameter '";
  problem += model.parameter(position).name;
  problem += "' is number " + std::to_string(position) + " of the model and has " +
             std::to_string(model.values(position).size()) + " values, but the copy is of number " +
             std::to_string(found) + " and has " + std::to_string(size) +
             "; a run is resumed with the same model and the same targets";
  throw CheckpointError(problem);
}

}  // namespace

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

void ParameterCopies::save(detail::StateWriter& write) const {
  write(static_cast<std::uint64_t>(copies_.size()));
  for (const Copy& copy : copies_) {
    write(static_cast<std::uint64_t>(copy.position), copy.values);
  }
}

ParameterCopies ParameterCopies::load(detail::StateReader& read, Model& model,
                                      std::span<const std::size_t> positions) {
  std::uint64_t count = 0;
  read(count);
  if (count != positions.size()) {
    throw CheckpointError("it has copies of " + std::to_string(count) +
                          " parameters, but the model has " + std::to_string(positions.size()) +
                          " to copy; a run is resumed with the same model and the same targets");
  }
  ParameterCopies loaded;
  loaded.copies_.reserve(positions.size());
  for (const std::size_t position : positions) {
    std::uint64_t found = 0;
    std::vector<float> values;
    read(found, values);
    const std::size_t size = model.values(position).size();
    if (found != position || values.size() != size)
      refuse_copy(model, position, found, values.size());
    loaded.copies_.push_back({position, std::move(values)});
  }
  return loaded;
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
