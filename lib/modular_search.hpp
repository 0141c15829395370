// SPDX-License-Identifier: BSL-1.0
/// \file
/// Smallest x with low <= a x mod m <= high.
#ifndef TAKT_LIB_MODULAR_SEARCH_HPP
#define TAKT_LIB_MODULAR_SEARCH_HPP

#include <cstdint>
#include <optional>

namespace takt::detail {

__extension__ using Uint128 = unsigned __int128;
__extension__ using Int128 = __int128;

/// The smallest x in [0, limit] for which the residue of a x modulo m lies in [low, high]; nothing
/// when there is none. Needs 0 < m < 2^127, a < m, low <= high < m and limit < 2^63.
///
/// A Euclid-like descent: when no multiple of a falls in [low, high] before the first wrap around
/// m, the number of wraps solves the same problem modulo a. The limit at least halves on each
/// level, so there are at most 63.
std::optional<std::uint64_t> first_in_range(Uint128 a, Uint128 m, Uint128 low, Uint128 high,
                                            std::uint64_t limit) noexcept;

}  // namespace takt::detail

#endif
