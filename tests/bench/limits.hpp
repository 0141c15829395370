// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the measurements are held against.
#ifndef TAKT_BENCH_LIMITS_HPP
#define TAKT_BENCH_LIMITS_HPP

#include <string>
#include <vector>

#include "results.hpp"

namespace takt::bench {

/// A number made of measurements, which must not be above, or below, a limit.
struct Verdict {
  enum class Bound : bool { at_most, at_least };

  std::string what{};
  double value = 0.0;
  Bound bound = Bound::at_most;
  double limit = 0.0;

  [[nodiscard]] bool holds() const noexcept {
    return bound == Bound::at_most ? value <= limit : value >= limit;
  }
};

/// One call of the plain loop over virtual calls, in nanoseconds: with 1000 hooks, none of which
/// asks. 0 when that was not measured.
double virtual_call(const Results& results);

/// All that can be said of the workloads that were run.
std::vector<Verdict> judge(const Results& results);

}  // namespace takt::bench

#endif
