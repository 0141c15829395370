// SPDX-License-Identifier: BSL-1.0
/// \file
/// The steps of a run, laid out over the cells of a picture.
#ifndef TAKT_LIB_TIME_SCALE_HPP
#define TAKT_LIB_TIME_SCALE_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "takt/step_runs.hpp"

namespace takt::detail {

/// Steps and cells that belong together. Where there are more steps than cells each step belongs to
/// one cell, and otherwise each cell to one step.
class TimeScale {
 public:
  /// The steps from `first` to before `end`, one at least, over `cells` >= 1.
  TimeScale(std::int64_t first, std::int64_t end, std::int64_t cells) noexcept
      : first_{first}, length_{end > first ? end - first : 1}, cells_{cells} {}

  [[nodiscard]] std::int64_t first() const noexcept { return first_; }
  [[nodiscard]] std::int64_t last() const noexcept { return first_ + (length_ - 1); }
  [[nodiscard]] std::int64_t cells() const noexcept { return cells_; }
  [[nodiscard]] bool has(std::int64_t step) const noexcept {
    return first_ <= step && step <= last();
  }

  /// The steps of a run that it has; their count is 0 when there are none.
  [[nodiscard]] StepRun part_of(const StepRun& run) const noexcept;

  /// The first and the last cell of a step that it has.
  [[nodiscard]] std::int64_t first_cell(std::int64_t step) const noexcept;
  [[nodiscard]] std::int64_t last_cell(std::int64_t step) const noexcept;
  /// The first and the last step of a cell.
  [[nodiscard]] std::int64_t first_step(std::int64_t cell) const noexcept;
  [[nodiscard]] std::int64_t last_step(std::int64_t cell) const noexcept;
  /// Where a step begins, as a part of the whole: 0 for the first.
  [[nodiscard]] double fraction(std::int64_t step) const noexcept {
    return static_cast<double>(step - first_) / static_cast<double>(length_);
  }

 private:
  std::int64_t first_;
  std::int64_t length_;
  std::int64_t cells_;
};

/// How many of the steps of each cell are in the runs, which ascend.
[[nodiscard]] std::vector<std::int64_t> steps_by_cell(const std::vector<StepRun>& runs,
                                                      const TimeScale& scale);

/// Multiples of 1, 2 or 5 times a power of ten from `first` to `last`, about `most` of them and no
/// more. `first` >= 0.
[[nodiscard]] std::vector<std::int64_t> round_ticks(std::int64_t first, std::int64_t last,
                                                    std::int64_t most);

}  // namespace takt::detail

#endif
