// SPDX-License-Identifier: BSL-1.0
/// \file
/// Many steps in few words: those that come at regular intervals are one run.
#ifndef TAKT_STEP_RUNS_HPP
#define TAKT_STEP_RUNS_HPP

#include <cstdint>
#include <vector>

namespace takt {

/// `count` steps, `stride` apart: `first`, `first + stride`, … With one step the stride is 1.
struct StepRun {
  std::int64_t first = 0;
  std::int64_t count = 1;
  std::int64_t stride = 1;

  [[nodiscard]] std::int64_t last() const noexcept { return first + (count - 1) * stride; }
  friend bool operator==(const StepRun&, const StepRun&) noexcept = default;
};

/// Steps, which ascend, as few runs as they come to greedily: two steps make a run, whatever lies
/// between them, and those that follow belong to it as long as they keep that stride. A value; its
/// const members may be called from several threads.
class StepRuns {
 public:
  /// A step past those added so far; one that is not is ignored.
  void add(std::int64_t step);
  /// The same as adding its steps one by one, at the cost of a few.
  void add(const StepRun& run);

  [[nodiscard]] const std::vector<StepRun>& runs() const noexcept { return runs_; }
  /// How many steps they have together.
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }

 private:
  std::vector<StepRun> runs_;
  std::int64_t count_ = 0;
};

}  // namespace takt

#endif
