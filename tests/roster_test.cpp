// SPDX-License-Identifier: BSL-1.0
#include "roster.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "modifier_access.hpp"
#include "takt/error.hpp"

namespace {

using takt::Event;
using takt::Modifier;
using takt::Phase;
using takt::detail::BusCall;
using takt::detail::Lifecycle;
using takt::detail::ModifierAccess;
using takt::detail::Order;
using takt::detail::Roster;
using takt::detail::Slot;
using Names = std::vector<std::string>;
using Removal = Roster::Removal;

constexpr std::uint32_t queued = 4;
constexpr std::uint32_t others = 3;  // bits of `attention` that are not the roster's

std::shared_ptr<Modifier> named(const std::string& name) {
  return std::make_shared<Modifier>(name, takt::Cadence{}, takt::Interests{});
}

/// A roster with the little of a bus that it needs.
struct Bus {
  Lifecycle lifecycle{Event{}, takt::OrderPolicy::one_step};
  std::atomic<std::uint32_t> attention{others};
  Roster roster{lifecycle, attention, queued};

  [[nodiscard]] bool work_is_queued() const { return attention == (others | queued); }
  [[nodiscard]] bool nothing_is_queued() const { return attention == others; }
  Slot* add(const std::string& name, int group = 0) { return roster.add(named(name), group); }
  Removal remove(const std::string& name) {
    Order order;
    return roster.remove(name, order);
  }
  /// The names of the slots that the loop walks.
  [[nodiscard]] Names walked() {
    Names names;
    for (const auto& [order, slot] : roster.slots()) names.push_back(slot.modifier->name());
    return names;
  }
  [[nodiscard]] Names snapshot() const {
    Names names;
    for (const auto& modifier : roster.snapshot()) names.push_back(modifier->name());
    return names;
  }
  /// What the loop does with queued work, without the hooks.
  void do_queued_work() {
    for (Roster::Work& work : roster.take()) {
      if (work.enters) {
        roster.enter(std::move(work.enters));
      } else if (auto gone = roster.leave(work.leaves)) {
        Roster::release(gone.mapped());
      }
    }
  }
  template <class Callable>
  void in_a_hook(Callable callable) {
    lifecycle.begin_hooks(takt::detail::call_for(takt::EventType::BATCH_START));
    callable();
    lifecycle.end_hooks();
  }
};

/// Runs a callable on another thread than the caller's.
template <class Callable>
void elsewhere(Callable callable) {
  std::thread{callable}.join();
}

/// Whether the modifier could join a bus now.
bool is_free(const std::shared_ptr<Modifier>& modifier) {
  Bus other;
  try {
    other.roster.add(modifier, 0);
    return true;
  } catch (const takt::InvalidModifier&) {
    return false;
  }
}

auto names_it(const std::string& name) {
  return [=](const std::exception& error) {
    return std::string{error.what()}.find("'" + name + "'") != std::string::npos;
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(roster)

BOOST_AUTO_TEST_CASE(a_new_roster_is_empty) {
  Bus bus;
  BOOST_TEST(bus.roster.slots().empty());
  BOOST_TEST(bus.snapshot().empty());
  BOOST_TEST(!bus.roster.knows("a"));
  BOOST_TEST(bus.roster.take().empty());
}

BOOST_AUTO_TEST_CASE(before_the_run_a_modifier_enters_at_once_and_no_hook_is_due) {
  Bus bus;
  const auto modifier = named("a");
  BOOST_TEST(bus.roster.add(modifier, 7) == nullptr);
  BOOST_TEST_REQUIRE(bus.roster.slots().size() == 1U);
  const auto& [order, slot] = *bus.roster.slots().begin();
  BOOST_TEST(slot.modifier == modifier);
  BOOST_TEST(order.group == 7);
  BOOST_TEST((slot.order == order));
  BOOST_TEST(bus.nothing_is_queued());
}

BOOST_AUTO_TEST_CASE(before_the_run_any_thread_adds_and_removes_at_once) {
  Bus bus;
  elsewhere([&] { bus.add("a"); });
  bus.add("b");
  BOOST_TEST(bus.walked() == (Names{"a", "b"}), boost::test_tools::per_element());
  elsewhere([&] { bus.remove("b"); });
  BOOST_TEST(bus.walked() == (Names{"a"}), boost::test_tools::per_element());
  BOOST_TEST(bus.nothing_is_queued());
}

BOOST_AUTO_TEST_CASE(lower_groups_come_first_and_the_order_of_registration_decides_within_one) {
  Bus bus;
  bus.add("late", 5);
  bus.add("first of 0");
  bus.add("early", -1);
  bus.add("second of 0");
  bus.add("late, too", 5);
  const Names expected{"early", "first of 0", "second of 0", "late", "late, too"};
  BOOST_TEST(bus.walked() == expected, boost::test_tools::per_element());
  BOOST_TEST(bus.snapshot() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_comes_back_is_the_last_of_its_group) {
  Bus bus;
  for (const char* name : {"a", "b", "c"}) bus.add(name);
  bus.remove("a");
  bus.add("a");
  BOOST_TEST(bus.walked() == (Names{"b", "c", "a"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_slot_knows_the_due_steps_of_its_modifier_on_this_bus) {
  Lifecycle lifecycle{Event{.steps_per_epoch = 10}, takt::OrderPolicy::one_step};
  std::atomic<std::uint32_t> attention{0};
  Roster roster{lifecycle, attention, queued};
  const takt::Cadence cadence{.start = 0.5, .end = 2.0, .update = 0.3};
  roster.add(std::make_shared<Modifier>("a", cadence, takt::Interests{}), 0);
  const takt::detail::DueSteps& due = roster.slots().begin()->second.due;
  BOOST_TEST(due.first() == 5);
  BOOST_TEST(due.last() == 20);
  BOOST_TEST((due.next(0) == 6));
}

BOOST_AUTO_TEST_CASE(null_is_refused) {
  Bus bus;
  BOOST_CHECK_THROW(bus.roster.add(nullptr, 0), takt::InvalidModifier);
  BOOST_TEST(bus.roster.slots().empty());
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_is_refused_and_its_modifier_stays_free) {
  Bus bus;
  bus.add("a");
  const auto second = named("a");
  BOOST_CHECK_EXCEPTION(bus.roster.add(second, 0), takt::InvalidModifier, names_it("a"));
  BOOST_TEST(bus.roster.slots().size() == 1U);
  BOOST_TEST(is_free(second));
}

BOOST_AUTO_TEST_CASE(a_modifier_of_another_bus_is_refused_and_its_name_stays_free) {
  Bus home;
  Bus bus;
  const auto modifier = named("a");
  home.roster.add(modifier, 0);
  BOOST_CHECK_EXCEPTION(bus.roster.add(modifier, 0), takt::InvalidModifier, names_it("a"));
  BOOST_TEST(!bus.roster.knows("a"));
  bus.add("a");
  BOOST_TEST(bus.walked() == (Names{"a"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_was_removed_may_join_another_bus_and_starts_anew) {
  Bus bus;
  Bus other;
  const auto modifier = named("a");
  bus.roster.add(modifier, 0);
  ModifierAccess::set_phase(*modifier, Phase::finalized);
  BOOST_TEST((bus.remove("a") == Removal::done));
  BOOST_TEST(ModifierAccess::leaving(*modifier));
  other.roster.add(modifier, 0);
  BOOST_TEST(modifier->phase() == Phase::added);
  BOOST_TEST(!ModifierAccess::leaving(*modifier));
}

BOOST_AUTO_TEST_CASE(a_destroyed_roster_lets_go_of_its_modifiers_and_of_those_that_wait) {
  const auto entered = named("entered");
  const auto waiting = named("waiting");
  {
    Bus bus;
    bus.roster.add(entered, 0);
    bus.roster.begin();
    elsewhere([&] { bus.roster.add(waiting, 0); });
    BOOST_TEST(!is_free(entered));
    BOOST_TEST(!is_free(waiting));
  }
  BOOST_TEST(is_free(entered));
  BOOST_TEST(is_free(waiting));
  BOOST_TEST(waiting.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(between_emissions_the_loop_gets_the_slot_that_it_adds) {
  Bus bus;
  bus.roster.begin();
  Slot* const slot = bus.add("a");
  BOOST_TEST_REQUIRE(slot != nullptr);
  BOOST_TEST(slot == &bus.roster.slots().begin()->second);
  BOOST_TEST(bus.nothing_is_queued());
}

BOOST_AUTO_TEST_CASE(inside_a_hook_an_addition_is_queued_and_its_name_taken) {
  Bus bus;
  bus.roster.begin();
  bus.in_a_hook([&] { BOOST_TEST(bus.add("a") == nullptr); });
  BOOST_TEST(bus.work_is_queued());
  BOOST_TEST(bus.roster.slots().empty());
  BOOST_TEST(bus.roster.knows("a"));
  BOOST_TEST(bus.snapshot() == (Names{"a"}), boost::test_tools::per_element());
  BOOST_CHECK_THROW(bus.add("a"), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(an_addition_from_another_thread_is_queued_in_and_between_emissions) {
  Bus bus;
  bus.roster.begin();
  const Slot* slot = nullptr;
  elsewhere([&] { slot = bus.add("between"); });
  BOOST_TEST(slot == nullptr);
  bus.in_a_hook([&] { elsewhere([&] { bus.add("in"); }); });
  BOOST_TEST(bus.work_is_queued());
  BOOST_TEST(bus.roster.slots().empty());
  BOOST_TEST(bus.snapshot() == (Names{"between", "in"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(queued_work_is_taken_once_and_in_the_order_in_which_it_was_asked_for) {
  Bus bus;
  bus.add("old");
  const Order old = bus.roster.slots().begin()->first;
  bus.roster.begin();
  bus.in_a_hook([&] {
    bus.add("new");
    bus.remove("old");
    bus.add("newer", -1);
  });
  const std::vector<Roster::Work> work = bus.roster.take();
  BOOST_TEST(bus.nothing_is_queued());
  BOOST_TEST_REQUIRE(work.size() == 3U);
  BOOST_TEST(work[0].enters.mapped().modifier->name() == "new");
  BOOST_TEST(work[1].enters.empty());
  BOOST_TEST((work[1].leaves == old));
  BOOST_TEST(work[2].enters.mapped().modifier->name() == "newer");
  BOOST_TEST(bus.roster.take().empty());
}

BOOST_AUTO_TEST_CASE(a_queued_modifier_enters_at_its_place_and_its_slot_does_not_move) {
  Bus bus;
  bus.add("a");
  bus.roster.begin();
  elsewhere([&] { bus.add("b", -1); });
  std::vector<Roster::Work> work = bus.roster.take();
  const Slot* const waiting = &work[0].enters.mapped();
  BOOST_TEST(&bus.roster.enter(std::move(work[0].enters)) == waiting);
  BOOST_TEST(bus.walked() == (Names{"b", "a"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_not_removed) {
  Bus bus;
  bus.add("a");
  BOOST_TEST((bus.remove("b") == Removal::unknown_name));
  BOOST_TEST((bus.remove("") == Removal::unknown_name));
  BOOST_TEST(bus.walked() == (Names{"a"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(between_emissions_the_loop_has_to_see_off_whom_it_removes) {
  Bus bus;
  const auto modifier = named("a");
  bus.roster.begin();
  bus.roster.add(modifier, 3);
  Order order;
  BOOST_TEST((bus.roster.remove("a", order) == Removal::due));
  BOOST_TEST(order.group == 3);
  BOOST_TEST(ModifierAccess::leaving(*modifier));
  BOOST_TEST(!bus.roster.knows("a"));
  BOOST_TEST(!is_free(modifier));
  const auto gone = bus.roster.leave(order);
  BOOST_TEST_REQUIRE(!gone.empty());
  BOOST_TEST(gone.mapped().modifier == modifier);
  BOOST_TEST(bus.roster.slots().empty());
}

BOOST_AUTO_TEST_CASE(a_removal_in_a_hook_or_from_another_thread_is_queued_and_its_name_free) {
  Bus bus;
  bus.add("a");
  bus.add("b");
  bus.roster.begin();
  Removal from_elsewhere{};
  elsewhere([&] { from_elsewhere = bus.remove("a"); });
  BOOST_TEST((from_elsewhere == Removal::queued));
  bus.in_a_hook([&] { BOOST_TEST((bus.remove("b") == Removal::queued)); });
  BOOST_TEST(bus.work_is_queued());
  BOOST_TEST(bus.snapshot().empty());
  BOOST_TEST(bus.walked() == (Names{"a", "b"}), boost::test_tools::per_element());
  for (const auto& [order, slot] : bus.roster.slots()) {
    BOOST_TEST(ModifierAccess::leaving(*slot.modifier));
  }
  bus.do_queued_work();
  BOOST_TEST(bus.walked().empty());
}

BOOST_AUTO_TEST_CASE(a_name_is_removed_once) {
  Bus bus;
  bus.add("a");
  bus.roster.begin();
  bus.in_a_hook([&] {
    BOOST_TEST((bus.remove("a") == Removal::queued));
    BOOST_TEST((bus.remove("a") == Removal::unknown_name));
  });
  BOOST_TEST(bus.roster.take().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_free_name_can_be_taken_while_its_last_owner_is_still_there) {
  Bus bus;
  bus.add("a");
  bus.roster.begin();
  const auto successor = named("a");
  bus.in_a_hook([&] {
    bus.remove("a");
    bus.roster.add(successor, 0);
  });
  BOOST_TEST_REQUIRE(bus.roster.snapshot().size() == 1U);
  BOOST_TEST(bus.roster.snapshot()[0] == successor);
  bus.do_queued_work();
  BOOST_TEST_REQUIRE(bus.roster.slots().size() == 1U);
  BOOST_TEST(bus.roster.slots().begin()->second.modifier == successor);
  BOOST_TEST(bus.roster.knows("a"));
}

BOOST_AUTO_TEST_CASE(a_modifier_that_waits_to_enter_can_be_removed) {
  Bus bus;
  bus.roster.begin();
  const auto modifier = named("a");
  bus.in_a_hook([&] {
    bus.roster.add(modifier, 0);
    BOOST_TEST((bus.remove("a") == Removal::done));
  });
  BOOST_TEST(ModifierAccess::leaving(*modifier));
  BOOST_TEST(is_free(modifier));
  BOOST_TEST(bus.snapshot().empty());
  bus.do_queued_work();
  BOOST_TEST(bus.roster.slots().empty());
}

BOOST_AUTO_TEST_CASE(one_that_another_thread_has_queued_is_removed_from_the_queue) {
  Bus bus;
  bus.roster.begin();
  elsewhere([&] {
    bus.add("a");
    bus.add("b");
    bus.add("c");
  });
  BOOST_TEST((bus.remove("b") == Removal::done));
  elsewhere([&] { BOOST_TEST((bus.remove("c") == Removal::done)); });
  BOOST_TEST(bus.snapshot() == (Names{"a"}), boost::test_tools::per_element());
  bus.do_queued_work();
  BOOST_TEST(bus.walked() == (Names{"a"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_that_is_being_let_in_leaves_by_the_queue) {
  Bus bus;
  bus.roster.begin();
  elsewhere([&] { bus.add("a"); });
  std::vector<Roster::Work> work = bus.roster.take();
  bus.in_a_hook([&] { BOOST_TEST((bus.remove("a") == Removal::queued)); });
  bus.roster.enter(std::move(work[0].enters));
  BOOST_TEST(bus.walked() == (Names{"a"}), boost::test_tools::per_element());
  bus.do_queued_work();
  BOOST_TEST(bus.walked().empty());
}

BOOST_AUTO_TEST_CASE(no_room_elsewhere_leaves_the_roster_as_it_was) {
  Bus bus;
  const auto no_room = [](const auto&) { throw std::bad_alloc{}; };
  const auto modifier = named("a");
  BOOST_CHECK_THROW(bus.roster.begin(no_room), std::bad_alloc);
  elsewhere([&] { bus.add("first"); });  // no loop yet
  BOOST_TEST(bus.nothing_is_queued());
  bus.roster.begin();
  BOOST_CHECK_THROW(bus.roster.add(modifier, 0, no_room), std::bad_alloc);
  BOOST_TEST(is_free(modifier));
  BOOST_TEST(bus.snapshot() == (Names{"first"}), boost::test_tools::per_element());
  elsewhere([&] { bus.roster.add(modifier, 0, no_room); });  // whoever waits needs none yet
  BOOST_CHECK_THROW((void)bus.roster.take(no_room), std::bad_alloc);
  BOOST_TEST(bus.work_is_queued());
  BOOST_TEST(bus.roster.take().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_modifier_is_known_from_another_of_its_name) {
  Bus bus;
  const auto modifier = named("a");
  bus.roster.add(modifier, 0);
  BOOST_TEST(bus.roster.has(*modifier));
  BOOST_TEST(!bus.roster.has(*named("a")));
  BOOST_TEST(!bus.roster.has(*named("b")));
  bus.remove("a");
  BOOST_TEST(!bus.roster.has(*modifier));
}

BOOST_AUTO_TEST_CASE(a_modifier_whose_removal_waits_can_not_be_added_yet) {
  Bus bus;
  const auto modifier = named("a");
  bus.roster.add(modifier, 0);
  bus.roster.begin();
  bus.in_a_hook([&] {
    bus.remove("a");
    BOOST_CHECK_THROW(bus.roster.add(modifier, 0), takt::InvalidModifier);
  });
  BOOST_TEST(ModifierAccess::leaving(*modifier));
  bus.do_queued_work();
  BOOST_TEST((bus.roster.add(modifier, 0) != nullptr));
}

BOOST_AUTO_TEST_CASE(nobody_leaves_for_an_order_that_is_not_there) {
  Bus bus;
  bus.add("a");
  BOOST_TEST(bus.roster.leave({.group = 0, .sequence = 99}).empty());
  BOOST_TEST(bus.roster.slots().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_slot_lets_go_of_its_modifier_only_once) {
  Bus bus;
  Bus next;
  const auto modifier = named("a");
  bus.roster.add(modifier, 0);
  Slot& slot = bus.roster.slots().begin()->second;
  Roster::release(slot);
  next.roster.add(modifier, 0);
  Roster::release(slot);
  BOOST_TEST(!is_free(modifier));
}

BOOST_AUTO_TEST_CASE(a_closed_roster_refuses_additions_from_any_thread_and_still_removes) {
  Bus bus;
  bus.add("a");
  bus.roster.begin();
  BOOST_TEST(bus.roster.close());
  BOOST_CHECK_EXCEPTION(bus.add("b"), takt::LifecycleError, names_it("b"));
  bool refused = false;
  elsewhere([&] {
    try {
      bus.add("c");
    } catch (const takt::LifecycleError&) {
      refused = true;
    }
  });
  BOOST_TEST(refused);
  BOOST_TEST((bus.remove("a") == Removal::due));
}

BOOST_AUTO_TEST_CASE(a_roster_neither_closes_nor_finishes_while_work_is_queued) {
  Bus bus;
  const auto modifier = named("a");
  bus.roster.begin();
  bus.in_a_hook([&] { bus.roster.add(modifier, 0); });
  BOOST_TEST(!bus.roster.close());
  BOOST_TEST(!bus.roster.finish());
  bus.do_queued_work();
  bus.in_a_hook([&] { bus.add("b"); });  // it is still open
  BOOST_TEST(!is_free(modifier));
  bus.do_queued_work();
  BOOST_TEST(bus.roster.close());
  BOOST_TEST(bus.roster.finish());
}

BOOST_AUTO_TEST_CASE(a_finished_roster_keeps_its_names_and_frees_its_modifiers) {
  Bus bus;
  const auto modifier = named("a");
  bus.roster.add(modifier, 0);
  bus.roster.begin();
  BOOST_TEST(bus.roster.close());
  BOOST_TEST(bus.roster.finish());
  BOOST_TEST(bus.snapshot() == (Names{"a"}), boost::test_tools::per_element());
  BOOST_TEST(is_free(modifier));
}

BOOST_AUTO_TEST_CASE(after_the_run_any_thread_removes_at_once) {
  Bus bus;
  bus.add("a");
  bus.add("b");
  bus.roster.begin();
  BOOST_TEST(bus.roster.close());
  BOOST_TEST(bus.roster.finish());
  BOOST_TEST((bus.remove("a") == Removal::done));
  Removal from_elsewhere{};
  elsewhere([&] { from_elsewhere = bus.remove("b"); });
  BOOST_TEST((from_elsewhere == Removal::done));
  BOOST_TEST(bus.roster.slots().empty());
  BOOST_TEST(bus.nothing_is_queued());
}

BOOST_AUTO_TEST_CASE(removing_a_modifier_gives_up_the_ownership_of_it) {
  Bus bus;
  auto modifier = named("a");
  const std::weak_ptr<Modifier> seen = modifier;
  bus.roster.add(modifier, 0);
  modifier.reset();
  BOOST_TEST(!seen.expired());
  bus.remove("a");
  BOOST_TEST(seen.expired());
}

BOOST_AUTO_TEST_SUITE_END()
