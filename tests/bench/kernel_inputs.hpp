// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the kernels and their peers are measured with.
#ifndef TAKT_BENCH_KERNEL_INPUTS_HPP
#define TAKT_BENCH_KERNEL_INPUTS_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <takt/modifiers/fake_quantize.hpp>
#include <vector>

namespace takt::bench {

/// Numbers of which the k-th magnitude is looked for.
struct KthCase {
  std::string name{};
  std::vector<float> (*make_numbers)() = nullptr;
  std::size_t k = 0;  ///< counted from 0
};

inline constexpr std::size_t kth_count = 25'000'000;

/// 25 million numbers each: normal ones, also with 90 % zeros, equal ones, and ones in order.
const std::vector<KthCase>& kth_cases();

std::vector<float> magnitudes_of(std::vector<float> numbers);

/// Numbers of a normal distribution, the same each time.
std::vector<float> normal_numbers(std::size_t count);

/// A matrix whose rows are the output channels of a layer.
struct Channels {
  static constexpr std::size_t rows = 512;
  static constexpr std::size_t columns = 2304;
  static constexpr std::size_t size = rows * columns;

  std::vector<float> weights = normal_numbers(size);
  std::vector<kernels::Affine> affines{};
  kernels::Grid grid = kernels::Grid{};

  Channels();
};

/// Spans that averages follow: one that a second-level cache holds, and one that none does.
inline constexpr std::size_t blended_counts[] = {131'072, 25'000'000};
inline constexpr double blended_share = 0.999;
std::string blend_name(std::size_t count);

}  // namespace takt::bench

#endif
