// SPDX-License-Identifier: BSL-1.0
#include "workload.hpp"

#include <cstdlib>
#include <iostream>
#include <random>

namespace takt::bench {
namespace {

constexpr int repetitions = 15;
constexpr int few_repetitions = 5;
constexpr double seconds_per_repetition = 0.03;

std::vector<std::string>& names() {
  static std::vector<std::string> list;
  return list;
}

}  // namespace

void define(const std::string& name, const Body& body) {
  names().push_back(name);
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->Repetitions(repetitions)
      ->MinTime(seconds_per_repetition);
}

void define(const std::string& name, std::int64_t iterations, const Body& body) {
  names().push_back(name);
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->Repetitions(repetitions)
      ->Iterations(iterations);
}

void define_slow(const std::string& name, const Body& body) {
  names().push_back(name);
  benchmark::RegisterBenchmark(name.c_str(), body)->Repetitions(few_repetitions)->Iterations(1);
}

const std::vector<std::string>& workload_names() { return names(); }

bool first_of_two_classes() {
  static const bool first = std::random_device{}() % 2 == 0;
  return first;
}

void measure_each(benchmark::State& state, std::int64_t count, const std::string& unit,
                  const std::string& remark) {
  state.counters["each"] = static_cast<double>(count);
  state.SetLabel(remark.empty() ? unit : unit + ": " + remark);
}

void require(bool holds, const std::string& what) {
  if (holds) return;
  std::cerr << "takt-bench: " << what << '\n';
  std::exit(2);
}

}  // namespace takt::bench
