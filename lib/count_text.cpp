// SPDX-License-Identifier: BSL-1.0
#include "count_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace takt::detail {
namespace {

struct Unit {
  double size = 1.0;
  const char* name = "";
};

std::string digits(double value, int precision) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::general, precision);
  return {buffer.data(), end.ptr};
}

constexpr std::array<std::int64_t, 4> thousands{1'000'000'000'000, 1'000'000'000, 1'000'000, 1'000};
constexpr std::array<char, 4> thousand_names{'T', 'G', 'M', 'k'};

}  // namespace

std::string tick_text(std::int64_t value) {
  std::string plain = std::to_string(value);
  for (std::size_t i = 0; value >= 10'000 && i < thousands.size(); ++i) {
    const std::int64_t unit = thousands[i];
    if (value < unit) continue;
    const std::int64_t hundredth = unit / 100;
    if (value % hundredth != 0) return plain;
    const std::int64_t hundredths = value % unit / hundredth;
    std::string text = std::to_string(value / unit);
    if (hundredths != 0) {
      text += '.';
      text += std::to_string(hundredths / 10);
      if (hundredths % 10 != 0) text += std::to_string(hundredths % 10);
    }
    text += thousand_names[i];
    return text.size() < plain.size() ? text : plain;
  }
  return plain;
}

std::string count_text(std::int64_t value) {
  if (value < 1'000'000) return std::to_string(value);
  std::size_t i = 0;
  // What rounds to 1000 of a unit is 1 of the next.
  while (static_cast<double>(value) < 0.9995 * static_cast<double>(thousands[i])) ++i;
  return digits(static_cast<double>(value) / static_cast<double>(thousands[i]), 3) +
         thousand_names[i];
}

std::string grouped(std::int64_t value, const std::string& separator) {
  const std::string plain = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (i > 0 && (plain.size() - i) % 3 == 0 && plain[i - 1] != '-') text += separator;
    text += plain[i];
  }
  return text;
}

std::string duration_text(std::int64_t nanoseconds) {
  constexpr std::array<Unit, 6> units{
      {{3.6e12, " h"}, {6e10, " min"}, {1e9, " s"}, {1e6, " ms"}, {1e3, " µs"}, {1.0, " ns"}}};
  const auto time = static_cast<double>(nanoseconds);
  std::size_t i = 0;
  while (i + 1 < units.size() && time < 0.995 * units[i].size) ++i;
  const double amount = time / units[i].size;
  std::string text = amount < 99.5 ? digits(amount, 2) : std::to_string(std::llround(amount));
  text += units[i].name;
  return text;
}

std::string loss_level(double loss) { return digits(loss, 3); }

}  // namespace takt::detail
