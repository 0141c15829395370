// SPDX-License-Identifier: BSL-1.0
/// \file
/// The first step whose index lies on the grid of an update that follows no whole number of steps.
#ifndef TAKT_LIB_GRID_SEARCH_HPP
#define TAKT_LIB_GRID_SEARCH_HPP

#include <cstdint>
#include <optional>

#include "modular_search.hpp"

namespace takt::detail {

/// A step s is due when |index_of(s) - k update| <= index_tolerance for some whole k. With update =
/// odd 2^e that is, up to the rounding of the index itself, a residue of s 2^-e modulo odd x steps
/// that is close to 0. The smallest such s is found by a Euclid-like descent, one stretch of steps
/// with the same tolerance after the other, and confirmed with the definition.
class GridSearch {
 public:
  /// 2e-10 <= update < 2^64; `steps` >= 1 is the number of steps in one index unit.
  GridSearch(double update, std::int64_t steps) noexcept;

  /// The first due step in [from, last]; nothing when there is none.
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t from, std::int64_t last) noexcept;

 private:
  void enter_stretch(std::int64_t step, std::int64_t last) noexcept;
  [[nodiscard]] bool due(std::int64_t step) const noexcept;
  [[nodiscard]] std::optional<std::int64_t> candidate(std::int64_t from) const noexcept;
  [[nodiscard]] Uint128 residue(std::int64_t step) const noexcept;
  [[nodiscard]] std::int64_t run_of_misses(std::int64_t first, std::int64_t second,
                                           std::int64_t most_members) const noexcept;

  double update_;
  std::int64_t steps_;
  Uint128 modulus_;
  Uint128 scale_;
  Uint128 stride_;  // scale modulo modulus: what one step adds to the residue

  // The stretch: steps up to stretch_end_ whose residue is within half_width_ of 0 are candidates.
  std::int64_t stretch_end_ = -1;
  Uint128 half_width_ = 0;
  bool everywhere_ = false;  // the candidates' range is the whole circle
};

}  // namespace takt::detail

#endif
