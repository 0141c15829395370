// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/quantization_range.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>

#include "grid_rounding.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"
#include "takt/modifiers/norms.hpp"

namespace takt::kernels {
namespace {

constexpr float greatest = std::numeric_limits<float>::max();
constexpr float infinity = std::numeric_limits<float>::infinity();

/// The greatest scale that no integer of the grid stands for more than a float with.
double greatest_scale(Grid grid, std::int32_t zero_point) noexcept {
  const std::int32_t steps = std::max(grid.high - zero_point, zero_point - grid.low);
  return double{greatest} / static_cast<double>(steps);
}

float scale_within(double scale, double most) noexcept {
  constexpr double least = std::numeric_limits<float>::epsilon();
  const auto rounded = static_cast<float>(std::clamp(scale, least, most));
  return double{rounded} <= most ? rounded : std::nextafter(rounded, 0.0F);
}

void require(const MseSearch& search) {
  const auto refuse = [](const std::string& problem) { throw InvalidModifier("mse " + problem); };
  if (!(search.maxshrink >= 0.0 && search.maxshrink <= 1.0)) {
    refuse("maxshrink is " + detail::text_of(search.maxshrink) + "; it is a number from 0 to 1");
  }
  if (search.grid < 1) refuse("grid is " + std::to_string(search.grid) + "; it is 1 or more");
  if (search.patience < 0) {
    refuse("patience is " + std::to_string(search.patience) + "; it is 0 or more");
  }
  if (!(search.norm > 0.0 && search.norm <= 16.0)) {
    refuse("norm is " + detail::text_of(search.norm) + "; it is more than 0 and at most 16");
  }
}

/// magnitude^norm to 1e-5 of it, held within 2^-125 to 2^125. In a loop that is many times as fast
/// as std::pow, and it gives the same bits on every machine, so that a search ends alike.
class Power {
 public:
  explicit Power(double norm) noexcept
      : norm_{static_cast<float>(norm)},
        least_{std::max(std::numeric_limits<float>::min(),
                        static_cast<float>(std::exp2(-125.0 / norm)))},
        most_{static_cast<float>(std::min(0x1p125, std::exp2(125.0 / norm)))} {}

  [[nodiscard]] float of(float magnitude) const noexcept {
    const float from_least = least_ > magnitude ? least_ : magnitude;
    return exp2_of(norm_ * log2_of(most_ < from_least ? most_ : from_least));
  }

 private:
  // number = m * 2^exponent with m from sqrt(1/2) to sqrt(2), where the series of
  // ln m = 2 artanh((m - 1) / (m + 1)) is short.
  static float log2_of(float number) noexcept {
    constexpr std::int32_t root_of_half = 0x3f3504f3;
    constexpr float two_per_ln2 = 2.8853901F;
    const auto bits = std::bit_cast<std::int32_t>(number);
    const std::int32_t exponent = (bits - root_of_half) >> 23;
    const auto m = std::bit_cast<float>(bits - (exponent << 23));
    const float t = (m - 1.0F) / (m + 1.0F);
    const float t2 = t * t;
    const float series = 1.0F + t2 * (1.0F / 3.0F + t2 * (1.0F / 5.0F + t2 * (1.0F / 7.0F)));
    return static_cast<float>(exponent) + two_per_ln2 * t * series;
  }

  // A power of two, and the exponential series of what is left, at most 1/2 either way.
  static float exp2_of(float number) noexcept {
    constexpr float no_fraction = 12582912.0F;
    constexpr float ln2 = 0.69314718F;
    const float whole = (number + no_fraction) - no_fraction;
    const float x = ln2 * (number - whole);
    float series = 1.0F + x / 6.0F;
    for (const float n : {5.0F, 4.0F, 3.0F, 2.0F, 1.0F}) series = 1.0F + x * series * (1.0F / n);
    return std::bit_cast<float>((static_cast<std::int32_t>(whole) + 127) << 23) * series;
  }

