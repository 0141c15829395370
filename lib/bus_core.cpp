// SPDX-License-Identifier: BSL-1.0
#include "bus_core.hpp"

#include <new>

#include "hooks_run.hpp"
#include "modifier_access.hpp"
#include "recorded.hpp"

namespace takt {

using detail::BusWatcher;
using detail::Call;
using detail::Failures;
using detail::Hooks;
using detail::HooksRun;
using detail::ModifierAccess;
using detail::Recorded;
using detail::Slot;

namespace {

void call_hook(Modifier& modifier, Hook hook, State& state, const Event& event) {
  switch (hook) {
    case Hook::on_initialize:
      return modifier.on_initialize(state, event);
    case Hook::on_start:
      return modifier.on_start(state, event);
    case Hook::on_event:
      return modifier.on_event(state, event);
    case Hook::on_update:
      return modifier.on_update(state, event);
    case Hook::on_end:
      return modifier.on_end(state, event);
    case Hook::on_abort:
      return modifier.on_abort(state, event);
    case Hook::on_finalize:
      return modifier.on_finalize(state, event);
  }
}

/// What is told of a failure besides the first: its line; nothing when there is no error, or no
/// memory to tell it.
std::vector<std::string> lines_of(const detail::Failure& failure) noexcept {
  std::vector<std::string> lines;
  if (!failure.error) return lines;
  try {
    lines.push_back(failure.line());
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the first is told all the same
  }
  return lines;
}

}  // namespace

EventBus::Core::Core(EventBus& bus, const Event& start, BusOptions bus_options)
    : options{bus_options},
      lifecycle{start, options.order},
      roster{lifecycle, attention, queued_bit},
      observers{attention},
      bus_{bus} {}

template <EventType type>
void EventBus::Core::call_the_long_way() {
  Failures failures;
  if constexpr (type == EventType::INITIALIZE) {
    // What other threads add from now on is queued, and initialized after all that is here.
    begin();
  } else {
    do_queued_work(failures);
  }
  if constexpr (type == EventType::FINALIZE) {
    close(failures);
  }
  if constexpr (type == EventType::BATCH_START) state.loss.reset();
  const bool emits = lifecycle.enter<type>();
  if (emits) emit(type, failures);
  if constexpr (type == EventType::BATCH_END) advance();
  try_queued_work(failures);
  if constexpr (type == EventType::FINALIZE) close_the_run(failures);
  failures.throw_if_any();
}

template <EventType type>
void EventBus::Core::call_watched() {
  if constexpr (type == EventType::BATCH_START) state.loss.reset();
  std::exception_ptr error;
  if (lifecycle.enter<type>()) {
    const Event event = lifecycle.event(type);
    const HooksRun running{lifecycle, type};
    const Recorded recorded{*watchers, &BusWatcher::begin_call, call_for(type), event, state};
    error = observers.emit(type, At::before, event, state);
    auto later_error = observers.emit(type, At::after, event, state);
    if (!error) error = std::move(later_error);
  }
  if constexpr (type == EventType::BATCH_END) advance();
  if (!error && (attention.load(std::memory_order_acquire) & queued_bit) == 0) return;
  Failures failures;
  if (error) failures.add_observer(type, std::move(error));
  try_queued_work(failures);
  failures.throw_if_any();
}

template void EventBus::Core::call_the_long_way<EventType::INITIALIZE>();
template void EventBus::Core::call_the_long_way<EventType::FINALIZE>();
template void EventBus::Core::call_the_long_way<EventType::BATCH_START>();
template void EventBus::Core::call_the_long_way<EventType::LOSS_CALCULATED>();
template void EventBus::Core::call_the_long_way<EventType::BATCH_END>();
template void EventBus::Core::call_the_long_way<EventType::CALIBRATION_EPOCH_START>();
template void EventBus::Core::call_the_long_way<EventType::SEQUENTIAL_EPOCH_END>();
template void EventBus::Core::call_the_long_way<EventType::CALIBRATION_EPOCH_END>();
template void EventBus::Core::call_the_long_way<EventType::OPTIM_PRE_STEP>();
template void EventBus::Core::call_the_long_way<EventType::OPTIM_POST_STEP>();
template void EventBus::Core::call_watched<EventType::INITIALIZE>();
template void EventBus::Core::call_watched<EventType::FINALIZE>();
template void EventBus::Core::call_watched<EventType::BATCH_START>();
template void EventBus::Core::call_watched<EventType::LOSS_CALCULATED>();
template void EventBus::Core::call_watched<EventType::BATCH_END>();
template void EventBus::Core::call_watched<EventType::CALIBRATION_EPOCH_START>();
template void EventBus::Core::call_watched<EventType::SEQUENTIAL_EPOCH_END>();
template void EventBus::Core::call_watched<EventType::CALIBRATION_EPOCH_END>();
template void EventBus::Core::call_watched<EventType::OPTIM_PRE_STEP>();
template void EventBus::Core::call_watched<EventType::OPTIM_POST_STEP>();

void EventBus::Core::begin() {
  roster.begin([this](const detail::Slots& slots) {
    detail::Agenda::Demand demand;
    for (const auto& [order, slot] : slots) demand.add(slot);
    agenda.reserve(demand);
  });
}

void EventBus::Core::close(Failures& failures) {
  try {
    while (!roster.close()) do_queued_work(failures);
  } catch (const std::bad_alloc&) {
    roster.reopen();
    throw;
  }
}

void EventBus::Core::close_the_run(Failures& failures) {
  do {
    try_queued_work(failures);  // nobody joins any more, so none of it needs room
    agenda.clear();             // before other threads may take slots out of the roster
  } while (!roster.finish());
}

void EventBus::Core::emit(EventType type, Failures& failures) {
  const Event event = lifecycle.event(type);
  const HooksRun running{lifecycle, type};
  const Recorded recorded{*watchers, &BusWatcher::begin_call, call_for(type), event, state};
  torn_ = false;
  if (auto error = observers.emit(type, At::before, event, state)) {
    failures.add_observer(type, std::move(error));
  }
  if (((agenda.mask() | always_long(type)) & (detail::bit_of(type) | never_idle_bit)) != 0) {
    emit_to_modifiers(type, event, failures);
  }
  if (auto error = observers.emit(type, At::after, event, state)) {
    failures.add_observer(type, std::move(error));
  }
}

void EventBus::Core::emit_to_modifiers(EventType type, const Event& event, Failures& failures) {
  if (type == EventType::INITIALIZE || type == EventType::FINALIZE) {
    for (auto& [order, slot] : roster.slots()) {
      if (ModifierAccess::leaving(*slot.modifier)) continue;
      if (type == EventType::INITIALIZE) {
        initialize(slot, event, failures);
      } else {
        finalize(slot, event, failures);
      }
    }
    return;
  }
  const bool watched = watchers->any();
  for (const Call& call : agenda.calls(type, event.global_step, lifecycle.step_taken())) {
    if (ModifierAccess::leaving(*call.modifier)) continue;
    if (call.hooks == Hooks::update && !watched && !torn_) {
      // The common case, spelled out: a virtual call and nothing else.
      try {
        call.modifier->on_update(state, event);
      } catch (...) {
        fail(*call.slot, Hook::on_update, event, failures);
      }
    } else {
      run(call, event, failures);
    }
  }
}

/// All hooks of one modifier at one event.
void EventBus::Core::run(const Call& call, const Event& event, Failures& failures) {
  Slot& slot = *call.slot;
  const auto may_run = [&] {
    return slot.stage == Slot::Stage::active && !ModifierAccess::leaving(*slot.modifier);
  };
  // A batch that ends in an exception: whoever can't hear of its end any more hears of that.
  const bool misses_the_end = torn_ && event.type == EventType::BATCH_END &&
                              (call.hooks & (Hooks::event | Hooks::update)) != 0;
  if (misses_the_end && may_run()) abort(*slot.modifier, event);
  if ((call.hooks & Hooks::start) != 0) {
    if (run_hook(slot, Hook::on_start, event, failures)) {
      ModifierAccess::set_phase(*slot.modifier, Phase::active);
    } else if (slot.modifier->phase() != Phase::quarantined) {
      ModifierAccess::set_phase(*slot.modifier, Phase::ended);
      agenda.close(slot);
    }
  }
  if ((call.hooks & Hooks::event) != 0 && !torn_ && may_run()) {
    run_hook(slot, Hook::on_event, event, failures);
  }
  if ((call.hooks & Hooks::update) != 0 && !torn_ && may_run()) {
    run_hook(slot, Hook::on_update, event, failures);
  }
  if ((call.hooks & Hooks::end) != 0 && may_run()) end(slot, event, failures);
}

void EventBus::Core::initialize(Slot& slot, const Event& event, Failures& failures) {
  run_hook(slot, Hook::on_initialize, event, failures);
  if (slot.modifier->phase() == Phase::quarantined) return;
  ModifierAccess::set_phase(*slot.modifier, Phase::initialized);
  agenda.admit(slot, event.global_step);
}

void EventBus::Core::end(Slot& slot, const Event& event, Failures& failures) {
  agenda.close(slot);  // first: whatever on_end does, it has been run
  run_hook(slot, Hook::on_end, event, failures);
  if (slot.modifier->phase() != Phase::quarantined) {
    ModifierAccess::set_phase(*slot.modifier, Phase::ended);
  }
}

void EventBus::Core::finalize(Slot& slot, const Event& event, Failures& failures) {
  const Phase phase = slot.modifier->phase();
  if (phase == Phase::quarantined || phase == Phase::finalized) return;
  if (phase == Phase::active) end(slot, event, failures);
  agenda.close(slot);
  if (slot.modifier->phase() == Phase::quarantined) return;
  run_hook(slot, Hook::on_finalize, event, failures);
  if (slot.modifier->phase() != Phase::quarantined) {
    ModifierAccess::set_phase(*slot.modifier, Phase::finalized);
  }
}

bool EventBus::Core::run_hook(Slot& slot, Hook hook, const Event& event, Failures& failures) {
  Modifier& modifier = *slot.modifier;
  try {
    detail::run_watched(*watchers, modifier, hook,
                        [&] { call_hook(modifier, hook, state, event); });
    return true;
  } catch (...) {
    fail(slot, hook, event, failures);
    return false;
  }
}

/// Called while the exception is being handled.
void EventBus::Core::fail(Slot& slot, Hook hook, const Event& event, Failures& failures) {
  if (options.errors == ErrorPolicy::quarantine) {
    quarantine(slot, hook, event, failures);
    return;
  }
  if (options.errors == ErrorPolicy::propagate) torn_ = true;
  failures.add({slot.modifier, hook, event.type.value_or(EventType::INITIALIZE), event.global_step,
                std::current_exception()});
}

void EventBus::Core::quarantine(Slot& slot, Hook hook, const Event& event, Failures& failures) {
  const EventType type = event.type.value_or(EventType::INITIALIZE);
  Modifier& modifier = *slot.modifier;
  const detail::Failure failure{slot.modifier, hook, type, event.global_step,
                                std::current_exception()};
  std::exception_ptr error_at_end;
  const bool owes_end = modifier.phase() == Phase::active && slot.stage == Slot::Stage::active;
  if (owes_end) {
    abort(modifier, event);
    try {
      detail::run_watched(*watchers, modifier, Hook::on_end,
                          [&] { modifier.on_end(state, event); });
    } catch (...) {
      error_at_end = std::current_exception();
    }
  }
  ModifierAccess::set_phase(modifier, Phase::quarantined);
  agenda.close(slot);
  if (!on_error) return;
  try {
    on_error(failure.as_error(
        lines_of({slot.modifier, Hook::on_end, type, event.global_step, error_at_end})));
  } catch (...) {
    failures.add_observer(type, std::current_exception());
  }
}

void EventBus::Core::abort_active() noexcept {
  const Event event = lifecycle.event(std::nullopt);
  const HooksRun running{lifecycle, BusCall::abort_batch};
  const Recorded recorded{*watchers, &BusWatcher::begin_call, BusCall::abort_batch, event, state};
  for (auto& [order, slot] : roster.slots()) {
    Modifier& modifier = *slot.modifier;
    // Also one whose removal is queued: its last hooks come with the next call, which may be never.
    if (modifier.phase() == Phase::active) abort(modifier, event);
  }
}

void EventBus::Core::abort(Modifier& modifier, const Event& event) noexcept {
  detail::run_watched(*watchers, modifier, Hook::on_abort,
                      [&] { modifier.on_abort(state, event); });
}

void EventBus::Core::abort_batch_quietly() noexcept {
  lifecycle.abort_batch();
  abort_active();
}

void EventBus::Core::abort_batch() {
  lifecycle.require(BusCall::abort_batch);
  Failures failures;
  try_queued_work(failures);
  abort_batch_quietly();
  try_queued_work(failures);
  failures.throw_if_any();
}

void EventBus::Core::abort_calibration_epoch() {
  lifecycle.require(BusCall::abort_calibration_epoch);
  Failures failures;
  try_queued_work(failures);
  abort_calibration_epoch_quietly();
  failures.throw_if_any();
}

void EventBus::Core::abort_calibration_epoch_quietly() noexcept {
  lifecycle.abort_calibration_epoch();
  const HooksRun running{lifecycle, BusCall::abort_calibration_epoch};
  const Recorded recorded{*watchers, &BusWatcher::begin_call, BusCall::abort_calibration_epoch,
                          lifecycle.event(std::nullopt), state};
}

void EventBus::Core::attach(BusWatcher& watcher) {
  watchers->add(watcher);
  attention.fetch_or(recorded_bit, std::memory_order_release);
}

void EventBus::Core::detach(const std::weak_ptr<detail::BusWatchers>& watchers,
                            const BusWatcher& watcher) noexcept {
  // The bit stays: a bus that was recorded once goes on to look whether anyone watches.
  if (const auto alive = watchers.lock()) alive->remove(watcher);
}

}  // namespace takt
