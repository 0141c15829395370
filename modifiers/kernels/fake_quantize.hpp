// SPDX-License-Identifier: BSL-1.0
/// \file
/// Floats as integers of few bits, and back: rounding to a grid, as PyTorch's operators do it.
///
/// Pure functions on spans, on any thread, which allocate nothing. The library is compiled with
/// -ffp-contract=off and never with -ffast-math: a product and a sum fused into one rounding, or
/// sums in another order, would give other bits on another machine, and the equality with PyTorch
/// and of replayed runs would be gone. All kernels are plain loops that compilers vectorize for any
/// x86-64 or ARM64, so one build runs everywhere. They take the rounding mode that programs start
/// with, to nearest.
#ifndef TAKT_MODIFIERS_FAKE_QUANTIZE_HPP
#define TAKT_MODIFIERS_FAKE_QUANTIZE_HPP

#include <cstdint>
#include <span>

namespace takt::kernels {

/// The integers that a weight may become.
struct Grid {
  std::int32_t low = -128;
  std::int32_t high = 127;
};

/// What an integer stands for: weight = (integer - zero_point) * scale.
struct Affine {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
};

/// Throws `InvalidModifier` unless the grid is not empty and has at most 2^22 steps, the zero point
/// is on it, and the scale is a normal number more than 0. The functions below do so too, before
/// they write anything.
void require_quantizable(Affine affine, Grid grid);

/// Each number becomes the nearest that the grid stands for:
///
///   out = (clamp(round(in * (1 / scale)) + zero_point, low, high) - zero_point) * scale
///
/// in float, halves rounded to even. For a finite number with |in / scale| < 2^31 that is what
/// torch::fake_quantize_per_tensor_affine of LibTorch 1.13 gives, bit by bit, 0.0 for what rounds
/// to zero from below included. Infinities and numbers beyond that become the grid's ends; NaN
/// stays NaN. Throws `InvalidModifier` also for spans that differ in size. `out` may be `in`; apart
/// from that they don't overlap.
void fake_quantize(std::span<const float> in, std::span<float> out, Affine affine, Grid grid);

/// The same for as many parts of equal size as there are affines, one after the other, each with
/// its own: the rows of a matrix, which are the output channels of a layer, or groups of each row.
/// Throws `InvalidModifier` also when the numbers can't be shared out so.
void fake_quantize(std::span<const float> in, std::span<float> out, std::span<const Affine> affines,
                   Grid grid);

/// The integers themselves, clamp(round(in * (1 / scale)) + zero_point, low, high). NaN, for which
/// there is none, becomes the zero point. Throws `InvalidModifier` also for a grid that has no room
/// in the type, and spans that differ in size.
void quantize(std::span<const float> in, std::span<std::int8_t> out, Affine affine, Grid grid);
void quantize(std::span<const float> in, std::span<std::int32_t> out, Affine affine, Grid grid);

/// What the integers stand for, (in - zero_point) * scale in float. After `quantize`, it is what
/// `fake_quantize` gives, except for NaN. Integers and the zero point are within 2^22 of each
/// other. Throws `InvalidModifier` for spans that differ in size.
void dequantize(std::span<const std::int8_t> in, std::span<float> out, Affine affine);
void dequantize(std::span<const std::int32_t> in, std::span<float> out, Affine affine);

}  // namespace takt::kernels

#endif
