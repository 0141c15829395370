// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the bus alone does with a state.
#ifndef TAKT_LIB_STATE_ACCESS_HPP
#define TAKT_LIB_STATE_ACCESS_HPP

#include <utility>

#include "takt/state.hpp"

namespace takt::detail {

/// The work that hooks have asked for, to be done between two calls, and their requests to the
/// loop.
class StateAccess {
 public:
  /// What has been asked of the loop.
  struct Requests {
    bool stop = false;  ///< for good
    bool save = false;
    bool evaluate = false;
  };

  /// Looks, and takes none.
  static Requests requests(Control& control) {
    Requests found{.stop = control.lasting_stop_reason().has_value()};
    if ((found.save = control.take_save_request())) control.request_save();
    if ((found.evaluate = control.take_evaluate_request())) control.request_evaluate();
    return found;
  }
  /// Takes back a first stop.
  static void forget_stop(Control& control) { control.forget_stop(); }
  /// Takes back those that came since.
  static void go_back_to(const Requests& before, Control& control) {
    if (!before.stop) control.forget_stop();
    if (!before.save) (void)control.take_save_request();
    if (!before.evaluate) (void)control.take_evaluate_request();
  }

  static bool any_deferred(const State& state) noexcept { return !state.deferred_.empty(); }
  static auto take_deferred(State& state) { return std::exchange(state.deferred_, {}); }
};

}  // namespace takt::detail

#endif
