// SPDX-License-Identifier: BSL-1.0
/// \file
/// A curve out of the dots of braille characters.
#ifndef TAKT_LIB_BRAILLE_CURVE_HPP
#define TAKT_LIB_BRAILLE_CURVE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace takt::detail {

/// `columns` x `rows` characters with 2 x 4 dots each.
class BrailleCurve {
 public:
  BrailleCurve(std::size_t columns, std::size_t rows);

  /// How many dots there are from left to right, and from the top to the bottom.
  [[nodiscard]] std::size_t width() const noexcept { return 2 * columns_; }
  [[nodiscard]] std::size_t height() const noexcept { return 4 * rows_; }

  /// A line to that dot from where the last one ended. Dots are counted from the top left; each `x`
  /// is larger than the last.
  void line_to(std::size_t x, std::size_t y);

  /// One row of characters, blank ones as spaces, without those at its end.
  [[nodiscard]] std::string row(std::size_t index) const;

 private:
  void dots(std::size_t x, std::size_t from, std::size_t to);

  std::size_t columns_;
  std::size_t rows_;
  std::vector<std::uint8_t> cells_;
  bool started_ = false;
  std::size_t last_x_ = 0;
  std::size_t last_y_ = 0;
};

}  // namespace takt::detail

#endif
