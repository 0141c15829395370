// SPDX-License-Identifier: BSL-1.0
#include "takt/event.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"

namespace {

using takt::Event;
using takt::EventType;
using takt::InvalidEvent;
using Steps = std::vector<std::int64_t>;

constexpr std::int64_t big = std::int64_t{1} << 62;
constexpr std::int64_t biggest = std::numeric_limits<std::int64_t>::max();
constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

static_assert(sizeof(Event) == 64);
static_assert(std::is_aggregate_v<Event>);
static_assert(std::is_aggregate_v<takt::EventChanges>);
static_assert(std::is_trivially_copyable_v<Event>);

Event at(std::int64_t step) { return {.global_step = step}; }

Event at(std::int64_t step, std::int64_t steps_per_epoch) {
  return {.steps_per_epoch = steps_per_epoch, .global_step = step};
}

/// The steps of [0, end) at which an update without a window is due.
Steps due_steps(std::int64_t end, std::int64_t steps_per_epoch, double update) {
  Steps due;
  for (std::int64_t step = 0; step < end; ++step) {
    if (at(step, steps_per_epoch).should_update({}, {}, update)) due.push_back(step);
  }
  return due;
}

/// The helpers that need an epoch.
const std::vector<void (*)(const Event&)> epoch_helpers{
    [](const Event& event) { (void)event.epoch(); },
    [](const Event& event) { (void)event.epoch_full(); },
    [](const Event& event) { (void)event.epoch_step(); },
    [](const Event& event) { (void)event.epoch_batch(); }};

}  // namespace

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(a_new_event_counts_steps_from_zero) {
  const Event event;
  BOOST_TEST(!event.type.has_value());
  BOOST_TEST(!event.steps_per_epoch.has_value());
  BOOST_TEST(!event.batches_per_step.has_value());
  BOOST_TEST(event.invocations_per_step == 1);
  BOOST_TEST(event.global_step == 0);
  BOOST_TEST(event.global_batch == 0);
}

BOOST_AUTO_TEST_CASE(the_fields_are_named_in_their_order_and_any_may_be_left_out) {
  const Event event{.type = EventType::BATCH_END,
                    .steps_per_epoch = 100,
                    .batches_per_step = 4,
                    .invocations_per_step = 2,
                    .global_step = 30,
                    .global_batch = 120};
  BOOST_TEST((event.type == EventType::BATCH_END));
  BOOST_TEST((event == Event{EventType::BATCH_END, 100, 4, 2, 30, 120}));
  BOOST_TEST((Event{.global_step = 7} == Event{{}, {}, {}, 1, 7, 0}));
}

BOOST_AUTO_TEST_CASE(an_event_is_epoch_based_when_its_steps_per_epoch_are_set) {
  BOOST_TEST(at(0, 100).epoch_based());
  BOOST_TEST(!at(0).epoch_based());
  BOOST_TEST(at(-1, -1).epoch_based());
}

BOOST_AUTO_TEST_CASE(the_epoch_is_the_number_of_whole_epochs_done) {
  BOOST_TEST(at(0, 100).epoch() == 0);
  BOOST_TEST(at(99, 100).epoch() == 0);
  BOOST_TEST(at(100, 100).epoch() == 1);
  BOOST_TEST(at(250, 100).epoch() == 2);
  BOOST_TEST(at(biggest, 1).epoch() == biggest);
}

BOOST_AUTO_TEST_CASE(the_full_epoch_has_its_fraction) {
  BOOST_TEST(at(250, 100).epoch_full() == 2.5);
  BOOST_TEST(at(29, 100).epoch_full() == 0.29);
  BOOST_TEST(at(big, 4).epoch_full() == 0x1p60);
}

BOOST_AUTO_TEST_CASE(the_epoch_step_counts_the_steps_of_this_epoch) {
  BOOST_TEST(at(250, 100).epoch_step() == 50);
  BOOST_TEST(at(300, 100).epoch_step() == 0);
  BOOST_TEST(at(biggest, big).epoch_step() == big - 1);
}

