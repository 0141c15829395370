// SPDX-License-Identifier: BSL-1.0
#include "agenda.hpp"

#include <algorithm>
#include <utility>

#include "index.hpp"
#include "lifecycle.hpp"

namespace takt::detail {
namespace {

/// The step after this one; the last step there is has none.
constexpr std::int64_t following(std::int64_t step) noexcept {
  return step == max_step ? max_step : step + 1;
}

constexpr EventSet start_types = EventType::BATCH_START | EventType::CALIBRATION_EPOCH_START;
constexpr EventSet end_types = EventType::BATCH_END | EventType::CALIBRATION_EPOCH_END;

/// INITIALIZE and FINALIZE reach every modifier, by another way.
constexpr EventSet listed_types{EventType::BATCH_START,
                                EventType::LOSS_CALCULATED,
                                EventType::BATCH_END,
                                EventType::CALIBRATION_EPOCH_START,
                                EventType::SEQUENTIAL_EPOCH_END,
                                EventType::CALIBRATION_EPOCH_END,
                                EventType::OPTIM_PRE_STEP,
                                EventType::OPTIM_POST_STEP};

bool comes_before(const Call& a, const Call& b) noexcept { return a.slot->order < b.slot->order; }

template <class Vector>
void sort_by_order(Vector& calls) noexcept {
  const auto order = [](const auto& call) -> const Order& {
    if constexpr (requires { call.slot; }) {
      return call.slot->order;
    } else {
      return call->order;
    }
  };
  if (!std::ranges::is_sorted(calls, {}, order)) std::ranges::sort(calls, {}, order);
}

/// Those calls of both lists that are for `type`, in order, with the calls of one modifier made
/// one.
void merge(EventType type, std::span<const Call> a, std::span<const Call> b,
           std::vector<Call>& out) {
  out.clear();
  const auto take = [&](std::span<const Call>& from) {
    if (from.front().types.contains(type)) {
      if (!out.empty() && out.back().slot == from.front().slot) {
        out.back().hooks = static_cast<std::uint8_t>(out.back().hooks | from.front().hooks);
      } else {
        out.push_back(from.front());
      }
    }
    from = from.subspan(1);
  };
  while (!a.empty() && !b.empty()) take(comes_before(b.front(), a.front()) ? b : a);
  while (!a.empty()) take(a);
  while (!b.empty()) take(b);
}

/// Puts a hook of the slot at the end of the lists of its events. A modifier that is put there
/// twice in a row has one call with both hooks.
void list(Slot& slot, EventSet types, std::uint8_t hook,
          std::array<std::vector<Call>, event_type_count>& in) {
  for (const EventType type : types& listed_types) {
    std::vector<Call>& calls = in[static_cast<std::size_t>(type)];
    if (!calls.empty() && calls.back().slot == &slot) {
      calls.back().hooks = static_cast<std::uint8_t>(calls.back().hooks | hook);
    } else {
      calls.push_back({slot.modifier.get(), &slot, hook, type});
    }
  }
}

/// The first step after this one at which the slot is due or its window may close.
std::optional<std::int64_t> next_wake(Slot& slot, std::int64_t step) noexcept {
  constexpr std::int64_t no_step = -1;
  std::optional<std::int64_t> wake;
  if (step != max_step && !slot.modifier->interests().due.empty() &&
      !slot.due.every_step(step + 1)) {
    wake = slot.next_due == step ? slot.due.after(step) : slot.due.next(step + 1);
  }
  slot.next_due = wake.value_or(no_step);
  // No batch ends at the last step there is.
  const std::int64_t closing = slot.due.closing();
  if (closing > step && closing != max_step) wake = std::min(wake.value_or(closing), closing);
  return wake;
}

}  // namespace

void Agenda::Demand::add(const Slot& slot) noexcept {
  const Interests& interests = slot.modifier->interests();
  ++slots_;
  always_ |= interests.every;
  if (slot.due.every_step(0)) always_ |= interests.due;
}

// Whatever the steps to come bring, the vectors have room for it.
void Agenda::reserve(const Demand& demand) {
  if (demand.slots_ == 0) return;
  const EventSet always = demand.always_ | roomy_always_;
  // The buried are in the lists as well.
  if (admitted_ + buried_.size() + demand.slots_ > room_) settle();
  const std::size_t needed = admitted_ + buried_.size() + demand.slots_;
  if (needed <= room_ && always == roomy_always_) return;

  const std::size_t room = needed <= room_ ? room_ : std::max({std::size_t{8}, 2 * room_, needed});
  for (const EventType type : always) always_[static_cast<std::size_t>(type)].reserve(room);
  due_.reserve(room);
  boundary_.reserve(room);
  merged_.reserve(room);
  merged_with_boundary_.reserve(room);
  starting_.reserve(room);
  ending_.reserve(room);
  heap_.reserve(room);
  room_ = room;
  roomy_always_ = always;
}

void Agenda::admit(Slot& slot, std::int64_t step) {
  Demand demand;
  demand.add(slot);
  reserve(demand);
  ++admitted_;
  slot.counted = true;
  if (slot.due.first() > slot.due.last() || slot.due.last() < step) return;
  if (slot.due.first() <= step) {
    slot.stage = Slot::Stage::starting;
    starting_.push_back(&slot);
    mask_ = static_cast<std::uint16_t>(mask_ | start_types.bits());
    next_change_ = following(step);
  } else {
    slot.stage = Slot::Stage::waiting;
    heap_.push(slot, slot.due.first());
    next_change_ = std::min(next_change_, slot.due.first());
  }
}

void Agenda::close(Slot& slot) noexcept {
  take_off(slot);
  if (slot.stage == Slot::Stage::starting || slot.stage == Slot::Stage::active) stale_ = true;
  slot.stage = Slot::Stage::dormant;
}

void Agenda::dismiss(Slot& slot) noexcept {
  close(slot);
  if (std::exchange(slot.counted, false)) --admitted_;
}

void Agenda::bury(Slots::node_type slot) noexcept {
  dismiss(slot.mapped());
  slot.mapped().modifier.reset();
  if (stale_) buried_.insert(std::move(slot));
}

void Agenda::take_off(Slot& slot) noexcept {
  if (slot.heap_position != Slot::nowhere) heap_.erase(slot);
  if (slot.wheel_place != Slot::nowhere) wheel_.erase(slot);
}

void Agenda::clear() noexcept {
  for (Calls& calls : always_) calls.clear();
  due_.clear();
  starting_.clear();
  ending_.clear();
  wheel_.clear();
  heap_.clear();
  buried_.clear();
  stale_ = false;
  refresh();
}

void Agenda::change(std::int64_t step) {
  settle();
  due_.clear();
  std::erase_if(starting_, [step](Slot* slot) {
    const bool missed = slot->due.last() < step;
    if (missed) slot->stage = Slot::Stage::dormant;
    return missed;
  });
  while (Slot* const slot = wheel_.take(step)) wake(*slot, step);
  while (!heap_.empty() && heap_.first_step() <= step) wake(heap_.first(), step);
  sort();
  refresh();
  find_next_change(step);
}

void Agenda::wake(Slot& slot, std::int64_t step) {
  if (slot.stage == Slot::Stage::waiting) {
    take_off(slot);
    slot.stage = Slot::Stage::starting;
    starting_.push_back(&slot);
    return;
  }
  if (slot.next_due == step) list_due(slot);
  if (slot.due.closing() == step) ending_.push_back(&slot);
  schedule(slot, step);
}

// Puts the first step after this one at which the slot is due or ends into the wheel or the heap. A
// slot that the heap has is the heap's first.
void Agenda::schedule(Slot& slot, std::int64_t step) {
  const std::optional<std::int64_t> wake = next_wake(slot, step);
  const bool in_heap = slot.heap_position != Slot::nowhere;
  if (!wake || *wake - step < StepWheel::size) {
    if (in_heap) heap_.erase(slot);
    if (wake) wheel_.push(slot, *wake);
  } else if (in_heap) {
    heap_.postpone_first(*wake);
  } else {
    heap_.push(slot, *wake);
  }
}

void Agenda::list_due(Slot& slot) {
  const EventSet types = slot.modifier->interests().due & listed_types;
  due_.push_back({slot.modifier.get(), &slot, Hooks::update, types});
}

void Agenda::start_pending(std::int64_t step) {
  sort_by_order(starting_);
  for (Slot* const slot : starting_) {
    boundary_.push_back({slot->modifier.get(), slot, Hooks::start, start_types});
    activate(*slot, step);
  }
  starting_.clear();
  put_in_order(step);
}

void Agenda::activate(Slot& slot, std::int64_t step) {
  slot.stage = Slot::Stage::active;
  const Interests& interests = slot.modifier->interests();
  list(slot, interests.every, Hooks::event, always_);
  if (slot.due.every_step(step)) {
    list(slot, interests.due, Hooks::update, always_);
  } else if (!interests.due.empty() && slot.due.next(step) == step) {
    slot.next_due = step;
    list_due(slot);
  }
  if (slot.due.closing() <= step) ending_.push_back(&slot);
  schedule(slot, step);
}

/// After some have been activated.
void Agenda::put_in_order(std::int64_t step) noexcept {
  for (Calls& calls : always_) sort_by_order(calls);
  sort();
  refresh();
  find_next_change(step);
}

void Agenda::resume(std::span<Slot* const> slots, std::int64_t step) {
  for (Slot* const slot : slots) close(*slot);
  settle();
  for (Slot* const slot : slots) activate(*slot, step);
  put_in_order(step);
}

std::span<const Call> Agenda::calls(EventType type, std::int64_t step, bool step_taken) {
  settle();
  boundary_.clear();
  if (start_types.contains(type) && !starting_.empty()) start_pending(step);
  const bool ends =
      type == EventType::CALIBRATION_EPOCH_END || (type == EventType::BATCH_END && step_taken);
  if (ends) {
    for (Slot* const slot : ending_) {
      if (type == EventType::BATCH_END ? slot->due.last() == step : slot->due.last_is_end()) {
        boundary_.push_back({slot->modifier.get(), slot, Hooks::end, type});
      }
    }
  }

  const Calls& always = always_[static_cast<std::size_t>(type)];
  if (boundary_.empty() && !due_types_.contains(type)) return always;
  merge(type, always, due_, merged_);
  if (boundary_.empty()) return merged_;
  merge(type, merged_, boundary_, merged_with_boundary_);
  return merged_with_boundary_;
}

void Agenda::settle() noexcept {
  if (!stale_) return;
  stale_ = false;
  const auto closed = [](const Call& call) { return call.slot->stage != Slot::Stage::active; };
  for (Calls& calls : always_) std::erase_if(calls, closed);
  std::erase_if(due_, closed);
  std::erase_if(starting_, [](Slot* slot) { return slot->stage != Slot::Stage::starting; });
  std::erase_if(ending_, [](Slot* slot) { return slot->stage != Slot::Stage::active; });
  buried_.clear();
  refresh();
}

void Agenda::sort() noexcept {
  sort_by_order(due_);
  sort_by_order(ending_);
}

void Agenda::refresh() noexcept {
  EventSet types;
  for (const EventType type : roomy_always_) {
    if (!always_[static_cast<std::size_t>(type)].empty()) types |= type;
  }
  due_types_ = {};
  for (const Call& call : due_) due_types_ |= call.types;
  types |= due_types_;
  if (!starting_.empty()) types |= start_types;
  if (!ending_.empty()) types |= end_types;
  mask_ = types.bits();
}

void Agenda::find_next_change(std::int64_t step) noexcept {
  next_change_ = following(step);
  if (!starting_.empty() || !due_.empty()) return;
  next_change_ = heap_.empty() ? max_step : heap_.first_step();
  if (const auto near = wheel_.next(following(step))) next_change_ = std::min(next_change_, *near);
}

}  // namespace takt::detail
