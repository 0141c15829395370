// SPDX-License-Identifier: BSL-1.0
/// \file
/// The k-th smallest magnitude of many numbers.
#ifndef TAKT_MODIFIERS_KTH_MAGNITUDE_HPP
#define TAKT_MODIFIERS_KTH_MAGNITUDE_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace takt::kernels {

/// Memory that `kth_magnitude` works in, 600 KB at most however many numbers there are. Keep one
/// for all calls of a thread: then only the first ones allocate.
struct KthScratch {
  std::vector<std::uint32_t> counts{};
  std::vector<std::uint32_t> survivors{};
};

/// What `kth_magnitude` finds.
struct KthMagnitude {
  float value = 0.0F;     ///< the magnitude, never negative; NaN when the k-th is one
  std::size_t below = 0;  ///< how many magnitudes come before all that equal it
};

/// The magnitude at position k, counted from 0, of all of them in order: exact, denormal numbers
/// included, with NaN behind infinity and equal to each other. The k + 1 smallest are the `below`
/// that are less and any k + 1 - below of those that equal `value`. Throws `InvalidModifier` unless
/// k is less than the number of values, so always for an empty span, and for more than 2^32 values.
///
/// A radix selection: the bits of a float without its sign, read as an integer, are in the order of
/// magnitudes. One pass counts how often each upper half occurs; what has the upper half of the
/// k-th is gathered when it is little, and else counted by lower half in a second pass. Neither
/// cares for the order of the numbers. Where a sample says that the k-th is a number that occurs
/// often, such as zero in pruned weights, one simple pass finds out first.
[[nodiscard]] KthMagnitude kth_magnitude(std::span<const float> values, std::size_t k,
                                         KthScratch& scratch);

}  // namespace takt::kernels

#endif
