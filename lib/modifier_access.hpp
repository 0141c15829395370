// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the bus, and nobody else, may change in a modifier.
#ifndef TAKT_LIB_MODIFIER_ACCESS_HPP
#define TAKT_LIB_MODIFIER_ACCESS_HPP

#include "takt/modifier.hpp"

namespace takt::detail {

class ModifierAccess {
 public:
  static void set_phase(Modifier& modifier, Phase phase) noexcept {
    modifier.phase_.store(phase, std::memory_order_release);
  }

  /// Marked from any thread when the modifier is removed; asked before every hook.
  static void set_leaving(Modifier& modifier, bool leaving) noexcept {
    modifier.leaving_.store(leaving, std::memory_order_release);
  }
  static bool leaving(const Modifier& modifier) noexcept {
    return modifier.leaving_.load(std::memory_order_acquire);
  }

  /// Claims the modifier for one bus; false when it is on one already.
  static bool attach(Modifier& modifier) noexcept {
    return !modifier.attached_.exchange(true, std::memory_order_acq_rel);
  }
  static void detach(Modifier& modifier) noexcept {
    modifier.attached_.store(false, std::memory_order_release);
  }
};

}  // namespace takt::detail

#endif
