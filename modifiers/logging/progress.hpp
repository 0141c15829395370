// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that shows how far training has come.
#ifndef TAKT_MODIFIERS_PROGRESS_HPP
#define TAKT_MODIFIERS_PROGRESS_HPP

#include <chrono>
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

/// How progress is shown.
enum class ProgressMode : std::uint8_t {
  automatic,  ///< `bar` when the stream is std::cout, std::cerr or std::clog on a terminal (known
              ///< on POSIX systems only), `lines` otherwise
  bar,        ///< one line that is drawn over and over, at most about ten times a second
  lines       ///< a plain line at a time, without control characters
};

/// What a `ProgressModifier` is built with.
struct ProgressSettings {
  std::string name = "ProgressModifier";  ///< unique on its bus
  Cadence cadence{};                      ///< when it looks; unset = at every step
  /// Optimizer steps of the whole run, those before a resume included: the last global step + 1.
  /// At least 1. Unset = unknown: then there is no percentage, no bar and no time left.
  std::optional<std::int64_t> total_steps{};
  /// Not owned, not null, and must outlive the modifier. The default, std::cerr, keeps progress out
  /// of a program's results.
  std::ostream* stream = &std::cerr;
  ProgressMode mode = ProgressMode::automatic;
  /// The width to keep within in bar mode, in characters, at least 1. Unset = the terminal's, asked
  /// for at every drawing, or 80 where there is none.
  std::optional<std::int64_t> columns{};
  /// What time it is; empty = std::chrono::steady_clock::now. Called on the loop's thread.
  std::function<std::chrono::steady_clock::time_point()> clock{};
};

/// Shows, at BATCH_END, the optimizer steps done, their share of the total, the epoch when the bus
/// is epoch based, the steps per second, the time left (h:mm:ss) and the loss when it is known:
///
///      45% [======>       ]   648/1440  epoch 14.4  812 steps/s  ETA 0:00:01  loss 0.0123
///
/// The rate is the average since `on_start`, or since a checkpoint was loaded, steps made before
/// that left out; a checkpoint keeps the steps done, those that were shown, and the loss. In `bar`
/// mode the line is cut to what its terminal has room for, and stays open until `on_end`, which
/// draws the final state and the line break; until then other output on that terminal lands in the
/// bar's line. In `lines` mode there is a line for each step that is due, or, when `cadence.update`
/// is unset or 0, at most one per second; one for the last state always follows, unless the last
/// line showed it.
///
/// A batch that makes no step (gradients are accumulated) adds none, and neither does one that is
/// aborted. A stream that fails or throws is left alone; training goes on. Between drawings a due
/// step costs a look at the clock. Buses on two threads may share a stream as far as the stream
/// allows it: std::cerr does, and lets lines mix.
class ProgressModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for a total or columns below 1, or a null stream, and
  /// `InvalidCadence` for a cadence that makes no sense.
  explicit ProgressModifier(ProgressSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();
  /// Ends the bar's line if it is open, as when an exception ended the run.
  ~ProgressModifier() override;

  void on_start(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] Clock::time_point now() const;
  void begin(const Event& event, Clock::time_point time);
  [[nodiscard]] bool wants_drawing(Clock::time_point time) const;
  void draw(const Event& event, Clock::time_point time, bool over) noexcept;
  [[nodiscard]] std::size_t columns_to_use() const;
  void end_line() noexcept;

  ProgressSettings settings_;
  bool bar_ = false;
  bool every_due_step_ = false;   // lines mode: not throttled
  std::int64_t start_step_ = 0;   // steps done when it started
  std::int64_t steps_ = 0;        // steps done
  std::int64_t shown_steps_ = 0;  // steps done as last drawn
  Clock::time_point started_{};
  Clock::time_point drawn_{};
  std::optional<double> loss_{};              // as of the last due batch
  std::optional<std::size_t> open_length_{};  // of the bar's line, while it is open
  std::string text_;                          // what is written, kept for its memory
};

}  // namespace takt

#endif
