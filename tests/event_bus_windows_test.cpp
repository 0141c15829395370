// SPDX-License-Identifier: BSL-1.0
// When a modifier starts, is due and ends.
#include <boost/test/unit_test.hpp>
#include <cstdint>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::EventSet;
using takt::Phase;
using enum takt::EventType;

constexpr EventSet batch_events{BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP,
                                BATCH_END};

}  // namespace

BOOST_AUTO_TEST_SUITE(event_bus_windows)

// Rule 2: windows open.

BOOST_AUTO_TEST_CASE(a_modifier_starts_at_the_first_batch_start_inside_its_window) {
  ProbedBus run;
  run.add("a", {.start = 2.0});
  run.begin();
  run.step(5);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 2"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_start_between_two_steps_opens_at_the_later_one) {
  ProbedBus run;
  run.add("a", {.start = 1.5});
  run.begin();
  run.step(4);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 2"}), per_element());
}

BOOST_AUTO_TEST_CASE(an_unset_or_negative_start_opens_at_once) {
  ProbedBus run;
  run.add("unset");
  run.add("negative", {.start = -3.0});
  run.begin();
  run.step(2);
  BOOST_TEST(
      run.take() == (Lines{"unset on_start batch_start 0", "negative on_start batch_start 0"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_starts_at_a_calibration_epoch_start_inside_its_window) {
  ProbedBus run;
  run.add("a", {.start = 1.0});
  run.begin();
  run.bus.calibration_epoch([&] { run.step(); });
  BOOST_TEST(run.take().empty());
  run.bus.calibration_epoch([&] { run.step(); });
  BOOST_TEST(run.take() == (Lines{"a on_start calibration_epoch_start 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_window_that_opens_inside_a_calibration_epoch_starts_at_the_next_batch) {
  ProbedBus run;
  run.add("a", {.start = 1.0});
  run.begin();
  run.bus.calibration_epoch([&] { run.step(2); });
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(resuming_inside_a_window_starts_it_there) {
  ProbedBus run{{.global_step = 5, .global_batch = 5}};
  run.add("a", {.start = 2.0, .end = 6.0});
  run.begin();
  run.step(4);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 5", "a on_end batch_end 6"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(resuming_past_a_window_never_opens_it) {
  ProbedBus run{{.global_step = 7, .global_batch = 7}};
  run.add("a", {.start = 2.0, .end = 6.0});
  run.begin();
  run.step(2);
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_finalize finalize 9"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_window_that_holds_no_step_never_opens) {
  ProbedBus run{{.steps_per_epoch = 10}};
  run.add("a", {.start = 0.31, .end = 0.39}, {.due = batch_events, .every = batch_events});
  run.begin();
  run.step(10);
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_finalize finalize 10"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_window_counts_epochs_on_an_epoch_based_bus) {
  ProbedBus run{{.steps_per_epoch = 2}};
  run.add("a", {.start = 1.0, .end = 2.0});
  run.begin();
  run.step(8);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 2", "a on_end batch_end 4"}),
             per_element());
}

// Rule 3: the order on one event, and when hooks are due.

BOOST_AUTO_TEST_CASE(on_one_event_the_order_is_start_event_update_end) {
  ProbedBus run;
  run.add("a", {.start = 1.0, .end = 1.0},
          {.due = BATCH_START | BATCH_END, .every = BATCH_START | BATCH_END});
  run.begin();
  run.step(3);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1", "a on_event batch_start 1",
                                  "a on_update batch_start 1", "a on_event batch_end 1",
                                  "a on_update batch_end 1", "a on_end batch_end 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(the_order_holds_for_a_modifier_that_is_due_now_and_then) {
  ProbedBus run;
  run.add("a", {.start = 2.0, .end = 4.0, .update = 2.0},
          {.due = BATCH_START | BATCH_END, .every = BATCH_START | BATCH_END});
  run.begin();
  run.step(6);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 2", "a on_event batch_start 2",
                                  "a on_update batch_start 2", "a on_event batch_end 2",
                                  "a on_update batch_end 2", "a on_event batch_start 3",
                                  "a on_event batch_end 3", "a on_event batch_start 4",
                                  "a on_update batch_start 4", "a on_event batch_end 4",
                                  "a on_update batch_end 4", "a on_end batch_end 4"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(all_hooks_of_one_modifier_run_before_those_of_the_next) {
  ProbedBus run;
  for (const char* const name : {"a", "b"}) {
    run.add(name, {}, {.due = BATCH_START, .every = BATCH_START});
  }
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_event batch_start 0",
                                  "a on_update batch_start 0", "b on_start batch_start 0",
                                  "b on_event batch_start 0", "b on_update batch_start 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(on_update_runs_at_multiples_of_update_counted_from_index_zero) {
  ProbedBus run;
  run.add("a", {.start = 1.0, .end = 7.0, .update = 3.0}, {.due = OPTIM_PRE_STEP});
  run.begin();
  run.step(12);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1", "a on_update optim_pre_step 3",
                                  "a on_update optim_pre_step 6", "a on_end batch_end 7"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(an_update_counts_epochs_on_an_epoch_based_bus) {
  ProbedBus run{{.steps_per_epoch = 4}};
  run.add("a", {.update = 0.5}, {.due = BATCH_END});
  run.begin();
  run.step(6);
  BOOST_TEST(run.take("a on_update") == (Lines{"a on_update batch_end 0", "a on_update batch_end 2",
                                               "a on_update batch_end 4"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_due_at_batch_start_is_due_until_that_batch_end) {
  ProbedBus run;
  run.add("a", {.update = 2.0}, {.due = batch_events});
  run.begin();
  run.step(2);
  BOOST_TEST(run.take("a on_update") ==
                 (Lines{"a on_update batch_start 0", "a on_update optim_pre_step 0",
                        "a on_update optim_post_step 0", "a on_update batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_is_due_in_every_batch_of_its_step) {
  ProbedBus run;
  run.add("a", {.update = 2.0}, {.due = BATCH_START});
  run.begin();
  for (int i = 0; i < 3; ++i) {
    run.batch();
    run.step();
  }
  BOOST_TEST(
      run.take("a on_update") == (Lines{"a on_update batch_start 0", "a on_update batch_start 0",
                                        "a on_update batch_start 2", "a on_update batch_start 2"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_is_due_in_a_calibration_epoch_at_the_last_step_there_is) {
  ProbedBus run{{.global_step = INT64_MAX - 1}};
  run.add("a", {.update = 0x1p62}, {.due = CALIBRATION_EPOCH_START});
  run.begin();
  run.bus.calibration_epoch([&] { run.step(); });
  run.take();
  run.bus.calibration_epoch([] {});
  BOOST_TEST(run.take("a on_update").size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_modifier_hears_the_events_of_a_calibration_epoch) {
  constexpr EventSet calibration{CALIBRATION_EPOCH_START, SEQUENTIAL_EPOCH_END,
                                 CALIBRATION_EPOCH_END};
  ProbedBus run;
  run.add("a", {}, {.due = calibration, .every = SEQUENTIAL_EPOCH_END});
  run.begin();
  run.bus.calibration_epoch([&] { run.bus.sequential_epoch_end(); });
  BOOST_TEST(
      run.take() ==
          (Lines{"a on_start calibration_epoch_start 0", "a on_update calibration_epoch_start 0",
                 "a on_event sequential_epoch_end 0", "a on_update sequential_epoch_end 0",
                 "a on_update calibration_epoch_end 0"}),
      per_element());
}

// Rule 4: windows close.

BOOST_AUTO_TEST_CASE(on_end_comes_at_the_batch_end_of_the_last_step_inside_the_window) {
  ProbedBus run;
  run.add("a", {.end = 2.0});
  run.begin();
  run.step(5);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_end batch_end 2"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(an_end_between_two_steps_closes_at_the_earlier_one) {
  ProbedBus run;
  run.add("a", {.end = 1.5}, {.due = BATCH_START});
  run.begin();
  run.step(4);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_update batch_start 0",
                                  "a on_update batch_start 1", "a on_end batch_end 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_that_takes_no_step_closes_no_window) {
  ProbedBus run;
  const auto a = run.add("a", {.end = 0.0});
  run.begin();
  run.batch();
  run.batch();
  BOOST_TEST(a->phase() == Phase::active);
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_end batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_window_closes_at_calibration_epoch_end_when_the_index_is_at_its_end) {
  ProbedBus run;
  run.add("a", {.end = 1.0}, {.due = CALIBRATION_EPOCH_END, .every = CALIBRATION_EPOCH_END});
  run.begin();
  run.bus.calibration_epoch([&] { run.step(); });
  BOOST_TEST(
      run.take() ==
          (Lines{"a on_start calibration_epoch_start 0", "a on_event calibration_epoch_end 1",
                 "a on_update calibration_epoch_end 1", "a on_end calibration_epoch_end 1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(
    a_window_closes_at_calibration_epoch_end_though_a_later_step_has_the_same_index) {
  const std::int64_t step = (std::int64_t{1} << 60) + 5;
  ProbedBus run{{.global_step = step}};
  run.add("a", {.end = 0x1p60});
  run.begin();
  run.step();
  BOOST_TEST(run.take("a on_end").empty());
  run.bus.calibration_epoch([] {});
  BOOST_TEST(run.take("a on_end").size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_window_closes_at_the_batch_end_of_the_last_of_the_steps_with_its_end) {
  const std::int64_t last = (std::int64_t{1} << 60) + 128;
  ProbedBus run{{.global_step = last - 2}};
  run.add("a", {.end = 0x1p60});
  run.begin();
  run.step(2);
  BOOST_TEST(run.take("a on_end").empty());
  run.step();
  BOOST_TEST(run.take("a on_end").size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_window_stays_open_at_calibration_epoch_end_when_its_end_is_still_to_come) {
  ProbedBus run;
  run.add("a", {.end = 0.5});  // step 0 is its last, but the index is not at the end yet
  run.begin();
  run.bus.calibration_epoch([&] { run.batch(); });
  BOOST_TEST(run.take() == (Lines{"a on_start calibration_epoch_start 0"}), per_element());
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_end batch_end 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_step_inside_a_calibration_epoch_closes_a_window) {
  ProbedBus run;
  run.add("a", {.end = 0.0});
  run.begin();
  run.bus.calibration_epoch([&] { run.step(); });
  BOOST_TEST(run.take() == (Lines{"a on_start calibration_epoch_start 0", "a on_end batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_window_that_has_closed_stays_closed) {
  ProbedBus run;
  run.add("a", {.end = 0.0}, {.due = batch_events, .every = batch_events});
  run.begin();
  run.step();
  run.take();
  run.step(3);
  run.bus.calibration_epoch([] {});
  BOOST_TEST(run.take().empty());
}

BOOST_AUTO_TEST_SUITE_END()
