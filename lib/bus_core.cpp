// SPDX-License-Identifier: BSL-1.0
#include "bus_core.hpp"

#include <algorithm>
#include <new>

#include "hooks_run.hpp"
#include "modifier_access.hpp"
#include "state_access.hpp"

namespace takt {

using detail::BusWatcher;
using detail::Call;
using detail::Failures;
using detail::Hooks;
using detail::HooksRun;
using detail::ModifierAccess;
using detail::Slot;
using detail::StateAccess;

namespace {

/// As long as one of these lives, hooks belong to what the watchers have been told of.
class Recorded {
 public:
  template <class... Parameters, class... Arguments>
  Recorded(const detail::BusWatchers& watchers, void (BusWatcher::*begin)(Parameters...) noexcept,
           const Arguments&... arguments) noexcept
      : watchers_{watchers} {
    if (watchers.any()) [[unlikely]]
      watchers.tell(begin, arguments...);
  }
  ~Recorded() {
    if (watchers_.any()) [[unlikely]]
      watchers_.tell(&BusWatcher::end);
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

 private:
  const detail::BusWatchers& watchers_;
};

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

std::shared_ptr<Modifier> EventBus::Core::add(std::shared_ptr<Modifier> modifier, int group) {
  Slot* const slot = roster.add(modifier, group, [this](const Slot& entering) {
    detail::Agenda::Demand demand;
    demand.add(entering);
    agenda.reserve(demand);
  });
  if (slot != nullptr) {
    Failures failures;
    enter(*slot, failures);
    try_queued_work(failures);
    failures.throw_if_any();
  }
  return modifier;
}

bool EventBus::Core::remove(std::string_view name) {
  detail::Order order;
  switch (roster.remove(name, order)) {
    case detail::Roster::Removal::unknown_name:
      return false;
    case detail::Roster::Removal::done:
    case detail::Roster::Removal::queued:
      return true;
    case detail::Roster::Removal::due:
      break;
  }
  Failures failures;
  leave(order, failures);
  try_queued_work(failures);
  failures.throw_if_any();
  return true;
}

void EventBus::Core::work_off_queue(Failures& failures) {
  enter_and_leave(failures);
  while (StateAccess::any_deferred(state)) {
    for (const auto& deferred : StateAccess::take_deferred(state)) {
      act_for(*deferred.modifier, deferred.event, deferred.work, failures);
    }
    try {
      enter_and_leave(failures);
    } catch (const std::bad_alloc&) {
      return;  // too late to say that nothing has changed
    }
  }
}

/// What a hook has asked for runs between two calls, as if the loop did it.
void EventBus::Core::act_for(const Modifier& modifier, const Event& event,
                             const std::function<void(EventBus&)>& work, Failures& failures) {
  const auto found = std::ranges::find_if(
      roster.slots(), [&](const auto& entry) { return entry.second.modifier.get() == &modifier; });
  if (found == roster.slots().end()) return;
  Slot& slot = found->second;
  if (ModifierAccess::leaving(modifier) || modifier.phase() == Phase::quarantined) return;
  try {
    work(bus_);
  } catch (...) {
    const HooksRun running{lifecycle, event.type.value_or(EventType::INITIALIZE)};
    fail(slot, Hook::on_update, event, failures);
  }
}

void EventBus::Core::enter_and_leave(Failures& failures) {
  const auto make_room = [this](const std::vector<detail::Roster::Work>& list) {
    detail::Agenda::Demand demand;
    for (const detail::Roster::Work& work : list) {
      if (work.enters) demand.add(work.enters.mapped());
    }
    agenda.reserve(demand);
  };
  // What other threads queue meanwhile waits for the next time: they may be faster than the loop,
  // and its call has to return.
  bool begun = false;
  do {
    std::vector<detail::Roster::Work> list;
    try {
      list = roster.take(make_room);
    } catch (const std::bad_alloc&) {
      if (begun) return;  // too late to say that nothing has changed
      throw;
    }
    begun = true;
    for (detail::Roster::Work& work : list) {
      if (!work.enters) {
        leave(work.leaves, failures);
      } else {
        Slot& slot = roster.enter(std::move(work.enters));
        if (!ModifierAccess::leaving(*slot.modifier)) enter(slot, failures);
      }
    }
  } while (roster.loop_has_queued());
}

void EventBus::Core::try_queued_work(Failures& failures) noexcept {
  try {
    do_queued_work(failures);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the next call says so
  }
}

/// The modifier has joined an initialized bus.
void EventBus::Core::enter(Slot& slot, Failures& failures) {
  torn_ = false;
  const HooksRun running{lifecycle, EventType::INITIALIZE};
  const Event event = lifecycle.event(EventType::INITIALIZE);
  const Recorded recorded{*watchers, &BusWatcher::begin_addition, *slot.modifier, slot.order.group,
                          event};
  initialize(slot, event, failures);
}

/// The modifier has been removed from an initialized bus: its last hooks, unless it never began.
void EventBus::Core::leave(detail::Order order, Failures& failures) {
  auto node = roster.leave(order);
  if (!node) return;
  Slot& slot = node.mapped();
  if (slot.modifier->phase() != Phase::added) {
    torn_ = false;
    const HooksRun running{lifecycle, EventType::FINALIZE};
    const Event event = lifecycle.event(EventType::FINALIZE);
    const Recorded recorded{*watchers, &BusWatcher::begin_removal, *slot.modifier, event};
    finalize(slot, event, failures);
  }
  const std::shared_ptr<Modifier> last_look = slot.modifier;
  detail::Roster::release(slot);
  agenda.bury(std::move(node));
}

}  // namespace takt
