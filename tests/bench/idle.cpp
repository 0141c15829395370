// SPDX-License-Identifier: BSL-1.0
// idle: nothing is due and nobody watches. batch: almost nothing is.
#include <array>

#include "counting_modifier.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

/// A bus on which nothing is due at any step that is measured: of every two modifiers one is active
/// and waits for a far step, and the other waits for its window to open.
class IdleBus {
 public:
  explicit IdleBus(int count) : bus{Event{.global_step = first_step}} {
    for (int i = 0; i < count; ++i) {
      const Cadence cadence =
          i % 2 == 0 ? Cadence{.update = 1e12 + i} : Cadence{.start = 1e12 + i, .update = 1};
      modifiers.push_back(make_modifier(i, cadence));
      bus.add(modifiers.back());
    }
    bus.initialize();
    run_batch(bus);
    require(count == 0 || modifiers.front()->phase() == Phase::active, "idle: nothing is active");
  }

  ~IdleBus() { require(calls(modifiers) == 0, "idle: something was due"); }
  IdleBus(const IdleBus&) = delete;
  IdleBus& operator=(const IdleBus&) = delete;

  EventBus bus;
  CountingModifiers modifiers;
};

void one_emission(benchmark::State& state, int count) {
  IdleBus idle{count};
  idle.bus.batch_start();
  // The loss may come as often as it likes, which shows one emission apart from the others.
  for (auto _ : state) idle.bus.loss_calculated(0.5);
  measure_each(state, 1, "emission");
}

void whole_batches(benchmark::State& state, int count) {
  IdleBus idle{count};
  for (auto _ : state) run_batch(idle.bus);
  measure_each(state, events_per_batch, "emission");
}

void batch(benchmark::State& state, int count, int update) {
  EventBus bus{Event{.global_step = first_step}};
  CountingModifiers modifiers;
  for (int i = 0; i < count; ++i) {
    modifiers.push_back(make_modifier(i, {.update = update}));
    bus.add(modifiers.back());
  }
  bus.initialize();
  for (auto _ : state) run_batch(bus);
  const std::int64_t due_batches = (state.iterations() + update - 1) / update;
  require(calls(modifiers) == count * due_batches * events_per_batch, "batch: calls are missing");
  measure_each(state, 1, "batch");
}

}  // namespace

void define_idle() {
  constexpr std::array counts{10, 1000, 100'000};
  for (const int count : counts) {
    define("idle/" + std::to_string(count),
           [=](benchmark::State& state) { one_emission(state, count); });
  }
  for (const int count : counts) {
    define("idle batch/" + std::to_string(count),
           [=](benchmark::State& state) { whole_batches(state, count); });
  }
  define("batch", [](benchmark::State& state) { batch(state, 10, 100); });
}

}  // namespace takt::bench
