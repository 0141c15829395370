// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a comparison of runs came to.
#ifndef TAKT_LIB_CLI_COMPARISON_REPORT_HPP
#define TAKT_LIB_CLI_COMPARISON_REPORT_HPP

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

#include "screen.hpp"
#include "takt/replay.hpp"

namespace takt::cli {

inline constexpr int differences_found = 1;  // the program's exit code

/// How it is made and shown.
class ComparisonReport {
 public:
  /// Adds `--most` and `--json`. This object outlives the command.
  void add_options(CLI::App& command);

  /// How many differences to look for: one more than are listed, to know whether there are more.
  [[nodiscard]] std::size_t most() const noexcept { return static_cast<std::size_t>(most_) + 1; }
  /// Writes it, below `heading` when that is not empty; the result is the exit code.
  [[nodiscard]] int write(const TraceComparison& comparison, const std::string& heading,
                          const Screen& screen) const;

 private:
  std::int64_t most_ = 10;
  bool json_ = false;
};

}  // namespace takt::cli

#endif
