// SPDX-License-Identifier: BSL-1.0
#include "csv_text.hpp"

#include <utility>

namespace takt::detail {
namespace {

/// Takes a field in quotes off the front of `text`, which begins with one.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string field;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (i + 1 == text.size() || text[i + 1] != '"') {
        text.remove_prefix(i + 1);
        return field;
      }
      ++i;  // a quote that is meant is doubled
    }
    field += text[i];
  }
  return std::nullopt;
}

std::optional<std::string> take_field(std::string_view& text) {
  if (text.starts_with('"')) return take_quoted(text);
  std::string_view field = text.substr(0, text.find_first_of(",\"\n"));
  text.remove_prefix(field.size());
  if (field.ends_with('\r') && text.starts_with('\n')) field.remove_suffix(1);
  return std::string{field};
}

}  // namespace

void append_csv_field(std::string_view field, std::string& text) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    text += field;
    return;
  }
  text += '"';
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  text += '"';
}

void append_csv_header(const std::vector<std::string>& columns, std::string& text) {
  const char* before = "";
  for (const std::string& name : columns) {
    text += before;
    append_csv_field(name, text);
    before = ",";
  }
  text += '\n';
}

std::optional<CsvRecord> first_csv_record(std::string_view text) {
  const std::size_t size = text.size();
  CsvRecord record;
  while (true) {
    std::optional<std::string> field = take_field(text);
    if (!field) return std::nullopt;
    record.fields.push_back(std::move(*field));
    if (text.starts_with("\r\n")) text.remove_prefix(1);
    if (text.empty() || text.front() == '"') return std::nullopt;
    const char behind = text.front();
    text.remove_prefix(1);
    if (behind == '\n') break;
    if (behind != ',') return std::nullopt;
  }
  record.size = size - text.size();
  return record;
}

}  // namespace takt::detail
