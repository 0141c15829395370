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
  return DueSteps{cadence, event.steps_per_epoch.value_or(1)}.last_until(event.global_step - 1);
}

}  // namespace takt::detail
