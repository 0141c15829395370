// SPDX-License-Identifier: BSL-1.0
/// \file
/// The arithmetic of masks: which weights are the smallest, and setting them to zero.
///
/// Marks are one byte for each weight, 1 where it is marked and else 0. Pure functions on spans of
/// equal size, which throw `InvalidModifier` and change nothing when they are not; on any thread.
#ifndef TAKT_MODIFIERS_MASKING_HPP
#define TAKT_MODIFIERS_MASKING_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <takt/modifiers/kth_magnitude.hpp>
#include <vector>

namespace takt::kernels {

/// Memory that marking works in. Keep one for all calls: then only the largest span allocates.
struct MarkScratch {
  KthScratch kth{};
  std::vector<float> unmarked{};
};

/// Marks `count` more numbers, those of the smallest magnitude, the lower position first among
/// equals. NaN are never marked, and no number twice: fewer are when there are not as many left.
/// Gives back how many it marked.
std::size_t mark_lowest(std::span<const float> numbers, std::size_t count,
                        std::span<std::uint8_t> marks, MarkScratch& scratch);

/// Marks what is exactly zero, and nothing else. Gives back how many there are.
std::size_t mark_zeros(std::span<const float> numbers, std::span<std::uint8_t> marks);

/// Sets the marked numbers to 0.0, also where they are NaN or infinite.
void clear_marked(std::span<float> numbers, std::span<const std::uint8_t> marks);

/// A matrix in row-major order as blocks of equal size.
struct Blocks {
  std::size_t rows = 1;           ///< blocks from top to bottom
  std::size_t columns = 1;        ///< blocks from left to right
  std::size_t block_rows = 1;     ///< rows of one block
  std::size_t block_columns = 1;  ///< columns of one block

  [[nodiscard]] std::size_t count() const noexcept { return rows * columns; }
  [[nodiscard]] std::size_t size_of_one() const noexcept { return block_rows * block_columns; }
};

/// The L1 norm of each block, row by row; see `sum_of_magnitudes`.
void block_norms(std::span<const float> numbers, const Blocks& blocks, std::span<double> norms);

/// Marks all of one block of a matrix, or asks for its first mark.
void mark_block(std::size_t block, const Blocks& blocks, std::span<std::uint8_t> marks) noexcept;
[[nodiscard]] bool block_is_marked(std::size_t block, const Blocks& blocks,
                                   std::span<const std::uint8_t> marks) noexcept;

}  // namespace takt::kernels

#endif
