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
/// with the same tolerance after the other, and confirmed with the definition. Where the rounding
/// decides, it takes part in the search: see `pass_near_misses`.
class GridSearch {
 public:
  /// 2e-10 <= update < 2^64; `steps` >= 1 is the number of steps in one index unit.
  GridSearch(double update, std::int64_t steps) noexcept;

  /// The first due step in [from, last]; nothing when there is none.
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t from, std::int64_t last) noexcept;

 private:
  /// Counts steps as a double tells them apart: one by one up to 2^53, then in units of 2^unit
  /// steps.
  using Tick = std::int64_t;

  /// A tick whose exact index is close to the grid, and where its residue is.
  struct Candidate {
    Tick tick = 0;
    Uint128 residue = 0;
  };
  /// Residues from -below to above, modulo: those of candidates.
  struct Zone {
    Uint128 below = 0;
    Uint128 above = 0;
  };
  /// What a search in a zone comes to: a due tick, nothing, or a tick from which on the two sides
  /// of the grid are to be searched each by itself.
  struct Outcome {
    std::optional<Tick> due{};
    std::optional<Tick> one_sided_from{};
  };
  /// What a run of near misses comes to: a due tick, or the last one that is known not to be. It is
  /// mixed when candidates of the other side of the grid come in between.
  struct Run {
    Tick tick = 0;
    bool due = false;
    bool mixed = false;
  };

  void enter_stretch(std::int64_t step, std::int64_t last) noexcept;
  [[nodiscard]] std::optional<Tick> search_stretch() noexcept;
  [[nodiscard]] Outcome search(Tick from, Tick last, const Zone& zone) noexcept;
  [[nodiscard]] std::optional<Candidate> candidate(Tick from, Tick last,
                                                   const Zone& zone) const noexcept;
  [[nodiscard]] Run pass_near_misses(const Candidate& first, const Candidate& second, Tick last,
                                     const Zone& zone) noexcept;
  [[nodiscard]] bool is_alone(std::int64_t distance, Int128 drift) noexcept;
  [[nodiscard]] std::int64_t first_step_of(Tick tick) const noexcept;
  [[nodiscard]] Tick last_of_binade(int exponent) const noexcept;
  [[nodiscard]] double index_at(Tick tick) const noexcept;
  [[nodiscard]] bool due(Tick tick) const noexcept;
  [[nodiscard]] Uint128 residue(Tick tick) const noexcept;
  [[nodiscard]] bool above_grid(const Candidate& at) const noexcept {
    return at.residue < modulus_ / 2;
  }

  double update_;
  std::int64_t steps_;
  Uint128 modulus_;
  int exponent_ = 0;  // the residue is in units of 2^exponent_ / steps, in index units
  Uint128 scale_;     // 2^-exponent_

  // The stretch: its candidates have residues within half_width_ of 0.
  int unit_ = 0;
  double unit_steps_ = 1.0;
  std::int64_t first_step_ = 0;
  std::int64_t last_step_ = -1;
  Tick first_tick_ = 0;
  Tick last_tick_ = -1;
  Uint128 stride_ = 0;      // what one tick adds to the residue
  Uint128 half_width_ = 0;  // less than the modulus

  std::int64_t lone_distance_ = 0;  // what `is_alone` was last asked, for this unit
  bool lone_ = false;               // no smaller distance comes close to the grid
};

}  // namespace takt::detail

#endif
