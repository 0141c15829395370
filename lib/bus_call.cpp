// SPDX-License-Identifier: BSL-1.0
#include "takt/bus_call.hpp"

#include <ostream>

#include "takt/error.hpp"

namespace takt {

const std::string& to_string(BusCall call) {
  static const std::string abort_batch = "abort_batch";
  static const std::string abort_calibration_epoch = "abort_calibration_epoch";
  if (call == BusCall::abort_batch) return abort_batch;
  if (call == BusCall::abort_calibration_epoch) return abort_calibration_epoch;
  if (const auto type = event_of(call)) return to_string(*type);
  throw InvalidEvent("no call on a bus has the value " +
                     std::to_string(static_cast<unsigned>(call)) + "; they are numbered 0 to 11");
}

std::ostream& operator<<(std::ostream& out, BusCall call) { return out << to_string(call); }

}  // namespace takt
