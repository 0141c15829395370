// SPDX-License-Identifier: BSL-1.0
#include "loss_levels.hpp"

#include <algorithm>
#include <cmath>

namespace takt::detail {
namespace {

bool usable(const LossSpan& span, const TimeScale& scale) {
  const bool finite =
      std::isfinite(span.low) && std::isfinite(span.high) && std::isfinite(span.mean);
  return finite && span.first <= span.last && scale.has(span.first) && scale.has(span.last);
}

}  // namespace

std::vector<LossLevel> loss_levels(const std::vector<LossSpan>& losses, const TimeScale& scale) {
  std::vector<LossLevel> levels;
  double weight = 0.0;  // of what is in the last level
  for (const LossSpan& span : losses) {
    if (!usable(span, scale)) continue;
    const std::int64_t middle = span.first + (span.last - span.first) / 2;
    const std::int64_t first = scale.first_cell(middle);
    const std::int64_t cell = first + (scale.last_cell(middle) - first) / 2;
    const double steps = static_cast<double>(span.last - span.first) + 1.0;
    if (levels.empty() || levels.back().cell < cell) {
      levels.push_back({cell, span.low, span.high, span.mean});
      weight = steps;
      continue;
    }
    LossLevel& level = levels.back();
    weight += steps;
    level.low = std::min(level.low, span.low);
    level.high = std::max(level.high, span.high);
    const double part = steps / weight;
    level.mean = level.mean * (1.0 - part) + span.mean * part;
  }
  return levels;
}

double height_of(double loss, double low, double high) noexcept {
  if (!(low < high)) return 0.5;
  // Halves, because the difference of two losses may be no number.
  return std::clamp((0.5 * loss - 0.5 * low) / (0.5 * high - 0.5 * low), 0.0, 1.0);
}

}  // namespace takt::detail
