// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the tests of metrics files share: a loop that writes one, and the folder it is in.
#ifndef TAKT_TESTS_METRICS_CASES_HPP
#define TAKT_TESTS_METRICS_CASES_HPP

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <takt/modifiers/metrics.hpp>
#include <takt/takt.hpp>
#include <utility>

#include "recipe_cases.hpp"
#include "scratch_folder.hpp"

namespace takt::test::metrics {

using std::chrono::milliseconds;

/// An optimizer that is a rate only.
struct Rate final : Optimizer {
  [[nodiscard]] double learning_rate() const override { return rate; }
  void set_learning_rate(double to) override { rate = to; }
  double rate = 0.1;
};

/// A loop whose clock stands, unless a test turns it on.
struct Loop {
  explicit Loop(MetricsSettings settings, Event start = {}, BusOptions options = {})
      : bus{start, options} {
    settings.clock = [this] { return std::chrono::steady_clock::time_point{time}; };
    bus.emplace<MetricsModifier>(std::move(settings));
    bus.initialize();
  }

  void step(std::optional<double> loss = {}) {
    bus.batch([&](Batch& batch) {
      if (loss) batch.loss(*loss);
      batch.step([] {});
    });
  }
  std::map<std::string, double>& metrics() { return bus.state().metrics; }

  milliseconds time{5000};
  EventBus bus;
};

/// The files of one test.
struct Files : ScratchFolder {
  [[nodiscard]] std::string name(const std::string& file) const { return (*this / file).string(); }
  [[nodiscard]] std::string text(const std::string& file) const {
    std::ifstream in{*this / file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  [[nodiscard]] bool has(const std::string& file) const {
    return std::filesystem::exists(*this / file);
  }
};

}  // namespace takt::test::metrics

#endif
