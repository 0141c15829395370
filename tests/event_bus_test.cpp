// SPDX-License-Identifier: BSL-1.0
#include "takt/event_bus.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::Event;
using takt::EventSet;
using takt::EventType;
using takt::Phase;
using enum takt::EventType;

constexpr EventSet batch_events{BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP,
                                BATCH_END};

static_assert(!std::is_copy_constructible_v<takt::EventBus>);
static_assert(!std::is_copy_assignable_v<takt::EventBus>);

}  // namespace

BOOST_AUTO_TEST_SUITE(event_bus)

BOOST_AUTO_TEST_CASE(a_batch_emits_its_five_events_in_order) {
  takt::EventBus bus;
  std::vector<EventType> seen;
  for (const EventType type : EventSet::all()) {
    bus.connect(type, [&](const Event& event, const takt::State&) { seen.push_back(*event.type); });
  }
  bus.initialize();
  bus.batch([](takt::Batch& batch) {
    batch.loss(1.0);
    batch.step([] {});
  });
  bus.finalize();
  const std::vector<EventType> expected{INITIALIZE,     BATCH_START,     LOSS_CALCULATED,
                                        OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END,
                                        FINALIZE};
  BOOST_TEST(seen == expected, per_element());
}

// The clock.

BOOST_AUTO_TEST_CASE(all_events_of_one_batch_carry_the_same_counters) {
  takt::EventBus bus{Event{.steps_per_epoch = 10, .global_step = 5, .global_batch = 7}};
  std::vector<Event> seen;
  bus.on(batch_events, {}, [&](const Event& event) { seen.push_back(event); });
  bus.initialize();
  bus.batch([](takt::Batch& batch) {
    batch.loss(1.0);
    batch.step([] {});
  });
  BOOST_TEST_REQUIRE(seen.size() == 5U);
  for (const Event& event : seen) {
    BOOST_TEST(event.steps_per_epoch.value() == 10);
    BOOST_TEST(event.global_step == 5);
    BOOST_TEST(event.global_batch == 7);
  }
}

BOOST_AUTO_TEST_CASE(the_clock_advances_after_batch_end) {
  takt::EventBus bus;
  bus.initialize();
  bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  BOOST_TEST(bus.now().global_step == 1);
  BOOST_TEST(bus.now().global_batch == 1);
}

BOOST_AUTO_TEST_CASE(a_batch_that_takes_no_step_counts_as_a_batch_only) {
  takt::EventBus bus;
  bus.initialize();
  bus.batch([](takt::Batch&) {});
  BOOST_TEST(bus.now().global_step == 0);
  BOOST_TEST(bus.now().global_batch == 1);
}

BOOST_AUTO_TEST_CASE(now_has_the_sizes_and_the_counters_of_the_open_batch_but_no_type) {
  takt::EventBus bus{Event{.type = BATCH_END,
                           .steps_per_epoch = 4,
                           .batches_per_step = 2,
                           .invocations_per_step = 3,
                           .global_step = 6,
                           .global_batch = 12}};
  Event expected{.steps_per_epoch = 4,
                 .batches_per_step = 2,
                 .invocations_per_step = 3,
                 .global_step = 6,
                 .global_batch = 12};
  BOOST_TEST((bus.now() == expected));
  bus.initialize();
  bus.batch([&](takt::Batch&) { BOOST_TEST((bus.now() == expected)); });
  ++expected.global_batch;
  BOOST_TEST((bus.now() == expected));
}

BOOST_AUTO_TEST_CASE(negative_counters_in_the_start_event_are_refused) {
  BOOST_CHECK_THROW(takt::EventBus{Event{.global_step = -1}}, takt::InvalidEvent);
  BOOST_CHECK_THROW(takt::EventBus{Event{.global_batch = -1}}, takt::InvalidEvent);
}

BOOST_AUTO_TEST_CASE(a_start_event_with_counters_means_continue_from_there) {
  ProbedBus run{{.global_step = 8, .global_batch = 20}};
  run.add("a", {.update = 3.0}, {.due = BATCH_START});
  run.bus.initialize();
  run.step(3);
  BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 8", "a on_start batch_start 8",
                                  "a on_update batch_start 9"}),
             per_element());
  BOOST_TEST(run.bus.now().global_batch == 23);
}

