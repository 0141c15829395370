// SPDX-License-Identifier: BSL-1.0
/// \file
/// The losses of a run of any length, in little memory.
#ifndef TAKT_LIB_LOSS_CURVE_HPP
#define TAKT_LIB_LOSS_CURVE_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "takt/timeline.hpp"

namespace takt::detail {

/// Puts neighbouring losses together, twice as many each time there are too many.
class LossCurve {
 public:
  static constexpr std::size_t most_spans = 4096;

  /// In the order of their steps. One that is no finite number is left out.
  void add(std::int64_t step, double loss);
  [[nodiscard]] const std::vector<LossSpan>& spans() const noexcept { return spans_; }

 private:
  void halve();

  std::vector<LossSpan> spans_;
  std::int64_t losses_in_last_ = 0;
  std::int64_t losses_per_span_ = 1;
};

}  // namespace takt::detail

#endif