  float norm_;
  float least_;
  float most_;
};

/// The sum of |what quantization changes a number by|^norm, in units of a scale.
double error_of(std::span<const float> values, Affine affine, Grid grid, float unit, double norm) {
  constexpr std::size_t part = 512;
  std::array<float, part> errors;  // NOLINT(*-member-init): filled below
  const Rounding rounding{affine, grid};
  const float per_unit = 1.0F / unit;
  const Power power{norm};
  double sum = 0.0;
  for (std::size_t first = 0; first < values.size(); first += part) {
    const std::span<const float> some =
        values.subspan(first, std::min(part, values.size() - first));
    for (std::size_t i = 0; i < some.size(); ++i) {
      errors[i] = std::abs(rounding.steps(some[i]) * affine.scale - some[i]) * per_unit;
    }
    if (norm == 2.0) {
      sum += sum_of_squares({errors.data(), some.size()});
    } else {
      for (std::size_t i = 0; i < some.size(); ++i) errors[i] = power.of(errors[i]);
      sum += sum_of_magnitudes({errors.data(), some.size()});
    }
  }
  return sum;
}

}  // namespace

Grid grid_of(int bits) {
  if (bits < 2 || bits > 8) {
    throw InvalidModifier("a weight can't have " + std::to_string(bits) +
                          " bits; there are 2 to 8");
  }
  const std::int32_t half = 1 << (bits - 1);
  return {-half, half - 1};
}

Range min_max(std::span<const float> values) noexcept {
  constexpr std::size_t lanes = 16;
  std::array<float, lanes> lows{};
  std::array<float, lanes> highs{};
  lows.fill(infinity);
  highs.fill(-infinity);
  // Any comparison with NaN is false.
  const auto see = [&](std::size_t lane, float value) {
    const float for_low = value >= -greatest ? value : +infinity;
    const float for_high = value <= greatest ? value : -infinity;
    lows[lane] = for_low < lows[lane] ? for_low : lows[lane];
    highs[lane] = for_high > highs[lane] ? for_high : highs[lane];
  };
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) see(lane, values[i + lane]);
  }
  for (; i < values.size(); ++i) see(0, values[i]);
  const float low = std::ranges::min(lows);
  const float high = std::ranges::max(highs);
  return low <= high ? Range{low, high} : Range{};
}

Affine affine_of(Range range, Grid grid, bool symmetric) noexcept {
  const auto low_end = static_cast<double>(grid.low);
  const auto high_end = static_cast<double>(grid.high);
  const double steps = high_end - low_end;
  if (symmetric) {
    const double most = std::max(std::abs(double{range.low}), std::abs(double{range.high}));
    return {scale_within(most / (steps / 2.0), greatest_scale(grid, 0)), 0};
  }
  const double low = std::min(double{range.low}, 0.0);
  const double high = std::max(double{range.high}, 0.0);
  const float scale = scale_within((high - low) / steps, double{greatest});
  const double nearest = std::nearbyint(low_end - low / double{scale});
  const auto zero_point = static_cast<std::int32_t>(std::clamp(nearest, low_end, high_end));
  return {scale_within(double{scale}, greatest_scale(grid, zero_point)), zero_point};
}

Range mse_range(std::span<const float> values, Grid grid, bool symmetric, const MseSearch& search,
                std::vector<float>& scratch) {
  require(search);
  scratch.clear();
  std::ranges::copy_if(values, std::back_inserter(scratch),
                       [](float value) { return std::isfinite(value); });
  const Range widest = min_max(scratch);
  const float unit = affine_of(widest, grid, symmetric).scale;
  Range best = widest;
  double least = std::numeric_limits<double>::infinity();
  int without_gain = 0;
  // A step of a share such as 0.2 of 100 may be a few ulp short of a whole number.
  const auto tries = std::max(1, static_cast<int>(search.maxshrink * search.grid + 1e-9));
  for (int i = 0; i < tries; ++i) {
    const double p = 1.0 - static_cast<double>(i) / search.grid;
    const Range range{static_cast<float>(p * double{widest.low}),
                      static_cast<float>(p * double{widest.high})};
    const double error =
        error_of(scratch, affine_of(range, grid, symmetric), grid, unit, search.norm);
    if (error < least) {
      least = error;
      best = range;
      without_gain = 0;
    } else if (++without_gain == search.patience) {
      break;
    }
  }
  return best;
}

}  // namespace takt::kernels
