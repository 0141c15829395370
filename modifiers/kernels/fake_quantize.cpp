// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/fake_quantize.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "grid_rounding.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt::kernels {
namespace {

void require_same_size(std::size_t in, std::size_t out) {
  if (in == out) return;
  throw InvalidModifier("quantization was given " + std::to_string(in) + " numbers and room for " +
                        std::to_string(out) + "; it needs as much room as there are numbers");
}

template <class Integer>
void require_room(Grid grid) {
  using Limits = std::numeric_limits<Integer>;
  if (grid.low >= Limits::min() && grid.high <= Limits::max()) return;
  throw InvalidModifier("a grid from " + std::to_string(grid.low) + " to " +
                        std::to_string(grid.high) + " has no room in integers of " +
                        std::to_string(sizeof(Integer) * 8) + " bits");
}

void fake_quantize_part(const float* in, float* out, std::size_t count, Rounding rounding,
                        float scale) {
  // Told apart as compilers vectorize neither loop if one pointer may be somewhere in the other's
  // span, and check for that where they can't know.
  if (in == out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = rounding.steps(out[i]) * scale;
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = rounding.steps(in[i]) * scale;
  }
}

template <class Integer>
void quantize_as(std::span<const float> in, std::span<Integer> out, Affine affine, Grid grid) {
  require_quantizable(affine, grid);
  require_room<Integer>(grid);
  require_same_size(in.size(), out.size());
  const Rounding rounding{affine, grid};
  for (std::size_t i = 0; i < in.size(); ++i) {
    const float steps = rounding.steps(in[i]);
    const auto integer = static_cast<std::int32_t>(steps == steps ? steps : 0.0F);
    out[i] = static_cast<Integer>(integer + affine.zero_point);
  }
}

template <class Integer>
void dequantize_from(std::span<const Integer> in, std::span<float> out, Affine affine) {
  require_same_size(in.size(), out.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    out[i] = static_cast<float>(std::int32_t{in[i]} - affine.zero_point) * affine.scale;
  }
}

}  // namespace

void require_quantizable(Affine affine, Grid grid) {
  constexpr std::int64_t most_steps = std::int64_t{1} << 22;
  if (grid.low >= grid.high || std::int64_t{grid.high} - grid.low > most_steps) {
    throw InvalidModifier("a grid is from " + std::to_string(grid.low) + " to " +
                          std::to_string(grid.high) +
                          "; it goes up, by no more than 4194304 steps");
  }
  if (affine.zero_point < grid.low || affine.zero_point > grid.high) {
    throw InvalidModifier("a zero point is " + std::to_string(affine.zero_point) +
                          "; it is on the grid, from " + std::to_string(grid.low) + " to " +
                          std::to_string(grid.high));
  }
  if (!std::isnormal(affine.scale) || affine.scale < 0.0F) {
    throw InvalidModifier("a scale is " + detail::text_of(double{affine.scale}) +
                          "; it is more than 0, finite and no denormal number");
  }
}

void fake_quantize(std::span<const float> in, std::span<float> out, Affine affine, Grid grid) {
  fake_quantize(in, out, std::span{&affine, 1}, grid);
}

void fake_quantize(std::span<const float> in, std::span<float> out, std::span<const Affine> affines,
                   Grid grid) {
  require_same_size(in.size(), out.size());
  for (const Affine affine : affines) require_quantizable(affine, grid);
  if (affines.empty() ? !in.empty() : in.size() % affines.size() != 0) {
    throw InvalidModifier(std::to_string(in.size()) + " numbers can't be shared out to " +
                          std::to_string(affines.size()) + " scales in parts of equal size");
  }
  if (in.empty()) return;
  const std::size_t part = in.size() / affines.size();
  for (std::size_t i = 0; i < affines.size(); ++i) {
    fake_quantize_part(in.data() + i * part, out.data() + i * part, part,
                       Rounding{affines[i], grid}, affines[i].scale);
  }
}

void quantize(std::span<const float> in, std::span<std::int8_t> out, Affine affine, Grid grid) {
  quantize_as(in, out, affine, grid);
}

void quantize(std::span<const float> in, std::span<std::int32_t> out, Affine affine, Grid grid) {
  quantize_as(in, out, affine, grid);
}

void dequantize(std::span<const std::int8_t> in, std::span<float> out, Affine affine) {
  dequantize_from(in, out, affine);
}

void dequantize(std::span<const std::int32_t> in, std::span<float> out, Affine affine) {
  dequantize_from(in, out, affine);
}

}  // namespace takt::kernels
