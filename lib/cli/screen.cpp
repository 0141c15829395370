// SPDX-License-Identifier: BSL-1.0
#include "screen.hpp"

#include <algorithm>
#include <ostream>

#include "shown_text.hpp"

namespace takt::cli {
namespace {

/// Where the first row of a line ends: at the last space that leaves it within `room` characters,
/// at its first space when none does, or at its own end.
std::size_t end_of_row(std::string_view line, int room) {
  if (width_of(line) <= room) return line.size();
  std::size_t end = line.find(' ', line.find_first_not_of(' '));
  for (std::size_t space = end; space != std::string_view::npos;
       space = line.find(' ', space + 1)) {
    if (width_of(line.substr(0, space)) > room) break;
    end = space;
  }
  if (end == std::string_view::npos) return line.size();
  return line.find_last_not_of(' ', end) + 1;
}

}  // namespace

int width_of(std::string_view text) noexcept {
  // Every byte of UTF-8 but those that continue a character begins one.
  return static_cast<int>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string_view text, int columns) {
  std::string result{text};
  result.append(static_cast<std::size_t>(std::max(0, columns - width_of(text))), ' ');
  return result;
}

void write_line(const Screen& screen, std::string_view text, int indent) {
  const std::string shown = detail::shown_text(text);
  std::string_view line = shown;
  // On a terminal too narrow for a few words, lines are broken where the terminal breaks them.
  constexpr int narrowest = 20;
  if (!screen.columns || *screen.columns < narrowest) {
    screen.out << line << '\n';
    return;
  }
  if (*screen.columns < indent + narrowest) indent = std::min(indent, 4);
  std::string before;
  int room = *screen.columns;
  while (true) {
    const std::size_t end = end_of_row(line, room);
    screen.out << before << line.substr(0, end) << '\n';
    const std::size_t next = line.find_first_not_of(' ', end);
    if (next == std::string_view::npos) return;
    line.remove_prefix(next);
    before.assign(static_cast<std::size_t>(indent), ' ');
    room = *screen.columns - indent;
  }
}

}  // namespace takt::cli
