// SPDX-License-Identifier: BSL-1.0
/// \file
/// Where the program's output goes.
#ifndef TAKT_LIB_CLI_SCREEN_HPP
#define TAKT_LIB_CLI_SCREEN_HPP

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace takt::cli {

/// The streams of one run of the program; all outlive it.
struct Screen {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  /// The width of the terminal behind `out`; nothing when there is none: then lines are as long as
  /// they are, for other programs to read.
  std::optional<int> columns{};
  /// The same for `err`.
  std::optional<int> err_columns{};
  /// Whether what goes to `out` may have colours.
  bool colours = false;
};

/// Writes a line, without characters that could move a terminal's cursor. On a terminal one that is
/// too long is broken between words, and goes on below `indent` spaces, or four where they leave
/// too little room. Columns are counted in characters of UTF-8.
void write_line(const Screen& screen, std::string_view text, int indent = 0);

/// Text with spaces behind it, so that it takes at least `columns` characters.
[[nodiscard]] std::string padded(std::string_view text, int columns);

/// How many characters a text has.
[[nodiscard]] int width_of(std::string_view text) noexcept;

}  // namespace takt::cli

#endif
