// SPDX-License-Identifier: BSL-1.0
/// \file
/// The calls that a loop makes on a bus, as values.
#ifndef TAKT_BUS_CALL_HPP
#define TAKT_BUS_CALL_HPP

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "takt/event_type.hpp"

namespace takt {

/// Each member function of `EventBus` that moves the lifecycle on: one for each event, with the
/// event's value, and the two that emit none.
enum class BusCall : std::uint8_t {
  initialize,
  finalize,
  batch_start,
  loss_calculated,
  batch_end,
  calibration_epoch_start,
  sequential_epoch_end,
  calibration_epoch_end,
  optim_pre_step,
  optim_post_step,
  abort_batch,
  abort_calibration_epoch
};
inline constexpr std::size_t bus_call_count = event_type_count + 2;

/// The call that emits an event.
[[nodiscard]] constexpr BusCall call_for(EventType type) noexcept {
  return static_cast<BusCall>(type);
}
/// The event that a call emits; nothing for the two aborts.
[[nodiscard]] constexpr std::optional<EventType> event_of(BusCall call) noexcept {
  if (static_cast<std::size_t>(call) >= event_type_count) return std::nullopt;
  return static_cast<EventType>(call);
}

/// The function's name: "batch_start", "abort_batch". Throws `InvalidEvent` for a value that is
/// none of the twelve.
[[nodiscard]] const std::string& to_string(BusCall call);
std::ostream& operator<<(std::ostream& out, BusCall call);

}  // namespace takt

#endif
