// SPDX-License-Identifier: BSL-1.0
/// \file
/// Runs as values: a bus, the probes on it and a loop's calls; recorded, and replayed.
#ifndef TAKT_TESTS_RECORDED_RUN_HPP
#define TAKT_TESTS_RECORDED_RUN_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "probe.hpp"
#include "takt/replay.hpp"
#include "takt/trace_recorder.hpp"

namespace takt::test::runs {

using Calls = std::vector<SequenceCall>;

// ---- Loops, as calls ----------------------------------------------------------------------------

inline Calls joined(const std::vector<Calls>& parts) {
  Calls all;
  for (const Calls& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

inline Calls times(int count, const Calls& calls) {
  return joined(std::vector<Calls>(static_cast<std::size_t>(count), calls));
}

inline Calls whole(const std::vector<Calls>& parts) {
  return joined({{{BusCall::initialize}}, joined(parts), {{BusCall::finalize}}});
}

inline const Calls forward{{BusCall::batch_start}, {BusCall::loss_calculated, 0.5}};
inline const Calls backward{{BusCall::optim_pre_step}, {BusCall::optim_post_step}};
inline const Calls batch = joined({forward, {{BusCall::batch_end}}});
inline const Calls step = joined({forward, backward, {{BusCall::batch_end}}});
inline const Calls aborted_batch = joined({forward, backward, {{BusCall::abort_batch}}});

// ---- A run that can be made again ---------------------------------------------------------------

using Probes = std::vector<std::shared_ptr<Probe>>;

/// Three that run at different times.
inline Probes three(ProbedBus& on) {
  return {on.add("clip", {.start = 2}, {.due = EventType::OPTIM_PRE_STEP}),
          on.add("prune", {.start = 1, .end = 4, .update = 2},
                 {.due = EventType::BATCH_START | EventType::SEQUENTIAL_EPOCH_END,
                  .every = EventType::OPTIM_POST_STEP}),
          on.add("log", {}, {.every = EventSet::all()})};
}

struct Run {
  Event start{};
  BusOptions options{};
  std::function<void(ProbedBus&)> fill = [](ProbedBus& on) { three(on); };
  Calls calls = whole({times(6, step)});
};

inline void make(EventBus& bus, const Calls& calls) {
  for (const SequenceCall& call : calls) {
    try {
      takt::replay(bus, {.calls = {call}});
    } catch (const ModifierError&) {  // as the run has it
    }
  }
}

inline Trace record(const Run& run) {
  Trace trace;
  ProbedBus on{run.start, run.options};
  run.fill(on);
  const TraceRecorder recorder{on.bus, trace};
  make(on.bus, run.calls);
  return trace;
}

inline std::string file_of(const Trace& trace) {
  std::ostringstream out;
  write_trace(trace, out);
  return out.str();
}

/// A reader with what it reads.
struct Reading {
  explicit Reading(const std::string& file) : in{file} {}
  explicit Reading(const Trace& held) : Reading{file_of(held)} {}

  std::istringstream in;
  TraceReader trace{in, "run.jsonl"};
};

inline std::string text_of(const TraceComparison& comparison) {
  std::ostringstream out;
  out << comparison;
  return out.str();
}

/// Replays a trace on a bus as `run` has it.
inline TraceComparison replay_on(const Run& run, const Trace& trace,
                                 const ComparisonOptions& options = {}) {
  ProbedBus on{run.start, run.options};
  run.fill(on);
  return takt::replay(on.bus, trace, options);
}

}  // namespace takt::test::runs

#endif
