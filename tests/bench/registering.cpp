// SPDX-License-Identifier: BSL-1.0
// register: adding and removing many modifiers, and the memory that they take.
#include <malloc.h>

#include <map>
#include <string_view>

#include "counting_modifier.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr int count = 100'000;

CountingModifiers make_modifiers() {
  CountingModifiers modifiers;
  for (int i = 0; i < count; ++i) modifiers.push_back(make_modifier(i, {.update = 1 + i % 1000}));
  return modifiers;
}

/// Whether the bus is initialized before the modifiers come; if so, each is initialized at once.
enum class When : bool { before, running };

// A bus can be filled once, so each of these is one iteration; all but the loop is not measured.

void add(benchmark::State& state, When when) {
  const CountingModifiers modifiers = make_modifiers();
  EventBus bus;
  if (when == When::running) bus.initialize();
  for (auto _ : state) {
    for (const auto& modifier : modifiers) bus.add(modifier);
  }
  require(bus.modifiers().size() == count, "register: modifiers are missing");
  measure_each(state, count, "modifier");
}

void remove(benchmark::State& state) {
  const CountingModifiers modifiers = make_modifiers();
  EventBus bus;
  for (const auto& modifier : modifiers) bus.add(modifier);
  bus.initialize();
  run_batch(bus);
  for (auto _ : state) {
    for (const auto& modifier : modifiers) bus.remove(modifier->name());
  }
  require(bus.modifiers().empty(), "register: modifiers are left");
  measure_each(state, count, "modifier");
}

/// What anyone would keep: the modifiers in their order, and by name. The names stay where they
/// are, as on the bus.
void vector_and_map(benchmark::State& state) {
  const CountingModifiers modifiers = make_modifiers();
  std::vector<std::shared_ptr<Modifier>> order;
  std::map<std::string_view, Modifier*> names;
  for (auto _ : state) {
    for (const auto& modifier : modifiers) {
      order.push_back(modifier);
      names.emplace(modifier->name(), modifier.get());
    }
  }
  require(names.size() == count, "register: names are missing");
  measure_each(state, count, "modifier");
}

/// Bytes in use, the allocator's own included.
std::size_t bytes_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// No time: the memory of one registered modifier, apart from the modifier itself, and its own.
void memory(benchmark::State& state) {
  const std::size_t at_first = bytes_in_use();
  const CountingModifiers modifiers = make_modifiers();
  const std::size_t with_modifiers = bytes_in_use();
  EventBus bus;
  for (const auto& modifier : modifiers) bus.add(modifier);
  bus.initialize();
  run_batch(bus);
  const std::size_t with_bus = bytes_in_use();
  for (auto _ : state) benchmark::ClobberMemory();
  state.counters["bus_bytes"] = static_cast<double>(with_bus - with_modifiers) / count;
  state.counters["own_bytes"] = static_cast<double>(with_modifiers - at_first) / count;
}

}  // namespace

void define_registering() {
  define("register/add", 1, [](benchmark::State& state) { add(state, When::before); });
  define("register/add, running", 1, [](benchmark::State& state) { add(state, When::running); });
  define("register/remove, running", 1, remove);
  define("register/vector and map", 1, vector_and_map);
  define("register/memory", 1, memory);
}

}  // namespace takt::bench
