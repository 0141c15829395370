// SPDX-License-Identifier: BSL-1.0
#include "metrics_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "csv_text.hpp"
#include "durable_file.hpp"
#include "number_text.hpp"

namespace takt::detail {
namespace {

constexpr std::size_t counters = 2;  // the columns that every table begins with

std::string reason_of_failure() {
  return errno != 0 ? std::strerror(errno) : "the disk may be full";
}

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path path, bool csv, bool append)
    : path_{std::move(path)}, csv_{csv} {
  std::error_code ignored;
  const bool goes_on = append && std::filesystem::is_regular_file(path_, ignored) &&
                       std::filesystem::file_size(path_, ignored) > 0;
  if (!goes_on) {
    fresh_ = std::make_unique<OutputFile>(path_);
    is_file_ = !fresh_->has_name();
    return;
  }
  const std::string text = read();
  try {
    go_on_behind(end_of_metrics(text, csv_), text);
  } catch (const std::runtime_error& problem) {
    refuse(problem);
  }
}

MetricsFile::MetricsFile(std::filesystem::path path, bool csv, const MetricsPlace& place)
    : path_{std::move(path)}, csv_{csv} {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path_, ignored)) {
    throw std::runtime_error(path_.string() +
                             " is no file, or is gone; a resumed run needs the "
                             "one that it has written before");
  }
  const std::string text = read();
  try {
    go_on_behind(place, metrics_up_to(place, text, csv_));
  } catch (const std::runtime_error& problem) {
    refuse(problem);
  }
}

/// What is behind that text in the file may be half a row.
void MetricsFile::go_on_behind(MetricsPlace place, std::string_view text) {
  for (const std::string& name : place.columns) add_column(name);
  size_ = text.rfind('\n') + 1;  // npos + 1 is 0
  rows_ = place.rows;
  last_ = place.last;
  from_ = std::move(place);
  errno = 0;
  appended_.open(path_, std::ios::binary | std::ios::app);
  if (!appended_) throw std::runtime_error("can't be written: " + reason_of_failure());
}

void MetricsFile::refuse(const std::runtime_error& problem) const {
  throw std::runtime_error(path_.string() + " " + problem.what());
}

std::optional<MetricsPlace> MetricsFile::place() const {
  if (!is_file_ || is_new()) return std::nullopt;
  return MetricsPlace{.rows = rows_, .columns = columns_, .last = last_};
}

void MetricsFile::add(const MetricsRow& row) {
  const std::size_t before = csv_ ? add_to_table(row) : add_object(row);
  last_.assign(text_, before);
  text_ += '\n';
  ++rows_;
}

/// Where it is in the text that waits.
std::size_t MetricsFile::add_to_table(const MetricsRow& row) {
  const std::size_t columns = columns_.size();
  if (columns == 0) {
    add_column("step");
    add_column("batch");
  }
  if (columns == 0 || takes_columns()) {
    for (const MetricsCell& cell : row.cells) {
      if (!places_.contains(cell.name)) add_column(cell.name);
    }
  }
  if (columns == 0) {
    append_csv_header(columns_, text_);
  } else if (columns < columns_.size()) {
    write_anew(columns);
  }
  values_.assign(columns_.size(), std::nullopt);
  for (const MetricsCell& cell : row.cells) {
    const auto place = places_.find(cell.name);
    if (place != places_.end()) values_[place->second] = cell.value;
  }
  const std::size_t before = text_.size();
  text_ += std::to_string(row.step);
  text_ += ',';
  text_ += std::to_string(row.batch);
  for (std::size_t i = counters; i < values_.size(); ++i) {
    text_ += ',';
    if (values_[i]) text_ += text_of(*values_[i]);
  }
  return before;
}

std::size_t MetricsFile::add_object(const MetricsRow& row) {
  nlohmann::ordered_json object{{"step", row.step}, {"batch", row.batch}};
  for (const MetricsCell& cell : row.cells) {
    if (!cell.value) continue;
    nlohmann::ordered_json& value = object[std::string{cell.name}];
    if (std::isfinite(*cell.value)) {
      value = *cell.value;
    } else {
      value = text_of(*cell.value);  // JSON has no such number
    }
  }
  const std::size_t before = text_.size();
  text_ += object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return before;
}

void MetricsFile::add_column(std::string_view name) {
  places_.try_emplace(std::string{name}, columns_.size());
  columns_.emplace_back(name);
}

/// Under the header of all columns, with empty fields in the rows of before.
void MetricsFile::write_anew(std::size_t old_columns) {
  write();
  std::string old = read();
  if (from_) old = metrics_up_to(*from_, old, csv_);
  const std::optional<CsvRecord> header = first_csv_record(old);
  if (!header) throw std::runtime_error(path_.string() + " has lost its header");
  std::string table;
  append_csv_header(columns_, table);
  const std::string empty_fields(columns_.size() - old_columns, ',');
  // Rows have numbers only, so each line is one.
  for (std::string_view rows = std::string_view{old}.substr(header->size); !rows.empty();) {
    std::string_view row = rows.substr(0, rows.find('\n'));
    rows.remove_prefix(std::min(row.size() + 1, rows.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    table += row;
    table += empty_fields;
    table += '\n';
  }
  replace(table);
}

/// The file becomes that text, at once.
void MetricsFile::replace(std::string_view text) {
  auto anew = std::make_unique<OutputFile>(path_);
  errno = 0;
  anew->stream().write(text.data(), static_cast<std::streamsize>(text.size())).flush();
  if (!anew->stream()) {
    throw std::runtime_error(anew->name() + ".new can't be written: " + reason_of_failure());
  }
  anew->take_name();
  appended_.close();
  fresh_ = std::move(anew);
  size_ = text.size();
  from_.reset();
}

void MetricsFile::drop_what_is_behind() {
  const std::string text = read();
  const std::string kept = metrics_up_to(*from_, text, csv_);
  if (!text.starts_with(kept)) return replace(kept);
  if (kept.size() < text.size()) std::filesystem::resize_file(path_, kept.size());
  from_.reset();
}

void MetricsFile::write() {
  if (text_.empty()) return;
  if (from_) drop_what_is_behind();
  errno = 0;
  out().write(text_.data(), static_cast<std::streamsize>(text_.size())).flush();
  if (!out()) fail("can't be written any more");
  size_ += text_.size();
  text_.clear();
  if (fresh_) fresh_->take_name();
}

void MetricsFile::sync() const {
  if (is_file_ && !is_new()) sync_file(path_);
}

/// Takes back what was written of a row or some.
void MetricsFile::fail(const char* what) {
  std::string message = path_.string() + " ";
  message += what;
  message += ": " + reason_of_failure();
  const bool has_name = !fresh_ || fresh_->has_name();
  fresh_.reset();
  appended_.close();
  std::error_code ignored;
  if (is_file_ && has_name) std::filesystem::resize_file(path_, size_, ignored);
  throw std::runtime_error(message);
}

std::string MetricsFile::read() const {
  errno = 0;
  std::ifstream in{path_, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (in.fail() || in.bad()) {
    throw std::runtime_error(path_.string() + " can't be read: " + reason_of_failure());
  }
  return text;
}

}  // namespace takt::detail
