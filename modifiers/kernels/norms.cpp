// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/norms.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace takt::kernels {
namespace {

/// With one sum each addition would wait for the one before.
template <class Term>
double sum_of(std::span<const float> numbers, const Term& term) noexcept {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= numbers.size(); i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += term(numbers[i + lane]);
  }
  for (; i < numbers.size(); ++i) sums[0] += term(numbers[i]);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

double sum_of_squares(std::span<const float> numbers) noexcept {
  return sum_of(numbers, [](double number) { return number * number; });
}

double sum_of_magnitudes(std::span<const float> numbers) noexcept {
  return sum_of(numbers, [](double number) { return std::abs(number); });
}

float max_magnitude(std::span<const float> numbers) noexcept {
  // Without their sign, the bits are in the order of magnitudes, NaN being the greatest.
  std::int32_t greatest = 0;
  for (const float number : numbers) {
    greatest = std::max(greatest, std::bit_cast<std::int32_t>(number) & 0x7fffffff);
  }
  return std::bit_cast<float>(greatest);
}

}  // namespace takt::kernels
