// SPDX-License-Identifier: BSL-1.0
/// \file
/// A cadence in plain words.
#ifndef TAKT_LIB_WINDOW_WORDS_HPP
#define TAKT_LIB_WINDOW_WORDS_HPP

#include <string>

#include "takt/cadence.hpp"
#include "takt/event.hpp"

namespace takt::detail {

/// "from epoch 4 to 28, every 0.5 epochs", "at step 100", "every epoch", "at every step": with
/// indices that are epochs, or else steps. The cadence is valid.
[[nodiscard]] std::string window_words(const Cadence& cadence, bool epochs);

/// The steps at which it is due on a bus that starts with `start`: "steps 176 to 1232", "step 100",
/// "from step 1232 on", "never".
[[nodiscard]] std::string step_words(const Cadence& cadence, const Event& start);

}  // namespace takt::detail

#endif
