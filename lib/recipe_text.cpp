// SPDX-License-Identifier: BSL-1.0
#include "recipe_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <system_error>

#include "recipe_failure.hpp"

namespace takt::detail {

std::string recipe_text(const std::filesystem::path& file) {
  const std::string source = file.string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    fail_recipe(source, {}, "there is no such file; give the path of a YAML or JSON file");
  }
  if (std::filesystem::is_directory(status)) {
    fail_recipe(source, {}, "is a folder; give the path of a file in it");
  }
  errno = 0;
  std::ifstream stream{file, std::ios::binary};
  std::string text(longest_recipe + 1, '\0');
  if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream && !stream.eof()) {
    fail_recipe(source, {},
                "can't be read: " + std::generic_category().message(errno == 0 ? EIO : errno));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

std::string front_matter(std::string_view text, const std::string& source) {
  std::string matter;
  bool inside = false;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (line.starts_with("---")) {
      if (inside) return matter;
      inside = true;
    } else if (inside) {
      matter += line;
    }
    matter += '\n';
  }
  fail_recipe(source, {},
              inside ? "its front matter has no end; close it with a line of ---"
                     : "has no recipe; it stands between two lines of ---");
}

// As table 3-7 of the Unicode standard has it: no surrogates, and nothing longer than it needs be.
bool is_unicode(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t size = first < 0x80U ? 1 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
    if (text.size() < size || (first >= 0x80U && first < 0xC2U) || first > 0xF4U) return false;
    std::uint32_t code = size == 1 ? first : first & (0x7FU >> size);
    for (const char each : text.substr(1, size - 1)) {
      const auto byte = static_cast<unsigned char>(each);
      if ((byte & 0xC0U) != 0x80U) return false;
      code = code << 6U | (byte & 0x3FU);
    }
    const bool too_long = (size == 3 && code < 0x800U) || (size == 4 && code < 0x10000U);
    const bool surrogate = code >= 0xD800U && code <= 0xDFFFU;
    const bool noncharacter = (code & 0xFFFEU) == 0xFFFEU || (code >= 0xFDD0U && code <= 0xFDEFU);
    if (too_long || surrogate || noncharacter || code > 0x10FFFFU) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace takt::detail
