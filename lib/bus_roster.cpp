// SPDX-License-Identifier: BSL-1.0
// Who joins a bus and leaves it, and what hooks have asked for between two calls.
#include <algorithm>
#include <new>

#include "bus_core.hpp"
#include "hooks_run.hpp"
#include "modifier_access.hpp"
#include "recorded.hpp"
#include "state_access.hpp"

namespace takt {

using detail::BusWatcher;
using detail::Failures;
using detail::HooksRun;
using detail::ModifierAccess;
using detail::Recorded;
using detail::Slot;
using detail::StateAccess;

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

void EventBus::Core::make_room_for(const std::vector<detail::Roster::Work>& list) {
  detail::Agenda::Demand demand;
  for (const detail::Roster::Work& work : list) {
    if (work.enters) demand.add(work.enters.mapped());
  }
  agenda.reserve(demand);
}

void EventBus::Core::enter_and_leave(Failures& failures) {
  // What other threads queue meanwhile waits for the next time: they may be faster than the loop,
  // and its call has to return.
  bool begun = false;
  do {
    std::vector<detail::Roster::Work> list;
    try {
      list = roster.take([this](const auto& queued) { make_room_for(queued); });
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
