// SPDX-License-Identifier: BSL-1.0
#include "braille_curve.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace takt::detail {

BrailleCurve::BrailleCurve(std::size_t columns, std::size_t rows)
    : columns_{columns}, rows_{rows}, cells_(columns * rows) {}

void BrailleCurve::line_to(std::size_t x, std::size_t y) {
  if (!started_) {
    dots(x, y, y);
  } else {
    const double slope =
        (static_cast<double>(y) - static_cast<double>(last_y_)) / static_cast<double>(x - last_x_);
    // Each column has the half of the way to its neighbour, so that nothing is left open.
    const auto at = [&](double ahead) {
      return static_cast<std::size_t>(std::lround(static_cast<double>(last_y_) + slope * ahead));
    };
    for (std::size_t column = last_x_; column <= x; ++column) {
      const auto ahead = static_cast<double>(column - last_x_);
      const std::size_t from = at(std::max(0.0, ahead - 0.5));
      const std::size_t to = at(std::min(static_cast<double>(x - last_x_), ahead + 0.5));
      dots(column, from, to);
    }
  }
  started_ = true;
  last_x_ = x;
  last_y_ = y;
}

void BrailleCurve::dots(std::size_t x, std::size_t from, std::size_t to) {
  // The order in which Unicode counts the dots of a character.
  constexpr std::array<std::array<std::uint8_t, 4>, 2> bits{
      {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};
  for (std::size_t y = std::min(from, to); y <= std::max(from, to); ++y) {
    std::uint8_t& cell = cells_.at(y / 4 * columns_ + x / 2);
    cell = static_cast<std::uint8_t>(cell | bits.at(x % 2).at(y % 4));
  }
}

std::string BrailleCurve::row(std::size_t index) const {
  std::string text;
  std::size_t blanks = 0;
  for (std::size_t column = 0; column < columns_; ++column) {
    const std::uint8_t cell = cells_.at(index * columns_ + column);
    if (cell == 0) {
      ++blanks;
      continue;
    }
    text.append(blanks, ' ');
    blanks = 0;
    // U+2800 and the dots, as UTF-8.
    text += '\xE2';
    text += static_cast<char>(0xA0 | cell >> 6);
    text += static_cast<char>(0x80 | (cell & 0x3F));
  }
  return text;
}

}  // namespace takt::detail
