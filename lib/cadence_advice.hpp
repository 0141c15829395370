// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a cadence comes to on a bus, where that is not what it says.
#ifndef TAKT_LIB_CADENCE_ADVICE_HPP
#define TAKT_LIB_CADENCE_ADVICE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "takt/cadence.hpp"

namespace takt::detail {

/// A line for each of start, end and update that is no whole number of steps, with the steps that
/// it really comes to, and one for a window that holds no step, or none that is due. Counted from
/// step 0, with or without steps per epoch, 1 or more. The cadence is valid.
[[nodiscard]] std::vector<std::string> cadence_advice(const Cadence& cadence,
                                                      std::optional<std::int64_t> steps_per_epoch);

}  // namespace takt::detail

#endif
