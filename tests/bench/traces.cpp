// SPDX-License-Identifier: BSL-1.0
// trace and replay: what it costs to write an event down, to read it, and to replay one.
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <streambuf>

#include "counting_modifier.hpp"
#include "takt/replay.hpp"
#include "takt/testing.hpp"
#include "takt/trace_recorder.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr std::int64_t step_count = 20'000;
constexpr int modifier_count = 10;

/// Due every 1, 11, 21, … steps: as a run with a schedule, some pruning and some logging.
CountingModifiers ten() {
  CountingModifiers modifiers;
  for (int i = 0; i < modifier_count; ++i) {
    modifiers.push_back(make_modifier(i, {.update = 10.0 * i + 1.0}));
  }
  return modifiers;
}

void add_all(EventBus& bus) {
  for (const auto& modifier : ten()) bus.add(modifier);
}

const Sequence& sequence() {
  static const Sequence calls = testing::steps(step_count);
  return calls;
}

std::int64_t event_count() { return static_cast<std::int64_t>(sequence().calls.size()); }

/// Takes everything, and keeps nothing.
class Nowhere final : public std::streambuf {
 protected:
  std::streamsize xsputn(const char*, std::streamsize count) override { return count; }
  int_type overflow(int_type c) override { return traits_type::not_eof(c); }
};

void run(benchmark::State& state, bool recorded) {
  Nowhere nowhere;
  std::ostream out{&nowhere};
  for (auto _ : state) {
    EventBus bus{sequence().start};
    add_all(bus);
    std::unique_ptr<TraceRecorder> recorder;
    if (recorded) recorder = std::make_unique<TraceRecorder>(bus, out);
    replay(bus, sequence());
    if (recorder) require(recorder->entries() == event_count(), "trace: events are missing");
  }
  measure_each(state, event_count(), "event");
}

void replayed(benchmark::State& state) {
  for (auto _ : state) {
    EventBus bus{sequence().start};
    bus.add(make_modifier(0, {.update = 100.0}));
    replay(bus, sequence());
  }
  measure_each(state, event_count(), "event");
}

Trace recorded_trace() {
  Trace trace;
  EventBus bus{sequence().start};
  add_all(bus);
  TraceRecorder recorder{bus, trace};
  replay(bus, sequence());
  return trace;
}

void compared(benchmark::State& state) {
  const Trace trace = recorded_trace();
  for (auto _ : state) {
    EventBus bus{sequence().start};
    add_all(bus);
    require(replay(bus, trace).equal(), "replay: not equal");
  }
  measure_each(state, event_count(), "event");
}

std::string recorded_text() {
  std::ostringstream out;
  EventBus bus{sequence().start};
  add_all(bus);
  TraceRecorder recorder{bus, out};
  replay(bus, sequence());
  recorder.close();
  return out.str();
}

void reading(benchmark::State& state) {
  const std::string text = recorded_text();
  for (auto _ : state) {
    std::istringstream in{text};
    TraceReader reader{in};
    std::int64_t entries = 0;
    for (TraceEntry entry; reader.next(entry);) ++entries;
    require(entries == event_count(), "trace: events are missing");
  }
  measure_each(state, static_cast<std::int64_t>(text.size()), "byte");
}

/// The peer: values of the JSON library, and nothing done with them.
void reading_json(benchmark::State& state) {
  const std::string text = recorded_text();
  for (auto _ : state) {
    std::istringstream in{text};
    std::int64_t lines = 0;
    for (std::string line; std::getline(in, line);) {
      lines += nlohmann::json::parse(line).is_object() ? 1 : 0;
    }
    require(lines == event_count() + 1, "trace: lines are missing");
  }
  measure_each(state, static_cast<std::int64_t>(text.size()), "byte");
}

/// The peer: the same lines, made by the JSON library from values that are there already.
void writing_json(benchmark::State& state) {
  std::vector<nlohmann::ordered_json> values;
  std::istringstream in{recorded_text()};
  for (std::string line; std::getline(in, line);) {
    values.push_back(nlohmann::ordered_json::parse(line));
  }
  for (auto _ : state) {
    std::string text;
    for (const auto& value : values) {
      const nlohmann::ordered_json made = value;  // as an event would have to be put together
      text = made.dump();
      benchmark::DoNotOptimize(text.data());
    }
  }
  measure_each(state, event_count(), "event");
}

}  // namespace

void define_traces() {
  define("replay/sequence", replayed);
  define("replay/trace, compared", compared);
  define("trace/not recorded", [](benchmark::State& state) { run(state, false); });
  define("trace/recorded", [](benchmark::State& state) { run(state, true); });
  define("trace/JSON library, writing", writing_json);
  define("trace/reading", reading);
  define("trace/JSON library, reading", reading_json);
}

}  // namespace takt::bench
