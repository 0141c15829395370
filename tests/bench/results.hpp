// SPDX-License-Identifier: BSL-1.0
/// \file
/// What was measured.
#ifndef TAKT_BENCH_RESULTS_HPP
#define TAKT_BENCH_RESULTS_HPP

#include <benchmark/benchmark.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace takt::bench {

/// All repetitions of one workload.
struct Result {
  std::string name{};
  std::string unit{};  ///< what the times are for: "emission"
  std::string remark{};
  std::vector<double> nanoseconds{};  ///< processor time of one unit
  std::map<std::string, double> counters{};

  [[nodiscard]] double least() const;
  [[nodiscard]] double median() const;
};

/// Collects the results of a run, and prints nothing.
class Results : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;

  [[nodiscard]] const std::vector<Result>& all() const noexcept { return results_; }
  /// Null when that workload was not run.
  [[nodiscard]] const Result* find(const std::string& name) const noexcept;

 private:
  std::vector<Result> results_;
};

}  // namespace takt::bench

#endif
