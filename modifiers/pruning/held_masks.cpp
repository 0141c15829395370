// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/held_masks.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifiers/substituted_weights.hpp"

namespace takt {
namespace {

constexpr const char* what_is_right = "a run is resumed with the same model and the same targets";

[[noreturn]] void refuse(const Parameter& parameter, const std::string& problem) {
  throw InvalidModifier("parameter '" + std::string{parameter.name} + "': " + problem);
}

void require_size(const Parameter& parameter, const char* what, std::size_t size,
                  std::size_t expected) {
  if (size == expected) return;
  refuse(parameter, "it has " + std::to_string(size) + " " + what + ", but " +
                        std::to_string(expected) +
                        " weights are masked; a parameter keeps its "
                        "shape while it is pruned");
}

Mask mask_for(const Parameter& parameter, const MaskStructure& structure) {
  try {
    return Mask{structure, parameter.shape};
  } catch (const InvalidModifier& error) {
    refuse(parameter, error.what());
  }
}

}  // namespace

HeldMasks::HeldMasks(Model& model, std::span<const std::size_t> positions,
                     const MaskStructure& structure) {
  held_.reserve(positions.size());
  for (const std::size_t position : positions) {
    const Parameter parameter = model.parameter(position);
    Mask mask = mask_for(parameter, structure);
    if (parameter.values.size() != mask.size()) {
      refuse(parameter, "its shape holds " + std::to_string(mask.size()) + " weights, but it has " +
                            std::to_string(parameter.values.size()) +
                            " values; there is one for each");
    }
    held_.push_back({position, std::move(mask)});
  }
}

HeldMasks HeldMasks::of_zeros(Model& model, std::span<const std::size_t> positions) {
  HeldMasks masks;
  masks.held_.reserve(positions.size());
  for (const std::size_t position : positions) {
    masks.held_.push_back({position, Mask::of_zeros(model.parameter(position).values)});
  }
  return masks;
}

void HeldMasks::prune(Model& model, double sparsity) {
  for (const Held& held : held_) {
    const Parameter parameter = model.parameter(held.position);
    require_size(parameter, "values", parameter.values.size(), held.mask.size());
  }
  for (Held& held : held_) {
    held.mask.prune(model.parameter(held.position).values, sparsity, scratch_);
  }
  mask_values(model);
}

void HeldMasks::hold(Model& model, const Event& event) const {
  if (event.type == EventType::OPTIM_PRE_STEP) mask_gradients(model);
  if (event.type == EventType::OPTIM_POST_STEP) mask_values(model);
}

void HeldMasks::hold_after_abort(State& state) const noexcept {
  try {
    if (auto* const model = state.find<Model>()) {
      with_trained_weights(state, *model, [&] { mask_values(*model); });
    }
  } catch (...) {  // a model that can't show its weights now will be asked again at the next step
  }
}

void HeldMasks::save(detail::StateWriter& write) const {
  write(static_cast<std::uint64_t>(held_.size()));
  for (const Held& held : held_) {
    write(static_cast<std::uint64_t>(held.position));
    held.mask.save(write);
  }
}

void HeldMasks::load(detail::StateReader& read, Model& model) {
  std::uint64_t count = 0;
  read(count);
  if (count != held_.size()) {
    throw CheckpointError("it has masks of " + std::to_string(count) +
                          " parameters, but the model has " + std::to_string(held_.size()) +
                          " to mask; " + what_is_right);
  }
  for (Held& held : held_) {
    const std::string name{model.parameter(held.position).name};
    std::uint64_t found = 0;
    read(found);
    if (found != held.position) {
      throw CheckpointError("parameter '" + name + "' is number " + std::to_string(held.position) +
                            " of the model, but the mask is of number " + std::to_string(found) +
                            "; " + what_is_right);
    }
    try {
      held.mask.load(read);
    } catch (const CheckpointError& error) {
      throw CheckpointError("parameter '" + name + "': " + error.what());
    }
  }
}

void HeldMasks::mask_gradients(Model& model) const {
  for (const Held& held : held_) {
    const Parameter parameter = model.parameter(held.position);
    if (parameter.gradients.empty()) continue;
    require_size(parameter, "gradients", parameter.gradients.size(), held.mask.size());
    held.mask.apply(parameter.gradients);
  }
}

void HeldMasks::mask_values(Model& model) const {
  for (const Held& held : held_) {
    const Parameter parameter = model.parameter(held.position);
    require_size(parameter, "values", parameter.values.size(), held.mask.size());
    held.mask.apply(parameter.values);
  }
}

}  // namespace takt
