// SPDX-License-Identifier: BSL-1.0
#include "modular_search.hpp"

namespace takt::detail {
namespace {

/// A solution of low <= a x - m wraps <= high, and the residue that it reaches.
struct Solution {
  std::uint64_t x;
  std::uint64_t wraps;
  Uint128 residue;
};

// Recursion is bounded by the limit, which at least halves on each level.
// NOLINTNEXTLINE(misc-no-recursion)
std::optional<Solution> solve(Uint128 a, Uint128 m, Uint128 low, Uint128 high,
                              std::uint64_t limit) noexcept {
  if (low == 0) return Solution{0, 0, 0};
  if (a == 0 || limit == 0) return std::nullopt;

  if (a > m - a) {
    // Counting down from m instead: (m - a) x stays in [m - high, m - low].
    const auto mirrored = solve(m - a, m, m - high, m - low, limit);
    if (!mirrored) return std::nullopt;
    return Solution{mirrored->x, mirrored->x - mirrored->wraps - 1, m - mirrored->residue};
  }

  // Without a wrap: the first multiple of a that is at least low.
  const Uint128 below = (low - 1) / a;
  const Uint128 multiple = (below + 1) * a;
  if (multiple <= high) {
    if (below >= limit) return std::nullopt;
    return Solution{static_cast<std::uint64_t>(below) + 1, 0, multiple};
  }

  // With m = q a + b, each wrap takes q multiples of a and b more: a (x - q wraps) = residue +
  // b wraps. So the number of wraps is the smallest for which -b wraps mod a falls in the range,
  // taken modulo a. No multiple of a lies in it, so both ends have the same quotient.
  const Uint128 q = m / a;
  const Uint128 b = m - q * a;
  if (q > limit || b == 0) return std::nullopt;
  const Uint128 base = below * a;
  const auto inner =
      solve(a - b, a, low - base, high - base, limit / static_cast<std::uint64_t>(q));
  if (!inner) return std::nullopt;
  const Uint128 x = q * inner->x + (inner->x - inner->wraps) + below;
  if (x > limit) return std::nullopt;
  return Solution{static_cast<std::uint64_t>(x), inner->x, base + inner->residue};
}

}  // namespace

std::optional<std::uint64_t> first_in_range(Uint128 a, Uint128 m, Uint128 low, Uint128 high,
                                            std::uint64_t limit) noexcept {
  const auto solution = solve(a, m, low, high, limit);
  if (!solution) return std::nullopt;
  return solution->x;
}

}  // namespace takt::detail
