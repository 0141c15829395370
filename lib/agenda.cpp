// SPDX-License-Identifier: BSL-1.0
#include "agenda.hpp"

#include <algorithm>

#include "index.hpp"
#include "lifecycle.hpp"

namespace takt::detail {
namespace {

constexpr std::int64_t never = max_step;

constexpr std::uint16_t start_events =
    bit_of(EventType::BATCH_START) | bit_of(EventType::CALIBRATION_EPOCH_START);
constexpr std::uint16_t end_events =
    bit_of(EventType::BATCH_END) | bit_of(EventType::CALIBRATION_EPOCH_END);

bool comes_before(const Call& a, const Call& b) noexcept { return a.slot->order < b.slot->order; }

bool is_lifecycle_end(EventType type) noexcept {
  return type == EventType::INITIALIZE || type == EventType::FINALIZE;
}

template <class Vector>
void make_room(Vector& vector, std::size_t size) {
  if (vector.capacity() < size) vector.reserve(std::max(size, 2 * vector.capacity()));
}

void sort_by_order(std::vector<Call>& calls) noexcept {
  if (!std::ranges::is_sorted(calls, comes_before)) std::ranges::sort(calls, comes_before);
}

/// Both lists in order, with the calls of one modifier made one.
void merge(std::span<const Call> a, std::span<const Call> b, std::vector<Call>& out) {
  out.clear();
  while (!a.empty() && !b.empty()) {
    if (a.front().slot == b.front().slot) {
      out.push_back(a.front());
      out.back().hooks = static_cast<std::uint8_t>(a.front().hooks | b.front().hooks);
      a = a.subspan(1);
      b = b.subspan(1);
    } else {
      auto& first = comes_before(a.front(), b.front()) ? a : b;
      out.push_back(first.front());
      first = first.subspan(1);
    }
  }
  out.insert(out.end(), a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
}

/// Puts a hook of the slot at the end of the lists of its events. A modifier that is put there
/// twice in a row has one call with both hooks.
void list(Slot& slot, EventSet types, std::uint8_t hook,
          std::array<std::vector<Call>, event_type_count>& in) {
  for (const EventType type : types) {
    if (is_lifecycle_end(type)) continue;
    std::vector<Call>& calls = in[static_cast<std::size_t>(type)];
    if (!calls.empty() && calls.back().slot == &slot) {
      calls.back().hooks = static_cast<std::uint8_t>(calls.back().hooks | hook);
    } else {
      calls.push_back({slot.modifier.get(), &slot, hook});
    }
  }
}

}  // namespace

void Agenda::reserve_for(const Slot& slot) {
  const std::size_t size = ++admitted_;
  const Interests& interests = slot.modifier->interests();
  for (const EventType type : interests.due | interests.every) {
    const auto i = static_cast<std::size_t>(type);
    const bool due = interests.due.contains(type);
    const bool every_step = slot.due.every_step(0);
    if (interests.every.contains(type) || (due && every_step)) make_room(always_[i], size);
    if (due && !every_step) make_room(due_[i], size);
  }
  make_room(starting_, size);
  make_room(ending_, size);
  make_room(boundary_, size);
  make_room(merged_, size);
  make_room(merged_with_boundary_, size);
  make_room(heap_, size);
}

void Agenda::admit(Slot& slot, std::int64_t step) {
  reserve_for(slot);
  slot.counted = true;
  if (slot.due.first() > slot.due.last() || slot.due.last() < step) return;
  if (slot.due.first() <= step) {
    slot.stage = Slot::Stage::starting;
    starting_.push_back(&slot);
    mask_ = static_cast<std::uint16_t>(mask_ | start_events);
    next_change_ = step + 1;
  } else {
    slot.stage = Slot::Stage::waiting;
    heap_.push(slot, slot.due.first());
    next_change_ = std::min(next_change_, slot.due.first());
  }
}

void Agenda::close(Slot& slot) noexcept {
  if (slot.heap_position != Slot::not_in_heap) heap_.erase(slot);
  if (slot.stage == Slot::Stage::starting || slot.stage == Slot::Stage::active) stale_ = true;
  slot.stage = Slot::Stage::dormant;
}

void Agenda::bury(Slots::node_type slot) {
  close(slot.mapped());
  if (slot.mapped().counted) --admitted_;
  slot.mapped().modifier.reset();
  if (stale_) buried_.push_back(std::move(slot));
}

void Agenda::clear() noexcept {
  for (Calls& calls : always_) calls.clear();
  for (Calls& calls : due_) calls.clear();
  starting_.clear();
  ending_.clear();
  heap_.clear();
  buried_.clear();
  stale_ = false;
  refresh();
}

void Agenda::change(std::int64_t step) {
  settle();
  for (Calls& calls : due_) calls.clear();
  std::erase_if(starting_, [step](Slot* slot) {
    const bool missed = slot->due.last() < step;
    if (missed) slot->stage = Slot::Stage::dormant;
    return missed;
  });
  while (!heap_.empty() && heap_.first_step() <= step) {
    Slot& slot = heap_.first();
    if (slot.stage == Slot::Stage::waiting) {
      heap_.erase(slot);
      slot.stage = Slot::Stage::starting;
      starting_.push_back(&slot);
      continue;
    }
    if (slot.next_due == step) list(slot, slot.modifier->interests().due, Hooks::update, due_);
    if (slot.due.last() == step) ending_.push_back(&slot);
    schedule(slot, step + 1);
  }
  refresh();
  find_next_change(step);
}

// Puts the next step at which the slot is due or ends into the heap, or takes it out.
void Agenda::schedule(Slot& slot, std::int64_t from) {
  const EventSet due_events = slot.modifier->interests().due;
  const bool listed_always = slot.due.every_step(from);
  slot.next_due = never;
  if (!due_events.empty() && !listed_always) slot.next_due = slot.due.next(from).value_or(never);
  std::int64_t wake = slot.next_due;
  if (slot.due.last() >= from) wake = std::min(wake, slot.due.last());
  if (slot.heap_position == Slot::not_in_heap) {
    if (wake != never) heap_.push(slot, wake);
  } else if (wake == never) {
    heap_.erase(slot);
  } else {
    heap_.postpone_first(wake);
  }
}

void Agenda::start_pending(std::int64_t step) {
  std::ranges::sort(starting_, {}, [](const Slot* slot) { return slot->order; });
  for (Slot* const slot : starting_) {
    slot->stage = Slot::Stage::active;
    boundary_.push_back({slot->modifier.get(), slot, Hooks::start});
    const Interests& interests = slot->modifier->interests();
    list(*slot, interests.every, Hooks::event, always_);
    if (slot->due.every_step(step)) {
      list(*slot, interests.due, Hooks::update, always_);
    } else if (!interests.due.empty() && slot->due.next(step) == step) {
      list(*slot, interests.due, Hooks::update, due_);
    }
    if (slot->due.last() == step) ending_.push_back(slot);
    schedule(*slot, step + 1);
  }
  starting_.clear();
  for (Calls& calls : always_) sort_by_order(calls);
  for (Calls& calls : due_) sort_by_order(calls);
  std::ranges::sort(ending_, {}, [](const Slot* slot) { return slot->order; });
  refresh();
  find_next_change(step);
}

std::span<const Call> Agenda::calls(EventType type, std::int64_t step, bool step_taken) {
  settle();
  boundary_.clear();
  if ((bit_of(type) & start_events) != 0 && !starting_.empty()) start_pending(step);
  const bool ends =
      type == EventType::CALIBRATION_EPOCH_END || (type == EventType::BATCH_END && step_taken);
  if (ends) {
    for (Slot* const slot : ending_) {
      if (type == EventType::BATCH_END || slot->due.last_is_end()) {
        boundary_.push_back({slot->modifier.get(), slot, Hooks::end});
      }
    }
  }

  const Calls& always = always_[static_cast<std::size_t>(type)];
  const Calls& due = due_[static_cast<std::size_t>(type)];
  if (boundary_.empty() && due.empty()) return always;
  if (boundary_.empty() && always.empty()) return due;
  merge(always, due, merged_);
  if (boundary_.empty()) return merged_;
  merge(merged_, boundary_, merged_with_boundary_);
  return merged_with_boundary_;
}

void Agenda::settle() noexcept {
  if (!stale_) return;
  stale_ = false;
  const auto closed = [](const Call& call) { return call.slot->stage != Slot::Stage::active; };
  for (Calls& calls : always_) std::erase_if(calls, closed);
  for (Calls& calls : due_) std::erase_if(calls, closed);
  std::erase_if(starting_, [](Slot* slot) { return slot->stage != Slot::Stage::starting; });
  std::erase_if(ending_, [](Slot* slot) { return slot->stage != Slot::Stage::active; });
  buried_.clear();
  refresh();
}

void Agenda::refresh() noexcept {
  mask_ = 0;
  for (std::size_t i = 0; i < event_type_count; ++i) {
    if (always_[i].empty() && due_[i].empty()) continue;
    mask_ = static_cast<std::uint16_t>(mask_ | 1U << i);
  }
  if (!starting_.empty()) mask_ = static_cast<std::uint16_t>(mask_ | start_events);
  if (!ending_.empty()) mask_ = static_cast<std::uint16_t>(mask_ | end_events);
}

void Agenda::find_next_change(std::int64_t step) noexcept {
  next_change_ = heap_.empty() ? never : heap_.first_step();
  const bool at_once =
      !starting_.empty() || std::ranges::any_of(due_, [](const Calls& c) { return !c.empty(); });
  if (at_once) next_change_ = step + 1;
}

}  // namespace takt::detail
