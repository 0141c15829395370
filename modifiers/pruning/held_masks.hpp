// SPDX-License-Identifier: BSL-1.0
/// \file
/// Masks that are held while a model trains.
#ifndef TAKT_MODIFIERS_HELD_MASKS_HPP
#define TAKT_MODIFIERS_HELD_MASKS_HPP

#include <cstddef>
#include <span>
#include <takt/event.hpp>
#include <takt/event_type.hpp>
#include <takt/model.hpp>
#include <takt/modifiers/mask.hpp>
#include <takt/modifiers/mask_structure.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

namespace detail {
class StateReader;
class StateWriter;
}  // namespace detail

/// The masks of some parameters of a model, which is given anew to every call: neither it nor what
/// its parameters show is kept. A parameter that no longer has the values or gradients that its
/// mask is for is an `InvalidModifier`, which names it.
///
/// Gradients are masked before the optimizer steps, so that its momentum does not gather what is
/// masked anyway, and weights after it, as momentum of before, or weight decay, may have moved
/// them. Applying masks allocates nothing. For the thread of the loop that trains the model.
class HeldMasks {
 public:
  /// The events at which `hold` has something to do.
  [[nodiscard]] static EventSet events() {
    return EventType::OPTIM_PRE_STEP | EventType::OPTIM_POST_STEP;
  }

  /// No masks.
  HeldMasks() = default;
  /// Masks that prune nothing yet, for the parameters at these positions of the model. Throws
  /// `InvalidModifier`, which names the parameter, when the structure does not fit its shape.
  HeldMasks(Model& model, std::span<const std::size_t> positions, const MaskStructure& structure);
  /// Unstructured masks of the weights that are exactly zero now.
  [[nodiscard]] static HeldMasks of_zeros(Model& model, std::span<const std::size_t> positions);

  /// Prunes every parameter by itself to a sparsity, see `Mask::prune`, and sets what is pruned to
  /// zero. Nothing is changed when it throws for a parameter's size.
  void prune(Model& model, double sparsity);
  /// At OPTIM_PRE_STEP masks the gradients, at OPTIM_POST_STEP the weights.
  void hold(Model& model, const Event& event) const;
  /// Masks the weights of the state's model, as far as there are any; for `on_abort`, where the
  /// optimizer may have moved them and OPTIM_POST_STEP never came.
  void hold_after_abort(State& state) const noexcept;

  /// Writes the masks, for a checkpoint.
  void save(detail::StateWriter& write) const;
  /// Prunes what was pruned when they were saved, and nothing else; the model stays as it is.
  /// Throws `CheckpointError`, which names the parameter, for masks of other parameters, and for
  /// one that its structure can't have; then these are of no use any more.
  void load(detail::StateReader& read, Model& model);

 private:
  struct Held {
    std::size_t position;
    Mask mask;
  };

  void mask_gradients(Model& model) const;
  void mask_values(Model& model) const;

  std::vector<Held> held_;
  MaskScratch scratch_;
};

}  // namespace takt

#endif
