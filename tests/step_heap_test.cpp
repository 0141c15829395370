// SPDX-License-Identifier: BSL-1.0
#include "step_heap.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::detail::DueSteps;
using takt::detail::Order;
using takt::detail::Slot;
using takt::detail::StepHeap;

/// Slots of modifiers that nobody runs.
class Slots {
 public:
  explicit Slots(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add({.group = 0, .sequence = i});
  }
  Slot& add(Order order) {
    return slots_.emplace_back(nullptr, order, DueSteps{takt::Cadence{}, 1});
  }
  Slot& operator[](std::size_t i) { return slots_[i]; }
  std::size_t size() const { return slots_.size(); }

 private:
  std::deque<Slot> slots_;
};

/// Takes everything out of a heap, first things first.
std::vector<std::pair<std::int64_t, std::uint64_t>> drain(StepHeap& heap) {
  std::vector<std::pair<std::int64_t, std::uint64_t>> out;
  while (!heap.empty()) {
    out.emplace_back(heap.first_step(), heap.first().order.sequence);
    heap.erase(heap.first());
  }
  return out;
}

using Drained = std::vector<std::pair<std::int64_t, std::uint64_t>>;

/// A heap next to an ordered set of the same slots.
class Pair {
 public:
  void push(Slot& slot, std::int64_t step) {
    heap_.push(slot, step);
    model_.emplace(step, slot.order, &slot);
  }
  void postpone_first(std::int64_t by) {
    const auto [step, order, slot] = *model_.begin();
    model_.erase(model_.begin());
    model_.emplace(step + by, order, slot);
    heap_.postpone_first(step + by);
  }
  void erase(Slot& slot) {
    for (auto entry = model_.begin(); entry != model_.end(); ++entry) {
      if (std::get<Slot*>(*entry) != &slot) continue;
      model_.erase(entry);
      break;
    }
    heap_.erase(slot);
  }
  void clear() {
    heap_.clear();
    model_.clear();
  }
  [[nodiscard]] bool empty() const { return model_.empty(); }
  [[nodiscard]] bool agree() const {
    if (heap_.empty() || model_.empty()) return heap_.empty() && model_.empty();
    const auto& [step, order, slot] = *model_.begin();
    return heap_.first_step() == step && &heap_.first() == slot;
  }
  /// Whether the slots in the heap, and no others, say that they are in it.
  [[nodiscard]] bool membership_agrees(Slots& slots) const {
    std::set<const Slot*> inside;
    std::set<std::size_t> positions;
    for (const auto& [step, order, slot] : model_) inside.insert(slot);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const bool says = slots[i].heap_position != Slot::nowhere;
      if (says != inside.contains(&slots[i])) return false;
      if (says) positions.insert(slots[i].heap_position);
    }
    return positions.size() == model_.size() &&
           (positions.empty() || *positions.rbegin() == model_.size() - 1);
  }

 private:
  StepHeap heap_;
  std::set<std::tuple<std::int64_t, Order, Slot*>> model_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(step_heap)

BOOST_AUTO_TEST_CASE(a_new_heap_is_empty) { BOOST_TEST(StepHeap{}.empty()); }

BOOST_AUTO_TEST_CASE(the_smallest_step_comes_first) {
  Slots slots{4};
  StepHeap heap;
  heap.push(slots[0], 30);
  heap.push(slots[1], 10);
  heap.push(slots[2], 40);
  heap.push(slots[3], 20);
  BOOST_TEST((drain(heap) == Drained{{10, 1}, {20, 3}, {30, 0}, {40, 2}}));
}

BOOST_AUTO_TEST_CASE(slots_of_one_step_come_in_their_order) {
  Slots slots{0};
  Slot& late = slots.add({.group = 1, .sequence = 0});
  Slot& second = slots.add({.group = 0, .sequence = 2});
  Slot& first = slots.add({.group = 0, .sequence = 1});
  StepHeap heap;
  for (Slot* slot : {&late, &second, &first}) heap.push(*slot, 5);
  BOOST_TEST((drain(heap) == Drained{{5, 1}, {5, 2}, {5, 0}}));
}

BOOST_AUTO_TEST_CASE(a_postponed_slot_moves_behind_those_that_come_before_its_new_step) {
  Slots slots{3};
  StepHeap heap;
  for (std::size_t i = 0; i < 3; ++i) heap.push(slots[i], 10 * static_cast<std::int64_t>(i + 1));
  heap.postpone_first(25);
  BOOST_TEST((drain(heap) == Drained{{20, 1}, {25, 0}, {30, 2}}));
}

BOOST_AUTO_TEST_CASE(a_slot_that_was_erased_is_not_in_the_heap) {
  Slots slots{3};
  StepHeap heap;
  for (std::size_t i = 0; i < 3; ++i) heap.push(slots[i], 10 * static_cast<std::int64_t>(i + 1));
  heap.erase(slots[1]);
  BOOST_TEST(slots[1].heap_position == Slot::nowhere);
  BOOST_TEST((drain(heap) == Drained{{10, 0}, {30, 2}}));
}

BOOST_AUTO_TEST_CASE(the_last_slot_can_be_erased) {
  Slots slots{1};
  StepHeap heap;
  heap.push(slots[0], 3);
  heap.erase(slots[0]);
  BOOST_TEST(heap.empty());
  BOOST_TEST(slots[0].heap_position == Slot::nowhere);
}

BOOST_AUTO_TEST_CASE(clearing_lets_go_of_every_slot) {
  Slots slots{9};
  StepHeap heap;
  for (std::size_t i = 0; i < slots.size(); ++i) heap.push(slots[i], 7);
  heap.clear();
  BOOST_TEST(heap.empty());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    BOOST_TEST(slots[i].heap_position == Slot::nowhere);
  }
}

BOOST_AUTO_TEST_CASE(room_that_was_reserved_is_kept) {
  Slots slots{8};
  StepHeap heap;
  heap.reserve(8);
  const std::size_t room = heap.capacity();
  BOOST_TEST(room >= 8U);
  for (std::size_t i = 0; i < slots.size(); ++i) heap.push(slots[i], 1);
  BOOST_TEST(heap.capacity() == room);
  heap.clear();
  BOOST_TEST(heap.capacity() == room);
}

BOOST_AUTO_TEST_CASE(any_sequence_of_changes_leaves_the_right_slot_first) {
  BOOST_TEST(rc::check("a heap is an ordered set of steps and slots", [] {
    Slots slots{40};
    Pair pair;
    using Change = std::tuple<int, std::size_t, std::int64_t>;
    const auto changes = *rc::gen::container<std::vector<Change>>(
        200, rc::gen::tuple(takt::test::evenly(0, 99),
                            takt::test::evenly<std::size_t>(0, slots.size() - 1),
                            rc::gen::oneOf(takt::test::evenly<std::int64_t>(0, 9),
                                           takt::test::whole_of_any_size(60))));
    for (const auto& [kind, which, number] : changes) {
      Slot& slot = slots[which];
      if (kind == 0) {
        pair.clear();
      } else if (kind < 25 && !pair.empty()) {
        pair.postpone_first(number / 256);
      } else if (slot.heap_position == Slot::nowhere) {
        pair.push(slot, number);
      } else if (kind < 75) {
        pair.erase(slot);
      }
      RC_ASSERT(pair.agree());
    }
    RC_ASSERT(pair.membership_agrees(slots));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
