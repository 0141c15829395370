// SPDX-License-Identifier: BSL-1.0
#include "takt/cadence.hpp"

#include <cmath>
#include <string>

#include "due_steps.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

void require_number(const std::optional<double>& value, const char* name) {
  if (value && std::isnan(*value)) {
    throw InvalidCadence(std::string{"cadence "} + name +
                         " is NaN; give a number in index units, or leave it unset");
  }
}

}  // namespace

void Cadence::validate() const {
  require_number(start, "start");
  require_number(end, "end");
  require_number(update, "update");
  if (start && std::isinf(*start)) {
    throw InvalidCadence("cadence start is infinite; leave it unset to be open from the beginning");
  }
  if (update && *update < 0.0) {
    throw InvalidCadence("cadence update is " + detail::text_of(*update) +
                         "; it is 0 (always) or more");
  }
  if (start && end && *end < *start) {
    throw InvalidCadence("cadence end " + detail::text_of(*end) + " comes before its start " +
                         detail::text_of(*start) + "; end is start or later");
  }
}

bool Cadence::should_update(const Event& event) const {
  validate();
  return event.should_update(start, end, update);
}

std::optional<std::int64_t> Cadence::next_update(const Event& event) const {
  validate();
  (void)event.current_index();  // refuses counters that make no sense
  return detail::DueSteps{*this, event.steps_per_epoch.value_or(1)}.next(event.global_step);
}

}  // namespace takt
