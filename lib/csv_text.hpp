// SPDX-License-Identifier: BSL-1.0
/// \file
/// Records of comma-separated values, as RFC 4180 has them.
#ifndef TAKT_LIB_CSV_TEXT_HPP
#define TAKT_LIB_CSV_TEXT_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt::detail {

/// Appends a field, in quotes where it needs them.
void append_csv_field(std::string_view field, std::string& text);

/// Appends a record of its own for the names of columns, with its line break.
void append_csv_header(const std::vector<std::string>& columns, std::string& text);

/// The first record of a text.
struct CsvRecord {
  std::vector<std::string> fields{};  ///< at least one
  std::size_t size = 0;               ///< of its text, with the line break
};

/// Reads the record that `text` begins with; its line break is CR LF or LF. Nothing when it has no
/// line break, so that it may not be whole, or when quotes are not where they belong.
[[nodiscard]] std::optional<CsvRecord> first_csv_record(std::string_view text);

}  // namespace takt::detail

#endif
