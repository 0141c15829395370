// SPDX-License-Identifier: BSL-1.0
/// \file
/// The tables at the end of a run, 80 columns wide.
#ifndef TAKT_BENCH_REPORT_HPP
#define TAKT_BENCH_REPORT_HPP

#include <ostream>

#include "results.hpp"

namespace takt::bench {

/// Prints what was measured, and how it stands against the limits. True when all of them hold.
bool report(const Results& results, std::ostream& out);

}  // namespace takt::bench

#endif
