// SPDX-License-Identifier: BSL-1.0
/// \file
/// A file of a run's numbers, row by row.
#ifndef TAKT_LIB_METRICS_FILE_HPP
#define TAKT_LIB_METRICS_FILE_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "metrics_place.hpp"
#include "output_file.hpp"

namespace takt::detail {

/// One number of a row.
struct MetricsCell {
  std::string_view name{};
  std::optional<double> value{};  ///< nothing = there is none, though it has a column
};

/// The numbers of one step.
struct MetricsRow {
  std::int64_t step = 0;
  std::int64_t batch = 0;
  std::vector<MetricsCell> cells{};
};

/// CSV, or JSON Lines, which is written whole lines at a time. A file that is new has its name with
/// its first row. After a call has thrown `std::runtime_error` the file has the lines that were
/// written before, and there is nothing to do but to destroy this; that writes nothing.
class MetricsFile {
 public:
  /// Throws `std::runtime_error` for a file that can't be written, or gone on with.
  MetricsFile(std::filesystem::path path, bool csv, bool append);
  /// Goes on behind a place in a file that is there. What is behind that place is dropped with the
  /// first row that comes; until then the file is as it is. Throws like the other one, also when
  /// the place is not in the file.
  MetricsFile(std::filesystem::path path, bool csv, const MetricsPlace& place);

  /// Whether a column that comes late finds room: always, but in a CSV that is a pipe or a device,
  /// where it is left out.
  [[nodiscard]] bool takes_columns() const noexcept { return !csv_ || is_file_; }
  /// Whether nothing was written yet.
  [[nodiscard]] bool is_new() const noexcept { return size_ == 0; }
  /// Behind the last row, written or gathered, where a run can be resumed: in a file that is not
  /// new.
  [[nodiscard]] std::optional<MetricsPlace> place() const;
  /// Characters that wait to be written.
  [[nodiscard]] std::size_t gathered() const noexcept { return text_.size(); }

  /// Gathers a row. One that brings a column has the table written anew.
  void add(const MetricsRow& row);
  /// Writes what was gathered.
  void write();
  /// Waits until the disk has what was written. Throws `std::runtime_error`.
  void sync() const;

 private:
  void go_on_behind(MetricsPlace place, std::string_view text);
  void drop_what_is_behind();
  [[nodiscard]] std::size_t add_to_table(const MetricsRow& row);
  [[nodiscard]] std::size_t add_object(const MetricsRow& row);
  void add_column(std::string_view name);
  void write_anew(std::size_t old_columns);
  void replace(std::string_view text);
  [[nodiscard]] std::string read() const;
  [[nodiscard]] std::ostream& out() { return fresh_ ? fresh_->stream() : appended_; }
  [[noreturn]] void refuse(const std::runtime_error& problem) const;
  [[noreturn]] void fail(const char* what);

  std::filesystem::path path_;
  bool csv_;
  bool is_file_ = true;                // and no pipe or device
  std::unique_ptr<OutputFile> fresh_;  // null = there was a file, and `appended_` goes on with it
  std::ofstream appended_;
  std::uintmax_t size_ = 0;           // of what is written
  std::string text_;                  // what waits to be
  std::optional<MetricsPlace> from_;  // what is behind it in the file is to be dropped
  std::uint64_t rows_ = 0;
  std::string last_;  // row
  std::vector<std::string> columns_;
  std::map<std::string, std::size_t, std::less<>> places_;  // in `columns_`
  std::vector<std::optional<double>> values_;               // of a row, by place
};

}  // namespace takt::detail

#endif
