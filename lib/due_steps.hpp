// SPDX-License-Identifier: BSL-1.0
/// \file
/// The steps at which a cadence is due, computed rather than searched.
#ifndef TAKT_LIB_DUE_STEPS_HPP
#define TAKT_LIB_DUE_STEPS_HPP

#include <algorithm>
#include <cstdint>
#include <optional>

#include "takt/cadence.hpp"
#include "takt/step_runs.hpp"

namespace takt::detail {

/// A valid cadence, translated from indices to whole steps for one number of steps per index unit.
class DueSteps {
 public:
  /// `cadence` has been validated; `steps` >= 1 is the number of steps in one index unit.
  DueSteps(const Cadence& cadence, std::int64_t steps) noexcept;

  /// First and last step inside the window; first > last when the window holds no step.
  [[nodiscard]] std::int64_t first() const noexcept { return first_; }
  [[nodiscard]] std::int64_t last() const noexcept { return last_; }
  /// Whether the last step's index is the very end of the window.
  [[nodiscard]] bool last_is_end() const noexcept { return last_is_end_; }
  /// The first step at which the window may close: where its very end is reached, or else the last
  /// step. Another than the last one only beyond 2^52 steps, where steps share an index.
  [[nodiscard]] std::int64_t closing() const noexcept { return closing_; }

  /// Whether every step of the window from `from` on is due (proven for 2^50 steps at least).
  [[nodiscard]] bool every_step(std::int64_t from) const noexcept {
    return period_ == 1 && from <= last_regular_;
  }

  /// The first due step at or after `from`; nothing when there is none.
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t from) const noexcept;
  /// The same as next(due + 1) for a step that is due, mostly without a division.
  [[nodiscard]] std::optional<std::int64_t> after(std::int64_t due) const noexcept {
    const bool regular = period_ != 0 && due <= std::min(last_regular_, last_) - period_;
    return regular ? due + period_ : next(due + 1);
  }

  /// The due steps from `from` on, as far as the period is known to hold or up to `to`; a step that
  /// follows no period is alone. Nothing when none is due up to `to`.
  [[nodiscard]] std::optional<StepRun> next_run(std::int64_t from, std::int64_t to) const noexcept;

  /// The last due step up to `step`; nothing when there is none.
  [[nodiscard]] std::optional<std::int64_t> last_until(std::int64_t step) const noexcept;
  /// How many steps from `from` to `to`, both included, are due.
  [[nodiscard]] std::int64_t count(std::int64_t from, std::int64_t to) const noexcept;

 private:
  void find_period() noexcept;
  [[nodiscard]] std::optional<std::int64_t> search(std::int64_t from) const noexcept;

  double update_ = 0.0;
  std::int64_t steps_;
  std::int64_t first_ = 0;
  std::int64_t last_;
  std::int64_t closing_;
  std::int64_t period_ = 0;  // the due steps are its multiples, up to last_regular_; 0 = irregular
  std::int64_t last_regular_ = -1;  // beyond it rounding may break the period
  bool last_is_end_ = false;
};

}  // namespace takt::detail

#endif
