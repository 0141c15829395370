// SPDX-License-Identifier: BSL-1.0
/// \file
/// The works of a bus, for those parts of takt that record and replay it.
#ifndef TAKT_LIB_BUS_ACCESS_HPP
#define TAKT_LIB_BUS_ACCESS_HPP

#include "bus_core.hpp"

namespace takt::detail {

class BusAccess {
 public:
  using Core = EventBus::Core;
  static Core& core(EventBus& bus) noexcept { return *bus.core_; }
};

}  // namespace takt::detail

#endif
