// SPDX-License-Identifier: BSL-1.0
/// \file
/// The two choices a bus is built with.
#ifndef TAKT_BUS_OPTIONS_HPP
#define TAKT_BUS_OPTIONS_HPP

#include <cstdint>

namespace takt {

/// How often the loss and the optimizer's step may come in one batch.
enum class OrderPolicy : std::uint8_t {
  one_step,      ///< losses, then at most one step
  several_steps  ///< rounds of losses and a step may repeat, as with two optimizers
};

/// What happens when a modifier throws from a hook. Whatever is chosen, the call on the bus takes
/// effect, and no modifier is started without being ended.
enum class ErrorPolicy : std::uint8_t {
  propagate,  ///< skip the remaining `on_event` and `on_update` of the emission, throw
              ///< `ModifierError`; at BATCH_END, modifiers that had some get `on_abort` instead
  collect,    ///< run everything else, then throw `ModifierError`
  quarantine  ///< end that modifier, run no hook of it any more, tell `on_error`, go on
};

struct BusOptions {
  OrderPolicy order = OrderPolicy::one_step;
  ErrorPolicy errors = ErrorPolicy::propagate;
};

}  // namespace takt

#endif
