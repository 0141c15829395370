// SPDX-License-Identifier: BSL-1.0
#include "roster.hpp"

#include <algorithm>
#include <utility>

#include "modifier_access.hpp"
#include "takt/error.hpp"

namespace takt::detail {

Roster::Roster(const Lifecycle& lifecycle, std::atomic<std::uint32_t>& attention,
               std::uint32_t queued_bit)
    : lifecycle_{lifecycle}, attention_{attention}, queued_bit_{queued_bit} {}

Roster::~Roster() {
  for (auto& [order, slot] : slots_) release(slot);
  for (Work& work : work_) {
    if (work.enters) release(work.enters.mapped());
  }
}

// The caller holds the mutex. Whether hooks run is the loop thread's own knowledge.
bool Roster::nothing_runs() const {
  if (!running()) return true;
  return is_loop() && !lifecycle_.hooks_run();
}

// The caller holds the mutex, and there is room.
void Roster::queue(Work work) {
  work_.push_back(std::move(work));
  if (is_loop()) loop_has_queued_ = true;
  attention_.fetch_or(queued_bit_, std::memory_order_release);
}

void Roster::make_room_for_work() {
  if (work_.size() == work_.capacity()) work_.reserve(std::max<std::size_t>(8, 2 * work_.size()));
}

Slot* Roster::add(const std::shared_ptr<Modifier>& modifier, int group,
                  const MakeRoom<Slot>& make_room) {
  if (!modifier) throw InvalidModifier("null was added to the bus; add a modifier");
  const DueSteps due{modifier->cadence(), lifecycle_.steps_per_index()};

  const std::scoped_lock lock{mutex_};
  if (closed_ || (closing_ && !is_loop())) {
    throw LifecycleError("modifier '" + modifier->name() +
                         "' was added while the bus is finalized; add it before finalize()");
  }
  if (by_name_.find(modifier->name()) != nullptr) {
    throw InvalidModifier("a modifier called '" + modifier->name() +
                          "' is on the bus already; names are unique on a bus");
  }
  // First all that may run out of memory; from then on nothing fails.
  const Order order{group, next_sequence_};
  Slots made;
  Slot& slot = made.try_emplace(order, modifier, order, due).first->second;
  by_name_.make_room();
  const bool enters = nothing_runs();
  if (!enters) make_room_for_work();
  if (enters && running() && make_room) make_room(slot);
  if (!ModifierAccess::attach(*modifier)) {
    throw InvalidModifier("modifier '" + modifier->name() +
                          "' is on a bus already; a modifier is on one bus at a time");
  }
  ModifierAccess::set_phase(*modifier, Phase::added);
  ModifierAccess::set_leaving(*modifier, false);
  ++next_sequence_;
  by_name_.insert(slot);
  auto node = made.extract(made.begin());
  if (enters) {
    slots_.insert(slots_.end(), std::move(node));
    return running() ? &slot : nullptr;
  }
  queue({std::move(node), {}});
  return nullptr;
}

Roster::Removal Roster::remove(std::string_view name, Order& order) {
  Slots::node_type gone;  // destroyed after the lock is released
  const std::scoped_lock lock{mutex_};
  Slot* const named = by_name_.find(name);
  if (named == nullptr) return Removal::unknown_name;
  Slot& slot = *named;
  gone = take_waiting(slot);
  const bool queues = !gone && !nothing_runs();
  if (queues) make_room_for_work();
  by_name_.erase(name);
  // One that a finished run has let go of may be on another bus by now.
  if (slot.attached) ModifierAccess::set_leaving(*slot.modifier, true);
  order = slot.order;
  if (queues) {
    queue({{}, order});
    return Removal::queued;
  }
  if (!gone && running()) return Removal::due;
  if (!gone) gone = slots_.extract(order);
  release(gone.mapped());
  return Removal::done;
}

// The slot, out of the queue; empty when it does not wait there.
Slots::node_type Roster::take_waiting(const Slot& slot) noexcept {
  const auto found = std::ranges::find_if(
      work_, [&](const Work& work) { return work.enters && &work.enters.mapped() == &slot; });
  if (found == work_.end()) return {};
  Slots::node_type node = std::move(found->enters);
  work_.erase(found);
  return node;
}

bool Roster::knows(std::string_view name) const {
  const std::scoped_lock lock{mutex_};
  return by_name_.find(name) != nullptr;
}

bool Roster::has(const Modifier& modifier) const noexcept {
  const std::scoped_lock lock{mutex_};
  const Slot* const named = by_name_.find(modifier.name());
  return named != nullptr && named->modifier.get() == &modifier;
}

std::vector<std::shared_ptr<Modifier>> Roster::snapshot() const {
  const std::scoped_lock lock{mutex_};
  std::vector<const Slot*> present = by_name_.slots();
  std::ranges::sort(present, {}, [](const Slot* slot) { return slot->order; });
  std::vector<std::shared_ptr<Modifier>> modifiers;
  modifiers.reserve(present.size());
  for (const Slot* const slot : present) modifiers.push_back(slot->modifier);
  return modifiers;
}

void Roster::begin(const MakeRoom<Slots>& make_room) {
  const std::scoped_lock lock{mutex_};
  if (make_room) make_room(slots_);
  loop_ = std::this_thread::get_id();
}

void Roster::unbegin() noexcept {
  std::vector<Work> work;  // what leaves is destroyed after the lock is released
  const std::scoped_lock lock{mutex_};
  loop_ = {};
  attention_.fetch_and(~queued_bit_, std::memory_order_relaxed);
  loop_has_queued_ = false;
  work.swap(work_);
  for (Work& each : work) {
    if (each.enters) {
      slots_.insert(std::move(each.enters));
    } else if ((each.enters = slots_.extract(each.leaves))) {
      release(each.enters.mapped());
    }
  }
}

std::vector<Roster::Work> Roster::take(const MakeRoom<std::vector<Work>>& make_room) {
  const std::scoped_lock lock{mutex_};
  if (make_room) make_room(work_);
  attention_.fetch_and(~queued_bit_, std::memory_order_relaxed);
  loop_has_queued_ = false;
  return std::exchange(work_, {});
}

bool Roster::close() {
  const std::scoped_lock lock{mutex_};
  closing_ = true;
  if (!work_.empty()) return false;
  closed_ = true;
  return true;
}

void Roster::reopen() noexcept {
  const std::scoped_lock lock{mutex_};
  closing_ = false;
}

bool Roster::finish() {
  const std::scoped_lock lock{mutex_};
  if (!work_.empty()) return false;
  finished_ = true;
  for (auto& [order, slot] : slots_) release(slot);
  return true;
}

Slot& Roster::enter(Slots::node_type slot) {
  return slots_.insert(std::move(slot)).position->second;
}

Slots::node_type Roster::leave(Order order) { return slots_.extract(order); }

void Roster::release(Slot& slot) noexcept {
  if (!std::exchange(slot.attached, false)) return;
  ModifierAccess::detach(*slot.modifier);
}

}  // namespace takt::detail
