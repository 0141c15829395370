// SPDX-License-Identifier: BSL-1.0
/// \file
/// What all workloads share: how they are named, measured and checked.
#ifndef TAKT_BENCH_WORKLOAD_HPP
#define TAKT_BENCH_WORKLOAD_HPP

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "takt/event_bus.hpp"

namespace takt::bench {

/// The events of a batch with an optimizer step.
inline constexpr EventSet batch_events{EventType::BATCH_START, EventType::LOSS_CALCULATED,
                                       EventType::OPTIM_PRE_STEP, EventType::OPTIM_POST_STEP,
                                       EventType::BATCH_END};
inline constexpr int events_per_batch = 5;

/// Emits the five events of a batch.
inline void run_batch(EventBus& bus) {
  bus.batch_start();
  bus.loss_calculated(0.5);
  bus.optim_pre_step();
  bus.optim_post_step();
  bus.batch_end();
}

/// Where measuring begins: past the first step, at which everything is due.
inline constexpr std::int64_t first_step = 1000;

using Body = std::function<void(benchmark::State&)>;

/// Registers a workload that is measured several times, as many iterations as a time takes. Each
/// time sets everything up anew, so that no luck with addresses lasts.
void define(const std::string& name, const Body& body);

/// The same with a given number of iterations.
void define(const std::string& name, std::int64_t iterations, const Body& body);

/// The same for what takes a second or so to set up or do: a few times, with one iteration.
void define_slow(const std::string& name, const Body& body);

/// The names of all workloads, as they were registered.
const std::vector<std::string>& workload_names();

/// One iteration does `count` of something, "emission" for instance; the time is reported for one,
/// with a remark if there is something to say.
void measure_each(benchmark::State& state, std::int64_t count, const std::string& unit,
                  const std::string& remark = "");

/// One of two, chosen when the program runs, so that no compiler knows which class of hooks there
/// is and does away with their virtual calls. All hooks of a run are of that class: calls that are
/// hard to predict would hide what is measured.
bool first_of_two_classes();

/// Ends the program with `what` when a workload did not do what it says.
void require(bool holds, const std::string& what);

// One function per file of workloads; each registers its own.
void define_idle();
void define_all_due();
void define_mixed();
void define_observed();
void define_registering();
void define_cadences();
void define_plans();
void define_traces();
void define_kernels();
void define_torch_peers();
void define_torch_step();

}  // namespace takt::bench

#endif
