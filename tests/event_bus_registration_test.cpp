// SPDX-License-Identifier: BSL-1.0
// Who is on the bus: names, order, joining and leaving.
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <type_traits>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::Event;
using takt::Phase;
using takt::State;
using enum takt::EventType;

Lines names_on(const takt::EventBus& bus) {
  Lines names;
  for (const auto& modifier : bus.modifiers()) names.push_back(modifier->name());
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_bus_registration)

// Order.

BOOST_AUTO_TEST_CASE(modifiers_run_in_the_order_of_their_registration) {
  ProbedBus run;
  for (const char* const name : {"c", "a", "b"}) run.add(name, {}, {.due = BATCH_END});
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"c on_start batch_start 0", "a on_start batch_start 0",
                                  "b on_start batch_start 0", "c on_update batch_end 0",
                                  "a on_update batch_end 0", "b on_update batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(lower_groups_run_first_in_every_hook) {
  ProbedBus run;
  run.add("last", {.end = 0.0}, {}, 5);
  run.add("middle", {.end = 0.0});
  run.add("first", {.end = 0.0}, {}, -5);
  run.bus.initialize();
  run.step();
  run.bus.finalize();
  BOOST_TEST(
      run.take() == (Lines{"first on_initialize initialize 0", "middle on_initialize initialize 0",
                           "last on_initialize initialize 0", "first on_start batch_start 0",
                           "middle on_start batch_start 0", "last on_start batch_start 0",
                           "first on_end batch_end 0", "middle on_end batch_end 0",
                           "last on_end batch_end 0", "first on_finalize finalize 1",
                           "middle on_finalize finalize 1", "last on_finalize finalize 1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(the_order_does_not_depend_on_who_is_due_how_often_or_since_when) {
  ProbedBus run;
  run.add("a", {.start = 2.0}, {.due = BATCH_END});
  run.add("b", {.update = 2.0}, {.due = BATCH_END});
  run.add("c", {}, {.due = BATCH_END});
  run.add("d", {.start = 1.0, .update = 2.0}, {.due = BATCH_END});
  run.begin();
  run.step(2);
  run.take();
  run.add("e", {}, {.due = BATCH_END}, -1);
  run.take();
  run.bus.batch_start();
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  run.take();
  run.bus.batch_end();
  BOOST_TEST(run.take() == (Lines{"e on_update batch_end 2", "a on_update batch_end 2",
                                  "b on_update batch_end 2", "c on_update batch_end 2",
                                  "d on_update batch_end 2"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(late_modifiers_take_their_places_as_they_start_run_and_end) {
  ProbedBus run;
  run.add("b", {.end = 2.0, .update = 2.0}, {.due = BATCH_END});
  run.begin();
  run.step(2);
  run.add("c", {.end = 2.0, .update = 2.0}, {.due = BATCH_END});
  run.add("a", {.end = 2.0, .update = 2.0}, {.due = BATCH_END}, -1);
  run.take();
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 2", "c on_start batch_start 2",
                                  "a on_update batch_end 2", "a on_end batch_end 2",
                                  "b on_update batch_end 2", "b on_end batch_end 2",
                                  "c on_update batch_end 2", "c on_end batch_end 2"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_in_the_batch_of_its_last_step_never_starts) {
  ProbedBus run;
  run.begin();
  run.bus.batch([&](takt::Batch& batch) {
    run.add("late", {.end = 0.0});
    batch.step([] {});
  });
  run.step();
  run.bus.finalize();
  BOOST_TEST(
      run.take() == (Lines{"late on_initialize initialize 0", "late on_finalize finalize 2"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(modifiers_lists_them_in_the_order_in_which_they_run) {
  ProbedBus run;
  run.add("c", {}, {}, 1);
  run.add("a");
  run.add("b");
  BOOST_TEST(names_on(run.bus) == (Lines{"a", "b", "c"}), per_element());
}

BOOST_AUTO_TEST_CASE(the_list_of_modifiers_is_a_snapshot) {
  ProbedBus run;
  const auto a = run.add("a");
  const auto before = run.bus.modifiers();
  run.bus.remove("a");
  BOOST_TEST_REQUIRE(before.size() == 1U);
  BOOST_TEST(before.front() == a);
  BOOST_TEST(run.bus.modifiers().empty());
}

// Joining.

BOOST_AUTO_TEST_CASE(add_and_emplace_give_back_the_modifier) {
  ProbedBus run;
  const auto a = run.make("a");
  BOOST_TEST(run.bus.add(a) == a);
  const auto b = run.bus.emplace<Probe>(run.log, "b");
  static_assert(std::is_same_v<decltype(b), const std::shared_ptr<Probe>>);
  BOOST_TEST(names_on(run.bus) == (Lines{"a", "b"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_during_the_run_is_initialized_at_the_current_counters) {
  ProbedBus run{{.steps_per_epoch = 2, .global_batch = 4}};
  run.begin();
  run.step(3);
  const auto late = run.make("late");
  Event seen;
  late->then["on_initialize"] = [&](State&, const Event& event) { seen = event; };
  run.bus.add(late);
  BOOST_TEST(run.take() == (Lines{"late on_initialize initialize 3"}), per_element());
  const Event expected{
      .type = INITIALIZE, .steps_per_epoch = 2, .global_step = 3, .global_batch = 7};
  BOOST_TEST((seen == expected));
  BOOST_TEST(late->phase() == Phase::initialized);
}

BOOST_AUTO_TEST_CASE(a_modifier_added_in_an_open_batch_starts_with_the_next_one) {
  ProbedBus run;
  run.begin();
  run.bus.batch_start();
  run.add("late", {}, {.due = BATCH_START | BATCH_END});
  run.bus.batch_end();
  BOOST_TEST(run.take() == (Lines{"late on_initialize initialize 0"}), per_element());
  run.batch();
  BOOST_TEST(run.take() == (Lines{"late on_start batch_start 0", "late on_update batch_start 0",
                                  "late on_update batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_inside_its_window_starts_with_the_next_batch) {
  ProbedBus run;
  run.begin();
  run.step(3);
  run.add("late", {.start = 1.0, .end = 3.0});
  run.step(2);
  BOOST_TEST(run.take() == (Lines{"late on_initialize initialize 3", "late on_start batch_start 3",
                                  "late on_end batch_end 3"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_past_its_window_never_starts) {
  ProbedBus run;
  run.begin();
  run.step(3);
  run.add("late", {.end = 2.0});
  run.step(2);
  run.bus.finalize();
  BOOST_TEST(
      run.take() == (Lines{"late on_initialize initialize 3", "late on_finalize finalize 5"}),
      per_element());
}

// Names, null, and one bus at a time.

BOOST_AUTO_TEST_CASE(names_are_unique_on_a_bus) {
  ProbedBus run;
  const auto a = run.add("a");
  const auto other = run.make("a");
  BOOST_CHECK_THROW(run.bus.add(other), takt::InvalidModifier);
  BOOST_TEST_REQUIRE(run.bus.modifiers().size() == 1U);
  BOOST_TEST(run.bus.modifiers().front() == a);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_was_refused_is_free_to_join_another_bus) {
  ProbedBus run;
  ProbedBus elsewhere;
  run.add("a");
  const auto refused = run.make("a");
  BOOST_CHECK_THROW(run.bus.add(refused), takt::InvalidModifier);
  elsewhere.bus.add(refused);
  BOOST_TEST(names_on(elsewhere.bus) == (Lines{"a"}), per_element());
}

BOOST_AUTO_TEST_CASE(null_is_refused) {
  takt::EventBus bus;
  BOOST_CHECK_THROW(bus.add(nullptr), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(a_modifier_is_on_one_bus_at_a_time) {
  ProbedBus run;
  ProbedBus elsewhere;
  const auto a = run.add("a");
  BOOST_CHECK_THROW(elsewhere.bus.add(a), takt::InvalidModifier);
  BOOST_TEST(elsewhere.bus.modifiers().empty());
  elsewhere.add("a");  // the name is still free there
  BOOST_CHECK_THROW(run.bus.add(a), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(a_modifier_may_join_another_bus_once_its_own_is_done_with_it) {
  ProbedBus removing;
  ProbedBus finalizing;
  takt::EventBus last;
  const auto a = removing.add("a");
  removing.begin();
  removing.bus.remove("a");
  finalizing.bus.add(a);
  finalizing.begin();
  finalizing.bus.finalize();
  BOOST_TEST(a->phase() == Phase::finalized);
  {
    takt::EventBus dies;
    dies.add(a);
    BOOST_TEST(a->phase() == Phase::added);
  }
  BOOST_TEST(last.add(a) == a);
}

BOOST_AUTO_TEST_CASE(adding_after_finalize_is_refused) {
  ProbedBus run;
  run.begin();
  run.bus.finalize();
  const auto a = run.make("a");
  BOOST_CHECK_THROW(run.bus.add(a), takt::LifecycleError);
  BOOST_CHECK_THROW(run.bus.on(BATCH_END, {}, [] {}), takt::LifecycleError);
  BOOST_TEST(run.bus.modifiers().empty());
  takt::EventBus elsewhere;
  BOOST_TEST(elsewhere.add(a) == a);
}

// Leaving.

BOOST_AUTO_TEST_CASE(removing_an_active_modifier_ends_and_finalizes_it_at_the_current_counters) {
  ProbedBus run{{.steps_per_epoch = 2, .global_batch = 4}};
  const auto a = run.add("a", {}, {.due = BATCH_START});
  Event seen;
  a->then["on_finalize"] = [&](State&, const Event& event) { seen = event; };
  run.begin();
  run.step(3);
  run.take();
  BOOST_TEST(run.bus.remove("a"));
  run.step();
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_end finalize 3", "a on_finalize finalize 3"}),
             per_element());
  const Event expected{.type = FINALIZE, .steps_per_epoch = 2, .global_step = 3, .global_batch = 7};
  BOOST_TEST((seen == expected));
  BOOST_TEST(a->phase() == Phase::finalized);
}

BOOST_AUTO_TEST_CASE(removing_a_modifier_that_is_not_active_only_finalizes_it) {
  ProbedBus run;
  run.add("waiting", {.start = 9.0});
  run.add("ended", {.end = 0.0});
  run.begin();
  run.step();
  run.take();
  run.bus.remove("waiting");
  run.bus.remove("ended");
  BOOST_TEST(
      run.take() == (Lines{"waiting on_finalize finalize 1", "ended on_finalize finalize 1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(removing_before_initialize_runs_no_hook) {
  ProbedBus run;
  run.add("a");
  BOOST_TEST(run.bus.remove("a"));
  run.bus.initialize();
  run.step();
  BOOST_TEST(run.take().empty());
}

BOOST_AUTO_TEST_CASE(removing_after_finalize_runs_no_hook) {
  ProbedBus run;
  run.add("a");
  run.begin();
  run.bus.finalize();
  run.take();
  BOOST_TEST(run.bus.remove("a"));
  BOOST_TEST(run.take().empty());
  BOOST_TEST(run.bus.modifiers().empty());
}

BOOST_AUTO_TEST_CASE(removing_it_from_a_finalized_bus_leaves_a_modifier_of_another_bus_alone) {
  ProbedBus run;
  const auto a = run.add("a");
  run.bus.initialize();
  run.bus.finalize();
  run.take();
  takt::EventBus next;
  next.add(a);
  BOOST_TEST(run.bus.remove("a"));
  next.initialize();
  next.batch([](takt::Batch&) {});
  BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 0", "a on_start batch_start 0"}),
             per_element());
  BOOST_TEST(names_on(next) == Lines{"a"}, per_element());
  BOOST_CHECK_THROW(takt::EventBus{}.add(a), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(removing_an_unknown_name_says_so) {
  ProbedBus run;
  run.add("a");
  BOOST_TEST(!run.bus.remove("b"));
  BOOST_TEST(run.bus.remove("a"));
  BOOST_TEST(!run.bus.remove("a"));
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_in_an_open_batch_runs_no_further_hook_in_it) {
  ProbedBus run;
  run.add("a", {}, {.due = BATCH_START | BATCH_END, .every = BATCH_END});
  run.begin();
  run.bus.batch_start();
  run.bus.remove("a");
  run.take();
  run.bus.batch_end();
  BOOST_TEST(run.take().empty());
}

BOOST_AUTO_TEST_CASE(a_removed_modifier_is_not_kept_alive) {
  ProbedBus run;
  auto a = run.add("a", {.update = 2.0}, {.due = BATCH_START});
  const std::weak_ptr<Probe> weak{a};
  a.reset();
  run.begin();
  run.step();
  BOOST_TEST(!weak.expired());
  run.bus.remove("a");
  BOOST_TEST(weak.expired());
}

BOOST_AUTO_TEST_CASE(a_removed_modifier_may_come_back_and_begins_anew) {
  ProbedBus run;
  const auto a = run.add("a");
  run.begin();
  run.step();
  run.bus.remove("a");
  run.take();
  run.bus.add(a);
  run.step();
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 1", "a on_start batch_start 1",
                                  "a on_end finalize 2", "a on_finalize finalize 2"}),
             per_element());
}

// Callables.

BOOST_AUTO_TEST_CASE(a_callable_takes_the_state_and_the_event_or_the_event_or_nothing) {
  takt::EventBus bus;
  Lines log;
  bus.on(BATCH_END, {}, [&](State& state, const Event& event) {
    BOOST_TEST(&state == &bus.state());
    log.push_back("both " + text_of(event));
  });
  bus.on(BATCH_END, {}, [&](const Event& event) { log.push_back("event " + text_of(event)); });
  bus.on(BATCH_END, {}, [&] { log.push_back("nothing"); });
  bus.initialize();
  bus.batch([](takt::Batch&) {});
  BOOST_TEST(log == (Lines{"both batch_end 0", "event batch_end 0", "nothing"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_callable_runs_at_its_events_when_its_cadence_is_due) {
  ProbedBus run;
  run.bus.on({BATCH_START, BATCH_END}, {.start = 1.0, .end = 4.0, .update = 2.0},
             [&](const Event& event) { run.log.push_back(text_of(event)); });
  run.begin();
  run.step(7);
  BOOST_TEST(run.take() == (Lines{"batch_start 2", "batch_end 2", "batch_start 4", "batch_end 4"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_callable_may_keep_state_of_its_own) {
  takt::EventBus bus;
  int last = 0;
  bus.on(BATCH_END, {}, [&last, count = 0]() mutable { last = ++count; });
  bus.initialize();
  for (int i = 0; i < 3; ++i) bus.batch([](takt::Batch&) {});
  BOOST_TEST(last == 3);
}

BOOST_AUTO_TEST_CASE(a_callable_that_names_initialize_and_finalize_is_called_there) {
  ProbedBus run;
  const auto note = [&](const Event& event) { run.log.push_back(text_of(event)); };
  run.bus.on({INITIALIZE, BATCH_END, FINALIZE}, {.start = 1.0, .end = 1.0}, note);
  run.bus.on(BATCH_END, {.start = 2.0}, note);  // names neither
  run.bus.initialize();
  run.step(3);
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"initialize 0", "batch_end 1", "batch_end 2", "finalize 3"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_callable_that_joins_or_leaves_during_the_run_is_called_there_too) {
  ProbedBus run;
  run.begin();
  run.step(2);
  run.bus.on(
      INITIALIZE | FINALIZE, {}, [&](const Event& event) { run.log.push_back(text_of(event)); },
      "late");
  run.step();
  run.bus.remove("late");
  BOOST_TEST(run.take() == (Lines{"initialize 2", "finalize 3"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_callable_has_the_name_and_the_group_that_it_was_given) {
  ProbedBus run;
  run.add("a");
  const auto first = run.bus.on(
      BATCH_END, {}, [] {}, "first", -1);
  BOOST_TEST(first->name() == "first");
  BOOST_TEST(names_on(run.bus) == (Lines{"first", "a"}), per_element());
  BOOST_CHECK_THROW(run.bus.on(
                        BATCH_END, {}, [] {}, "a"),
                    takt::InvalidModifier);
  BOOST_TEST(run.bus.remove("first"));
}

BOOST_AUTO_TEST_CASE(callables_without_a_name_get_unique_ones) {
  takt::EventBus bus;
  const auto first = bus.on(BATCH_END, {}, [] {});
  const auto second = bus.on(BATCH_END, {}, [] {});
  BOOST_TEST(!first->name().empty());
  BOOST_TEST(first->name() != second->name());
  BOOST_TEST(bus.remove(first->name()));
  BOOST_TEST_REQUIRE(bus.modifiers().size() == 1U);
  BOOST_TEST(bus.modifiers().front() == second);
}

BOOST_AUTO_TEST_CASE(a_generated_name_is_never_one_that_a_modifier_has_already) {
  takt::EventBus foretells;
  const std::string first = foretells.on(BATCH_END, {}, [] {})->name();
  ProbedBus run;
  run.add(first);
  const auto callable = run.bus.on(BATCH_END, {}, [] {});
  BOOST_TEST(callable->name() != first);
}

BOOST_AUTO_TEST_CASE(a_callable_with_a_cadence_that_makes_no_sense_is_refused) {
  takt::EventBus bus;
  BOOST_CHECK_THROW(bus.on(BATCH_END, {.update = -1.0}, [] {}), takt::InvalidCadence);
  BOOST_TEST(bus.modifiers().empty());
}

BOOST_AUTO_TEST_SUITE_END()
