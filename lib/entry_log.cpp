// SPDX-License-Identifier: BSL-1.0
#include "entry_log.hpp"

#include "bus_access.hpp"
#include "failures.hpp"
#include "takt/error.hpp"

namespace takt::detail {
namespace {

TracedModifier traced(const Modifier& modifier, int group) {
  return {.name = modifier.name(),
          .cadence = modifier.cadence(),
          .interests = modifier.interests(),
          .group = group};
}

}  // namespace

EntryLog::EntryLog(EventBus& bus, bool timed)
    : bus_{bus}, watchers_{BusAccess::core(bus).watchers}, timed_{timed} {
  BusAccess::Core& core = BusAccess::core(bus);
  if (!core.lifecycle.accepts(BusCall::initialize)) {
    throw LifecycleError(
        "a recorder was attached to a bus that is initialized already; attach it before "
        "initialize()");
  }
  core.attach(*this);
}

void EntryLog::detach() noexcept { BusAccess::Core::detach(watchers_, *this); }

template <class Work>
void EntryLog::guarded(Work&& work) noexcept {
  try {
    work();
  } catch (...) {
    on_failure();
  }
}

std::int64_t EntryLog::since(Clock::time_point begin) const noexcept {
  if (!timed_) return 0;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count();
}

void EntryLog::begin(TraceKind kind, const Event& event) {
  entry_.kind = kind;
  entry_.step = event.global_step;
  entry_.batch = event.global_batch;
  entry_.nanoseconds = since(begin_);
  entry_.loss.reset();
  entry_.layers.clear();
  entry_.hooks.clear();
}

/// Those on the bus, which have their positions from now on.
TraceHeader EntryLog::take_in() {
  begun_ = true;
  BusAccess::Core& core = BusAccess::core(bus_);
  TraceHeader header{.start = core.lifecycle.event(std::nullopt), .options = core.options};
  for (const auto& [order, slot] : core.roster.slots()) {
    positions_[slot.modifier.get()] = modifier_count_++;
    header.modifiers.push_back(traced(*slot.modifier, order.group));
  }
  return header;
}

/// INITIALIZE is about to reach those on the bus.
void EntryLog::begin_run() {
  const TraceHeader header = take_in();
  if (timed_) begin_ = Clock::now();
  on_header(header);
}

std::optional<std::int64_t> EntryLog::checkpoint() noexcept {
  std::optional<std::int64_t> entries;
  guarded([&] { entries = on_checkpoint(); });
  return entries;
}

void EntryLog::resume(std::optional<std::int64_t> entries) noexcept {
  guarded([&] {
    const std::chrono::nanoseconds before{on_resumed(take_in(), entries)};
    if (timed_) begin_ = Clock::now() - before;
  });
}

void EntryLog::begin_call(BusCall call, const Event& event, const State& state) noexcept {
  guarded([&] {
    if (!begun_) begin_run();
    begin(TraceKind::call, event);
    entry_.call = call;
    if (call == BusCall::loss_calculated) entry_.loss = state.loss;
    if (call == BusCall::sequential_epoch_end) entry_.layers = state.layers;
  });
}

void EntryLog::begin_addition(const Modifier& modifier, int group, const Event& event) noexcept {
  guarded([&] {
    begin(TraceKind::addition, event);
    positions_[&modifier] = modifier_count_;
    entry_.modifier = modifier_count_++;
    joined_ = std::make_unique<TracedModifier>(traced(modifier, group));
  });
}

void EntryLog::begin_removal(const Modifier& modifier, const Event& event) noexcept {
  guarded([&] {
    begin(TraceKind::removal, event);
    entry_.modifier = positions_.at(&modifier);
  });
}

void EntryLog::hook_begins() noexcept {
  if (timed_) hook_begin_ = Clock::now();
}

void EntryLog::hook_ended(const Modifier& modifier, Hook hook,
                          const std::exception_ptr& error) noexcept {
  const std::int64_t took = since(hook_begin_);
  guarded([&] {
    HookRun& run = entry_.hooks.emplace_back();
    run.modifier = positions_.at(&modifier);
    run.hook = hook;
    run.nanoseconds = took;
    if (error) run.error = text_of(error);
  });
}

/// Those that INITIALIZE did not reach have left while it was emitted, and the bus says no more of
/// them.
std::vector<TraceEntry> EntryLog::removals_at_initialize() const {
  std::vector<TraceEntry> removals;
  if (entry_.kind != TraceKind::call || entry_.call != BusCall::initialize) return removals;
  std::vector<bool> reached(modifier_count_, false);
  for (const HookRun& run : entry_.hooks) reached.at(run.modifier) = true;
  for (std::size_t i = 0; i < modifier_count_; ++i) {
    if (reached[i]) continue;
    removals.push_back({.kind = TraceKind::removal,
                        .modifier = i,
                        .step = entry_.step,
                        .batch = entry_.batch,
                        .nanoseconds = since(begin_)});
  }
  return removals;
}

void EntryLog::end() noexcept {
  guarded([&] {
    std::vector<TraceEntry> removals = removals_at_initialize();
    on_entry(entry_, joined_.get());
    joined_.reset();
    for (TraceEntry& removal : removals) on_entry(removal, nullptr);
  });
}

}  // namespace takt::detail
