// SPDX-License-Identifier: BSL-1.0
/// \file
/// A cadence read backwards: the last step at which something was due.
#ifndef TAKT_LIB_LAST_DUE_STEP_HPP
#define TAKT_LIB_LAST_DUE_STEP_HPP

#include <cstdint>
#include <optional>

#include "takt/cadence.hpp"
#include "takt/event.hpp"

namespace takt::detail {

/// Whether the cadence is due at no step after the event's.
bool is_last_due_step(const Cadence& cadence, const Event& event);

/// The last step before the event's at which the cadence is due; nothing when there is none.
std::optional<std::int64_t> last_due_step_before(const Cadence& cadence, const Event& event);

}  // namespace takt::detail

#endif
