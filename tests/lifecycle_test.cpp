// SPDX-License-Identifier: BSL-1.0
#include "lifecycle.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "takt/error.hpp"

namespace {

using takt::Event;
using takt::EventType;
using takt::OrderPolicy;
using takt::detail::BusCall;
using takt::detail::call_for;
using takt::detail::Lifecycle;

constexpr std::int64_t most = INT64_MAX;
constexpr std::array policies{OrderPolicy::one_step, OrderPolicy::several_steps};

constexpr BusCall initialize = call_for(EventType::INITIALIZE);
constexpr BusCall finalize = call_for(EventType::FINALIZE);
constexpr BusCall start = call_for(EventType::BATCH_START);
constexpr BusCall loss = call_for(EventType::LOSS_CALCULATED);
constexpr BusCall end = call_for(EventType::BATCH_END);
constexpr BusCall calibrate = call_for(EventType::CALIBRATION_EPOCH_START);
constexpr BusCall sequential = call_for(EventType::SEQUENTIAL_EPOCH_END);
constexpr BusCall calibrated = call_for(EventType::CALIBRATION_EPOCH_END);
constexpr BusCall pre = call_for(EventType::OPTIM_PRE_STEP);
constexpr BusCall post = call_for(EventType::OPTIM_POST_STEP);
constexpr BusCall abort_batch = BusCall::abort_batch;
constexpr BusCall abort_calibration = BusCall::abort_calibration_epoch;

using Calls = std::vector<BusCall>;
const Calls every_call{initialize, start,       loss,      pre,
                       post,       end,         calibrate, sequential,
                       calibrated, abort_batch, finalize,  abort_calibration};

std::string name_of(BusCall call) {
  if (call == abort_batch) return "abort_batch()";
  if (call == abort_calibration) return "abort_calibration_epoch()";
  return takt::to_string(static_cast<EventType>(call)) + "()";
}

/// Makes one call as a bus does; whether it emits.
bool make(Lifecycle& lifecycle, BusCall call) {
  lifecycle.require(call);
  if (call == abort_batch) return lifecycle.abort_batch(), false;
  if (call == abort_calibration) return lifecycle.abort_calibration_epoch(), false;
  using enum EventType;
  switch (static_cast<EventType>(call)) {
    case INITIALIZE:
      return lifecycle.enter<INITIALIZE>();
    case FINALIZE:
      return lifecycle.enter<FINALIZE>();
    case BATCH_START:
      return lifecycle.enter<BATCH_START>();
    case LOSS_CALCULATED:
      return lifecycle.enter<LOSS_CALCULATED>();
    case BATCH_END: {
      const bool emits = lifecycle.enter<BATCH_END>();
      const bool stepped = lifecycle.step_taken();
      BOOST_TEST(lifecycle.advance() == stepped);
      return emits;
    }
    case CALIBRATION_EPOCH_START:
      return lifecycle.enter<CALIBRATION_EPOCH_START>();
    case SEQUENTIAL_EPOCH_END:
      return lifecycle.enter<SEQUENTIAL_EPOCH_END>();
    case CALIBRATION_EPOCH_END:
      return lifecycle.enter<CALIBRATION_EPOCH_END>();
    case OPTIM_PRE_STEP:
      return lifecycle.enter<OPTIM_PRE_STEP>();
    case OPTIM_POST_STEP:
      return lifecycle.enter<OPTIM_POST_STEP>();
  }
  return false;
}

/// Makes the calls; those that emitted.
Calls emitted(Lifecycle& lifecycle, const Calls& calls) {
  Calls emitted;
  for (const BusCall call : calls) {
    if (make(lifecycle, call)) emitted.push_back(call);
  }
  return emitted;
}

/// A place in the lifecycle, how to get there, what a refusal calls it, and what is allowed there.
struct Place {
  std::string name;
  Calls path;
  std::string words;
  Calls allowed;
};

std::vector<Place> places(OrderPolicy order) {
  const Calls in_batch{loss, pre, end, abort_batch};
  const Calls stepped = order == OrderPolicy::one_step ? Calls{end, abort_batch} : in_batch;
  const Calls idle{start, calibrate, finalize};
  const Calls calibrating{start, sequential, calibrated, abort_calibration};
  const std::string batch = "while a batch is open";
  const std::string step = "while an optimizer step is open";
  const std::string taken = "while a batch is open whose optimizer step is taken";
  const std::string none = "while no batch is open";
  const std::string epoch = "while a calibration epoch is open and no batch in it";
  return {
      {"created", {}, "while the bus is not initialized", {initialize}},
      {"idle", {initialize}, none, idle},
      {"batch", {initialize, start}, batch, in_batch},
      {"batch with a loss", {initialize, start, loss}, batch, in_batch},
      {"step", {initialize, start, pre}, step, {post, abort_batch}},
      {"stepped", {initialize, start, loss, pre, post}, taken, stepped},
      {"after a batch", {initialize, start, pre, post, end}, none, idle},
      {"after an abort", {initialize, start, pre, abort_batch}, none, idle},
      {"calibrating", {initialize, calibrate}, epoch, calibrating},
      {"after the layers", {initialize, calibrate, sequential}, epoch, calibrating},
      {"its batch", {initialize, calibrate, start}, batch, in_batch},
      {"its step", {initialize, calibrate, start, pre}, step, {post, abort_batch}},
      {"its batch stepped", {initialize, calibrate, start, pre, post}, taken, stepped},
      {"after its batch", {initialize, calibrate, start, end}, epoch, calibrating},
      {"after its abort", {initialize, calibrate, start, abort_batch}, epoch, calibrating},
      {"after calibration", {initialize, calibrate, calibrated}, none, idle},
      {"calibration aborted", {initialize, calibrate, abort_calibration}, none, idle},
      {"finalized", {initialize, finalize}, "while the bus is finalized", {}},
  };
}

bool allowed(const Place& place, BusCall call) {
  return std::ranges::count(place.allowed, call) != 0;
}

/// The message of a refused call.
std::string refusal(const Lifecycle& lifecycle, BusCall call) {
  try {
    lifecycle.require(call);
  } catch (const takt::LifecycleError& error) {
    return error.what();
  }
  return "was accepted";
}

/// An initialized lifecycle.
struct Running : Lifecycle {
  explicit Running(const Event& at = {}, OrderPolicy order = OrderPolicy::one_step)
      : Lifecycle{at, order} {
    make(*this, initialize);
  }
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> counters() const {
    return {event({}).global_step, event({}).global_batch};
  }
};

using Counters = std::pair<std::int64_t, std::int64_t>;
const Calls stepping_batch{start, loss, pre, post, end};

}  // namespace

