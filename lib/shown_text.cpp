// SPDX-License-Identifier: BSL-1.0
#include "shown_text.hpp"

#include <algorithm>
#include <cstdint>

namespace takt::detail {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// The character at the beginning of a text that is not empty.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80U) return {.code = lead, .valid = true};
  Character read;
  std::uint32_t least = 0x80;
  if ((lead & 0xE0U) == 0xC0U) {
    read = {.code = lead & 0x1FU, .bytes = 2};
  } else if ((lead & 0xF0U) == 0xE0U) {
    read = {.code = lead & 0x0FU, .bytes = 3};
    least = 0x800;
  } else if ((lead & 0xF8U) == 0xF0U) {
    read = {.code = lead & 0x07U, .bytes = 4};
    least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < read.bytes) return {};
  for (const char byte : text.substr(1, read.bytes - 1)) {
    if (!continues(byte)) return {};
    read.code = read.code << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  const bool surrogate = read.code >= 0xD800 && read.code <= 0xDFFF;
  if (read.code < least || read.code > 0x10FFFF || surrogate) return {};
  read.valid = true;
  return read;
}

bool shows(std::uint32_t code) {
  const auto within = [code](std::uint32_t low, std::uint32_t high) {
    return low <= code && code <= high;
  };
  if (code < 0x20 || within(0x7F, 0x9F)) return false;
  if (within(0x2028, 0x202E) || within(0x2066, 0x2069)) return false;  // lines and directions
  return (code & 0xFFFEU) != 0xFFFE && !within(0xFDD0, 0xFDEF);
}

}  // namespace

std::string shown_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Character next = first_character(text);
    if (next.valid && shows(next.code)) {
      shown += text.substr(0, next.bytes);
    } else {
      shown += "\uFFFD";
    }
    text.remove_prefix(next.bytes);
  }
  return shown;
}

std::size_t character_count(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char byte) { return !continues(byte); }));
}

std::string shortened(std::string_view text, std::size_t most) {
  if (character_count(text) <= most) return std::string{text};
  std::size_t bytes = 0;
  for (std::size_t left = most - 1; left > 0; --left)
    bytes += first_character(text.substr(bytes)).bytes;
  std::string result{text.substr(0, bytes)};
  result += "…";
  return result;
}

}  // namespace takt::detail
