// SPDX-License-Identifier: BSL-1.0
/// \file
/// How far a run has come, as a line of text.
#ifndef TAKT_LIB_PROGRESS_LINE_HPP
#define TAKT_LIB_PROGRESS_LINE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace takt::detail {

/// How far a run has come at one moment.
struct Progress {
  std::int64_t steps = 0;                         ///< done, those before a resume included
  std::int64_t steps_here = 0;                    ///< done in `seconds`
  double seconds = 0.0;                           ///< spent on `steps_here`; 0 or more
  std::optional<std::int64_t> total{};            ///< steps of the whole run; at least 1
  std::optional<std::int64_t> steps_per_epoch{};  ///< at least 1
  std::optional<double> loss{};
  bool over = false;  ///< the time left gives way to the time taken
};

/// Replaces `line` by all there is to say, in ASCII, without a line break.
void write_line(const Progress& progress, std::string& line);

/// The same with a bar, when the total is known, in at most `columns` characters: the bar takes the
/// room that the rest leaves, and where that is too little the epoch, the rate, the time and the
/// loss give way, in this order, and last the bar and the count of steps.
void write_bar(const Progress& progress, std::size_t columns, std::string& line);

}  // namespace takt::detail

#endif
