// SPDX-License-Identifier: BSL-1.0
/// \file
/// Smallest n for which a n + b mod m lies under a straight line.
#ifndef TAKT_LIB_LINE_SEARCH_HPP
#define TAKT_LIB_LINE_SEARCH_HPP

#include <cstdint>
#include <optional>

#include "modular_search.hpp"

namespace takt::detail {

/// Asks for the n at which residue(n) = (offset + n stride) mod modulus is at most
/// (height + n slope) / 2^shift.
struct LineSearch {
  std::uint64_t modulus = 1;  ///< 1 or more, less than 2^63
  std::uint64_t offset = 0;   ///< less than the modulus
  std::uint64_t stride = 0;   ///< less than the modulus
  Int128 height = 0;
  Int128 slope = 0;
  int shift = 0;  ///< 0 or more; modulus 2^shift, and the line's values, are less than 2^120

  /// The smallest such n in [from, to]; nothing when there is none. Needs 0 <= from and to < 2^62.
  ///
  /// All n whose residue is at most the line's highest point are candidates, and the modular search
  /// finds them one by one. Where the line is so steep that candidates lie above it, it is cut into
  /// pieces on which its height at most doubles. Then candidates that fail follow each other at
  /// even distances, in runs that are left in one leap: the work is bounded by the number of bits.
  [[nodiscard]] std::optional<std::int64_t> first(std::int64_t from,
                                                  std::int64_t to) const noexcept;

 private:
  [[nodiscard]] std::uint64_t residue(std::int64_t n) const noexcept;
  [[nodiscard]] Int128 bound(std::int64_t n) const noexcept;
  [[nodiscard]] bool under(std::int64_t n) const noexcept;
  [[nodiscard]] std::int64_t end_of_piece(std::int64_t from, std::int64_t to) const noexcept;
  [[nodiscard]] std::optional<std::int64_t> candidate(std::int64_t from, std::int64_t to,
                                                      std::uint64_t highest) const noexcept;
  [[nodiscard]] std::int64_t end_of_run(std::int64_t first, std::int64_t second, std::int64_t to,
                                        std::uint64_t highest) const noexcept;
};

}  // namespace takt::detail

#endif
