// SPDX-License-Identifier: BSL-1.0
#include "grid_search.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "index.hpp"
#include "line_search.hpp"

namespace takt::detail {
namespace {

/// The bits of a double's significand.
constexpr int precision = 53;

/// a b modulo `modulus`, for a < modulus < 2^116 or small a: the quotient is estimated in floating
/// point, and the few units that it may be off are made good exactly.
Uint128 multiply_modulo(Uint128 a, std::uint64_t b, Uint128 modulus) noexcept {
  if (a <= ~std::uint64_t{0}) return a * b % modulus;
  const long double share = static_cast<long double>(a) / static_cast<long double>(modulus);
  const auto quotient = static_cast<std::uint64_t>(share * static_cast<long double>(b));
  const auto m = static_cast<Int128>(modulus);
  auto rest = static_cast<Int128>(a * b - quotient * modulus);
  while (rest < 0) rest += m;
  while (rest >= m) rest -= m;
  return static_cast<Uint128>(rest);
}

/// value 2^shift modulo `modulus` < 2^63.
std::uint64_t shift_modulo(std::int64_t value, int shift, std::int64_t modulus) noexcept {
  const auto m = static_cast<std::uint64_t>(modulus);
  Uint128 rest = static_cast<std::uint64_t>(value) % m;
  for (; shift > 0; shift -= 64) rest = (rest << std::min(shift, 64)) % m;
  return static_cast<std::uint64_t>(rest);
}

int exponent_of(double value) noexcept {
  int exponent = 0;
  (void)std::frexp(value, &exponent);
  return exponent;
}

/// How many steps a double takes for one at `step`: 2 to the power of this.
int unit_at(std::int64_t step) noexcept {
  return std::max(0, exponent_of(static_cast<double>(step)) - precision);
}

/// The last step with the same unit.
std::int64_t last_with_unit(int unit) noexcept {
  if (unit > 62 - precision) return max_step - (unit == 63 - precision ? 1 << (unit - 1) : 0);
  const std::int64_t power = std::int64_t{1} << (precision + unit);
  return power - 1 - (unit == 0 ? 0 : std::int64_t{1} << (unit - 1));
}

std::int64_t tick_of(std::int64_t step, int unit) noexcept {
  return static_cast<std::int64_t>(std::ldexp(static_cast<double>(step), -unit));
}

/// The binades of indices below 2^12 are searched together: there both the tolerance and the
/// rounding of an index are bounded tightly enough by their values at 2^12.
constexpr int least_exponent = 12;

/// The smallest power of two above an index, and never below 2^12.
double stretch_bound(double index) noexcept {
  return std::ldexp(1.0, std::max(exponent_of(index), least_exponent));
}

/// How far an index below `bound` may be from the real quotient. Such a quotient is a multiple of
/// ulp / odd, where odd is what is left of steps without its twos.
double index_rounding(std::int64_t steps, double bound) noexcept {
  const double ulp = std::ldexp(bound, -precision);
  const auto odd =
      static_cast<double>(steps >> std::countr_zero(static_cast<std::uint64_t>(steps)));
  return 0.5 * ulp * (1.0 - 1.0 / odd);
}

/// a 2^shift, rounded down.
Uint128 shifted(Uint128 a, int shift) noexcept {
  if (shift >= 0) return a << shift;
  return shift > -128 ? a >> -shift : 0;
}

}  // namespace

GridSearch::GridSearch(double update, std::int64_t steps) noexcept
    : update_{update}, steps_{steps} {
  int exponent = 0;
  auto odd = static_cast<std::uint64_t>(std::ldexp(std::frexp(update, &exponent), precision));
  exponent -= precision;
  const int zeros = std::countr_zero(odd);
  odd >>= zeros;
  exponent += zeros;
  modulus_ = Uint128{odd} * static_cast<std::uint64_t>(steps);
  if (exponent >= 0) {
    modulus_ <<= exponent;
  } else {
    exponent_ = exponent;
  }
  scale_ = Uint128{1} << -exponent_;
}

std::optional<std::int64_t> GridSearch::next(std::int64_t from, std::int64_t last) noexcept {
  for (std::int64_t step = from; step <= last; step = last_step_ + 1) {
    // Nothing is due between 0 and the first multiple.
    const double index = index_of(step, steps_);
    const double first_multiple = update_ * (1.0 - 0x1p-45) - 2.0 * least_tolerance;
    if (index > 2.0 * index_tolerance(index) && index < first_multiple) {
      step = first_step_at(first_multiple, steps_).value_or(max_step);
      if (step > last) break;
    }
    enter_stretch(step, last);
    if (const auto tick = search_stretch()) return first_step_of(*tick);
    if (last_step_ == max_step) break;
  }
  return std::nullopt;
}

void GridSearch::enter_stretch(std::int64_t step, std::int64_t last) noexcept {
  const double bound = stretch_bound(index_of(step, steps_));
  const std::optional<std::int64_t> beyond = first_step_at(bound, steps_);
  if (unit_ != unit_at(step)) lone_distance_ = 0;
  unit_ = unit_at(step);
  unit_steps_ = std::ldexp(1.0, unit_);
  first_step_ = step;
  last_step_ = std::min({last, last_with_unit(unit_), beyond ? *beyond - 1 : max_step});
  first_tick_ = tick_of(first_step_, unit_);
  last_tick_ = tick_of(last_step_, unit_);
  stride_ = multiply_modulo(scale_ % modulus_, std::uint64_t{1} << unit_, modulus_);

  const double tolerance = index_tolerance(0.5 * bound);
  const double reach = (tolerance + index_rounding(steps_, bound)) * (1.0 + 0x1p-48);
  half_width_ = modulus_ - 1;
  if (reach < update_) {
    const double width = reach * static_cast<double>(scale_) * static_cast<double>(steps_);
    half_width_ = std::min(half_width_, static_cast<Uint128>(width) + 1);
  }
}

std::optional<GridSearch::Tick> GridSearch::search_stretch() noexcept {
  Tick from = first_tick_;
  if (half_width_ < modulus_ / 2) {
    const Outcome both = search(first_tick_, last_tick_, {half_width_, half_width_});
    if (!both.one_sided_from) return both.due;
    from = *both.one_sided_from;
  }
  const auto above = search(from, last_tick_, {0, half_width_}).due;
  const auto below = search(from, above ? *above - 1 : last_tick_, {half_width_, 0}).due;
  return below ? below : above;
}

GridSearch::Outcome GridSearch::search(Tick from, Tick last, const Zone& zone) noexcept {
  while (from <= last) {
    const std::optional<Candidate> found = candidate(from, last, zone);
    if (!found) break;
    if (due(found->tick)) return {.due = found->tick};
    const std::optional<Candidate> second = candidate(found->tick + 1, last, zone);
    if (!second) break;
    const Run run = pass_near_misses(*found, *second, last, zone);
    if (run.due) return {.due = run.tick};
    if (run.mixed) return {.one_sided_from = run.tick + 1};
    from = run.tick + 1;
  }
  return {};
}

/// The first step of the stretch that a double takes for that tick; halfway between two ticks it
/// takes the even one.
std::int64_t GridSearch::first_step_of(Tick tick) const noexcept {
  if (tick == first_tick_ || unit_ == 0) return std::max(tick, first_step_);
  const std::int64_t middle = (tick << unit_) - (std::int64_t{1} << (unit_ - 1));
  return middle + tick % 2;
}

/// The last tick whose index has that exponent, below `least_exponent`.
GridSearch::Tick GridSearch::last_of_binade(int exponent) const noexcept {
  const auto beyond = first_step_at(std::ldexp(1.0, exponent), steps_);
  return beyond ? tick_of(*beyond - 1, unit_) : last_tick_;
}

double GridSearch::index_at(Tick tick) const noexcept {
  return static_cast<double>(tick) * unit_steps_ / static_cast<double>(steps_);
}

bool GridSearch::due(Tick tick) const noexcept { return on_grid(index_at(tick), update_); }

Uint128 GridSearch::residue(Tick tick) const noexcept {
  return multiply_modulo(stride_, static_cast<std::uint64_t>(tick), modulus_);
}

std::optional<GridSearch::Candidate> GridSearch::candidate(Tick from, Tick last,
                                                           const Zone& zone) const noexcept {
  if (from > last) return std::nullopt;
  // What later ticks must add to the residue, modulo, for it to come into the zone.
  const Uint128 here = residue(from);
  const Uint128 past = here + zone.below;
  const Uint128 low = modulus_ - (past < modulus_ ? past : past - modulus_);
  const Uint128 high = low + zone.below + zone.above;
  if (high >= modulus_) return Candidate{from, here};
  const auto ahead =
      first_in_range(stride_, modulus_, low, high, static_cast<std::uint64_t>(last - from));
  if (!ahead) return std::nullopt;
  const Tick tick = from + static_cast<Tick>(*ahead);
  return Candidate{tick, residue(tick)};
}

// Two candidates in a row whose index was rounded out of the tolerance, or not into it, may be the
// first of very many, when their residues hardly move. Candidates follow each other at the same
// distance for as long as their residues stay in the zone; so with n as the member's number,
// its residue is a straight line in n. By how much its index was rounded is, in units of 2^-p /
// steps where 2^-p is the index's unit in the last place, what is left of -tick 2^(p + unit) modulo
// steps. A member is due when that is at most what its residue leaves of the tolerance: a line
// search.
GridSearch::Run GridSearch::pass_near_misses(const Candidate& first, const Candidate& second,
                                             Tick last, const Zone& zone) noexcept {
  const bool two_sided = zone.below != 0 && zone.above != 0;
  const bool above = two_sided ? above_grid(first) : zone.above != 0;
  const Run mixed{.tick = first.tick, .mixed = true};
  if (two_sided && above_grid(second) != above) return mixed;
  const Run one_by_one{.tick = first.tick};
  const double index = index_at(first.tick);
  const int exponent = exponent_of(index);

  // In units of 2^-fine of the residue's, so that roundings are whole numbers of them.
  const int ulp_exponent = exponent - precision;
  const int fine = std::max(0, exponent_ - ulp_exponent);
  if (fine > 60) return one_by_one;
  const auto distance_from_grid = [&](const Candidate& at) {
    return static_cast<Int128>((above ? at.residue : modulus_ - at.residue) << fine);
  };
  int tolerance_exponent = 0;
  const double significand = std::frexp(index_tolerance(index), &tolerance_exponent);
  const auto tolerance = static_cast<Int128>(shifted(
      static_cast<Uint128>(std::ldexp(significand, precision)) * static_cast<std::uint64_t>(steps_),
      tolerance_exponent - precision - exponent_ + fine));
  const std::int64_t distance = second.tick - first.tick;
  const auto even = [&](Tick member) {
    return candidate(member - distance + 1, member, zone)->tick == member;
  };
  const Int128 start = distance_from_grid(first);
  const Int128 drift = distance_from_grid(second) - start;

  // The run goes on to the end of the index's binade, towards the tolerance up to a member that is
  // due whatever its rounding, and away from it until it is out of reach.
  const Tick end = exponent < least_exponent ? std::min(last, last_of_binade(exponent)) : last;
  const std::int64_t half = steps_ / 2;
  const int rounding_shift = ulp_exponent - exponent_ + fine;
  const Int128 any_rounding = Int128{half} << rounding_shift;
  Int128 most = (end - first.tick) / distance;
  if (drift < 0) most = std::min(most, (start - tolerance + any_rounding) / -drift + 1);
  if (drift > 0) {
    most = std::min(most, (static_cast<Int128>(half_width_ << fine) - start) / drift);
  }
  if (most < 2) return one_by_one;
  auto members = static_cast<std::int64_t>(most);
  const bool alone = is_alone(distance, (drift < 0 ? -drift : drift) >> fine);
  while (!alone && !even(first.tick + members * distance)) {
    if (two_sided) return mixed;
    members /= 2;
  }
  if (members < 2) return one_by_one;

  const std::uint64_t rounded = shift_modulo(first.tick, unit_ - ulp_exponent, steps_);
  const std::uint64_t rounded_more = shift_modulo(distance, unit_ - ulp_exponent, steps_);
  const auto modulus = static_cast<std::uint64_t>(steps_);
  const auto offset = static_cast<std::uint64_t>(half);
  const LineSearch near_misses{.modulus = modulus,
                               .offset = (offset + (above ? modulus - rounded : rounded)) % modulus,
                               .stride = above ? (modulus - rounded_more) % modulus : rounded_more,
                               .height = tolerance - start + any_rounding,
                               .slope = -drift,
                               .shift = rounding_shift};
  std::int64_t member = 0;
  while (const auto hit = near_misses.first(member + 1, members)) {
    member = *hit;
    const Tick tick = first.tick + member * distance;
    if (due(tick)) return {.tick = tick, .due = true};
  }
  const bool out_of_reach = alone && drift > 0 && end == last;
  return {.tick = out_of_reach ? last : first.tick + members * distance};
}

/// Whether all candidates of the stretch are members of one run with that distance and drift: no
/// smaller distance comes close to the grid, not even when the drift of a whole stretch is added.
bool GridSearch::is_alone(std::int64_t distance, Int128 drift) noexcept {
  const Uint128 radius = modulus_ / 4 / static_cast<std::uint64_t>(distance);
  if (distance != lone_distance_) {
    lone_distance_ = distance;
    lone_ = !candidate(1, distance - 1, {radius, radius});
  }
  if (!lone_ || radius <= 2 * half_width_) return false;
  const std::int64_t most = (last_tick_ - first_tick_) / distance + 1;
  return static_cast<Uint128>(drift) <= (radius - 2 * half_width_) / static_cast<Uint128>(most);
}

}  // namespace takt::detail
