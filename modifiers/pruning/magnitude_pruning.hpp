// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that prunes the smallest weights while a model trains.
#ifndef TAKT_MODIFIERS_MAGNITUDE_PRUNING_HPP
#define TAKT_MODIFIERS_MAGNITUDE_PRUNING_HPP

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/modifiers/held_masks.hpp>
#include <takt/modifiers/mask_structure.hpp>
#include <takt/modifiers/sparsity_schedule.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

struct ModifierType;

/// What a `MagnitudePruningModifier` is built with. `SparsityScheduleSettings` says what the
/// schedules are and need, `MaskStructure` what the structures are.
struct MagnitudePruningSettings {
  std::string name = "MagnitudePruningModifier";  ///< unique on its bus
  Cadence cadence{};                              ///< when more is pruned; an unset start is 0; all
                                                  ///< schedules but multi_step need a finite end
  std::vector<std::string> targets{"__ALL_PRUNABLE__"};  ///< see `select_prunable`
  std::vector<std::string> ignore{};
  double init_sparsity = 0.05;                  ///< at `cadence.start`; 0 to 1
  std::optional<double> final_sparsity{};       ///< at `cadence.end`; 0 to 1, `init_sparsity` or
                                                ///< more; may be left to the milestones
  std::string update_scheduler = "cubic";       ///< linear, cubic, polynomial, polynomial_decay or
                                                ///< multi_step
  std::optional<double> exponent{};             ///< of the two polynomials; unset = 2
  std::vector<SparsityMilestone> milestones{};  ///< of multi_step
  std::string mask_structure =
      "unstructured";  ///< unstructured, N:M, channel, filter or block_R,C;
                       ///< N:M needs a final sparsity of 1 - N/M
  /// Whether what was pruned is held after `cadence.end` too, until training ends. Then the window
  /// of the modifier on its bus has no end.
  bool leave_enabled = false;
};

/// Prunes the weights of smallest magnitude, ever more of them. Where its cadence is due, at
/// BATCH_START or CALIBRATION_EPOCH_START, each chosen parameter is pruned, by itself, to the
/// schedule's sparsity at that index: exactly `pruned_of(sparsity, units)` of its units, by L1 norm
/// and, among equals, by position, so that a run is reproducible. The last due step of the window
/// prunes to exactly the final sparsity, also where `end` lies between two due steps.
///
/// What is pruned stays pruned while the window is open: its gradients are set to zero at
/// OPTIM_PRE_STEP, and the weights themselves at OPTIM_POST_STEP. After the window nothing holds
/// them any more, unless `leave_enabled` is set; or register a `ConstantPruningModifier` behind
/// this one, its `start` equal to this `end`.
///
/// A batch that is aborted keeps what it pruned, with the weights masked once more, as the
/// optimizer may have moved them: the same index comes again and asks for the same sparsity, which
/// then prunes nothing further. A checkpoint keeps which weights are pruned. Without one, a run
/// that is begun inside the window, between two due steps, is pruned at once to the sparsity of the
/// last due step; the zeros that it brings along are the smallest weights, so that restores its
/// masks.
///
/// `on_initialize` and `on_start` throw `MissingState` when the state has no model, `TargetError`
/// for targets that choose nothing, and `InvalidModifier` for a parameter whose shape the mask
/// structure does not fit, all before anything is changed.
class MagnitudePruningModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for settings that are unknown, missing, out of their range or at odds
  /// with each other, and `InvalidCadence` for a cadence that makes no sense.
  explicit MagnitudePruningModifier(MagnitudePruningSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

  /// The sparsity that was last pruned to; 0 before the first time. On the loop's thread.
  [[nodiscard]] double sparsity() const noexcept { return sparsity_; }

 private:
  [[nodiscard]] HeldMasks masks_for(Model& model) const;
  void prune(State& state, const Event& event);

  Cadence pruning_;  // when it prunes; its window may go on after that
  MaskStructure structure_;
  SparsitySchedule schedule_;
  std::vector<std::string> targets_;
  std::vector<std::string> ignore_;
  HeldMasks masks_;
  double sparsity_ = 0.0;
};

}  // namespace takt

#endif
