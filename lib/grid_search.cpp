// SPDX-License-Identifier: BSL-1.0
#include "grid_search.hpp"

#include <bit>
#include <cmath>
#include <numeric>

#include "index.hpp"

namespace takt::detail {
namespace {

__extension__ using Int128 = __int128;

/// Roundings that repeat after more members than this are not followed.
constexpr std::int64_t longest_cycle = 32;

/// a b modulo `modulus`, for a < modulus < 2^116 or small a: the quotient is estimated in floating
/// point, and the few units that it may be off are reduced exactly.
Uint128 multiply_modulo(Uint128 a, std::uint64_t b, Uint128 modulus) noexcept {
  if (a <= ~std::uint64_t{0}) return a * b % modulus;
  const long double share = static_cast<long double>(a) / static_cast<long double>(modulus);
  const auto quotient = static_cast<std::uint64_t>(share * static_cast<long double>(b));
  const auto rest = static_cast<Int128>(a * b - quotient * modulus) % static_cast<Int128>(modulus);
  return static_cast<Uint128>(rest < 0 ? rest + static_cast<Int128>(modulus) : rest);
}

/// The smallest power of two above an index, and never below 2^12: up to it both the tolerance and
/// the rounding of an index are bounded tightly enough by their values there.
double binade_end(double index) noexcept {
  int exponent = 0;
  (void)std::frexp(index, &exponent);
  return std::ldexp(1.0, std::max(exponent, 12));
}

/// How far index_of may be from the real quotient for steps up to `last`, indices below `bound`.
double index_rounding(std::int64_t last, std::int64_t steps, double bound) noexcept {
  const double ulp = bound * 0x1p-53;
  if (last > std::int64_t{1} << 53) return 2.0 * ulp;
  // Such a quotient is a multiple of ulp / odd, where odd is what is left of steps without its
  // twos.
  const auto odd =
      static_cast<double>(steps >> std::countr_zero(static_cast<std::uint64_t>(steps)));
  return 0.5 * ulp * (1.0 - 1.0 / odd);
}

/// By how much index_of(step) was rounded, in units of ulp / steps; nothing where that is not an
/// integer between -steps / 2 and steps / 2.
std::optional<std::int64_t> rounding_of(std::int64_t step, std::int64_t steps,
                                        int exponent) noexcept {
  const int shift = 53 - exponent;
  if (step > std::int64_t{1} << 53 || shift < 0 || shift > 80) return std::nullopt;
  const Uint128 numerator = Uint128{static_cast<std::uint64_t>(step)} << shift;
  const auto over = static_cast<std::int64_t>(numerator % static_cast<std::uint64_t>(steps));
  return over <= steps / 2 ? -over : steps - over;
}

int exponent_of(double index) noexcept {
  int exponent = 0;
  (void)std::frexp(index, &exponent);
  return exponent;
}

}  // namespace

GridSearch::GridSearch(double update, std::int64_t steps) noexcept
    : update_{update}, steps_{steps} {
  int exponent = 0;
  auto odd = static_cast<std::uint64_t>(std::ldexp(std::frexp(update, &exponent), 53));
  exponent -= 53;
  const int zeros = std::countr_zero(odd);
  odd >>= zeros;
  exponent += zeros;
  modulus_ = Uint128{odd} * static_cast<std::uint64_t>(steps);
  if (exponent >= 0) {
    modulus_ <<= exponent;
    scale_ = 1;
  } else {
    scale_ = Uint128{1} << -exponent;
  }
  stride_ = scale_ % modulus_;
}

std::optional<std::int64_t> GridSearch::next(std::int64_t from, std::int64_t last) noexcept {
  std::int64_t step = from;
  std::int64_t missed = -1;  // the candidate before
  int misses = 0;            // in this stretch
  int next_attempt = 4;      // at that many, see whether they go in cycles
  while (step <= last) {
    if (step > stretch_end_) {
      enter_stretch(step, last);
      misses = 0;
      next_attempt = 4;
    }
    const std::optional<std::int64_t> found = candidate(step);
    if (found && due(*found)) return found;
    std::int64_t done = found.value_or(stretch_end_);
    if (found && ++misses >= 2) {
      const bool try_cycles = misses >= next_attempt;
      done = run_of_misses(missed, *found, try_cycles ? longest_cycle : 1);
      if (try_cycles && done == *found) next_attempt *= 2;
    }
    if (done == max_step) break;
    missed = done;
    step = done + 1;
  }
  return std::nullopt;
}

bool GridSearch::due(std::int64_t step) const noexcept {
  return on_grid(index_of(step, steps_), update_);
}

void GridSearch::enter_stretch(std::int64_t step, std::int64_t last) noexcept {
  const double bound = binade_end(index_of(step, steps_));
  const double tolerance = index_tolerance(0.5 * bound);
  const std::optional<std::int64_t> beyond = first_step_at(bound, steps_);
  stretch_end_ = beyond ? std::min(last, *beyond - 1) : last;
  const double reach = (tolerance + index_rounding(stretch_end_, steps_, bound)) * (1.0 + 0x1p-48);
  everywhere_ = 2.0 * reach >= update_;
  if (!everywhere_) {
    half_width_ =
        static_cast<Uint128>(reach * static_cast<double>(scale_) * static_cast<double>(steps_)) + 1;
  }
}

Uint128 GridSearch::residue(std::int64_t step) const noexcept {
  return multiply_modulo(stride_, static_cast<std::uint64_t>(step), modulus_);
}

std::optional<std::int64_t> GridSearch::candidate(std::int64_t from) const noexcept {
  if (everywhere_) return from;
  // What later steps must add to the residue, modulo, for it to come close to 0.
  const Uint128 low = modulus_ - (residue(from) + half_width_) % modulus_;
  const Uint128 high = low + 2 * half_width_;
  if (high >= modulus_) return from;
  const auto ahead =
      first_in_range(stride_, modulus_, low, high, static_cast<std::uint64_t>(stretch_end_ - from));
  if (!ahead) return std::nullopt;
  return from + static_cast<std::int64_t>(*ahead);
}

// Two candidates in a row that the index's rounding put just outside the tolerance are often the
// start of a long arithmetic progression of such misses. Candidates follow each other at the same
// distance as long as their residues stay in one range, and their residues move evenly. Roundings
// move evenly too, or repeat after a few members, a cycle. So when all members of the first and of
// the last cycle miss on the same side, the whole progression misses. Returns the last member known
// to miss, found by galloping.
std::int64_t GridSearch::run_of_misses(std::int64_t first, std::int64_t second,
                                       std::int64_t most_members) const noexcept {
  const std::int64_t distance = second - first;
  const int exponent = exponent_of(index_of(first, steps_));
  const auto rounding = rounding_of(first, steps_, exponent);
  const auto next_rounding = rounding_of(second, steps_, exponent);
  if (!rounding || !next_rounding) return second;
  std::int64_t turn = *next_rounding - *rounding;
  std::int64_t cycle = steps_ / std::gcd(turn, steps_);
  if (cycle > most_members) {
    cycle = 1;
  } else {
    turn = 0;
  }

  const Uint128 at = residue(first);
  const bool above = at < modulus_ / 2;
  const Uint128 moved = (residue(second) + modulus_ - at) % modulus_;
  const Uint128 drift = std::min(moved, modulus_ - moved) * static_cast<Uint128>(cycle);
  const std::int64_t stride = distance * cycle;

  // Whether the cycle that starts `count` cycles after `first` misses throughout.
  const auto misses_at = [&](std::int64_t count) {
    const std::int64_t step = first + count * stride;
    const std::int64_t past = step + stride;
    if (past > stretch_end_ || exponent_of(index_of(past, steps_)) != exponent) return false;
    const auto there = rounding_of(step, steps_, exponent);
    if (!there || Int128{*there} - *rounding != Int128{turn} * count) return false;
    if (drift != 0 && static_cast<Uint128>(count) > modulus_ / 4 / drift) return false;
    if ((residue(past) < modulus_ / 2) != above) return false;
    for (std::int64_t member = step; member < past; member += distance) {
      if (due(member)) return false;
    }
    return candidate(step + 1) == step + distance &&
           (cycle == 1 || candidate(past - distance + 1) == past);
  };

  std::int64_t known = cycle == 1 ? 1 : 0;
  if (cycle > 1 && ((stretch_end_ - first) / distance <= cycle || !misses_at(0))) return second;
  std::int64_t leap = 1;
  while (leap > 0) {
    const bool fits = (stretch_end_ - first) / stride - 1 >= known + leap;
    if (fits && misses_at(known + leap)) {
      known += leap;
      leap *= 2;
    } else {
      leap /= 2;
    }
  }
  return first + known * stride + (stride - distance);
}

}  // namespace takt::detail
