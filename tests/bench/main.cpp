// SPDX-License-Identifier: BSL-1.0
// takt's benchmark. Takes Google Benchmark's options: --benchmark_filter=idle,
// --benchmark_out=FILE. Exits with 1 when a limit is missed.
#ifndef NDEBUG
#error "takt-bench measures a Release build"
#endif

#include <benchmark/benchmark.h>

#include <iostream>
#include <string>
#include <vector>

#include "report.hpp"
#include "results.hpp"
#include "workload.hpp"

int main(int argc, char** argv) {
  // Repetitions of different workloads alternate, so that a slow minute hits all of them alike.
  std::string interleaved = "--benchmark_enable_random_interleaving=true";
  std::vector<char*> arguments{argv, argv + argc};
  arguments.insert(arguments.begin() + 1, interleaved.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  takt::bench::define_idle();
  takt::bench::define_all_due();
  takt::bench::define_mixed();
  takt::bench::define_observed();
  takt::bench::define_registering();
  takt::bench::define_cadences();
  takt::bench::define_plans();
  takt::bench::define_traces();
  takt::bench::define_kernels();
  takt::bench::define_torch_peers();
  takt::bench::define_torch_step();

  takt::bench::Results results;
  benchmark::RunSpecifiedBenchmarks(&results);
  benchmark::Shutdown();
  if (results.all().empty()) return 0;
  return takt::bench::report(results, std::cout) ? 0 : 1;
}
