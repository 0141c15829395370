// SPDX-License-Identifier: BSL-1.0
#include "takt/step_runs.hpp"

#include <algorithm>

namespace takt {

void StepRuns::add(std::int64_t step) {
  if (!runs_.empty()) {
    StepRun& run = runs_.back();
    const std::int64_t last = run.last();
    if (step <= last) return;
    if (run.count == 1) run.stride = step - last;
    if (step - last == run.stride) {
      ++run.count;
      ++count_;
      return;
    }
  }
  runs_.push_back({.first = step});
  ++count_;
}

void StepRuns::add(const StepRun& run) {
  std::int64_t added = 0;
  if (!runs_.empty() && run.first <= runs_.back().last()) {
    added = (runs_.back().last() - run.first) / run.stride + 1;
  }
  if (added >= run.count) return;
  // The first may belong to the run before, and the second may end that. The third is then one of a
  // run that has the stride of the rest.
  const std::int64_t singly = std::min(run.count, added + 3);
  for (; added < singly; ++added) add(run.first + added * run.stride);
  runs_.back().count += run.count - added;
  count_ += run.count - added;
}

}  // namespace takt
