// SPDX-License-Identifier: BSL-1.0
// Fake quantization against LibTorch's own operators, bit by bit.
#include <ATen/core/ivalue.h>
// clang++ needs that before any other header of LibTorch.
#include <rapidcheck.h>
#include <torch/torch.h>

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <takt/modifiers/fake_quantize.hpp>
#include <takt/modifiers/quantization_range.hpp>
#include <vector>

namespace {

namespace kernels = takt::kernels;
using kernels::Affine;
using kernels::Grid;
using Values = std::vector<float>;

std::span<const float> numbers_of(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// The position of the first number that differs in any bit; as many as there are when none does.
std::size_t first_difference(std::span<const float> ours, std::span<const float> theirs) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(ours[i]) != std::bit_cast<std::uint32_t>(theirs[i])) return i;
  }
  return ours.size();
}

torch::Tensor tensor_of(Values& values) {
  return torch::from_blob(values.data(), {static_cast<std::int64_t>(values.size())});
}

Grid drawn_grid() {
  return *rc::gen::element(Grid{-128, 127}, Grid{-8, 7}, Grid{-2, 1}, Grid{0, 255});
}

Affine drawn_affine(Grid grid) {
  const float mantissa = 1.0F + static_cast<float>(*rc::gen::inRange(0, 1 << 20)) * 0x1p-20F;
  return {std::ldexp(mantissa, *rc::gen::inRange(-40, 90)),
          *rc::gen::inRange(grid.low, grid.high + 1)};
}

/// Finite with |number / scale| < 2^31: of all sizes, and around halves of the scale.
float drawn_number(float scale, std::mt19937& random) {
  for (;;) {
    float number = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (random() % 2 == 0) {
      number = 0.5F * static_cast<float>(static_cast<int>(random() % 1025) - 512) * scale;
      if (random() % 2 == 0) number = std::nextafter(number, random() % 2 == 0 ? -1e38F : 1e38F);
    }
    if (std::isfinite(number) && std::abs(double{number} / double{scale}) < 0x1p31) return number;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fake_quantize_equality)

BOOST_AUTO_TEST_CASE(per_tensor_every_bit_is_that_of_the_operator) {
  BOOST_TEST(rc::check("per tensor", [] {
    const Grid grid = drawn_grid();
    const Affine affine = drawn_affine(grid);
    std::mt19937 random{*rc::gen::arbitrary<std::uint32_t>()};
    Values values(500);
    for (float& value : values) value = drawn_number(affine.scale, random);
    const torch::Tensor theirs = torch::fake_quantize_per_tensor_affine(
        tensor_of(values), double{affine.scale}, affine.zero_point, grid.low, grid.high);
    kernels::fake_quantize(values, values, affine, grid);
    RC_ASSERT(first_difference(values, numbers_of(theirs)) == values.size());
  }));
}

BOOST_AUTO_TEST_CASE(per_channel_every_bit_is_that_of_the_operator) {
  BOOST_TEST(rc::check("per channel", [] {
    const Grid grid = drawn_grid();
    std::mt19937 random{*rc::gen::arbitrary<std::uint32_t>()};
    constexpr std::int64_t rows = 7;
    constexpr std::size_t columns = 61;
    std::vector<Affine> affines;
    std::vector<std::int32_t> zero_points;
    Values scales;
    Values values;
    for (std::int64_t row = 0; row < rows; ++row) {
      affines.push_back(drawn_affine(grid));
      scales.push_back(affines.back().scale);
      zero_points.push_back(affines.back().zero_point);
      for (std::size_t i = 0; i < columns; ++i) {
        values.push_back(drawn_number(affines.back().scale, random));
      }
    }
    const torch::Tensor theirs = torch::fake_quantize_per_channel_affine(
        tensor_of(values).view({rows, -1}), tensor_of(scales),
        torch::from_blob(zero_points.data(), {rows}, torch::kInt32), 0, grid.low, grid.high);
    Values ours(values.size());
    kernels::fake_quantize(values, ours, affines, grid);
    RC_ASSERT(first_difference(ours, numbers_of(theirs)) == values.size());
  }));
}

BOOST_AUTO_TEST_CASE(weights_on_the_grids_of_their_ranges_are_the_same_too) {
  torch::manual_seed(1);
  const torch::Tensor weights = torch::randn({100, 1000});
  for (int bits = 2; bits <= 8; ++bits) {
    for (const bool symmetric : {true, false}) {
      const Grid grid = kernels::grid_of(bits);
      const Affine affine =
          kernels::affine_of(kernels::min_max(numbers_of(weights)), grid, symmetric);
      const torch::Tensor theirs = torch::fake_quantize_per_tensor_affine(
          weights, double{affine.scale}, affine.zero_point, grid.low, grid.high);
      Values ours(static_cast<std::size_t>(weights.numel()));
      kernels::fake_quantize(numbers_of(weights), ours, affine, grid);
      BOOST_TEST(first_difference(ours, numbers_of(theirs)) == ours.size());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
