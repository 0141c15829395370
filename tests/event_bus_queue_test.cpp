// SPDX-License-Identifier: BSL-1.0
// Adding and removing inside an emission: names at once, the work after the call.
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::At;
using takt::Event;
using takt::Phase;
using takt::State;
using enum takt::EventType;

/// Three modifiers that hear BATCH_START and BATCH_END in both ways, on an initialized bus.
struct Trio : ProbedBus {
  Trio() {
    for (const char* const name : {"a", "b", "c"}) {
      probes.push_back(
          add(name, {}, {.due = BATCH_START | BATCH_END, .every = BATCH_START | BATCH_END}));
    }
    bus.initialize();
    log.clear();
  }

  Probe& b() { return *probes[1]; }

  std::vector<std::shared_ptr<Probe>> probes;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(event_bus_queue)

// Adding inside a hook or an observer.

BOOST_AUTO_TEST_CASE(a_modifier_added_inside_a_hook_is_initialized_after_the_call) {
  ProbedBus run;
  const auto a = run.add("a", {}, {.due = BATCH_START, .every = BATCH_END});
  run.add("b", {}, {.due = BATCH_START});
  const auto added = run.make("new", {}, {.due = BATCH_START});
  a->then["on_update"] = [&](State&, const Event&) {
    a->then.clear();
    run.bus.add(added);
  };
  run.begin();
  run.batch();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_update batch_start 0",
                                  "b on_start batch_start 0", "b on_update batch_start 0",
                                  "new on_initialize initialize 0", "a on_event batch_end 0"}),
             per_element());
  run.bus.batch_start();
  BOOST_TEST(
      run.take("new") == (Lines{"new on_start batch_start 0", "new on_update batch_start 0"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_at_batch_end_is_initialized_with_the_advanced_clock) {
  ProbedBus run;
  const auto a = run.add("a", {.end = 0.0}, {.due = BATCH_END});
  Event seen;
  const auto added = run.make("new");
  added->then["on_initialize"] = [&](State&, const Event& event) { seen = event; };
  a->then["on_update"] = [&](State&, const Event&) { run.bus.add(added); };
  run.begin();
  run.step();
  BOOST_TEST(seen.global_step == 1);
  BOOST_TEST(seen.global_batch == 1);
  BOOST_TEST((seen.type == INITIALIZE));
}

BOOST_AUTO_TEST_CASE(a_name_is_taken_at_once_when_it_is_added_inside_a_hook) {
  ProbedBus run;
  const auto a = run.add("a", {.end = 0.0}, {.due = BATCH_START});
  const auto added = run.make("new");
  a->then["on_update"] = [&](State&, const Event&) {
    run.bus.add(added);
    BOOST_TEST(run.bus.modifiers().size() == 2U);
    BOOST_CHECK_THROW(run.bus.add(run.make("new")), takt::InvalidModifier);
    BOOST_CHECK_THROW(run.bus.add(run.make("a")), takt::InvalidModifier);
    BOOST_CHECK_THROW(run.bus.add(nullptr), takt::InvalidModifier);
    BOOST_TEST(added->phase() == Phase::added);
  };
  run.begin();
  run.step();
  BOOST_TEST(run.take("new") == (Lines{"new on_initialize initialize 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(modifiers_added_inside_a_hook_take_their_place_in_the_order) {
  ProbedBus run;
  const auto a = run.add("a", {}, {.due = BATCH_START});
  a->then["on_start"] = [&](State&, const Event&) {
    run.add("after", {}, {.due = BATCH_START});
    run.add("before", {}, {.due = BATCH_START}, -1);
  };
  run.begin();
  run.step();
  run.step();
  run.take();
  run.bus.batch_start();
  BOOST_TEST(run.take() == (Lines{"before on_update batch_start 2", "a on_update batch_start 2",
                                  "after on_update batch_start 2"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_inside_on_initialize_is_initialized_after_the_others) {
  ProbedBus run;
  const auto a = run.add("a");
  run.add("b");
  a->then["on_initialize"] = [&](State&, const Event&) { run.add("new"); };
  run.bus.initialize();
  BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 0", "b on_initialize initialize 0",
                                  "new on_initialize initialize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_may_add_one_that_adds_another) {
  ProbedBus run;
  const auto a = run.add("a", {.end = 0.0}, {.due = BATCH_START});
  const auto second = run.make("second");
  a->then["on_update"] = [&](State&, const Event&) { run.bus.add(second); };
  second->then["on_initialize"] = [&](State&, const Event&) { run.add("third"); };
  run.begin();
  run.bus.batch_start();
  BOOST_TEST(run.take() ==
                 (Lines{"a on_start batch_start 0", "a on_update batch_start 0",
                        "second on_initialize initialize 0", "third on_initialize initialize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_added_inside_on_finalize_is_refused) {
  ProbedBus run;
  const auto a = run.add("a");
  a->then["on_finalize"] = [&](State&, const Event&) {
    BOOST_CHECK_THROW(run.add("new"), takt::LifecycleError);
  };
  run.begin();
  run.bus.finalize();
  BOOST_TEST(run.bus.modifiers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_modifier_added_inside_an_observer_is_initialized_after_the_call) {
  for (const At at : {At::before, At::after}) {
    ProbedBus run;
    run.add("a", {.end = 0.0}, {.due = BATCH_START});
    bool once = false;
    run.bus.connect(
        BATCH_START,
        [&](const Event&, const State&) {
          if (!std::exchange(once, true)) run.add("new", {}, {.due = BATCH_START});
        },
        at);
    run.begin();
    run.bus.batch_start();
    BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_update batch_start 0",
                                    "new on_initialize initialize 0"}),
               per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_added_inside_on_abort_is_initialized_after_the_abort) {
  ProbedBus run;
  const auto a = run.add("a");
  run.add("b");
  a->then["on_abort"] = [&](State&, const Event&) { run.add("new"); };
  run.begin();
  run.bus.batch_start();
  run.take();
  run.bus.abort_batch();
  BOOST_TEST(run.take() == (Lines{"a on_abort none 0", "b on_abort none 0",
                                  "new on_initialize initialize 0"}),
             per_element());
}

// Removing inside a hook or an observer.

BOOST_AUTO_TEST_CASE(a_modifier_that_removes_itself_runs_no_further_hook_of_the_emission) {
  Trio run;
  run.b().then["on_event"] = [&](State&, const Event&) { BOOST_TEST(run.bus.remove("b")); };
  run.step();
  BOOST_TEST(run.take("b") == (Lines{"b on_start batch_start 0", "b on_event batch_start 0",
                                     "b on_end finalize 0", "b on_finalize finalize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(one_whose_removal_waits_for_the_next_call_is_told_of_an_abort) {
  ProbedBus run;
  run.add("a", {}, {.due = BATCH_START});
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch([&](takt::Batch&) {
    std::thread{[&] { run.bus.remove("a"); }}.join();
    throw std::runtime_error{"dropped"};
  }),
                    std::runtime_error);
  BOOST_TEST(run.take("a on_abort").size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_removes_itself_as_it_starts_is_ended) {
  Trio run;
  run.b().then["on_start"] = [&](State&, const Event&) { run.bus.remove("b"); };
  run.step();
  BOOST_TEST(run.take("b") == (Lines{"b on_start batch_start 0", "b on_end finalize 0",
                                     "b on_finalize finalize 0"}),
             per_element());
  BOOST_TEST(run.b().phase() == Phase::finalized);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_removes_itself_as_it_ends_is_ended_once) {
  ProbedBus run;
  const auto a = run.add("a", {.end = 0.0});
  a->then["on_end"] = [&](State&, const Event&) { run.bus.remove("a"); };
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_end batch_end 0",
                                  "a on_finalize finalize 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_removes_itself_as_it_is_initialized_is_finalized) {
  ProbedBus run;
  const auto a = run.add("a");
  a->then["on_initialize"] = [&](State&, const Event&) { run.bus.remove("a"); };
  run.bus.initialize();
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 0", "a on_finalize finalize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_removes_itself_as_it_is_finalized_is_finalized_once) {
  ProbedBus run;
  const auto a = run.add("a");
  a->then["on_finalize"] = [&](State&, const Event&) { BOOST_TEST(run.bus.remove("a")); };
  run.begin();
  run.step();
  run.take();
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_end finalize 1", "a on_finalize finalize 1"}),
             per_element());
  BOOST_TEST(run.bus.modifiers().empty());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_by_a_later_one_gets_its_last_hooks_after_the_call) {
  Trio run;
  run.step();
  run.take();
  run.b().then["on_update"] = [&](State&, const Event&) { run.bus.remove("a"); };
  run.bus.batch_start();
  BOOST_TEST(run.take() == (Lines{"a on_event batch_start 1", "a on_update batch_start 1",
                                  "b on_event batch_start 1", "b on_update batch_start 1",
                                  "c on_event batch_start 1", "c on_update batch_start 1",
                                  "a on_end finalize 1", "a on_finalize finalize 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_by_an_earlier_one_runs_no_hook_of_the_emission) {
  Trio run;
  run.step();
  run.take();
  run.b().then["on_update"] = [&](State&, const Event&) { run.bus.remove("c"); };
  run.bus.batch_start();
  BOOST_TEST(run.take() == (Lines{"a on_event batch_start 1", "a on_update batch_start 1",
                                  "b on_event batch_start 1", "b on_update batch_start 1",
                                  "c on_end finalize 1", "c on_finalize finalize 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_by_an_earlier_one_before_it_starts_never_starts) {
  Trio run;
  run.b().then["on_start"] = [&](State&, const Event&) { run.bus.remove("c"); };
  run.step();
  BOOST_TEST(run.take("c") == (Lines{"c on_finalize finalize 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_by_an_earlier_one_on_finalize_has_its_last_hooks_once) {
  Trio run;
  run.b().then["on_finalize"] = [&](State&, const Event&) {
    run.bus.remove("a");
    run.bus.remove("c");
  };
  run.step();
  run.take();
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_end finalize 1", "a on_finalize finalize 1",
                                  "b on_end finalize 1", "b on_finalize finalize 1",
                                  "c on_end finalize 1", "c on_finalize finalize 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_before_its_on_initialize_has_run_runs_no_hook) {
  ProbedBus run;
  const auto a = run.add("a");
  run.add("b");
  a->then["on_initialize"] = [&](State&, const Event&) { run.bus.remove("b"); };
  run.bus.initialize();
  run.step();
  BOOST_TEST(run.take("b").empty());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_at_batch_end_is_finalized_with_the_advanced_clock) {
  Trio run;
  run.bus.connect(BATCH_END, [&](const Event&, const State&) { run.bus.remove("c"); });
  run.step();
  const Lines lines = run.take("c");
  BOOST_TEST_REQUIRE(lines.size() >= 2U);
  BOOST_TEST(lines[lines.size() - 2] == "c on_end finalize 1");
  BOOST_TEST(lines.back() == "c on_finalize finalize 1");
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_inside_an_observer_before_its_turn_runs_no_hook_of_it) {
  Trio run;
  run.step();
  run.take();
  run.bus.connect(
      BATCH_START, [&](const Event&, const State&) { run.bus.remove("a"); }, At::before);
  run.bus.batch_start();
  BOOST_TEST(run.take("a") == (Lines{"a on_end finalize 1", "a on_finalize finalize 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_removed_inside_on_abort_is_told_of_the_abort_before_it_ends) {
  Trio run;
  run.b().then["on_abort"] = [&](State&, const Event&) { run.bus.remove("c"); };
  run.bus.batch_start();
  run.take();
  run.bus.abort_batch();
  BOOST_TEST(run.take() == (Lines{"a on_abort none 0", "b on_abort none 0", "c on_abort none 0",
                                  "c on_end finalize 0", "c on_finalize finalize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_may_remove_another_as_it_is_removed) {
  Trio run;
  run.b().then["on_finalize"] = [&](State&, const Event&) { run.bus.remove("c"); };
  BOOST_TEST(run.bus.remove("b"));
  BOOST_TEST(run.take() == (Lines{"b on_finalize finalize 0", "c on_finalize finalize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_name_is_free_at_once_when_it_is_removed_inside_a_hook) {
  Trio run;
  run.b().then["on_event"] = [&](State&, const Event&) {
    run.b().then.clear();
    BOOST_TEST(run.bus.remove("c"));
    BOOST_TEST(!run.bus.remove("c"));
    BOOST_TEST(run.bus.modifiers().size() == 2U);
    run.add("c", {.start = 9.0});
  };
  run.step();
  BOOST_TEST(run.take("c") == (Lines{"c on_finalize finalize 0", "c on_initialize initialize 0"}),
             per_element());
  BOOST_TEST(run.bus.modifiers().back()->phase() == Phase::initialized);
}

BOOST_AUTO_TEST_CASE(a_modifier_added_and_removed_in_one_emission_runs_no_hook) {
  Trio run;
  const auto added = run.make("new");
  run.b().then["on_event"] = [&](State&, const Event&) {
    run.bus.add(added);
    BOOST_TEST(run.bus.remove("new"));
  };
  run.batch();
  BOOST_TEST(run.take("new").empty());
  takt::EventBus elsewhere;
  BOOST_TEST(elsewhere.add(added) == added);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_removes_itself_is_kept_alive_until_its_hook_returns) {
  ProbedBus run;
  auto a = run.add("a", {}, {.due = BATCH_START});
  const std::weak_ptr<Probe> weak{a};
  a->then["on_update"] = [&](State&, const Event&) {
    run.bus.remove("a");
    a.reset();
    BOOST_TEST(!weak.expired());
  };
  run.begin();
  run.bus.batch_start();
  BOOST_TEST(weak.expired());
}

// From another thread.

BOOST_AUTO_TEST_CASE(what_another_thread_adds_and_removes_is_done_at_the_start_of_the_next_call) {
  Trio run;
  std::thread{[&] {
    run.add("new");
    run.bus.remove("c");
  }}.join();
  BOOST_TEST(run.take().empty());
  BOOST_TEST(run.bus.modifiers().size() == 3U);
  run.bus.batch_start();
  const Lines lines = run.take();
  BOOST_TEST_REQUIRE(lines.size() >= 2U);
  BOOST_TEST(lines[0] == "new on_initialize initialize 0");
  BOOST_TEST(lines[1] == "c on_finalize finalize 0");
  BOOST_TEST(lines.back() == "new on_start batch_start 0");
}

BOOST_AUTO_TEST_SUITE_END()
