// SPDX-License-Identifier: BSL-1.0
// all_due: everything registered is due at every event, so nothing can be saved; what is left is
// the cost of getting around.
#include "counting_modifier.hpp"
#include "peers.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

void takt_all_due(benchmark::State& state, int count) {
  EventBus bus{Event{.global_step = first_step}};
  CountingModifiers modifiers;
  for (int i = 0; i < count; ++i) {
    modifiers.push_back(make_modifier(i, {.update = 1}));
    bus.add(modifiers.back());
  }
  bus.initialize();
  run_batch(bus);
  bus.batch_start();
  const std::int64_t before = calls(modifiers);
  // The loss may come as often as it likes, which shows one emission apart from the others.
  for (auto _ : state) bus.loss_calculated(0.5);
  require(calls(modifiers) - before == count * state.iterations(), "all_due: calls are missing");
  measure_each(state, 1, "emission");
}

template <class Peer>
void peer_all_due(benchmark::State& state, int count, Asks asks) {
  Peer peer{asks};
  for (int i = 0; i < count; ++i) peer.add({.update = 1.0});
  State modified;
  const Event event{.type = EventType::LOSS_CALCULATED, .global_step = first_step};
  for (auto _ : state) {
    modified.loss = 0.5;
    peer.emit(modified, event);
  }
  require(peer.calls() == count * state.iterations(), "all_due: a peer's calls are missing");
  measure_each(state, 1, "emission");
}

template <class Peer>
void define_peer(const std::string& name, int count) {
  for (const Asks asks : {Asks::no, Asks::yes}) {
    const char* const how = asks == Asks::yes ? " asking" : "";
    define("all_due/" + name + how + "/" + std::to_string(count),
           [=](benchmark::State& state) { peer_all_due<Peer>(state, count, asks); });
  }
}

}  // namespace

void define_all_due() {
  for (const int count : {1, 10, 100, 1000}) {
    define("all_due/takt/" + std::to_string(count),
           [=](benchmark::State& state) { takt_all_due(state, count); });
    define_peer<Loop>("loop", count);
    define_peer<Sigcpp>("sigc++", count);
    define_peer<Signals2>("Signals2", count);
  }
}

}  // namespace takt::bench
