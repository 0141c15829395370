// SPDX-License-Identifier: BSL-1.0
// kth, fake quantize, blend: the kernels on spans of floats, against what the standard library has
// and plain loops; torch_peers.cpp has LibTorch's operators on the same.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <takt/modifiers/blend.hpp>
#include <takt/modifiers/fake_quantize.hpp>
#include <takt/modifiers/kth_magnitude.hpp>

#include "kernel_inputs.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

void kth_of_takt(benchmark::State& state, const KthCase& kth) {
  const std::vector<float> numbers = kth.make_numbers();
  kernels::KthScratch scratch;
  kernels::KthMagnitude found;
  for (auto _ : state) found = kernels::kth_magnitude(numbers, kth.k, scratch);
  const auto less =
      std::ranges::count_if(numbers, [&](float number) { return std::abs(number) < found.value; });
  const auto equal =
      std::ranges::count_if(numbers, [&](float number) { return std::abs(number) == found.value; });
  require(static_cast<std::size_t>(less) == found.below && found.below <= kth.k &&
              kth.k < found.below + static_cast<std::size_t>(equal),
          "kth: another number was found");
  measure_each(state, kth_count, "number");
}

void kth_of_nth_element(benchmark::State& state, const KthCase& kth) {
  std::vector<float> magnitudes = magnitudes_of(kth.make_numbers());
  const auto position = magnitudes.begin() + static_cast<std::ptrdiff_t>(kth.k);
  for (auto _ : state) {
    std::nth_element(magnitudes.begin(), position, magnitudes.end());
    benchmark::ClobberMemory();
  }
  measure_each(state, kth_count, "number");
}

void fake_quantize_of_takt(benchmark::State& state) {
  const Channels channels;
  std::vector<float> out(Channels::size);
  for (auto _ : state) {
    kernels::fake_quantize(channels.weights, out, channels.affines, channels.grid);
    benchmark::ClobberMemory();
  }
  measure_each(state, Channels::size, "number");
}

void fake_quantize_of_loop(benchmark::State& state) {
  const Channels channels;
  std::vector<float> out(Channels::size);
  benchmark::DoNotOptimize(out.data());
  for (auto _ : state) {
    for (std::size_t i = 0; i < Channels::size; ++i) {
      const auto [scale, zero_point] = channels.affines[i / Channels::columns];
      const float steps = std::nearbyint(channels.weights[i] / scale);
      const auto zero = static_cast<float>(zero_point);
      out[i] = (std::clamp(steps + zero, -128.0F, 127.0F) - zero) * scale;
    }
    benchmark::ClobberMemory();
  }
  measure_each(state, Channels::size, "number");
}

void blend_of_takt(benchmark::State& state, std::size_t count) {
  std::vector<float> averages(count);
  const std::vector<float> values = normal_numbers(count);
  for (auto _ : state) {
    kernels::blend(averages, values, blended_share);
    benchmark::ClobberMemory();
  }
  measure_each(state, static_cast<std::int64_t>(count), "number");
}

void blend_of_loop(benchmark::State& state, std::size_t count) {
  std::vector<float> averages(count);
  const std::vector<float> values = normal_numbers(count);
  benchmark::DoNotOptimize(averages.data());
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) {
      averages[i] = static_cast<float>(blended_share * double{averages[i]} +
                                       (1.0 - blended_share) * double{values[i]});
    }
    benchmark::ClobberMemory();
  }
  measure_each(state, static_cast<std::int64_t>(count), "number");
}

}  // namespace

void define_kernels() {
  for (const KthCase& kth : kth_cases()) {
    define_slow(kth.name + "/takt", [&](benchmark::State& state) { kth_of_takt(state, kth); });
    define_slow(kth.name + "/nth_element",
                [&](benchmark::State& state) { kth_of_nth_element(state, kth); });
  }
  define("fake quantize/takt", fake_quantize_of_takt);
  define("fake quantize/plain loop", fake_quantize_of_loop);
  for (const std::size_t count : blended_counts) {
    define(blend_name(count) + "/takt",
           [=](benchmark::State& state) { blend_of_takt(state, count); });
    define(blend_name(count) + "/loop in double",
           [=](benchmark::State& state) { blend_of_loop(state, count); });
  }
}

}  // namespace takt::bench
