// SPDX-License-Identifier: BSL-1.0
/// \file
/// How far a trace has been read, while it is.
#ifndef TAKT_LIB_CLI_READING_PROGRESS_HPP
#define TAKT_LIB_CLI_READING_PROGRESS_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "screen.hpp"
#include "takt/trace.hpp"

namespace takt::cli {

/// On a terminal, once reading takes longer than a second: "reading 45 %, 1200000 events", on one
/// line that is gone at the end.
class ReadingProgress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `file` is what the reader reads, for its size. Both arguments outlive this.
  ReadingProgress(const TraceReader& reader, const std::string& file, const Screen& screen);
  ReadingProgress(const ReadingProgress&) = delete;
  ReadingProgress& operator=(const ReadingProgress&) = delete;
  ~ReadingProgress();

  /// After each entry.
  void tick() {
    if (shows_ && ++entries_ % 4096 == 0) update(Clock::now());
  }
  /// Shows how far it is by now, unless that is too early.
  void update(Clock::time_point now);

 private:
  const TraceReader& reader_;
  const Screen& screen_;
  bool shows_;
  std::int64_t entries_ = 0;
  std::optional<std::uintmax_t> size_{};
  Clock::time_point next_;
  std::size_t written_ = 0;  // characters on the line
};

}  // namespace takt::cli

#endif
