// SPDX-License-Identifier: BSL-1.0
#include "results.hpp"

#include <algorithm>

namespace takt::bench {

double Result::least() const { return *std::ranges::min_element(nanoseconds); }

double Result::median() const {
  std::vector<double> sorted = nanoseconds;
  std::ranges::sort(sorted);
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2.0;
}

bool Results::ReportContext(const Context&) { return true; }

void Results::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.run_type != Run::RT_Iteration) continue;  // Google Benchmark's own statistics
    const std::string& name = run.run_name.function_name;
    if (results_.empty() || results_.back().name != name) {
      const std::size_t colon = run.report_label.find(": ");
      results_.push_back({.name = name, .unit = run.report_label.substr(0, colon)});
      if (colon != std::string::npos) results_.back().remark = run.report_label.substr(colon + 2);
    }
    Result& result = results_.back();
    for (const auto& [key, counter] : run.counters) result.counters[key] = counter.value;
    const auto each = result.counters.find("each");
    const double count = each == result.counters.end() ? 1.0 : each->second;
    // Processor time: what other programs took in between is not in it.
    result.nanoseconds.push_back(1e9 * run.cpu_accumulated_time /
                                 static_cast<double>(run.iterations) / count);
  }
}

const Result* Results::find(const std::string& name) const noexcept {
  const auto found = std::ranges::find(results_, name, &Result::name);
  return found == results_.end() ? nullptr : &*found;
}

}  // namespace takt::bench
