// SPDX-License-Identifier: BSL-1.0
// mixed: a thousand modifiers, due every 1, 2, … 1000 steps, interested in all events of a batch.
#include <optional>

#include "counting_modifier.hpp"
#include "peers.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr int modifier_count = 1000;
constexpr std::int64_t batch_count = 100'000;
/// A peer looks at every 97th batch only, or this would take minutes. 97 is a prime, so that as
/// many modifiers are due at those batches as at all the others.
constexpr std::int64_t stride = 97;

using StepsPerEpoch = std::optional<std::int64_t>;

double update_of(int i, StepsPerEpoch steps_per_epoch) {
  const double steps = i + 1;
  return steps_per_epoch ? steps / static_cast<double>(*steps_per_epoch) : steps;
}

void takt_mixed(benchmark::State& state, StepsPerEpoch steps_per_epoch) {
  EventBus bus{Event{.steps_per_epoch = steps_per_epoch}};
  CountingModifiers modifiers;
  for (int i = 0; i < modifier_count; ++i) {
    modifiers.push_back(make_modifier(i, {.update = update_of(i, steps_per_epoch)}));
    bus.add(modifiers.back());
  }
  bus.initialize();
  for (auto _ : state) run_batch(bus);
  std::int64_t due = 0;
  for (std::int64_t update = 1; update <= modifier_count; ++update) {
    due += (state.iterations() + update - 1) / update;
  }
  require(calls(modifiers) == due * events_per_batch, "mixed: calls are missing");
  measure_each(state, 1, "batch");
}

template <class Peer>
void peer_mixed(benchmark::State& state, StepsPerEpoch steps_per_epoch) {
  Peer peer{Asks::yes};
  for (int i = 0; i < modifier_count; ++i) peer.add({.update = update_of(i, steps_per_epoch)});
  State modified;
  Event event{.steps_per_epoch = steps_per_epoch, .global_step = 1};
  for (auto _ : state) {
    for (const EventType type : batch_events) {
      event.type = type;
      peer.emit(modified, event);
    }
    event.global_step += stride;
  }
  require(peer.calls() > 0, "mixed: a peer's calls are missing");
  measure_each(state, 1, "batch *");
}

}  // namespace

void define_mixed() {
  for (const StepsPerEpoch steps_per_epoch : {StepsPerEpoch{}, StepsPerEpoch{390}}) {
    const std::string base = steps_per_epoch ? "mixed epochs/" : "mixed steps/";
    define(base + "takt", batch_count,
           [=](benchmark::State& state) { takt_mixed(state, steps_per_epoch); });
    define(base + "loop asking", batch_count / stride,
           [=](benchmark::State& state) { peer_mixed<Loop>(state, steps_per_epoch); });
    define(base + "Signals2 asking", batch_count / stride,
           [=](benchmark::State& state) { peer_mixed<Signals2>(state, steps_per_epoch); });
  }
}

}  // namespace takt::bench
