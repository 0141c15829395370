// SPDX-License-Identifier: BSL-1.0
#include "metrics_place.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "csv_text.hpp"
#include "saved_state.hpp"

namespace takt::detail {
namespace {

/// The header of a CSV, in the text's own form; nothing of JSON Lines.
CsvRecord header_of(std::string_view text, bool csv) {
  if (!csv) {
    if (text.starts_with('{') || text.empty()) return {};
    throw std::runtime_error("is no JSON Lines file to go on with; give another");
  }
  std::optional<CsvRecord> header = first_csv_record(text);
  if (header && header->fields.size() >= 2 && header->fields[0] == "step" &&
      header->fields[1] == "batch") {
    return *std::move(header);
  }
  throw std::runtime_error(
      "is no CSV to go on with, since its columns do not begin with step,batch; give another");
}

/// The row that a text begins with, without its line break; nothing when that is missing. Rows have
/// numbers only, so each line is one.
std::optional<std::string_view> take_row(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view row = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (row.ends_with('\r')) row.remove_suffix(1);
  return row;
}

[[noreturn]] void refuse(const std::string& problem) {
  throw std::runtime_error(problem + "; a resumed run needs the file that it has written before");
}

void require_columns(const MetricsPlace& place, const CsvRecord& header) {
  if (place.columns.size() <= header.fields.size() &&
      std::ranges::equal(place.columns, std::span{header.fields}.first(place.columns.size()))) {
    return;
  }
  refuse("has other columns than those that were written before the checkpoint");
}

/// Without fields at its end that are empty.
std::string_view without_fields(std::string_view row, std::size_t count, std::uint64_t number) {
  if (row.size() >= count &&
      row.substr(row.size() - count).find_first_not_of(',') == std::string_view::npos) {
    return row.substr(0, row.size() - count);
  }
  refuse("has a value in row " + std::to_string(number) +
         " in a column that came after the checkpoint");
}

}  // namespace

void MetricsPlace::save(StateWriter& write) const { write(rows, columns, last); }

void MetricsPlace::load(StateReader& read) { read(rows, columns, last); }

MetricsPlace end_of_metrics(std::string_view text, bool csv) {
  CsvRecord header = header_of(text, csv);
  text.remove_prefix(header.size);
  MetricsPlace place{.columns = std::move(header.fields)};
  while (const auto row = take_row(text)) {
    ++place.rows;
    place.last = *row;
  }
  return place;
}

std::string metrics_up_to(const MetricsPlace& place, std::string_view text, bool csv) {
  const CsvRecord header = header_of(text, csv);
  require_columns(place, header);
  const std::size_t added = header.fields.size() - place.columns.size();
  std::string_view left = text.substr(header.size);
  std::string anew;
  if (added > 0) append_csv_header(place.columns, anew);
  std::string_view last;
  for (std::uint64_t i = 0; i < place.rows; ++i) {
    const auto row = take_row(left);
    if (!row) {
      refuse("has " + std::to_string(i) + " rows, but " + std::to_string(place.rows) +
             " were written before the checkpoint");
    }
    last = without_fields(*row, added, i + 1);
    if (added > 0) (anew += last) += '\n';
  }
  if (place.rows > 0 && last != place.last) {
    refuse("has another row " + std::to_string(place.rows) +
           " than the one that was written before the checkpoint");
  }
  return added > 0 ? anew : std::string{text.substr(0, text.size() - left.size())};
}

}  // namespace takt::detail
