// SPDX-License-Identifier: BSL-1.0
#include "step_wheel.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::detail::DueSteps;
using takt::detail::Slot;
using takt::detail::StepWheel;
using Step = std::optional<std::int64_t>;

std::deque<Slot> make_slots(int count) {
  const auto modifier = std::make_shared<takt::Modifier>("all", takt::Cadence{}, takt::Interests{});
  std::deque<Slot> slots;
  for (int i = 0; i < count; ++i) {
    slots.emplace_back(modifier, takt::detail::Order{}, DueSteps{takt::Cadence{}, 1});
  }
  return slots;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(step_wheel)

BOOST_AUTO_TEST_CASE(a_new_wheel_has_no_next_step) {
  BOOST_TEST((StepWheel{}.next(5) == std::nullopt));
  StepWheel wheel;
  BOOST_TEST(wheel.take(5) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_slot_is_taken_at_its_step) {
  auto slots = make_slots(1);
  StepWheel wheel;
  wheel.push(slots[0], 1000);
  BOOST_TEST((wheel.next(990) == 1000));
  BOOST_TEST(wheel.take(999) == nullptr);
  BOOST_TEST(wheel.take(1000) == &slots[0]);
  BOOST_TEST(slots[0].wheel_place == Slot::nowhere);
  BOOST_TEST((wheel.next(990) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_step_just_before_the_wheel_comes_around_is_within_reach) {
  auto slots = make_slots(1);
  for (const std::int64_t now : {0, 1, 63, 64, 100, 255, 256, 1000}) {
    StepWheel wheel;
    wheel.push(slots[0], now + StepWheel::size - 1);
    BOOST_TEST((wheel.next(now) == now + StepWheel::size - 1));
    wheel.clear();
  }
}

BOOST_AUTO_TEST_CASE(clearing_lets_go_of_every_slot) {
  auto slots = make_slots(3);
  StepWheel wheel;
  for (Slot& slot : slots) wheel.push(slot, 7);
  wheel.clear();
  for (const Slot& slot : slots) BOOST_TEST(slot.wheel_place == Slot::nowhere);
  BOOST_TEST((wheel.next(0) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_wheel_that_turns_is_a_map_of_steps_to_slots) {
  BOOST_TEST(rc::check("the next step and its slots", [] {
    constexpr int count = 20;
    auto slots = make_slots(count);
    StepWheel wheel;
    std::map<std::int64_t, std::set<Slot*>> expected;
    std::int64_t now = *takt::test::whole_of_any_size(40);
    using Change = std::pair<int, std::int64_t>;
    const auto changes = *rc::gen::container<std::vector<Change>>(
        200, rc::gen::pair(takt::test::evenly(0, count - 1),
                           takt::test::evenly<std::int64_t>(0, StepWheel::size - 1)));
    for (const auto& [which, ahead] : changes) {
      Slot& slot = slots[static_cast<std::size_t>(which)];
      if (slot.wheel_place == Slot::nowhere) {
        wheel.push(slot, now + ahead);
        expected[now + ahead].insert(&slot);
      } else if (ahead % 2 == 0) {
        wheel.erase(slot);
        for (auto& [step, there] : expected) there.erase(&slot);
        std::erase_if(expected, [](const auto& entry) { return entry.second.empty(); });
      }
      RC_ASSERT(wheel.next(now) == (expected.empty() ? Step{} : Step{expected.begin()->first}));
      if (ahead % 3 != 0) continue;
      std::set<Slot*> taken;
      while (Slot* const there = wheel.take(now)) taken.insert(there);
      const auto here = expected.extract(now);
      RC_ASSERT(taken == (here ? here.mapped() : std::set<Slot*>{}));
      ++now;
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
