// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which numbers a grid of few integers is to stand for: a range that is observed in the weights,
/// and the scale and zero point that follow from it.
///
/// The formulas are those of compressed-tensors and LLM Compressor, reckoned in double and rounded
/// to float once. Numbers that are not finite are as if they were not there. Pure functions, on any
/// thread.
#ifndef TAKT_MODIFIERS_QUANTIZATION_RANGE_HPP
#define TAKT_MODIFIERS_QUANTIZATION_RANGE_HPP

#include <span>
#include <takt/modifiers/fake_quantize.hpp>
#include <vector>

namespace takt::kernels {

/// The integers of so many bits, from -2^(bits-1) to 2^(bits-1) - 1. Throws `InvalidModifier`
/// unless there are 2 to 8.
[[nodiscard]] Grid grid_of(int bits);

/// From `low` to `high`, both finite, and `low` the lower one.
struct Range {
  float low = 0.0F;
  float high = 0.0F;
};

/// The least and the greatest of the finite numbers, {0, 0} when there are none.
[[nodiscard]] Range min_max(std::span<const float> values) noexcept;

/// What makes a grid stand for a range.
///
/// Symmetric: zero_point = 0 and scale = max(|low|, |high|) / ((grid.high - grid.low) / 2), for a
/// grid with 0 on it. Asymmetric: the range is widened to have 0 in it, then
/// scale = (high - low) / (grid.high - grid.low) and zero_point = round(grid.low - low / scale),
/// halves to even, moved onto the grid.
///
/// The scale is at least the float epsilon, so that all-zero weights stay zero, and small enough
/// that no integer of the grid stands for an infinite weight. `fake_quantize` takes what comes out
/// for every range, with the same grid.
[[nodiscard]] Affine affine_of(Range range, Grid grid, bool symmetric) noexcept;

/// How `mse_range` searches; the defaults are those of LLM Compressor's "mse" observer.
struct MseSearch {
  double maxshrink = 0.20;  ///< the range is shrunk by less than this share of it; 0 to 1
  int grid = 100;           ///< in steps of 1 / grid; 1 or more
  int patience = 5;         ///< ends after so many steps that bring nothing; 0 = never early
  double norm = 2.4;        ///< of the error: the sum of |error|^norm is to be least; to 16
};

/// Of the ranges p * min_max(values), p = 1, 1 - 1/grid, … above 1 - maxshrink, the one that
/// quantization changes the finite values least with; the widest among equals. With 8 or 4 bits the
/// defaults do. With 2 or 3 the best range is half as wide or less: give a `maxshrink` up to 1, and
/// a `patience` of 0, as the error has more than one valley there.
///
/// Throws `InvalidModifier` for a search that makes no sense. `scratch` is memory to work in: keep
/// it, and only the longest span allocates.
[[nodiscard]] Range mse_range(std::span<const float> values, Grid grid, bool symmetric,
                              const MseSearch& search, std::vector<float>& scratch);

}  // namespace takt::kernels

#endif
