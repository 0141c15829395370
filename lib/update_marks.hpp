// SPDX-License-Identifier: BSL-1.0
/// \file
/// The updates of a lane as marks along a line of some length: as many as can be told apart.
#ifndef TAKT_LIB_UPDATE_MARKS_HPP
#define TAKT_LIB_UPDATE_MARKS_HPP

#include <vector>

#include "takt/step_runs.hpp"
#include "time_scale.hpp"

namespace takt::detail {

/// A part of the line. It is as wide as its steps, and wide enough to be seen.
struct UpdateMark {
  double from = 0.0;
  double to = 0.0;
};

struct UpdateMarks {
  /// Updates by themselves, and stretches in which every step has one.
  std::vector<UpdateMark> clear{};
  /// Stretches with updates closer to each other than the least pitch, but not at every step.
  std::vector<UpdateMark> merged{};
};

/// The scale is laid out over a line of that length. The runs ascend; what is not on the scale is
/// left out. There are no more marks than twice the length in pitches, or so.
[[nodiscard]] UpdateMarks update_marks(const std::vector<StepRun>& runs, const TimeScale& scale,
                                       double length, double least_pitch);

}  // namespace takt::detail

#endif
