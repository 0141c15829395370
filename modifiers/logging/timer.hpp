// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that tells where a step's time goes.
#ifndef TAKT_MODIFIERS_TIMER_HPP
#define TAKT_MODIFIERS_TIMER_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <iostream>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>

namespace takt {

struct ModifierType;

/// The parts of a loop's time.
enum class TimerPhase : std::uint8_t {
  data,       ///< BATCH_END to the next BATCH_START: loading data, and whatever else is in between
  forward,    ///< to LOSS_CALCULATED, from the event before it
  backward,   ///< LOSS_CALCULATED to OPTIM_PRE_STEP, or to BATCH_END in a batch without a step
  optimizer,  ///< OPTIM_PRE_STEP to OPTIM_POST_STEP
  rest        ///< all else in a batch: OPTIM_POST_STEP to BATCH_END, what comes without a loss
};

/// The lower-case name: "forward".
[[nodiscard]] const std::string& to_string(TimerPhase phase);
std::ostream& operator<<(std::ostream& out, TimerPhase phase);

/// What a `TimerModifier` is built with.
struct TimerSettings {
  std::string name = "TimerModifier";  ///< unique on its bus
  /// Its window is what is measured; `update` is how often the state's metrics are written.
  Cadence cadence{};
  bool print = false;  ///< whether a table is written at FINALIZE
  /// Where to. Not owned, not null, and must outlive the modifier.
  std::ostream* stream = &std::cerr;
  /// Nanoseconds since whenever, never fewer than before; empty = std::chrono::steady_clock. Called
  /// on the loop's thread.
  std::function<std::int64_t()> clock{};
};

/// What one phase took.
struct PhaseTime {
  std::int64_t count = 0;        ///< how often it was measured
  std::int64_t nanoseconds = 0;  ///< in all

  /// Of one time, in seconds; 0 when it was never measured.
  [[nodiscard]] double mean_seconds() const noexcept;
  friend bool operator==(const PhaseTime&, const PhaseTime&) noexcept = default;
};

/// Where the time went.
struct TimerSummary {
  static constexpr std::size_t phase_count = 5;

  std::int64_t batches = 0;                     ///< that were measured to their end
  std::array<PhaseTime, phase_count> phases{};  ///< in the order of `TimerPhase`

  [[nodiscard]] const PhaseTime& operator[](TimerPhase phase) const noexcept {
    return phases[static_cast<std::size_t>(phase)];
  }
  /// Of all phases.
  [[nodiscard]] std::int64_t nanoseconds() const noexcept;
  /// Of all time, from 0 to 1; 0 when no time was measured.
  [[nodiscard]] double share(TimerPhase phase) const noexcept;

  friend bool operator==(const TimerSummary&, const TimerSummary&) noexcept = default;
};

/// Measures how long the phases of a batch take, for as long as its window is open, and the time
/// from one batch to the next. At each due BATCH_END it puts the mean of one time of each phase
/// since it last did so, in seconds, into `state.metrics`, as "time/data", "time/forward",
/// "time/backward", "time/optimizer" and "time/rest"; 0 for a phase that did not come.
///
/// A batch that is aborted counts nowhere, and neither does the time from there to the next batch.
/// A checkpoint keeps the times until then; of a batch that is open when it is saved, and of the
/// time from there to the next batch, nothing counts in the run that is resumed.
/// What other modifiers do at an event belongs to the phase that ends there when they run before
/// this one, and to the next phase otherwise. It costs a reading of the clock at each event, and
/// allocates nothing after the first metrics. Buses on two threads may share a stream as far as the
/// stream allows it: std::cerr does, and lets tables mix.
class TimerModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for a null stream, and `InvalidCadence` for a cadence that makes no
  /// sense.
  explicit TimerModifier(TimerSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  /// Since the window opened; the open batch is not in it. On the loop's thread.
  [[nodiscard]] const TimerSummary& summary() const noexcept { return all_; }

  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;
  /// Writes the table, when `print` is set and a batch was measured.
  void on_finalize(State& state, const Event& event) override;

 private:
  [[nodiscard]] std::int64_t now() const;

  TimerSettings settings_;
  TimerSummary all_;
  std::array<PhaseTime, TimerSummary::phase_count> open_{};   // of the batch that is open
  std::array<PhaseTime, TimerSummary::phase_count> shown_{};  // of `all_`, as last put into metrics
  std::optional<EventType> last_{};                           // the event at `time_`
  std::int64_t time_ = 0;
};

/// A table with a row for each phase: mean, total, share and count.
std::ostream& operator<<(std::ostream& out, const TimerSummary& summary);

}  // namespace takt

#endif
