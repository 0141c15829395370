// SPDX-License-Identifier: BSL-1.0
// plan: a million steps with fifty modifiers, planned, and really run with empty hooks.
#include "counting_modifier.hpp"
#include "takt/plan.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr int modifier_count = 50;
constexpr std::int64_t step_count = 1'000'000;

/// Due every 1, 2, … 50 steps, at all events of a batch.
CountingModifiers fifty() {
  CountingModifiers modifiers;
  for (int i = 0; i < modifier_count; ++i) {
    modifiers.push_back(make_modifier(i, {.update = i + 1.0}));
  }
  return modifiers;
}

std::int64_t updates_due() {
  std::int64_t updates = 0;
  for (std::int64_t update = 1; update <= modifier_count; ++update) {
    updates += (step_count + update - 1) / update * events_per_batch;
  }
  return updates;
}

void planning(benchmark::State& state) {
  const CountingModifiers modifiers = fifty();
  const std::vector<std::shared_ptr<Modifier>> planned{modifiers.begin(), modifiers.end()};
  std::int64_t updates = 0;
  for (auto _ : state) {
    const Plan plan{planned, {.steps = step_count}};
    updates = 0;
    for (const ModifierPlan& modifier : plan.modifiers()) updates += modifier.updates;
  }
  require(updates == updates_due(), "plan: updates are missing");
  measure_each(state, 1, "run");
}

void running(benchmark::State& state) {
  for (auto _ : state) {
    const CountingModifiers modifiers = fifty();
    EventBus bus{Event{}};
    for (const auto& modifier : modifiers) bus.add(modifier);
    bus.initialize();
    for (std::int64_t step = 0; step < step_count; ++step) run_batch(bus);
    bus.finalize();
    require(calls(modifiers) == updates_due(), "plan: updates are missing");
  }
  measure_each(state, 1, "run");
}

}  // namespace

void define_plans() {
  define("plan/planning", planning);
  define("plan/running", 1, running);
}

}  // namespace takt::bench
