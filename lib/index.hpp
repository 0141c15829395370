// SPDX-License-Identifier: BSL-1.0
/// \file
/// The arithmetic of indices: from step to index, back to steps, and onto the grid of an update.
/// `steps` is always the number of steps in one index unit, 1 or more; steps are 0 or more.
#ifndef TAKT_LIB_INDEX_HPP
#define TAKT_LIB_INDEX_HPP

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace takt::detail {

/// The last step there is room for.
inline constexpr std::int64_t max_step = std::numeric_limits<std::int64_t>::max();

/// Where the tolerance starts to grow with the index.
inline constexpr double least_tolerance = 1e-10;

/// The index of a step. Never decreases from one step to the next.
inline double index_of(std::int64_t step, std::int64_t steps) noexcept {
  return static_cast<double>(step) / static_cast<double>(steps);
}

/// How far from a multiple of an update an index still counts as that multiple:
/// max(1e-10, 4 ulp(index)), for a finite index >= 0.
inline double index_tolerance(double index) noexcept {
  // 4 ulp is 2^-50 times the power of two at or below the index, which is the index without its
  // significand's bits.
  const auto exponent_bits = std::bit_cast<std::uint64_t>(index) & 0x7ff0'0000'0000'0000U;
  return std::max(least_tolerance, std::bit_cast<double>(exponent_bits) * 0x1p-50);
}

/// Whether an index is a whole multiple of `update` (0 or more, not NaN), within the tolerance.
inline bool on_grid(double index, double update) noexcept {
  if (update == 0.0) return true;
  if (std::isinf(update)) return index == 0.0;
  const double over = std::fmod(index, update);
  return std::min(over, update - over) <= index_tolerance(index);
}

/// The first step whose index is at least `index`; nothing when no step gets there.
std::optional<std::int64_t> first_step_at(double index, std::int64_t steps) noexcept;

/// The last step whose index is at most `index`; nothing when `index` is negative.
std::optional<std::int64_t> last_step_at(double index, std::int64_t steps) noexcept;

}  // namespace takt::detail

#endif
