// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that saves checkpoints.
#ifndef TAKT_MODIFIERS_CHECKPOINT_MODIFIER_HPP
#define TAKT_MODIFIERS_CHECKPOINT_MODIFIER_HPP

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <takt/cadence.hpp>
#include <takt/error.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>

namespace takt {

class EventBus;
struct ModifierType;

/// What a `CheckpointModifier` is built with.
struct CheckpointSettings {
  std::string name = "CheckpointModifier";  ///< unique on its bus
  Cadence cadence{};                        ///< the steps after which one is saved
  std::string folder = "checkpoints";       ///< where to; made when there is none
  std::int64_t keep = 3;                    ///< how many stay, the last ones; at least 1
  /// Also at the first BATCH_END at which the loop has been asked to stop, as by `StopOnSignal`.
  bool on_stop = true;
  /// Called with each file, when it is there. On the loop's thread.
  std::function<void(const std::filesystem::path&)> saved{};
  /// Called when one can't be saved: training goes on, and the next one is tried. Of failures in a
  /// row only the first is told. Unset: the error is thrown, as an update's, and the bus's
  /// `ErrorPolicy` says what becomes of that. On the loop's thread.
  std::function<void(const CheckpointError&)> failed{};
};

/// Saves the run, see `save_checkpoint`, when the BATCH_END of a due step is over, everything else
/// done and the clock advanced. The loop's own part, its weights and its optimizer, is what the
/// state's `LoopState` writes; without one a checkpoint has takt's part alone. Of the batches of
/// one step (gradients are accumulated) it is the one that makes it after which the run is saved.
///
/// Files are called NUMBER-step-STEPS.takt, such as 00000042-step-1200.takt, with numbers that go
/// on from the folder's highest, and the steps made. When one is there whole, the oldest beyond
/// `keep` are removed, and nothing else: one that fails costs none of those before. A run that is
/// resumed from `latest_checkpoint(folder)` goes on as if it had never been cut.
///
/// It is saved before the loop goes on behind `batch_end`: what the loop does between two batches,
/// such as an evaluation or a new order of the data, belongs at the head of the next one, decided
/// by the bus's counters, so that a resumed run does it too.
///
/// Several runs that write to one folder at a time remove each other's checkpoints: give each its
/// own.
///
/// With `on_stop` register it behind those that ask the loop to stop at BATCH_END: it sees what has
/// been asked for when it runs. `StopOnSignal` comes before all modifiers in any case.
///
/// `on_initialize` throws `CheckpointError` for a folder that can't be made, or written to, and
/// removes what killed runs have left half written in it.
class CheckpointModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for an empty folder or a `keep` below 1, and `InvalidCadence` for a
  /// cadence that makes no sense. Touches no file.
  explicit CheckpointModifier(CheckpointSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

 private:
  void ask_for_one(State& state, const Event& event);
  void save_one(EventBus& bus);

  CheckpointSettings settings_;
  bool steps_ = false;          // whether the open batch made a step
  bool asked_ = false;          // one is to be saved after this call
  bool saved_at_stop_ = false;  // for the request to stop that there is
  bool stop_lasts_ = false;     // that request is there in a resumed run, too
  bool failing_ = false;        // the last one could not be saved
};

}  // namespace takt

#endif
