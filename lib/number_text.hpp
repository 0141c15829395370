// SPDX-License-Identifier: BSL-1.0
/// \file
/// Numbers as messages show them.
#ifndef TAKT_LIB_NUMBER_TEXT_HPP
#define TAKT_LIB_NUMBER_TEXT_HPP

#include <array>
#include <charconv>
#include <string>

namespace takt::detail {

/// The shortest text that reads back as the same number: "0.9", "1e-05", "nan".
inline std::string text_of(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

}  // namespace takt::detail

#endif
