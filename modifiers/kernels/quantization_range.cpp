// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/quantization_range.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>

#include "grid_rounding.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

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
  if (!(search.norm > 0.0 && std::isfinite(search.norm))) {
    refuse("norm is " + detail::text_of(search.norm) + "; it is a number, more than 0");
  }
}

/// The sum of |what quantization changes a number by|^norm.
double error_of(std::span<const float> values, Affine affine, Grid grid, double norm) {
  const Rounding rounding{affine, grid};
  double sum = 0.0;
  for (const float value : values) {
    const double error = double{rounding.steps(value) * affine.scale} - double{value};
    sum += norm == 2.0 ? error * error : std::pow(std::abs(error), norm);
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
  float low = infinity;
  float high = -infinity;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
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
  Range best = widest;
  double least = std::numeric_limits<double>::infinity();
  int without_gain = 0;
  // A step of a share such as 0.2 of 100 may be a few ulp short of a whole number.
  const auto tries = std::max(1, static_cast<int>(search.maxshrink * search.grid + 1e-9));
  for (int i = 0; i < tries; ++i) {
    const double p = 1.0 - static_cast<double>(i) / search.grid;
    const Range range{static_cast<float>(p * double{widest.low}),
                      static_cast<float>(p * double{widest.high})};
    const double error = error_of(scratch, affine_of(range, grid, symmetric), grid, search.norm);
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
