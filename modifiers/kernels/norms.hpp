// SPDX-License-Identifier: BSL-1.0
/// \file
/// How large numbers are, all together: what norms are made of.
///
/// Squares and magnitudes of floats are exact or have room in double, where they are summed up in
/// eight sums side by side, in an order that is the same on every machine. A NaN among the numbers
/// gives NaN, an infinity without one gives infinity, no number gives 0. Pure functions, on any
/// thread.
#ifndef TAKT_MODIFIERS_NORMS_HPP
#define TAKT_MODIFIERS_NORMS_HPP

#include <span>

namespace takt::kernels {

/// The square of the L2 norm, which can be added up over parts of a vector.
[[nodiscard]] double sum_of_squares(std::span<const float> numbers) noexcept;

/// The L1 norm.
[[nodiscard]] double sum_of_magnitudes(std::span<const float> numbers) noexcept;

/// The maximum norm.
[[nodiscard]] float max_magnitude(std::span<const float> numbers) noexcept;

}  // namespace takt::kernels

#endif
