// SPDX-License-Identifier: BSL-1.0
#include "reading_progress.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>

namespace takt::cli {

ReadingProgress::ReadingProgress(const TraceReader& reader, const std::string& file,
                                 const Screen& screen)
    : reader_{reader},
      screen_{screen},
      shows_{screen.err_columns.has_value()},
      next_{Clock::now() + std::chrono::seconds{1}} {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (!error && size > 0) size_ = size;
}

ReadingProgress::~ReadingProgress() {
  if (written_ > 0) screen_.err << '\r' << std::string(written_, ' ') << '\r' << std::flush;
}

void ReadingProgress::update(Clock::time_point now) {
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds{200};
  std::string line = "reading";
  if (size_) {
    const double part = static_cast<double>(reader_.bytes()) / static_cast<double>(*size_);
    line += ' ' + std::to_string(std::min(100, static_cast<int>(100.0 * part))) + " %";
  }
  line += ", " + std::to_string(entries_) + " events";
  const auto room = static_cast<std::size_t>(std::max(1, screen_.err_columns.value_or(80) - 1));
  line.resize(std::max(std::min(line.size(), room), written_), ' ');
  written_ = line.size();
  screen_.err << '\r' << line << std::flush;
}

}  // namespace takt::cli
