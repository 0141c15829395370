// SPDX-License-Identifier: BSL-1.0
#include "line_search.hpp"

#include <algorithm>

namespace takt::detail {
namespace {

/// a / b rounded down and up, for b > 0.
Int128 floor_of(Int128 a, Int128 b) noexcept { return a >= 0 ? a / b : -((-a + b - 1) / b); }
Int128 ceiling_of(Int128 a, Int128 b) noexcept { return -floor_of(-a, b); }

}  // namespace

std::uint64_t LineSearch::residue(std::int64_t n) const noexcept {
  const Uint128 product = Uint128{stride} * static_cast<std::uint64_t>(n) + offset;
  return static_cast<std::uint64_t>(product % modulus);
}

Int128 LineSearch::bound(std::int64_t n) const noexcept {
  return (height + slope * n) >> shift;  // rounds down, below 0 as well
}

bool LineSearch::under(std::int64_t n) const noexcept { return Int128{residue(n)} <= bound(n); }

std::optional<std::int64_t> LineSearch::first(std::int64_t from, std::int64_t to) const noexcept {
  bool in_pieces = false;
  while (from <= to) {
    if (slope > 0 && bound(from) < 0) {  // not before the line reaches 0
      const Int128 start = ceiling_of(-height, slope);
      if (start > to) return std::nullopt;
      from = static_cast<std::int64_t>(start);
    }
    const std::int64_t end = in_pieces ? end_of_piece(from, to) : to;
    const Int128 top = std::max(bound(from), bound(end));
    if (top < 0) return std::nullopt;  // and lower still from there on
    const auto highest = static_cast<std::uint64_t>(std::min<Int128>(top, modulus - 1));

    const std::optional<std::int64_t> found = candidate(from, end, highest);
    if (!found) {
      from = end + 1;
    } else if (under(*found)) {
      return found;
    } else if (!in_pieces) {
      in_pieces = true;
      from = *found + 1;
    } else {
      const std::optional<std::int64_t> next = candidate(*found + 1, end, highest);
      if (!next) {
        from = end + 1;
      } else if (under(*next)) {
        return next;
      } else {
        from = end_of_run(*found, *next, end, highest) + 1;
      }
    }
  }
  return std::nullopt;
}

/// The last n up to which the line's height changes by no more than a factor of two.
std::int64_t LineSearch::end_of_piece(std::int64_t from, std::int64_t to) const noexcept {
  const Int128 here = bound(from);
  Int128 end = to;
  if (slope > 0) {
    const Int128 above = (2 * std::min<Int128>(here, modulus) + 2) << shift;
    end = ceiling_of(above - height, slope) - 1;
  } else if (slope < 0) {
    const Int128 below = (std::max<Int128>(here, 0) / 2) << shift;
    end = floor_of(height - below, -slope);
  }
  return static_cast<std::int64_t>(std::clamp<Int128>(end, from, to));
}

/// The first n in [from, to] whose residue is at most `highest`.
std::optional<std::int64_t> LineSearch::candidate(std::int64_t from, std::int64_t to,
                                                  std::uint64_t highest) const noexcept {
  if (from > to) return std::nullopt;
  const std::uint64_t here = residue(from);
  if (here <= highest) return from;
  // What later n must add to the residue, modulo.
  const std::uint64_t low = modulus - here;
  const auto ahead =
      first_in_range(stride, modulus, low, low + highest, static_cast<std::uint64_t>(to - from));
  if (!ahead) return std::nullopt;
  return from + static_cast<std::int64_t>(*ahead);
}

/// Two candidates in a row lie above the line. Candidates follow each other at the same distance
/// for as long as they do not leave the range [0, highest], in which their residues move evenly; so
/// does the line. Returns a late member of this run up to which all are above it.
std::int64_t LineSearch::end_of_run(std::int64_t first, std::int64_t second, std::int64_t to,
                                    std::uint64_t highest) const noexcept {
  const std::int64_t distance = second - first;
  const Int128 start = residue(first);
  const Int128 move = Int128{residue(second)} - start;
  const auto above = [&](std::int64_t n) {
    return (Int128{residue(n)} << shift) - (height + slope * n);
  };
  Int128 members = (to - first) / distance;
  if (move > 0) members = std::min(members, (highest - start) / move);
  if (move < 0) members = std::min(members, start / -move);
  const Int128 sinks = above(first) - above(second);
  if (sinks > 0) members = std::min(members, (above(first) - 1) / sinks);
  for (; members > 1; members /= 2) {
    const std::int64_t last = first + static_cast<std::int64_t>(members) * distance;
    if (candidate(last - distance + 1, to, highest) == last) return last;
  }
  return second;
}

}  // namespace takt::detail
