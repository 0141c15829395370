// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the bus alone does with a state.
#ifndef TAKT_LIB_STATE_ACCESS_HPP
#define TAKT_LIB_STATE_ACCESS_HPP

#include <utility>

#include "takt/state.hpp"

namespace takt::detail {

/// The work that hooks have asked for, to be done between two calls.
class StateAccess {
 public:
  static bool any_deferred(const State& state) noexcept { return !state.deferred_.empty(); }
  static auto take_deferred(State& state) { return std::exchange(state.deferred_, {}); }
};

}  // namespace takt::detail

#endif