BOOST_AUTO_TEST_CASE(emit_is_the_generic_form_of_every_call) {
  ProbedBus run;
  for (const EventType type : EventSet::all()) {
    run.bus.connect(
        type, [&](const Event& event, const takt::State&) { run.log.push_back(text_of(event)); });
  }
  for (const EventType type :
       {INITIALIZE, CALIBRATION_EPOCH_START, BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP,
        OPTIM_POST_STEP, BATCH_END, SEQUENTIAL_EPOCH_END, CALIBRATION_EPOCH_END, FINALIZE}) {
    run.bus.emit(type);
  }
  BOOST_TEST(run.take() ==
                 (Lines{"initialize 0", "calibration_epoch_start 0", "batch_start 0",
                        "loss_calculated 0", "optim_pre_step 0", "optim_post_step 0", "batch_end 0",
                        "sequential_epoch_end 1", "calibration_epoch_end 1", "finalize 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(emit_refuses_a_type_that_is_none_of_the_ten) {
  takt::EventBus bus;
  BOOST_CHECK_THROW(bus.emit(static_cast<EventType>(10)), takt::InvalidEvent);
}

// Rule 1 and phases.

BOOST_AUTO_TEST_CASE(every_modifier_is_initialized_at_initialize_whatever_its_window) {
  ProbedBus run;
  run.add("a");
  run.add("later", {.start = 5.0});
  run.add("never", {.start = 0.25, .end = 0.75});
  run.bus.initialize();
  BOOST_TEST(
      run.take() == (Lines{"a on_initialize initialize 0", "later on_initialize initialize 0",
                           "never on_initialize initialize 0"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_goes_through_its_phases_in_order) {
  ProbedBus run;
  const auto a = run.add("a", {.start = 1.0, .end = 1.0});
  BOOST_TEST(a->phase() == Phase::added);
  run.begin();
  BOOST_TEST(a->phase() == Phase::initialized);
  run.step();
  BOOST_TEST(a->phase() == Phase::initialized);
  run.bus.batch_start();
  BOOST_TEST(a->phase() == Phase::active);
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  run.bus.batch_end();
  BOOST_TEST(a->phase() == Phase::ended);
  run.bus.finalize();
  BOOST_TEST(a->phase() == Phase::finalized);
}

// Rule 5.

BOOST_AUTO_TEST_CASE(finalize_ends_what_is_still_active_and_finalizes_every_modifier) {
  ProbedBus run;
  run.add("active");
  run.add("ended", {.end = 0.0});
  run.add("waiting", {.start = 9.0});
  run.begin();
  run.step(2);
  run.take();
  run.bus.finalize();
  BOOST_TEST(
      run.take() == (Lines{"active on_end finalize 2", "active on_finalize finalize 2",
                           "ended on_finalize finalize 2", "waiting on_finalize finalize 2"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(finalize_ends_at_the_counters_where_the_run_stopped) {
  ProbedBus run{{.steps_per_epoch = 4}};
  const auto a = run.add("a", {.end = 8.0});
  std::optional<double> index;
  a->then["on_end"] = [&](takt::State&, const Event& event) { index = event.current_index(); };
  run.begin();
  run.step(6);
  run.bus.finalize();
  BOOST_TEST(index.value() == 1.5);
}

// Rule 6: aborts.

BOOST_AUTO_TEST_CASE(an_aborted_batch_calls_on_abort_of_every_active_modifier_and_no_other) {
  ProbedBus run;
  run.add("a");
  run.add("ended", {.end = 0.0});
  run.add("waiting", {.start = 9.0});
  run.add("b");
  run.begin();
  run.step();
  run.bus.batch_start();
  run.take();
  run.bus.abort_batch();
  BOOST_TEST(run.take() == (Lines{"a on_abort none 1", "b on_abort none 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(after_an_abort_the_same_index_comes_again_and_modifiers_are_still_due) {
  ProbedBus run;
  run.add("a", {.update = 2.0}, {.due = OPTIM_PRE_STEP});
  run.begin();
  run.step(2);
  run.take();
  run.bus.batch_start();
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  run.bus.abort_batch();
  run.step(2);
  BOOST_TEST(run.take() == (Lines{"a on_update optim_pre_step 2", "a on_abort none 2",
                                  "a on_update optim_pre_step 2"}),
             per_element());
  BOOST_TEST(run.bus.now().global_step == 4);
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_closes_no_window_and_starts_none_again) {
  ProbedBus run;
  run.add("a", {.end = 0.0});
  run.begin();
  run.bus.batch_start();
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  run.bus.abort_batch();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_abort none 0"}), per_element());
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_end batch_end 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_that_ends_in_an_exception_is_aborted_once) {
  ProbedBus run;
  run.add("a");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch([](takt::Batch&) { throw std::runtime_error("no data"); }),
                    std::runtime_error);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_abort none 0"}), per_element());
  BOOST_TEST(run.bus.now().global_batch == 0);
}

BOOST_AUTO_TEST_CASE(an_aborted_calibration_epoch_runs_no_hook) {
  ProbedBus run;
  run.add("a", {}, {.due = EventSet::all(), .every = EventSet::all()});
  run.begin();
  run.bus.calibration_epoch_start();
  run.take();
  run.bus.abort_calibration_epoch();
  BOOST_TEST(run.take().empty());
}

// Rule 7.

BOOST_AUTO_TEST_CASE(initialize_and_finalize_in_interests_change_nothing) {
  ProbedBus run;
  run.add("a", {}, {.due = INITIALIZE | FINALIZE, .every = INITIALIZE | FINALIZE});
  run.bus.initialize();
  run.step();
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 0", "a on_start batch_start 0",
                                  "a on_end finalize 1", "a on_finalize finalize 1"}),
             per_element());
}

// The state.

BOOST_AUTO_TEST_CASE(the_loss_is_in_the_state_from_loss_calculated_until_the_next_batch_start) {
  takt::EventBus bus;
  std::vector<std::optional<double>> seen;
  bus.on(batch_events, {}, [&](takt::State& state, const Event&) { seen.push_back(state.loss); });
  bus.initialize();
  for (const double loss : {0.5, 0.25}) {
    bus.batch([&](takt::Batch& batch) { batch.loss(loss); });
  }
  const std::vector<std::optional<double>> expected{std::nullopt, 0.5,  0.5,
                                                    std::nullopt, 0.25, 0.25};
  BOOST_TEST((seen == expected));
  BOOST_TEST(bus.state().loss.value() == 0.25);
}

BOOST_AUTO_TEST_CASE(a_bus_with_no_modifier_keeps_the_loss_and_resets_it_too) {
  takt::EventBus bus;
  bus.initialize();
  bus.batch([&](takt::Batch& batch) {
    batch.loss(0.5);
    BOOST_TEST(bus.state().loss.value() == 0.5);
  });
  bus.batch_start();
  BOOST_TEST(!bus.state().loss.has_value());
}

BOOST_AUTO_TEST_CASE(emit_leaves_the_loss_and_the_layers_that_the_state_holds) {
  takt::EventBus bus;
  bus.initialize();
  bus.calibration_epoch_start();
  bus.batch_start();
  bus.state().loss = 0.125;
  bus.emit(LOSS_CALCULATED);
  BOOST_TEST(bus.state().loss.value() == 0.125);
  bus.batch_end();
  bus.state().layers = {"fc1"};
  bus.emit(SEQUENTIAL_EPOCH_END);
  BOOST_TEST(bus.state().layers == (Lines{"fc1"}), per_element());
}

BOOST_AUTO_TEST_CASE(the_layers_of_a_sequential_epoch_are_in_the_state) {
  takt::EventBus bus;
  std::vector<Lines> seen;
  bus.on(SEQUENTIAL_EPOCH_END, {},
         [&](takt::State& state, const Event&) { seen.push_back(state.layers); });
  bus.initialize();
  bus.calibration_epoch([&] {
    bus.sequential_epoch_end({"fc1", "fc2"});
    bus.sequential_epoch_end({"fc3"});
  });
  BOOST_TEST((seen == std::vector<Lines>{{"fc1", "fc2"}, {"fc3"}}));
}

BOOST_AUTO_TEST_CASE(a_call_that_is_refused_leaves_the_state_alone) {
  takt::EventBus bus;
  bus.initialize();
  bus.state().layers = {"fc1"};
  BOOST_CHECK_THROW(bus.loss_calculated(1.0), takt::LifecycleError);
  BOOST_CHECK_THROW(bus.sequential_epoch_end({"fc2"}), takt::LifecycleError);
  BOOST_TEST(!bus.state().loss.has_value());
  BOOST_TEST(bus.state().layers == (Lines{"fc1"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_hook_asks_the_loop_to_stop) {
  ProbedBus run;
  const auto a = run.add("a", {.start = 2.0}, {.due = BATCH_END});
  a->then["on_update"] = [](takt::State& state, const Event&) { state.control.stop("enough"); };
  run.begin();
  while (!run.bus.state().control.stop_requested() && run.bus.now().global_step < 9) run.step();
  BOOST_TEST(run.bus.now().global_step == 3);
  BOOST_TEST(run.bus.state().control.stop_reason() == "enough");
}

BOOST_AUTO_TEST_CASE(a_hook_that_emits_on_its_own_bus_is_refused) {
  ProbedBus run;
  const auto a = run.add("a", {}, {.due = BATCH_START});
  a->then["on_update"] = [&](takt::State&, const Event&) {
    BOOST_CHECK_THROW(run.bus.batch_end(), takt::LifecycleError);
    BOOST_CHECK_THROW(run.bus.abort_batch(), takt::LifecycleError);
  };
  run.begin();
  run.step();
  BOOST_TEST(run.bus.now().global_step == 1);
}

BOOST_AUTO_TEST_SUITE_END()