BOOST_AUTO_TEST_CASE(the_epoch_batch_counts_the_batches_of_this_epoch) {
  Event event{.steps_per_epoch = 100, .batches_per_step = 4, .global_batch = 1210};
  BOOST_TEST(event.epoch_batch() == 10);
  event.batches_per_step.reset();
  BOOST_TEST(event.epoch_batch() == 10);
  event.global_batch = 410;
  event.batches_per_step = 4;
  BOOST_TEST(event.epoch_batch() == 10);
  event.batches_per_step = 5;
  BOOST_TEST(event.epoch_batch() == 410);
}

BOOST_AUTO_TEST_CASE(batches_per_epoch_near_the_largest_number_are_counted) {
  const Event event{.steps_per_epoch = big - 1, .batches_per_step = 2, .global_batch = biggest};
  BOOST_TEST(event.epoch_batch() == 1);
}

BOOST_AUTO_TEST_CASE(batches_per_epoch_that_overflow_are_refused) {
  for (const std::int64_t batches : {std::int64_t{2}, big, biggest}) {
    const Event event{.steps_per_epoch = big, .batches_per_step = batches};
    BOOST_CHECK_THROW((void)event.epoch_batch(), InvalidEvent);
  }
}

BOOST_AUTO_TEST_CASE(batches_per_step_below_one_are_refused_where_they_are_read) {
  for (const std::int64_t batches : {std::int64_t{0}, std::int64_t{-4}}) {
    Event event{.steps_per_epoch = 10, .batches_per_step = batches};
    BOOST_CHECK_THROW((void)event.epoch_batch(), InvalidEvent);
    BOOST_CHECK_THROW(event.set_current_index(1.0), InvalidEvent);
    BOOST_TEST(event.current_index() == 0.0);
    BOOST_TEST(event.epoch() == 0);
  }
}

BOOST_AUTO_TEST_CASE(epochs_are_not_counted_in_an_event_that_counts_steps) {
  for (const auto helper : epoch_helpers) BOOST_CHECK_THROW(helper(at(5)), InvalidEvent);
}

BOOST_AUTO_TEST_CASE(an_epoch_has_at_least_one_step) {
  for (const std::int64_t steps : {std::int64_t{0}, std::int64_t{-100}}) {
    for (const auto helper : epoch_helpers) BOOST_CHECK_THROW(helper(at(5, steps)), InvalidEvent);
    BOOST_CHECK_THROW((void)at(5, steps).current_index(), InvalidEvent);
    BOOST_CHECK_THROW((void)at(5, steps).should_update({}, {}, {}), InvalidEvent);
    BOOST_CHECK_THROW(at(5, steps).set_current_index(1.0), InvalidEvent);
  }
}

BOOST_AUTO_TEST_CASE(a_negative_step_is_refused) {
  for (const auto helper : epoch_helpers) BOOST_CHECK_THROW(helper(at(-1, 10)), InvalidEvent);
  BOOST_CHECK_THROW((void)at(-1, 10).current_index(), InvalidEvent);
  BOOST_CHECK_THROW((void)at(-1).current_index(), InvalidEvent);
  BOOST_CHECK_THROW((void)at(-1).should_update({}, {}, {}), InvalidEvent);
}

BOOST_AUTO_TEST_CASE(a_negative_batch_is_refused) {
  const Event event{.steps_per_epoch = 10, .global_batch = -1};
  for (const auto helper : epoch_helpers) BOOST_CHECK_THROW(helper(event), InvalidEvent);
  BOOST_CHECK_THROW((void)event.current_index(), InvalidEvent);
  BOOST_CHECK_THROW((void)Event{.global_batch = -1}.current_index(), InvalidEvent);
}

BOOST_AUTO_TEST_CASE(the_index_is_the_step_or_the_epoch_with_its_fraction) {
  BOOST_TEST(at(250).current_index() == 250.0);
  BOOST_TEST(at(250, 100).current_index() == 2.5);
}

