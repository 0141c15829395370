// SPDX-License-Identifier: BSL-1.0
/// \file
/// The calls on a bus, made by value.
#ifndef TAKT_TESTS_BUS_CALLS_HPP
#define TAKT_TESTS_BUS_CALLS_HPP

#include <array>

#include "takt/bus_call.hpp"
#include "takt/event_bus.hpp"

namespace takt::test {

inline constexpr std::array<BusCall, bus_call_count> every_call{BusCall::initialize,
                                                                BusCall::finalize,
                                                                BusCall::batch_start,
                                                                BusCall::loss_calculated,
                                                                BusCall::batch_end,
                                                                BusCall::calibration_epoch_start,
                                                                BusCall::sequential_epoch_end,
                                                                BusCall::calibration_epoch_end,
                                                                BusCall::optim_pre_step,
                                                                BusCall::optim_post_step,
                                                                BusCall::abort_batch,
                                                                BusCall::abort_calibration_epoch};

/// With the loss and the layers that the state holds.
inline void make_call(EventBus& bus, BusCall call) {
  if (call == BusCall::abort_batch) return bus.abort_batch();
  if (call == BusCall::abort_calibration_epoch) return bus.abort_calibration_epoch();
  bus.emit(*event_of(call));
}

}  // namespace takt::test

#endif
