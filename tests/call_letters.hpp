// SPDX-License-Identifier: BSL-1.0
/// \file
/// A loop's calls as letters, so that a run is a text.
#ifndef TAKT_TESTS_CALL_LETTERS_HPP
#define TAKT_TESTS_CALL_LETTERS_HPP

#include <stdexcept>
#include <string>

#include "takt/event_bus.hpp"

namespace takt::test {

/// Makes a call: i initialize, s batch_start, l loss_calculated, p optim_pre_step,
/// P optim_post_step, e batch_end, a abort_batch, c and C a calibration epoch's start and end,
/// q sequential_epoch_end, f finalize.
inline void make_call(EventBus& bus, char letter, double loss = 0.5) {
  switch (letter) {
    case 'i':
      return bus.initialize();
    case 's':
      return bus.batch_start();
    case 'l':
      return bus.loss_calculated(loss);
    case 'p':
      return bus.optim_pre_step();
    case 'P':
      return bus.optim_post_step();
    case 'e':
      return bus.batch_end();
    case 'a':
      return bus.abort_batch();
    case 'c':
      return bus.calibration_epoch_start();
    case 'q':
      return bus.sequential_epoch_end({"fc"});
    case 'C':
      return bus.calibration_epoch_end();
    case 'f':
      return bus.finalize();
    default:
      throw std::invalid_argument(std::string{"no call has the letter "} + letter);
  }
}

}  // namespace takt::test

#endif