BOOST_AUTO_TEST_CASE(setting_the_index_moves_the_counters) {
  Event event{.steps_per_epoch = 100, .batches_per_step = 4};
  event.set_current_index(2.5);
  BOOST_TEST(event.global_step == 250);
  BOOST_TEST(event.global_batch == 1000);
}

BOOST_AUTO_TEST_CASE(setting_the_index_without_batches_per_step_counts_one_batch_a_step) {
  Event event;
  event.set_current_index(7.0);
  BOOST_TEST(event.global_step == 7);
  BOOST_TEST(event.global_batch == 7);
}

BOOST_AUTO_TEST_CASE(setting_the_index_changes_nothing_but_the_counters) {
  Event event{EventType::BATCH_END, 10, 2, 3, 0, 0};
  event.set_current_index(1.0);
  BOOST_TEST((event == Event{EventType::BATCH_END, 10, 2, 3, 10, 20}));
}

BOOST_AUTO_TEST_CASE(an_index_between_two_steps_is_the_step_before) {
  Event event{.steps_per_epoch = 10};
  event.set_current_index(0.99);
  BOOST_TEST(event.global_step == 9);
  Event steps;
  steps.set_current_index(6.999);
  BOOST_TEST(steps.global_step == 6);
}

BOOST_AUTO_TEST_CASE(an_index_a_hair_under_a_step_is_that_step) {
  Event event{.steps_per_epoch = 100};
  event.set_current_index(0.29);
  BOOST_TEST(event.global_step == 29);
  event.set_current_index(0.29 - 0.9e-10);
  BOOST_TEST(event.global_step == 29);
  event.set_current_index(0.29 - 1.1e-10);
  BOOST_TEST(event.global_step == 28);
}

BOOST_AUTO_TEST_CASE(the_tolerance_of_setting_a_large_index_is_four_units_in_its_last_place) {
  const double index = 0x1p40;
  Event event;
  event.set_current_index(takt::test::nudged(index, -8));  // units below a power of two are halves
  BOOST_TEST(event.global_step == (std::int64_t{1} << 40) - 1);
  event.set_current_index(takt::test::nudged(index, -4));
  BOOST_TEST(event.global_step == (std::int64_t{1} << 40));
}

BOOST_AUTO_TEST_CASE(an_index_that_is_no_finite_number_from_zero_up_is_refused) {
  for (const double index : {-1.0, -1e-300, not_a_number, infinity, -infinity}) {
    Event event{.steps_per_epoch = 10, .global_step = 5, .global_batch = 6};
    BOOST_CHECK_THROW(event.set_current_index(index), InvalidEvent);
    BOOST_TEST(event.global_step == 5);
    BOOST_TEST(event.global_batch == 6);
  }
}

BOOST_AUTO_TEST_CASE(an_index_of_negative_zero_is_zero) {
  Event event{.global_step = 5};
  event.set_current_index(-0.0);
  BOOST_TEST(event.global_step == 0);
}

BOOST_AUTO_TEST_CASE(an_index_with_no_room_in_the_step_counter_is_refused) {
  for (const double index : {0x1p63, 1e300, std::numeric_limits<double>::max()}) {
    Event event{.global_step = 5};
    BOOST_CHECK_THROW(event.set_current_index(index), InvalidEvent);
    BOOST_TEST(event.global_step == 5);
  }
  Event event{.steps_per_epoch = 1'000'000};
  BOOST_CHECK_THROW(event.set_current_index(0x1p44), InvalidEvent);
}

BOOST_AUTO_TEST_CASE(an_index_near_the_largest_step_is_set) {
  Event event;
  event.set_current_index(0x1p62);  // where the tolerance is 4096 steps
  BOOST_TEST(event.global_step >= big);
  BOOST_TEST(event.current_index() <= 0x1p62 + 4096.0);
}

BOOST_AUTO_TEST_CASE(an_index_with_no_room_in_the_batch_counter_is_refused) {
  Event event{.batches_per_step = 4, .global_step = 5, .global_batch = 20};
  BOOST_CHECK_THROW(event.set_current_index(0x1p62), InvalidEvent);
  BOOST_TEST(event.global_step == 5);
  BOOST_TEST(event.global_batch == 20);
}

