// SPDX-License-Identifier: BSL-1.0
/// \file
/// Rounding a number to a grid, for the loops of the quantization kernels.
#ifndef TAKT_GRID_ROUNDING_HPP
#define TAKT_GRID_ROUNDING_HPP

#include <cfloat>

#include "takt/modifiers/fake_quantize.hpp"

namespace takt::kernels {

static_assert(FLT_EVAL_METHOD == 0, "the sums below are rounded to float");

/// How many steps of a scale a number is from zero, rounded to where the grid has an integer. The
/// affine and grid are those that `require_quantizable` accepts.
class Rounding {
 public:
  Rounding(Affine affine, Grid grid) noexcept
      : per_scale_{1.0F / affine.scale},
        low_{static_cast<float>(grid.low - affine.zero_point)},
        high_{static_cast<float>(grid.high - affine.zero_point)} {}

  // Clamping first comes to the same, as the ends are integers, and leaves at most 2^22, for which
  // a sum with 1.5 * 2^23 has no room for a fraction. In that order the comparisons keep a NaN, and
  // -0.0 ends as 0.0.
  [[nodiscard]] float steps(float number) const noexcept {
    constexpr float no_fraction = 12582912.0F;
    const float exact = number * per_scale_;
    const float from_low = low_ > exact ? low_ : exact;
    const float clamped = high_ < from_low ? high_ : from_low;
    return (clamped + no_fraction) - no_fraction;
  }

 private:
  float per_scale_;
  float low_;
  float high_;
};

}  // namespace takt::kernels

#endif
