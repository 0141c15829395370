// SPDX-License-Identifier: BSL-1.0
/// \file
/// Losses, as far as the cells of a picture tell them apart.
#ifndef TAKT_LIB_LOSS_LEVELS_HPP
#define TAKT_LIB_LOSS_LEVELS_HPP

#include <cstdint>
#include <vector>

#include "takt/timeline.hpp"
#include "time_scale.hpp"

namespace takt::detail {

/// The losses in one cell.
struct LossLevel {
  std::int64_t cell = 0;
  double low = 0.0;
  double high = 0.0;
  double mean = 0.0;
};

/// One for each cell with a loss, in order. A span is in the cell of its middle; where several are,
/// the mean weighs them by their steps. Those outside the scale or not finite are left out.
[[nodiscard]] std::vector<LossLevel> loss_levels(const std::vector<LossSpan>& losses,
                                                 const TimeScale& scale);

/// Where a loss lies between two others: 0 at the lower, 1 at the higher; one half when they are
/// the same.
[[nodiscard]] double height_of(double loss, double low, double high) noexcept;

}  // namespace takt::detail

#endif
