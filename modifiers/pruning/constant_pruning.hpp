// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that keeps what is pruned pruned.
#ifndef TAKT_MODIFIERS_CONSTANT_PRUNING_HPP
#define TAKT_MODIFIERS_CONSTANT_PRUNING_HPP

#include <iosfwd>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/modifiers/held_masks.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

struct ModifierType;

/// What a `ConstantPruningModifier` is built with.
struct ConstantPruningSettings {
  std::string name = "ConstantPruningModifier";  ///< unique on its bus
  Cadence cadence{};                             ///< its window; `update` is of no use to it
  std::vector<std::string> targets{"__ALL_PRUNABLE__"};  ///< see `select_prunable`
  std::vector<std::string> ignore{};
};

/// Holds the zeros of a model. When its window opens, the weights that are exactly zero are noted,
/// and until it closes they stay zero: their gradients are set to zero at OPTIM_PRE_STEP, and they
/// themselves at OPTIM_POST_STEP, and when a batch is aborted. A zero that no pruning made, as in a
/// layer that was initialized to zeros, is held like any other: leave such a layer out with
/// `ignore`. A checkpoint keeps which weights are held.
///
/// To hold what a `MagnitudePruningModifier` pruned after its end, register this one after it, with
/// its `end` as the `start` here. That batch's BATCH_START prunes to the final sparsity first, and
/// the zeros are noted next, so no step goes unmasked.
///
/// `on_initialize` and `on_start` throw `MissingState` when the state has no model, and
/// `TargetError` for targets that choose nothing.
class ConstantPruningModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for an empty name, and `InvalidCadence` for a cadence that makes no
  /// sense.
  explicit ConstantPruningModifier(ConstantPruningSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

 private:
  std::vector<std::string> targets_;
  std::vector<std::string> ignore_;
  HeldMasks masks_;
};

}  // namespace takt

#endif