BOOST_AUTO_TEST_SUITE(lifecycle)

BOOST_AUTO_TEST_CASE(each_call_is_accepted_at_its_places_and_nowhere_else) {
  for (const OrderPolicy order : policies) {
    for (const Place& place : places(order)) {
      Lifecycle lifecycle{Event{}, order};
      emitted(lifecycle, place.path);
      for (const BusCall call : every_call) {
        BOOST_TEST_CONTEXT(name_of(call) << " at: " << place.name) {
          BOOST_TEST(lifecycle.accepts(call) == allowed(place, call));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_says_what_was_called_where_the_bus_is_and_what_it_accepts) {
  for (const OrderPolicy order : policies) {
    for (const Place& place : places(order)) {
      Lifecycle lifecycle{Event{}, order};
      emitted(lifecycle, place.path);
      for (const BusCall call : every_call) {
        if (allowed(place, call)) continue;
        const std::string message = refusal(lifecycle, call);
        BOOST_TEST_CONTEXT(message) {
          BOOST_TEST(
              message.starts_with(name_of(call) + " was called " + place.words + "; it accepts"));
          const std::string list = message.substr(message.find(';'));
          for (const BusCall other : every_call) {
            const bool listed = list.find(' ' + name_of(other)) != std::string::npos;
            BOOST_TEST(listed == allowed(place, other), name_of(other));
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_reads_as_a_sentence) {
  Running lifecycle;
  BOOST_TEST(refusal(lifecycle, end) ==
             "batch_end() was called while no batch is open; it accepts finalize(), batch_start(), "
             "calibration_epoch_start()");
  emitted(lifecycle, {finalize});
  BOOST_TEST(refusal(lifecycle, abort_batch) ==
             "abort_batch() was called while the bus is finalized; it accepts no further call");
}

BOOST_AUTO_TEST_CASE(a_refused_call_changes_nothing) {
  for (const Place& place : places(OrderPolicy::one_step)) {
    Lifecycle lifecycle{Event{.global_step = 3, .global_batch = 7}, OrderPolicy::one_step};
    emitted(lifecycle, place.path);
    const Event before = lifecycle.event({});
    for (const BusCall call : every_call) {
      if (!allowed(place, call)) BOOST_CHECK_THROW(lifecycle.require(call), takt::LifecycleError);
    }
    BOOST_TEST((lifecycle.event({}) == before));
    for (const BusCall call : every_call)
      BOOST_TEST(lifecycle.accepts(call) == allowed(place, call));
  }
}

BOOST_AUTO_TEST_CASE(no_call_is_accepted_while_hooks_run_and_afterwards_all_is_as_it_was) {
  for (const Place& place : places(OrderPolicy::several_steps)) {
    Lifecycle lifecycle{Event{}, OrderPolicy::several_steps};
    emitted(lifecycle, place.path);
    lifecycle.begin_hooks(loss);
    BOOST_TEST(lifecycle.hooks_run());
    for (const BusCall call : every_call) BOOST_TEST(!lifecycle.accepts(call));
    lifecycle.end_hooks();
    BOOST_TEST(!lifecycle.hooks_run());
    for (const BusCall call : every_call)
      BOOST_TEST(lifecycle.accepts(call) == allowed(place, call));
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_from_inside_a_hook_names_both_calls) {
  Running lifecycle;
  for (const BusCall running : every_call) {
    lifecycle.begin_hooks(running);
    for (const BusCall call : every_call) {
      const std::string words = name_of(call) + " was called from inside " + name_of(running);
      BOOST_TEST(refusal(lifecycle, call).starts_with(words));
    }
    lifecycle.end_hooks();
  }
}

BOOST_AUTO_TEST_CASE(one_step_refuses_a_second_round_that_several_steps_allows) {
  for (const OrderPolicy order : policies) {
    Running lifecycle{{}, order};
    emitted(lifecycle, {start, loss, pre, post});
    const bool several = order == OrderPolicy::several_steps;
    BOOST_TEST(lifecycle.accepts(loss) == several);
    BOOST_TEST(lifecycle.accepts(pre) == several);
  }
}

BOOST_AUTO_TEST_CASE(each_round_of_several_steps_emits_and_all_of_them_count_as_one_step) {
  Running lifecycle{{}, OrderPolicy::several_steps};
  const Calls calls{start, loss, loss, pre, post, loss, pre, post, pre, post, loss, end};
  BOOST_TEST((emitted(lifecycle, calls) == calls));
  BOOST_TEST((lifecycle.counters() == Counters{1, 1}));
}

BOOST_AUTO_TEST_CASE(every_call_but_the_aborts_emits_its_event) {
  Running lifecycle;
  const Calls calls{calibrate, start, loss, pre, post, end, sequential, calibrated, finalize};
  BOOST_TEST((emitted(lifecycle, calls) == calls));
  Running aborted;
  BOOST_TEST((emitted(aborted, {calibrate, start, abort_batch, abort_calibration}) ==
              Calls{calibrate, start}));
}

BOOST_AUTO_TEST_CASE(the_clock_begins_where_the_start_event_says) {
  const Running lifecycle{
      {.type = EventType::LOSS_CALCULATED, .global_step = 9, .global_batch = 2}};
  BOOST_TEST((lifecycle.counters() == Counters{9, 2}));
  BOOST_TEST(lifecycle.step() == 9);
}

BOOST_AUTO_TEST_CASE(an_event_has_the_type_asked_for_and_all_that_the_start_event_said) {
  const Event at{.type = EventType::FINALIZE,
                 .steps_per_epoch = 10,
                 .batches_per_step = 4,
                 .invocations_per_step = 2,
                 .global_step = 30,
                 .global_batch = 120};
  const Lifecycle lifecycle{at, OrderPolicy::one_step};
  BOOST_TEST((lifecycle.event(EventType::BATCH_END) == at.new_instance({EventType::BATCH_END})));
  BOOST_TEST(!lifecycle.event({}).type.has_value());
  BOOST_TEST(lifecycle.steps_per_index() == 10);
  BOOST_TEST((Lifecycle{Event{}, OrderPolicy::one_step}.steps_per_index() == 1));
}

BOOST_AUTO_TEST_CASE(all_events_of_a_batch_carry_the_counters_of_its_start) {
  Running lifecycle{{.global_step = 5, .global_batch = 8}};
  for (const BusCall call : {start, loss, pre, post}) {
    make(lifecycle, call);
    BOOST_TEST((lifecycle.counters() == Counters{5, 8}));
  }
  lifecycle.enter<EventType::BATCH_END>();
  BOOST_TEST((lifecycle.counters() == Counters{5, 8}));
  BOOST_TEST(lifecycle.step_taken());
  lifecycle.advance();
  BOOST_TEST((lifecycle.counters() == Counters{6, 9}));
}

BOOST_AUTO_TEST_CASE(a_batch_without_a_step_advances_the_batches_only) {
  Running lifecycle;
  emitted(lifecycle, {start, loss, end, start, end, start, loss, loss, end});
  BOOST_TEST((lifecycle.counters() == Counters{0, 3}));
  emitted(lifecycle, stepping_batch);
  BOOST_TEST((lifecycle.counters() == Counters{1, 4}));
  emitted(lifecycle, {start, end});
  BOOST_TEST((lifecycle.counters() == Counters{1, 5}));
}

BOOST_AUTO_TEST_CASE(batches_of_a_calibration_epoch_advance_the_clock_like_any_other) {
  Running lifecycle;
  emitted(lifecycle, {calibrate, start, end, start, pre, post, end, sequential, calibrated});
  BOOST_TEST((lifecycle.counters() == Counters{1, 2}));
  emitted(lifecycle, {calibrate, start, pre, post, end, abort_calibration});
  BOOST_TEST((lifecycle.counters() == Counters{2, 3}));
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_does_not_count_wherever_it_was_aborted) {
  for (const Calls& calls : {Calls{start}, Calls{start, loss}, Calls{start, pre},
                             Calls{start, pre, post}, Calls{start, loss, pre, post}}) {
    Running lifecycle{{.global_step = 4, .global_batch = 6}};
    emitted(lifecycle, calls);
    make(lifecycle, abort_batch);
    BOOST_TEST((lifecycle.counters() == Counters{4, 6}));
    BOOST_TEST((emitted(lifecycle, stepping_batch) == stepping_batch));
    BOOST_TEST((lifecycle.counters() == Counters{5, 7}));
    emitted(lifecycle, {start, end});
    BOOST_TEST((lifecycle.counters() == Counters{5, 8}));
  }
}

BOOST_AUTO_TEST_CASE(it_knows_what_is_open) {
  for (const Place& place : places(OrderPolicy::one_step)) {
    Lifecycle lifecycle{Event{}, OrderPolicy::one_step};
    emitted(lifecycle, place.path);
    BOOST_TEST(lifecycle.batch_open() == allowed(place, abort_batch), place.name);
    const auto times = [&](BusCall call) { return std::ranges::count(place.path, call); };
    const bool calibrating = times(calibrate) > times(calibrated) + times(abort_calibration);
    BOOST_TEST(lifecycle.calibrating() == calibrating, place.name);
  }
}

BOOST_AUTO_TEST_CASE(only_the_last_of_the_invocations_emits_and_is_the_step) {
  Running lifecycle{{.invocations_per_step = 3}};
  BOOST_TEST((emitted(lifecycle, {start, pre, post, pre, post}) == Calls{start}));
  BOOST_TEST(!lifecycle.step_taken());
  BOOST_TEST(lifecycle.accepts(loss));
  BOOST_TEST((emitted(lifecycle, {pre, post}) == Calls{pre, post}));
  BOOST_TEST(lifecycle.step_taken());
  BOOST_TEST(!lifecycle.accepts(pre));
}

BOOST_AUTO_TEST_CASE(invocations_are_counted_across_batches) {
  Running lifecycle{{.invocations_per_step = 3}};
  for (std::int64_t step = 0; step < 3; ++step) {
    BOOST_TEST((emitted(lifecycle, {start, pre, post, end}) == Calls{start, end}));
    BOOST_TEST((emitted(lifecycle, {start, loss, pre, post, end}) == Calls{start, loss, end}));
    BOOST_TEST((lifecycle.counters() == Counters{step, 3 * step + 2}));
    BOOST_TEST((emitted(lifecycle, stepping_batch) == stepping_batch));
    BOOST_TEST((lifecycle.counters() == Counters{step + 1, 3 * step + 3}));
  }
}

BOOST_AUTO_TEST_CASE(after_a_step_of_several_the_invocations_are_counted_anew) {
  Running lifecycle{{.invocations_per_step = 2}, OrderPolicy::several_steps};
  BOOST_TEST((emitted(lifecycle, {start, pre, post, pre, post, pre, post, end}) ==
              Calls{start, pre, post, end}));
  BOOST_TEST((lifecycle.counters() == Counters{1, 1}));
  BOOST_TEST((emitted(lifecycle, {start, pre, post, end}) == Calls{start, pre, post, end}));
  BOOST_TEST((lifecycle.counters() == Counters{2, 2}));
}

BOOST_AUTO_TEST_CASE(an_abort_takes_back_the_invocations_of_its_batch) {
  const Calls in_three[] = {{start, pre, post},
                            {start, pre, post, pre},
                            {start, pre, post, pre, post},
                            {start, pre, post, loss, pre, post}};
  for (const Calls& calls : in_three) {
    Running lifecycle{{.invocations_per_step = 3}};
    emitted(lifecycle, {start, pre, post, end});
    emitted(lifecycle, calls);
    make(lifecycle, abort_batch);
    BOOST_TEST((lifecycle.counters() == Counters{0, 1}));
    BOOST_TEST((emitted(lifecycle, {start, pre, post, end}) == Calls{start, end}));
    BOOST_TEST((emitted(lifecycle, {start, pre, post, end}) == Calls{start, pre, post, end}));
  }
}

BOOST_AUTO_TEST_CASE(counters_beyond_two_to_the_62_count_exactly) {
  constexpr std::int64_t far = (std::int64_t{1} << 62) + 1;
  Running lifecycle{{.steps_per_epoch = 3, .global_step = far, .global_batch = far + 2}};
  emitted(lifecycle, stepping_batch);
  emitted(lifecycle, {start, end});
  BOOST_TEST((lifecycle.counters() == Counters{far + 1, far + 4}));
  BOOST_TEST(lifecycle.snapshot().global_batch == far + 4);
}

BOOST_AUTO_TEST_CASE(a_batch_is_refused_when_either_counter_has_no_room_for_it) {
  for (const Event& at : {Event{.global_step = most}, Event{.global_batch = most},
                          Event{.global_step = most, .global_batch = most}}) {
    Running lifecycle{at};
    BOOST_TEST(refusal(lifecycle, start).find("no room for another batch") != std::string::npos);
    BOOST_TEST(
        refusal(lifecycle, start).ends_with("it accepts finalize(), calibration_epoch_start()"));
    emitted(lifecycle, {calibrate, sequential});
    BOOST_TEST(!lifecycle.accepts(start));
    emitted(lifecycle, {calibrated, finalize});
    BOOST_TEST((lifecycle.counters() == Counters{at.global_step, at.global_batch}));
  }
}

BOOST_AUTO_TEST_CASE(the_last_batch_there_is_room_for_may_be_aborted_and_comes_again) {
  for (const Event& at : {Event{.global_step = most - 1}, Event{.global_batch = most - 1}}) {
    Running lifecycle{at};
    emitted(lifecycle, {start, pre, post, abort_batch});
    emitted(lifecycle, stepping_batch);
    BOOST_TEST((lifecycle.counters() == Counters{at.global_step + 1, at.global_batch + 1}));
    BOOST_TEST(!lifecycle.accepts(start));
    lifecycle.begin_hooks(end);
    lifecycle.end_hooks();
    BOOST_TEST(!lifecycle.accepts(start));
    BOOST_TEST(lifecycle.accepts(finalize));
  }
}

BOOST_AUTO_TEST_CASE(a_start_event_that_makes_no_sense_is_refused_by_name_and_value) {
  const std::pair<Event, std::string> wrong[] = {
      {{.steps_per_epoch = 0}, "steps_per_epoch is 0; it is 1 or more"},
      {{.batches_per_step = -2}, "batches_per_step is -2; it is 1 or more"},
      {{.invocations_per_step = 0}, "invocations_per_step is 0; it is 1 or more"},
      {{.global_step = -1}, "global_step is -1; it is 0 or more"},
      {{.global_batch = INT64_MIN}, "global_batch is -9223372036854775808; it is 0 or more"}};
  for (const auto& row : wrong) {
    BOOST_CHECK_EXCEPTION(
        (Lifecycle{row.first, OrderPolicy::one_step}), takt::InvalidEvent,
        [&](const auto& error) { return std::string{error.what()}.ends_with(row.second); });
  }
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_the_event_without_a_type) {
  Running lifecycle{{.type = EventType::FINALIZE,
                     .steps_per_epoch = 8,
                     .batches_per_step = 2,
                     .invocations_per_step = 1,
                     .global_step = 7,
                     .global_batch = 14}};
  for (const BusCall call : {start, pre, post, end, start, abort_batch, start, end}) {
    BOOST_TEST((lifecycle.snapshot() == lifecycle.event({})));
    make(lifecycle, call);
  }
  BOOST_TEST((lifecycle.snapshot() == lifecycle.event({})));
  BOOST_TEST(lifecycle.snapshot().global_batch == 16);
}

BOOST_AUTO_TEST_CASE(a_snapshot_from_another_thread_never_mixes_two_batches) {
  constexpr std::int64_t steps = 100'000;
  Running lifecycle{{.global_batch = 10}};
  bool whole = true;
  bool forwards = true;
  std::thread reader{[&] {
    for (std::int64_t seen = 0; seen < steps;) {
      const Event now = lifecycle.snapshot();
      whole = whole && now.global_batch == now.global_step + 10;
      forwards = forwards && now.global_step >= seen;
      seen = now.global_step;
    }
  }};
  for (std::int64_t step = 0; step < steps; ++step) {
    for (const BusCall call : {start, pre, post}) make(lifecycle, call);
    lifecycle.enter<EventType::BATCH_END>();
    lifecycle.advance();
  }
  reader.join();
  BOOST_TEST(whole);
  BOOST_TEST(forwards);
}

BOOST_AUTO_TEST_SUITE_END()
