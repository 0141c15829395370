// SPDX-License-Identifier: BSL-1.0
#include "due_steps.hpp"

#include <cmath>

#include "grid_search.hpp"
#include "index.hpp"

namespace takt::detail {
DueSteps::DueSteps(const Cadence& cadence, std::int64_t steps) noexcept
    : steps_{steps}, last_{max_step}, closing_{max_step} {
  if (cadence.start) first_ = first_step_at(*cadence.start, steps).value_or(max_step);
  if (cadence.end) {
    last_ = last_step_at(*cadence.end, steps).value_or(-1);
    last_is_end_ = last_ >= 0 && index_of(last_, steps) >= *cadence.end;
    closing_ = last_is_end_ ? first_step_at(*cadence.end, steps).value_or(last_) : last_;
  }
  if (cadence.start && index_of(first_, steps) < *cadence.start) last_ = -1;  // beyond all steps
  update_ = cadence.update.value_or(0.0);
  find_period();
}

// When update = P / (Q steps) in lowest terms, within an ulp, the due steps are the multiples of P.
// For such a step s the index and the multiple of the update round to within 3.5 ulp(index) of each
// other; any other step is at least 1 / (Q steps) away in real numbers, which exceeds 7.5
// ulp(index) plus the least tolerance while s Q < 2^48 and Q steps <= 4e9. P / Q is found among the
// convergents of update x steps.
void DueSteps::find_period() noexcept {
  constexpr double max_denominator = 4e9;
  constexpr double step_bound = 0x1p48;
  if (update_ < 2.0 * least_tolerance) {
    period_ = 1;
    last_regular_ = max_step;
    return;
  }
  const auto steps = static_cast<double>(steps_);
  double rest = update_ * steps;
  double p = 1.0;
  double q = 0.0;
  double p_before = 0.0;
  double q_before = 1.0;
  while (rest < 0x1p52) {
    const double whole = std::floor(rest);
    const double p_next = whole * p + p_before;
    const double q_next = whole * q + q_before;
    if (p_next > 0x1p52 || q_next * steps > max_denominator) return;
    p_before = p;
    q_before = q;
    p = p_next;
    q = q_next;
    const double candidate = p / (q * steps);
    const double ulp = std::nextafter(update_, HUGE_VAL) - update_;
    if (p >= 1.0 && std::abs(candidate - update_) <= ulp) {
      period_ = static_cast<std::int64_t>(p);
      last_regular_ = static_cast<std::int64_t>(step_bound / q) - 1;
      return;
    }
    if (rest == whole) return;
    rest = 1.0 / (rest - whole);
  }
}

std::optional<std::int64_t> DueSteps::next(std::int64_t from) const noexcept {
  std::int64_t step = std::max(from, first_);
  if (step <= last_regular_ && step <= last_) {
    if (period_ == 1) return step;
    const std::int64_t multiple = (step + period_ - 1) / period_ * period_;
    if (multiple <= last_regular_) {
      return multiple <= last_ ? std::optional{multiple} : std::nullopt;
    }
    step = last_regular_ + 1;
  }
  return step <= last_ ? search(step) : std::nullopt;
}

std::optional<std::int64_t> DueSteps::search(std::int64_t from) const noexcept {
  if (update_ < 0x1p64) return GridSearch{update_, steps_}.next(from, last_);
  // No index comes near the first multiple of such an update; near 0 is all there is.
  return on_grid(index_of(from, steps_), update_) ? std::optional{from} : std::nullopt;
}

std::optional<StepRun> DueSteps::next_run(std::int64_t from, std::int64_t to) const noexcept {
  const std::optional<std::int64_t> first = next(from);
  const std::int64_t until = std::min({to, last_, std::max(last_regular_, first.value_or(0))});
  if (!first || *first > until) return std::nullopt;
  if (period_ == 0 || *first > last_regular_) return StepRun{.first = *first};
  const std::int64_t count = (until - *first) / period_ + 1;
  return StepRun{.first = *first, .count = count, .stride = count == 1 ? 1 : period_};
}

std::optional<std::int64_t> DueSteps::last_until(std::int64_t step) const noexcept {
  const std::int64_t until = std::min(step, last_);
  if (until < first_) return std::nullopt;
  if (period_ != 0 && until <= last_regular_) {
    const std::int64_t multiple = until / period_ * period_;
    return multiple >= first_ ? std::optional{multiple} : std::nullopt;
  }
  // The next due step never decreases from one step to the next, so "one comes from here on, up to
  // `until`" holds up to the last due step and at no step after it.
  const auto comes = [&](std::int64_t from) {
    const std::optional<std::int64_t> due = next(from);
    return due && *due <= until;
  };
  if (!comes(first_)) return std::nullopt;
  std::int64_t low = first_;
  std::int64_t high = until;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2 + (high - low) % 2;
    if (comes(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

std::int64_t DueSteps::count(std::int64_t from, std::int64_t to) const noexcept {
  const std::int64_t until = std::min(to, last_);
  std::int64_t step = std::max(from, first_);
  std::int64_t count = 0;
  if (period_ != 0 && step <= last_regular_) {
    const std::int64_t regular = std::min(until, last_regular_);
    const auto multiples_below = [this](std::int64_t bound) {
      return bound / period_ + (bound % period_ == 0 ? 0 : 1);  // from 0 on, 0 included
    };
    if (step <= regular) count = regular / period_ + 1 - multiples_below(step);
    step = regular + 1;
  }
  // What follows no period is due seldom, or this is beyond all that is trained.
  for (auto due = step <= until ? next(step) : std::nullopt; due && *due <= until;
       due = *due < until ? next(*due + 1) : std::nullopt) {
    ++count;
  }
  return count;
}

}  // namespace takt::detail
