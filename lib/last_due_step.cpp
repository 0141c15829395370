// SPDX-License-Identifier: BSL-1.0
#include "last_due_step.hpp"

#include "due_steps.hpp"
#include "index.hpp"

namespace takt::detail {

bool is_last_due_step(const Cadence& cadence, const Event& event) {
  if (event.global_step == max_step) return true;
  return !DueSteps{cadence, event.steps_per_epoch.value_or(1)}.next(event.global_step + 1);
}

std::optional<std::int64_t> last_due_step_before(const Cadence& cadence, const Event& event) {
  const DueSteps due{cadence, event.steps_per_epoch.value_or(1)};
  const auto comes_before = [&](std::int64_t step) {
    const std::optional<std::int64_t> next = due.next(step);
    return next && *next < event.global_step;
  };
  // The next due step never decreases from one step to the next, so "a due step comes from here on,
  // before the event" holds up to the last due step and at no step after it.
  if (!comes_before(0)) return std::nullopt;
  std::int64_t last = 0;
  std::int64_t beyond = event.global_step;
  while (beyond - last > 1) {
    const std::int64_t middle = last + (beyond - last) / 2;
    (comes_before(middle) ? last : beyond) = middle;
  }
  return last;
}

}  // namespace takt::detail
