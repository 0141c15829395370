// SPDX-License-Identifier: BSL-1.0
/// \file
/// Exponential averages.
#ifndef TAKT_MODIFIERS_BLEND_HPP
#define TAKT_MODIFIERS_BLEND_HPP

#include <span>

namespace takt::kernels {

/// Each average becomes share * average + (1 - share) * value, for a share from 0 to 1.
///
/// Reckoned in float from the nearer end, as average + (1 - share) * (value - average), or for a
/// share below 1/2 as value + share * (average - value). For finite numbers that never overflows;
/// an average that equals its value stays, and none leaves the range of the two. Its error is half
/// an ulp of the result, as of a single rounding, and at most 2^-22 of the step from that end. The
/// same in double would take twice as long, and bring nothing that float has room for. A NaN
/// of either gives NaN, an infinity gives NaN or itself.
///
/// Throws `InvalidModifier` for spans that differ in size, and a share that is not from 0 to 1. The
/// spans don't overlap. On any thread; allocates nothing.
void blend(std::span<float> averages, std::span<const float> values, double share);

}  // namespace takt::kernels

#endif
