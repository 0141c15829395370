// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/masking.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "takt/error.hpp"
#include "takt/modifiers/norms.hpp"

namespace takt::kernels {
namespace {

void require_as_many(std::size_t given, std::size_t needed, const char* what) {
  if (given == needed) return;
  throw InvalidModifier("a mask needs " + std::to_string(needed) + ' ' + what + ", and was given " +
                        std::to_string(given));
}

std::span<const float> unmarked_of(std::span<const float> numbers,
                                   std::span<const std::uint8_t> marks,
                                   std::vector<float>& unmarked) {
  // First, so that it is not the second pruning that allocates.
  if (unmarked.size() < numbers.size()) unmarked.resize(numbers.size());
  if (std::memchr(marks.data(), 1, marks.size()) == nullptr) return numbers;
  float* end = unmarked.data();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    *end = numbers[i];
    end += marks[i] == 0 ? 1 : 0;
  }
  return {unmarked.data(), end};
}

void mark_below(float bound, std::span<const float> numbers,
                std::span<std::uint8_t> marks) noexcept {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    marks[i] = static_cast<std::uint8_t>(marks[i] | (std::abs(numbers[i]) < bound ? 1 : 0));
  }
}

void mark_equals(float magnitude, std::size_t count, std::span<const float> numbers,
                 std::span<std::uint8_t> marks) noexcept {
  for (std::size_t i = 0; count > 0; ++i) {
    if (std::abs(numbers[i]) != magnitude || marks[i] != 0) continue;
    marks[i] = 1;
    --count;
  }
}

/// The position of a block's first number.
std::size_t first_of(std::size_t block, const Blocks& blocks) noexcept {
  const std::size_t row = block / blocks.columns * blocks.block_rows;
  return (row * blocks.columns + block % blocks.columns) * blocks.block_columns;
}

}  // namespace

std::size_t mark_lowest(std::span<const float> numbers, std::size_t count,
                        std::span<std::uint8_t> marks, MarkScratch& scratch) {
  require_as_many(marks.size(), numbers.size(), "marks");
  if (numbers.empty()) return 0;
  const std::span<const float> left = unmarked_of(numbers, marks, scratch.unmarked);
  count = std::min(count, left.size());
  if (count == 0) return 0;
  KthMagnitude last = kth_magnitude(left, count - 1, scratch.kth);
  if (std::isnan(last.value)) {
    // There are not as many without the NaN.
    count = last.below;
    if (count == 0) return 0;
    last = kth_magnitude(left, count - 1, scratch.kth);
  }
  mark_below(last.value, numbers, marks);
  mark_equals(last.value, count - last.below, numbers, marks);
  return count;
}

std::size_t mark_zeros(std::span<const float> numbers, std::span<std::uint8_t> marks) {
  require_as_many(marks.size(), numbers.size(), "marks");
  std::size_t count = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    marks[i] = numbers[i] == 0.0F ? 1 : 0;
    count += marks[i];
  }
  return count;
}

void clear_marked(std::span<float> numbers, std::span<const std::uint8_t> marks) {
  require_as_many(numbers.size(), marks.size(), "numbers");
  // A product with a mask of 0 and 1 would leave NaN and infinity as NaN.
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = marks[i] != 0 ? 0.0F : numbers[i];
  }
}

void block_norms(std::span<const float> numbers, const Blocks& blocks, std::span<double> norms) {
  require_as_many(numbers.size(), blocks.count() * blocks.size_of_one(), "numbers");
  require_as_many(norms.size(), blocks.count(), "norms");
  std::ranges::fill(norms, 0.0);
  const float* part = numbers.data();
  for (std::size_t row = 0; row < blocks.rows * blocks.block_rows; ++row) {
    double* const of_row = norms.data() + row / blocks.block_rows * blocks.columns;
    for (std::size_t block = 0; block < blocks.columns; ++block) {
      of_row[block] += sum_of_magnitudes({part, blocks.block_columns});
      part += blocks.block_columns;
    }
  }
}

void mark_block(std::size_t block, const Blocks& blocks, std::span<std::uint8_t> marks) noexcept {
  const std::size_t first = first_of(block, blocks);
  const std::size_t width = blocks.columns * blocks.block_columns;
  for (std::size_t row = 0; row < blocks.block_rows; ++row) {
    std::ranges::fill(marks.subspan(first + row * width, blocks.block_columns), std::uint8_t{1});
  }
}

bool block_is_marked(std::size_t block, const Blocks& blocks,
                     std::span<const std::uint8_t> marks) noexcept {
  return marks[first_of(block, blocks)] != 0;
}

}  // namespace takt::kernels