BOOST_AUTO_TEST_CASE(setting_the_index_to_itself_is_the_identity) {
  BOOST_TEST(rc::check("set_current_index(current_index()) keeps every step below 2^40", [] {
    using Drawn = std::pair<std::int64_t, std::int64_t>;
    const auto drawn = *rc::gen::container<std::vector<Drawn>>(
        50, rc::gen::pair(rc::gen::oneOf(takt::test::whole_of_any_size(40),
                                         takt::test::evenly<std::int64_t>(0, 1LL << 40)),
                          rc::gen::oneOf(takt::test::evenly<std::int64_t>(1, 1'000'000),
                                         takt::test::evenly<std::int64_t>(1, 1000))));
    for (const auto& [step, steps_per_epoch] : drawn) {
      const std::int64_t below = std::min(step, (std::int64_t{1} << 40) - 1);
      Event event = at(below, steps_per_epoch);
      event.set_current_index(event.current_index());
      RC_ASSERT(event.global_step == below);
      Event plain = at(below);
      plain.set_current_index(plain.current_index());
      RC_ASSERT(plain.global_step == below);
    }
  }));
}

BOOST_AUTO_TEST_CASE(without_a_window_and_an_update_every_index_is_due) {
  for (const std::int64_t step : {std::int64_t{0}, std::int64_t{1}, std::int64_t{7}, biggest}) {
    BOOST_TEST(at(step).should_update({}, {}, {}));
    BOOST_TEST(at(step).should_update({}, {}, 0.0));
    BOOST_TEST(at(step).should_update({}, {}, -0.0));
  }
}

BOOST_AUTO_TEST_CASE(a_window_includes_both_of_its_ends) {
  for (std::int64_t step = 0; step < 40; ++step) {
    const bool inside = step >= 10 && step <= 20;
    BOOST_TEST(at(step, 10).should_update(1.0, 2.0, {}) == inside);
    BOOST_TEST(at(step, 10).should_update(1.0, {}, {}) == (step >= 10));
    BOOST_TEST(at(step, 10).should_update({}, 2.0, {}) == (step <= 20));
  }
}

BOOST_AUTO_TEST_CASE(the_ends_of_a_window_have_no_tolerance) {
  BOOST_TEST(!at(10, 10).should_update(takt::test::nudged(1.0, 1), {}, {}));
  BOOST_TEST(!at(10, 10).should_update({}, takt::test::nudged(1.0, -1), {}));
}

BOOST_AUTO_TEST_CASE(infinite_ends_are_no_bound_or_one_that_nothing_meets) {
  BOOST_TEST(at(10).should_update(-infinity, infinity, {}));
  BOOST_TEST(!at(10).should_update(infinity, {}, {}));
  BOOST_TEST(!at(10).should_update({}, -infinity, {}));
}

