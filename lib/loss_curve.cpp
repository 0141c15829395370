// SPDX-License-Identifier: BSL-1.0
#include "loss_curve.hpp"

#include <algorithm>
#include <cmath>

namespace takt::detail {

void LossCurve::add(std::int64_t step, double loss) {
  if (!std::isfinite(loss)) return;
  if (spans_.empty() || losses_in_last_ == losses_per_span_) {
    if (spans_.size() == most_spans) halve();
    spans_.push_back({step, step, loss, loss, loss});
    losses_in_last_ = 1;
    return;
  }
  LossSpan& span = spans_.back();
  ++losses_in_last_;
  span.last = step;
  span.low = std::min(span.low, loss);
  span.high = std::max(span.high, loss);
  // Not by their difference, which may be too large for a double.
  const double share = 1.0 / static_cast<double>(losses_in_last_);
  span.mean = span.mean * (1.0 - share) + loss * share;
}

void LossCurve::halve() {
  for (std::size_t i = 0; 2 * i < spans_.size(); ++i) {
    const LossSpan& a = spans_[2 * i];
    const LossSpan& b = spans_[2 * i + 1];
    spans_[i] = {a.first, b.last, std::min(a.low, b.low), std::max(a.high, b.high),
                 a.mean / 2.0 + b.mean / 2.0};
  }
  spans_.resize(spans_.size() / 2);
  losses_per_span_ *= 2;
}

}  // namespace takt::detail
