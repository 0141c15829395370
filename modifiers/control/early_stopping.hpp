// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that ends training which gets no better.
#ifndef TAKT_MODIFIERS_EARLY_STOPPING_HPP
#define TAKT_MODIFIERS_EARLY_STOPPING_HPP

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>

namespace takt {

struct ModifierType;

/// Which values are better.
enum class MonitorMode : std::uint8_t {
  min,  ///< smaller ones, as of a loss
  max   ///< larger ones, as of an accuracy
};

/// What an `EarlyStoppingModifier` is built with.
struct EarlyStoppingSettings {
  std::string name = "EarlyStoppingModifier";  ///< unique on its bus
  /// When it checks. Give it the pace at which what it monitors changes: one epoch for a metric
  /// that comes from an evaluation after each epoch.
  Cadence cadence{};
  /// What it looks at: a name in the state's metrics, or "loss" for the state's loss. Not empty.
  std::string monitor = "loss";
  MonitorMode mode = MonitorMode::min;
  std::int64_t patience = 3;           ///< checks without improvement until it stops; at least 1
  double min_delta = 0.0;              ///< an improvement is more than this; 0 or more, finite
  std::optional<double> threshold{};   ///< stop at once when it is reached: good enough
  std::optional<double> divergence{};  ///< stop at once beyond it: worse than anything to wait for
  bool check_finite = true;            ///< stop at once at a NaN or an infinity
  bool save_best = false;              ///< ask the loop to save at every improvement
};

/// Asks the loop to stop (`state.control.stop`) when what it monitors has not improved for
/// `patience` checks, with a reason that has the numbers:
///
///     early stop: no improvement of loss over 0.31 in 5 checks; best at step 880
///
/// It checks at the BATCH_END of a step that is due; of the batches of one step (gradients are
/// accumulated), at that of the batch that makes it. A value is an improvement when it is better
/// than the best by more than `min_delta`; the first is one. A NaN or an infinity never is: with
/// `check_finite` unset it is a check without improvement, whatever `threshold` and `divergence`.
///
/// A metric that is not there is waited for, since the first evaluation may come after the first
/// check; such a check counts neither way. When it is missing at `patience` checks in a row,
/// `on_update` throws `InvalidModifier`, which names the metrics there are, and the wait begins
/// anew. The same holds for a loss that the loop has not told.
///
/// It asks once; it is for the loop to look at `state.control`, and one that goes on trains on. A
/// checkpoint keeps the best value, how long ago it was, and whether it has asked.
class EarlyStoppingModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for a setting outside its range, or for a threshold that is no
  /// better than the divergence, and `InvalidCadence` for a cadence that makes no sense.
  explicit EarlyStoppingModifier(EarlyStoppingSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_start(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

  /// The best value since the window opened; nothing before the first check. On the loop's thread.
  [[nodiscard]] const std::optional<double>& best() const noexcept { return best_; }
  /// The global step of the event that the best value came with. On the loop's thread.
  [[nodiscard]] const std::optional<std::int64_t>& best_step() const noexcept { return best_step_; }

 private:
  [[nodiscard]] std::optional<double> monitored(const State& state) const;
  void miss(const State& state);
  void check(State& state, double value, std::int64_t step);
  [[nodiscard]] bool is_better(double value, double than) const noexcept;
  void stop(State& state, const std::string& reason);
  [[nodiscard]] std::string patience_reason() const;

  EarlyStoppingSettings settings_;
  std::optional<double> best_{};
  std::optional<std::int64_t> best_step_{};
  std::int64_t worse_ = 0;    // checks since the best one
  std::int64_t missing_ = 0;  // checks in a row without a value
  bool steps_ = false;        // whether the open batch made a step
  bool asked_ = false;        // the loop to stop
};

}  // namespace takt

#endif