BOOST_AUTO_TEST_CASE(an_update_counts_from_index_zero_and_not_from_the_start) {
  Steps due;
  for (std::int64_t step = 0; step < 30; ++step) {
    if (at(step).should_update(4.0, 20.0, 5.0)) due.push_back(step);
  }
  BOOST_TEST(due == (Steps{5, 10, 15, 20}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_tenth_of_an_epoch_of_ten_steps_is_every_step) {
  BOOST_TEST(due_steps(1000, 10, 0.1).size() == 1000U);
}

BOOST_AUTO_TEST_CASE(three_tenths_of_an_epoch_of_seven_steps_are_twenty_one_steps) {
  BOOST_TEST(due_steps(64, 7, 0.3) == (Steps{0, 21, 42, 63}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_multiple_is_met_from_either_side_within_the_tolerance) {
  const double third = 3.0;
  BOOST_TEST(at(3).should_update({}, {}, third + 0.9e-10));
  BOOST_TEST(at(3).should_update({}, {}, third - 0.9e-10));
  BOOST_TEST(!at(3).should_update({}, {}, third + 1.1e-10));
  BOOST_TEST(!at(3).should_update({}, {}, third - 1.1e-10));
}

BOOST_AUTO_TEST_CASE(past_two_to_the_nineteenth_the_tolerance_is_four_units_in_the_last_place) {
  const double index = 0x1p40;
  const Event event = at(std::int64_t{1} << 40);
  BOOST_TEST(event.should_update({}, {}, takt::test::nudged(index, 4)));
  BOOST_TEST(!event.should_update({}, {}, takt::test::nudged(index, 5)));
  BOOST_TEST(event.should_update({}, {}, takt::test::nudged(index, -8)));  // halves of those units
  BOOST_TEST(!event.should_update({}, {}, takt::test::nudged(index, -9)));
}

BOOST_AUTO_TEST_CASE(a_tenth_of_an_epoch_stays_every_step_at_large_indices) {
  for (const int bits : {20, 30, 40, 50}) {
    for (std::int64_t ahead = 0; ahead < 50; ++ahead) {
      BOOST_TEST(at((std::int64_t{10} << bits) + ahead, 10).should_update({}, {}, 0.1));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_update_below_twice_the_tolerance_is_always_due) {
  for (const double update : {1.9e-10, 1e-10, 1e-12, 1e-300, 5e-324}) {
    for (const std::int64_t step : {0, 1, 2, 3, 1000, 12345}) {
      BOOST_TEST(at(step, 7).should_update({}, {}, update));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_update_above_twice_the_tolerance_is_not_always_due) {
  BOOST_TEST(due_steps(1000, 937, 1e-9).size() < 1000U);
}

BOOST_AUTO_TEST_CASE(an_infinite_update_is_due_at_index_zero_only) {
  BOOST_TEST(at(0).should_update({}, {}, infinity));
  BOOST_TEST(!at(1).should_update({}, {}, infinity));
  BOOST_TEST(!at(1, biggest).should_update({}, {}, infinity));
  BOOST_TEST(!at(biggest).should_update({}, {}, infinity));
}

BOOST_AUTO_TEST_CASE(an_update_that_no_number_or_negative_is_refused) {
  for (const double update : {not_a_number, -1.0, -1e-300, -infinity}) {
    BOOST_CHECK_THROW((void)at(0).should_update({}, {}, update), InvalidEvent);
    BOOST_CHECK_THROW((void)at(0).should_update(5.0, {}, update), InvalidEvent);
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_ends_at_no_number_is_refused) {
  BOOST_CHECK_THROW((void)at(0).should_update(not_a_number, {}, {}), InvalidEvent);
  BOOST_CHECK_THROW((void)at(0).should_update({}, not_a_number, {}), InvalidEvent);
}

BOOST_AUTO_TEST_CASE(a_changed_copy_has_the_named_fields_and_keeps_the_others) {
  const Event event{EventType::BATCH_START, 100, 4, 2, 29, 116};
  const Event changed = event.new_instance({.type = EventType::BATCH_END, .global_step = 30});
  BOOST_TEST((changed == Event{EventType::BATCH_END, 100, 4, 2, 30, 116}));
  BOOST_TEST((event == Event{EventType::BATCH_START, 100, 4, 2, 29, 116}));
}

BOOST_AUTO_TEST_CASE(a_changed_copy_can_have_every_field_changed) {
  const Event changed = Event{}.new_instance({.type = EventType::FINALIZE,
                                              .steps_per_epoch = 10,
                                              .batches_per_step = 3,
                                              .invocations_per_step = 2,
                                              .global_step = 7,
                                              .global_batch = 21});
  BOOST_TEST((changed == Event{EventType::FINALIZE, 10, 3, 2, 7, 21}));
}

BOOST_AUTO_TEST_CASE(a_changed_copy_is_not_checked) {
  BOOST_TEST(Event{}.new_instance({.global_step = -1}).global_step == -1);
}

BOOST_AUTO_TEST_SUITE_END()
