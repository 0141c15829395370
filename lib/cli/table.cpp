// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <algorithm>

namespace takt::cli {
namespace {

/// Each row as its first text, and below it a line for each of the others.
void write_blocks(const Screen& screen, const std::vector<Row>& rows) {
  const Row& names = rows.front();
  int widest = 0;
  for (const std::string& name : names) widest = std::max(widest, width_of(name));
  for (std::size_t row = 1; row < rows.size(); ++row) {
    write_line(screen, rows[row].front());
    for (std::size_t i = 1; i < names.size(); ++i) {
      write_line(screen, "  " + padded(names[i], widest + 2) + rows[row][i], widest + 4);
    }
  }
}

}  // namespace

void write_table(const Screen& screen, const std::vector<Row>& rows) {
  std::vector<int> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  int indent = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) indent += widths[i] + 2;
  constexpr int least_room = 20;  // for the last column
  if (screen.columns && *screen.columns < indent + std::min(widths.back(), least_room)) {
    return write_blocks(screen, rows);
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) line += padded(row[i], widths[i] + 2);
    write_line(screen, line + row.back(), indent);
  }
}

}  // namespace takt::cli
