// SPDX-License-Identifier: BSL-1.0
// observed: one observer on a bus, against the signal that the bus uses for it.
#include <boost/signals2/signal.hpp>

#include "workload.hpp"

namespace takt::bench {
namespace {

void takt_observed(benchmark::State& state) {
  EventBus bus;
  std::int64_t count = 0;
  bus.connect(EventType::LOSS_CALCULATED, [&count](const Event&, const State&) { ++count; });
  bus.initialize();
  bus.batch_start();
  for (auto _ : state) bus.loss_calculated(0.5);
  require(count == state.iterations(), "observed: calls are missing");
  measure_each(state, 1, "emission");
}

void raw_signal(benchmark::State& state) {
  boost::signals2::signal<void(const Event&, const State&)> signal;
  std::int64_t count = 0;
  signal.connect([&count](const Event&, const State&) { ++count; });
  State modified;
  const Event event{.type = EventType::LOSS_CALCULATED};
  for (auto _ : state) {
    modified.loss = 0.5;
    signal(event, modified);
  }
  require(count == state.iterations(), "observed: calls of the signal are missing");
  measure_each(state, 1, "emission");
}

}  // namespace

void define_observed() {
  define("observed/takt", takt_observed);
  define("observed/Signals2", raw_signal);
}

}  // namespace takt::bench
