// SPDX-License-Identifier: BSL-1.0
#include "kernel_inputs.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <takt/modifiers/quantization_range.hpp>

namespace takt::bench {
namespace {

std::vector<float> drawn(std::size_t count) {
  std::mt19937 random{1};
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  std::ranges::generate(numbers, [&] { return normal(random); });
  return numbers;
}

std::vector<float> normal() {
  static const std::vector<float> numbers = drawn(kth_count);  // a second's work
  return numbers;
}

std::vector<float> mostly_zeros() {
  std::vector<float> numbers = normal();
  std::minstd_rand random{1};
  for (float& number : numbers) {
    if (random() % 10 != 0) number = 0.0F;
  }
  return numbers;
}

std::vector<float> constant() { return std::vector<float>(kth_count, 0.37F); }

/// Magnitudes of an exponential distribution, the smallest first.
std::vector<float> sorted() {
  std::vector<float> numbers(kth_count);
  for (std::size_t i = 0; i < kth_count; ++i) {
    numbers[i] = static_cast<float>(-std::log1p(-(static_cast<double>(i) + 0.5) / kth_count));
  }
  return numbers;
}

}  // namespace

const std::vector<KthCase>& kth_cases() {
  constexpr std::size_t half = kth_count / 2;
  constexpr std::size_t most = kth_count / 100 * 92;
  static const std::vector<KthCase> cases{{"kth 50 %", normal, half},
                                          {"kth 92 %", normal, most},
                                          {"kth 50 %, zeros", mostly_zeros, half},
                                          {"kth 92 %, zeros", mostly_zeros, most},
                                          {"kth 50 %, constant", constant, half},
                                          {"kth 50 %, sorted", sorted, half}};
  return cases;
}

std::vector<float> magnitudes_of(std::vector<float> numbers) {
  for (float& number : numbers) number = std::abs(number);
  return numbers;
}

std::vector<float> normal_numbers(std::size_t count) {
  std::vector<float> numbers = drawn(std::min(count, std::size_t{1} << 20));
  numbers.resize(count);
  for (std::size_t i = std::size_t{1} << 20; i < count; ++i) numbers[i] = numbers[i - (1U << 20)];
  return numbers;
}

Channels::Channels() {
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const float> of_row = std::span{weights}.subspan(row * columns, columns);
    affines.push_back(kernels::affine_of(kernels::min_max(of_row), grid, false));
  }
}

std::string blend_name(std::size_t count) { return "blend " + std::to_string(count); }

}  // namespace takt::bench
