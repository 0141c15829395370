// SPDX-License-Identifier: BSL-1.0
#include "time_scale.hpp"

#include <algorithm>
#include <limits>

#include "modular_search.hpp"

namespace takt::detail {
namespace {

/// a b / c, rounded down, for a < c or b < c.
std::int64_t scaled_down(std::int64_t a, std::int64_t b, std::int64_t c) noexcept {
  const Uint128 product = static_cast<Uint128>(a) * static_cast<Uint128>(b);
  return static_cast<std::int64_t>(product / static_cast<Uint128>(c));
}

/// The same, rounded up.
std::int64_t scaled_up(std::int64_t a, std::int64_t b, std::int64_t c) noexcept {
  const Uint128 product = static_cast<Uint128>(a) * static_cast<Uint128>(b);
  return static_cast<std::int64_t>((product + static_cast<Uint128>(c) - 1) /
                                   static_cast<Uint128>(c));
}

/// How many steps of a run come up to `step`.
std::int64_t steps_until(const StepRun& run, std::int64_t step) noexcept {
  return step < run.first ? 0 : std::min(run.count, (step - run.first) / run.stride + 1);
}

/// a / b, rounded up.
std::int64_t divided_up(std::int64_t a, std::int64_t b) noexcept {
  return a / b + (a % b == 0 ? 0 : 1);
}

}  // namespace

StepRun TimeScale::part_of(const StepRun& run) const noexcept {
  const std::int64_t before = steps_until(run, first_ - 1);
  StepRun part = run;
  part.first += before * run.stride;
  part.count = steps_until(run, last()) - before;
  return part;
}

std::int64_t TimeScale::first_cell(std::int64_t step) const noexcept {
  const std::int64_t ahead = step - first_;
  return length_ < cells_ ? scaled_up(ahead, cells_, length_) : scaled_down(ahead, cells_, length_);
}

std::int64_t TimeScale::last_cell(std::int64_t step) const noexcept {
  return length_ < cells_ ? scaled_up(step - first_ + 1, cells_, length_) - 1 : first_cell(step);
}

std::int64_t TimeScale::first_step(std::int64_t cell) const noexcept {
  return first_ +
         (length_ < cells_ ? scaled_down(cell, length_, cells_) : scaled_up(cell, length_, cells_));
}

std::int64_t TimeScale::last_step(std::int64_t cell) const noexcept {
  return length_ < cells_ ? first_step(cell) : first_ + (scaled_up(cell + 1, length_, cells_) - 1);
}

std::vector<std::int64_t> steps_by_cell(const std::vector<StepRun>& runs, const TimeScale& scale) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(scale.cells()));
  for (const StepRun& run : runs) {
    const StepRun part = scale.part_of(run);
    for (std::int64_t done = 0; done < part.count;) {
      const std::int64_t step = part.first + done * part.stride;
      const std::int64_t cell = scale.first_cell(step);
      const std::int64_t last = scale.last_step(cell);
      const std::int64_t here = std::min(part.count - done, (last - step) / part.stride + 1);
      for (std::int64_t i = cell; i <= scale.last_cell(step); ++i) {
        counts[static_cast<std::size_t>(i)] += here;
      }
      done += here;
    }
  }
  return counts;
}

std::vector<std::int64_t> round_ticks(std::int64_t first, std::int64_t last, std::int64_t most) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  std::int64_t distance = 1;
  int digit = 1;
  const auto count = [&] { return last / distance - divided_up(first, distance) + 1; };
  while (count() > most && distance <= largest / 16) {
    distance = digit == 2 ? distance / 2 * 5 : distance * 2;
    digit = digit == 1 ? 2 : digit == 2 ? 5 : 1;
  }
  std::vector<std::int64_t> ticks;
  for (std::int64_t i = 0; i < std::min(count(), most); ++i) {
    ticks.push_back((divided_up(first, distance) + i) * distance);
  }
  return ticks;
}

}  // namespace takt::detail
