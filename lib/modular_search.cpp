// SPDX-License-Identifier: BSL-1.0
#include "modular_search.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <type_traits>

namespace takt::detail {
namespace {

/// A solution of low <= a x - m wraps <= high, and the residue that it reaches.
template <class Number>
struct Solution {
  std::uint64_t x = 0;
  std::uint64_t wraps = 0;
  Number residue = 0;
};

/// What it takes to get from the solution of the problem modulo a to the one modulo m. Without
/// initializers, as most of an array of them is never touched.
template <class Number>
struct Level {
  Number m;
  std::uint64_t q;
  std::uint64_t below;
  Number base;
  std::uint64_t limit;
  bool mirrored;
};

template <class Number>
void mirror(Solution<Number>& solution, Number m) noexcept {
  solution.wraps = solution.x - solution.wraps - 1;
  solution.residue = m - solution.residue;
}

/// Finds the smallest x up to `limit` and returns whether there is one.
template <class Number>
bool solve(Number a, Number m, Number low, Number high, std::uint64_t limit,
           Solution<Number>& solution) noexcept {
  std::array<Level<Number>, 64> levels;  // the limit at least halves on each
  std::size_t depth = 0;
  for (;; ++depth) {
    if constexpr (!std::is_same_v<Number, std::uint64_t>) {
      if (m >> 63 == 0) {  // in 64 bits it is several times faster
        const auto narrow = [](Number value) { return static_cast<std::uint64_t>(value); };
        Solution<std::uint64_t> found;
        if (!solve(narrow(a), narrow(m), narrow(low), narrow(high), limit, found)) return false;
        solution = {found.x, found.wraps, found.residue};
        break;
      }
    }
    solution = {};
    if (low == 0) break;
    if (a == 0 || limit == 0) return false;

    // Where a is more than half of m, it counts down from m instead: (m - a) x stays in
    // [m - high, m - low].
    const bool mirrored = a > m - a;
    if (mirrored) {
      a = m - a;
      const Number mirrored_low = m - high;
      high = m - low;
      low = mirrored_low;
    }

    // Without a wrap: the first multiple of a that is at least low.
    const Number below = (low - 1) / a;
    const Number base = below * a;
    if (base + a <= high) {
      if (below >= limit) return false;
      solution = {static_cast<std::uint64_t>(below) + 1, 0, base + a};
      if (mirrored) mirror(solution, m);
      break;
    }

    // With m = q a + b, each wrap takes q multiples of a and b more: a (x - q wraps) = residue +
    // b wraps. So the number of wraps is the smallest for which -b wraps mod a falls in the range,
    // taken modulo a. No multiple of a lies in it, so both ends have the same quotient.
    const Number q = m / a;
    const Number b = m - q * a;
    if (q > limit || b == 0 || below > limit) return false;
    levels[depth] = {.m = m,
                     .q = static_cast<std::uint64_t>(q),
                     .below = static_cast<std::uint64_t>(below),
                     .base = base,
                     .limit = limit,
                     .mirrored = mirrored};
    // The limit divided by q, or up to twice that: a shift costs less than a division.
    limit >>= std::bit_width(levels[depth].q) - 1;
    m = a;
    a -= b;
    low -= base;
    high -= base;
  }

  while (depth-- > 0) {
    const Level<Number>& level = levels[depth];
    const Uint128 x = Uint128{level.q} * solution.x + (solution.x - solution.wraps) + level.below;
    if (x > level.limit) return false;
    solution = {static_cast<std::uint64_t>(x), solution.x, level.base + solution.residue};
    if (level.mirrored) mirror(solution, level.m);
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> first_in_range(Uint128 a, Uint128 m, Uint128 low, Uint128 high,
                                            std::uint64_t limit) noexcept {
  Solution<Uint128> solution;
  if (!solve(a, m, low, high, limit, solution)) return std::nullopt;
  return solution.x;
}

}  // namespace takt::detail
