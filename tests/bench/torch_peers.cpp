// SPDX-License-Identifier: BSL-1.0
// LibTorch's operators on what the kernels are measured with, on one thread; built where there is
// LibTorch, and else torch_absent.cpp is.
#include <ATen/core/ivalue.h>
// clang++ needs that before any other header of LibTorch.
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <takt/modifiers/kth_magnitude.hpp>

#include "kernel_inputs.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

/// A tensor that shows the numbers, and is valid as long as they are.
torch::Tensor tensor_of(std::vector<float>& numbers) {
  return torch::from_blob(numbers.data(), {static_cast<std::int64_t>(numbers.size())});
}

void kth(benchmark::State& state, const KthCase& kth) {
  std::vector<float> magnitudes = magnitudes_of(kth.make_numbers());
  const torch::Tensor tensor = tensor_of(magnitudes);
  float found = 0.0F;
  for (auto _ : state) {
    found =
        std::get<0>(torch::kthvalue(tensor, static_cast<std::int64_t>(kth.k) + 1)).item<float>();
  }
  kernels::KthScratch scratch;
  require(kernels::kth_magnitude(magnitudes, kth.k, scratch).value == found,
          "kth: LibTorch finds another number");
  measure_each(state, kth_count, "number");
}

void fake_quantize(benchmark::State& state) {
  Channels channels;
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  for (const kernels::Affine affine : channels.affines) {
    scales.push_back(affine.scale);
    zero_points.push_back(affine.zero_point);
  }
  const auto rows = static_cast<std::int64_t>(Channels::rows);
  const torch::Tensor weights = tensor_of(channels.weights).view({rows, -1});
  const torch::Tensor scale = tensor_of(scales);
  const torch::Tensor zero_point = torch::from_blob(zero_points.data(), {rows}, torch::kInt32);
  torch::Tensor quantized;
  for (auto _ : state) {
    quantized = torch::fake_quantize_per_channel_affine(weights, scale, zero_point, 0,
                                                        channels.grid.low, channels.grid.high);
  }
  kernels::fake_quantize(channels.weights, channels.weights, channels.affines, channels.grid);
  require(torch::equal(weights, quantized), "fake quantize: LibTorch gives other numbers");
  measure_each(state, Channels::size, "number");
}

void blend(benchmark::State& state, std::size_t count) {
  torch::Tensor averages = torch::zeros({static_cast<std::int64_t>(count)});
  std::vector<float> values = normal_numbers(count);
  const torch::Tensor followed = tensor_of(values);
  for (auto _ : state) averages.lerp_(followed, 1.0 - blended_share);
  measure_each(state, static_cast<std::int64_t>(count), "number");
}

/// One thread each, and nothing recorded for a backward pass.
Body on_one_thread(const Body& body) {
  return [=](benchmark::State& state) {
    at::set_num_threads(1);
    const torch::NoGradGuard no_gradients;
    body(state);
  };
}

}  // namespace

void define_torch_peers() {
  for (const KthCase& one : kth_cases()) {
    define_slow(one.name + "/kthvalue",
                on_one_thread([&](benchmark::State& state) { kth(state, one); }));
  }
  define("fake quantize/LibTorch", on_one_thread(fake_quantize));
  for (const std::size_t count : blended_counts) {
    define(blend_name(count) + "/lerp_",
           on_one_thread([=](benchmark::State& state) { blend(state, count); }));
  }
}

}  // namespace takt::bench
