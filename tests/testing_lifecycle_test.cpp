// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"
#include "takt/plan.hpp"
#include "takt/testing.hpp"
#include "takt/trace_recorder.hpp"

namespace {

using takt::BusCall;
using takt::Event;
using takt::EventSet;
using takt::EventType;
using takt::Sequence;
using takt::test::evenly;
using takt::testing::epochs;
using takt::testing::LifecycleOptions;
using takt::testing::steps;

using Lines = std::vector<std::string>;

template <class Value>
std::string text_of(const Value& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

/// The calls, a word or two each.
std::string calls_of(const Sequence& sequence) {
  std::string text;
  for (const takt::SequenceCall& call : sequence.calls) {
    if (!text.empty()) text += ", ";
    text += text_of(call);
  }
  return text;
}

takt::Trace recorded(const Sequence& sequence) {
  takt::Trace trace;
  takt::EventBus bus{sequence.start};
  takt::TraceRecorder recorder{bus, trace};
  replay(bus, sequence);
  recorder.close();
  return trace;
}

/// What a bus emits, with the counters: "batch_start 0/1" in step 0, batch 1.
std::string events_of(const Sequence& sequence) {
  std::string text;
  for (const takt::TraceEntry& entry : recorded(sequence).entries) {
    if (!text.empty()) text += ", ";
    text += text_of(entry.call);
    text += ' ' + std::to_string(entry.step) + '/' + std::to_string(entry.batch);
  }
  return text;
}

std::int64_t count(const Sequence& sequence, BusCall call) {
  return std::ranges::count(sequence.calls, call, &takt::SequenceCall::call);
}

void check_refused(const std::string& message, const std::function<void()>& make) {
  BOOST_CHECK_EXCEPTION(make(), takt::InvalidEvent, [&](const takt::InvalidEvent& error) {
    BOOST_TEST(error.what() == message);
    return true;
  });
}

LifecycleOptions any_options() {
  LifecycleOptions options;
  if (*evenly(0, 1) == 0) options.steps_per_epoch = *evenly<std::int64_t>(1, 7);
  options.batches_per_step = *evenly<std::int64_t>(1, 3);
  options.invocations_per_step = *evenly<std::int64_t>(1, 4);
  options.resume_at = *rc::gen::elementOf(std::vector<double>{0, 0, 1, 1.5, 2});
  options.calibration_batches = *evenly<std::int64_t>(0, 2);
  return options;
}

/// An index that is over after the one at which it is resumed.
std::int64_t any_length(const LifecycleOptions& options) {
  return 2 * options.steps_per_epoch.value_or(1) + *evenly<std::int64_t>(0, 12);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(testing_lifecycle)

BOOST_AUTO_TEST_CASE(an_epoch_has_each_event_in_its_place) {
  const Sequence sequence = epochs(1, {.steps_per_epoch = 2, .losses = 0.5});
  BOOST_TEST(calls_of(sequence) ==
             "initialize, "
             "batch_start, loss_calculated 0.5, optim_pre_step, optim_post_step, batch_end, "
             "batch_start, loss_calculated 0.5, optim_pre_step, optim_post_step, batch_end, "
             "finalize");
  BOOST_CHECK(sequence.start == Event{.steps_per_epoch = 2});
  BOOST_TEST(events_of(sequence) ==
             "initialize 0/0, batch_start 0/0, loss_calculated 0/0, optim_pre_step 0/0, "
             "optim_post_step 0/0, batch_end 0/0, batch_start 1/1, loss_calculated 1/1, "
             "optim_pre_step 1/1, optim_post_step 1/1, batch_end 1/1, finalize 2/2");
}

BOOST_AUTO_TEST_CASE(epochs_add_up) {
  const Sequence sequence = epochs(3, {.steps_per_epoch = 10});
  BOOST_TEST(count(sequence, BusCall::batch_start) == 30);
  BOOST_TEST(recorded(sequence).entries.back().step == 30);
}

BOOST_AUTO_TEST_CASE(steps_are_counted_in_steps_or_in_epochs) {
  BOOST_CHECK(steps(3).start == Event{});
  BOOST_TEST(count(steps(3), BusCall::optim_post_step) == 3);
  const Sequence in_epochs = steps(15, {.steps_per_epoch = 10});
  BOOST_CHECK(in_epochs.start == Event{.steps_per_epoch = 10});
  BOOST_TEST(count(in_epochs, BusCall::optim_post_step) == 15);
}

BOOST_AUTO_TEST_CASE(a_run_may_have_no_batch) {
  BOOST_TEST(calls_of(steps(0)) == "initialize, finalize");
  BOOST_TEST(calls_of(epochs(0, {.steps_per_epoch = 10})) == "initialize, finalize");
}

BOOST_AUTO_TEST_CASE(gradients_may_be_accumulated) {
  const Sequence sequence = steps(2, {.batches_per_step = 2});
  BOOST_CHECK(sequence.start == Event{.batches_per_step = 2});
  BOOST_TEST(events_of(sequence) ==
             "initialize 0/0, batch_start 0/0, loss_calculated 0/0, batch_end 0/0, "
             "batch_start 0/1, loss_calculated 0/1, optim_pre_step 0/1, optim_post_step 0/1, "
             "batch_end 0/1, batch_start 1/2, loss_calculated 1/2, batch_end 1/2, "
             "batch_start 1/3, loss_calculated 1/3, optim_pre_step 1/3, optim_post_step 1/3, "
             "batch_end 1/3, finalize 2/4");
}

BOOST_AUTO_TEST_CASE(the_pairs_of_a_step_are_spread_over_its_batches) {
  const auto pairs = [](std::int64_t batches, std::int64_t invocations) {
    const Sequence sequence =
        steps(1, {.batches_per_step = batches, .invocations_per_step = invocations});
    BOOST_TEST(sequence.start.invocations_per_step == invocations);
    BOOST_TEST(recorded(sequence).entries.back().step == 1);
    std::vector<int> of_batches;
    for (const takt::SequenceCall& call : sequence.calls) {
      if (call.call == BusCall::batch_start) of_batches.push_back(0);
      if (call.call == BusCall::optim_pre_step) ++of_batches.back();
    }
    std::string text;
    for (const int in_batch : of_batches) text += std::to_string(in_batch);
    return text;
  };
  BOOST_TEST(pairs(1, 1) == "1");
  BOOST_TEST(pairs(1, 3) == "3");
  BOOST_TEST(pairs(3, 1) == "001");
  BOOST_TEST(pairs(3, 3) == "111");
  BOOST_TEST(pairs(4, 2) == "1001");
  BOOST_TEST(pairs(2, 5) == "14");
}

BOOST_AUTO_TEST_CASE(a_run_may_be_resumed) {
  const Sequence sequence =
      epochs(3, {.steps_per_epoch = 4, .batches_per_step = 2, .resume_at = 2.5});
  BOOST_CHECK(
      sequence.start ==
      (Event{.steps_per_epoch = 4, .batches_per_step = 2, .global_step = 10, .global_batch = 20}));
  BOOST_TEST(count(sequence, BusCall::optim_post_step) == 2);
  BOOST_TEST(recorded(sequence).entries.back().step == 12);
  BOOST_TEST(steps(7, {.resume_at = 5}).start.global_step == 5);
  BOOST_TEST(calls_of(steps(7, {.resume_at = 7})) == "initialize, finalize");
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_comes_before_training) {
  BOOST_TEST(events_of(steps(1, {.calibration_batches = 2})) ==
             "initialize 0/0, calibration_epoch_start 0/0, batch_start 0/0, batch_end 0/0, "
             "batch_start 0/1, batch_end 0/1, calibration_epoch_end 0/2, batch_start 0/2, "
             "loss_calculated 0/2, optim_pre_step 0/2, optim_post_step 0/2, batch_end 0/2, "
             "finalize 1/3");
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_shows_its_batches_to_each_group_of_layers) {
  const Sequence sequence =
      steps(0, {.calibration_batches = 1, .layer_groups = {{"embedding"}, {"fc1", "fc2"}}});
  BOOST_TEST(calls_of(sequence) ==
             "initialize, calibration_epoch_start, batch_start, batch_end, sequential_epoch_end "
             "embedding, batch_start, batch_end, sequential_epoch_end fc1 fc2, "
             "calibration_epoch_end, finalize");
  BOOST_TEST(recorded(sequence).entries.at(7).layers == (Lines{"fc1", "fc2"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(aborted_batches_come_again) {
  const Sequence sequence = steps(2, {.aborted_batches = {1}, .losses = 0.5});
  BOOST_TEST(calls_of(sequence) ==
             "initialize, batch_start, loss_calculated 0.5, optim_pre_step, optim_post_step, "
             "batch_end, batch_start, loss_calculated 0.5, abort_batch, batch_start, "
             "loss_calculated 0.5, optim_pre_step, optim_post_step, batch_end, finalize");
  BOOST_TEST(recorded(sequence).entries.back().batch == 2);
}

BOOST_AUTO_TEST_CASE(aborted_batches_stand_in_any_order_as_often_as_they_are_aborted) {
  const Sequence sequence =
      steps(5, {.calibration_batches = 2, .aborted_batches = {6, 0, 3, 0, 6, 6}});
  std::vector<std::int64_t> aborted;
  for (const takt::TraceEntry& entry : recorded(sequence).entries) {
    if (entry.call == BusCall::abort_batch) aborted.push_back(entry.batch);
  }
  BOOST_TEST(aborted == (std::vector<std::int64_t>{0, 0, 3, 6, 6, 6}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(losses_fall_or_are_given) {
  const auto losses = [](const Sequence& sequence) {
    std::vector<double> found;
    for (const takt::SequenceCall& call : sequence.calls) {
      if (call.loss) found.push_back(*call.loss);
    }
    return found;
  };
  const std::vector<double> made_up = losses(steps(100));
  BOOST_TEST(made_up.front() == 1.0);
  BOOST_TEST(std::ranges::is_sorted(made_up, std::greater<>{}));
  BOOST_TEST(made_up.back() > 0.0);
  // Those of a run that is resumed are those that it would have had.
  BOOST_TEST(losses(steps(3, {.resume_at = 2})).front() == made_up[2]);

  using boost::test_tools::per_element;
  BOOST_TEST(losses(steps(2, {.losses = 2})) == (std::vector<double>{2, 2}), per_element());
  const auto twice = [](std::int64_t batch) { return 2.0 * static_cast<double>(batch); };
  BOOST_TEST(losses(steps(2, {.batches_per_step = 2, .losses = twice})) ==
                 (std::vector<double>{0, 2, 4, 6}),
             per_element());
  BOOST_TEST(std::isnan(losses(steps(1, {.losses = std::nan("")})).front()));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  check_refused("the number of epochs is -1; it is 0 or more",
                [] { (void)epochs(-1, {.steps_per_epoch = 10}); });
  check_refused("the number of steps is -1; it is 0 or more", [] { (void)steps(-1); });
  check_refused(
      "steps_per_epoch is not set; testing::epochs needs it, as in epochs(2, {.steps_per_epoch = "
      "10}), and testing::steps goes without",
      [] { (void)epochs(2, {}); });
  check_refused("steps_per_epoch is 0; it is 1 or more",
                [] { (void)epochs(2, {.steps_per_epoch = 0}); });
  check_refused("batches_per_step is 0; it is 1 or more",
                [] { (void)steps(2, {.batches_per_step = 0}); });
  check_refused("invocations_per_step is -2; it is 1 or more",
                [] { (void)steps(2, {.invocations_per_step = -2}); });
  check_refused("calibration_batches is -1; it is 0 or more",
                [] { (void)steps(2, {.calibration_batches = -1}); });
  check_refused(
      "layer_groups are shown the calibration batches, and calibration_batches is 0; it is 1 or "
      "more with them",
      [] { (void)steps(2, {.layer_groups = {{"fc1"}}}); });
  for (const double index : {-1.0, double{INFINITY}, double{NAN}}) {
    check_refused("resume_at is " +
                      std::string{index < 0   ? "-1"
                                  : index > 0 ? "inf"
                                              : "nan"} +
                      "; it is a finite index, 0 or more",
                  [&] { (void)steps(2, {.resume_at = index}); });
  }
  check_refused("the run is over at step 20, and resumed at step 25; its length counts from step 0",
                [] { (void)epochs(2, {.steps_per_epoch = 10, .resume_at = 2.5}); });
}

BOOST_AUTO_TEST_CASE(aborted_batches_are_batches_of_the_run) {
  for (const std::int64_t batch : {std::int64_t{-1}, std::int64_t{3}}) {
    check_refused(
        "aborted_batches has batch " + std::to_string(batch) + "; the run has batches 0 to 2", [&] {
          (void)steps(3, {.aborted_batches = {batch, 1}});
        });
  }
  check_refused("aborted_batches has batch 1; the run has batches 2 to 3",
                [] { (void)steps(4, {.resume_at = 2, .aborted_batches = {1}}); });
  check_refused("aborted_batches has batch 0; the run has none",
                [] { (void)steps(0, {.aborted_batches = {0}}); });
}

BOOST_AUTO_TEST_CASE(what_has_no_room_is_refused_before_it_takes_any) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::string too_many =
      "such a run has more calls than are held in memory, which are 5e+06 at most; takt::Plan "
      "counts longer runs";
  check_refused(too_many, [] { (void)steps(most); });
  check_refused(too_many, [] { (void)steps(1'000'000); });
  check_refused(too_many, [] { (void)steps(2, {.batches_per_step = most}); });
  check_refused(too_many, [] { (void)steps(2, {.invocations_per_step = most}); });
  check_refused(too_many, [] { (void)steps(2, {.calibration_batches = most}); });
  check_refused(too_many, [] { (void)epochs(most / 10, {.steps_per_epoch = 10}); });
  check_refused(std::to_string(most) + " epochs of 10 steps have more steps than can be counted",
                [] { (void)epochs(most, {.steps_per_epoch = 10}); });
  BOOST_CHECK_THROW((void)steps(2, {.resume_at = 1e300}), takt::InvalidEvent);
}

BOOST_AUTO_TEST_CASE(the_number_of_events_follows_from_the_options) {
  BOOST_TEST(rc::check("events are counted", [] {
    LifecycleOptions options = any_options();
    if (options.calibration_batches > 0 && *evenly(0, 1) == 0) {
      options.layer_groups.assign(*evenly<std::size_t>(1, 3), Lines{"fc"});
    }
    const std::int64_t length = any_length(options);
    const Event start = steps(length, options).start;
    const std::int64_t shown =
        options.calibration_batches *
        std::max<std::int64_t>(1, static_cast<std::int64_t>(options.layer_groups.size()));
    const std::int64_t trained = (length - start.global_step) * options.batches_per_step;
    if (shown + trained > 0) {
      options.aborted_batches = *rc::gen::container<std::vector<std::int64_t>>(
          evenly(start.global_batch, start.global_batch + shown + trained - 1));
    }
    const auto aborted = static_cast<std::int64_t>(options.aborted_batches.size());
    const takt::Trace trace = recorded(steps(length, options));
    const auto emitted = [&](BusCall call) {
      return std::ranges::count(trace.entries, call, &takt::TraceEntry::call);
    };
    RC_ASSERT(emitted(BusCall::batch_end) == shown + trained);
    RC_ASSERT(emitted(BusCall::batch_start) == shown + trained + aborted);
    RC_ASSERT(emitted(BusCall::abort_batch) == aborted);
    RC_ASSERT(emitted(BusCall::optim_pre_step) == length - start.global_step);
    RC_ASSERT(emitted(BusCall::optim_post_step) == length - start.global_step);
    RC_ASSERT(emitted(BusCall::sequential_epoch_end) ==
              static_cast<std::int64_t>(options.layer_groups.size()));
    RC_ASSERT(emitted(BusCall::calibration_epoch_end) == (shown > 0 ? 1 : 0));
    RC_ASSERT(trace.entries.back().call == BusCall::finalize);
    RC_ASSERT(trace.entries.back().step == length);
    RC_ASSERT(trace.entries.back().batch == start.global_batch + shown + trained);
  }));
}

BOOST_AUTO_TEST_CASE(a_modifier_gets_what_a_plan_of_that_run_says) {
  BOOST_TEST(rc::check("run and plan agree", [] {
    const LifecycleOptions options = any_options();
    const std::int64_t length = any_length(options);
    const double unit = 1.0 / static_cast<double>(options.steps_per_epoch.value_or(1));
    takt::Cadence cadence{.start = unit * *evenly(0, 8)};
    if (*evenly(0, 1) == 0) cadence.end = *cadence.start + unit * *evenly(0, 8);
    if (*evenly(0, 1) == 0) cadence.update = unit * *evenly(1, 4);
    EventSet due;
    for (const EventType type : EventSet::all()) {
      if (*evenly(0, 1) == 0) due |= type;
    }
    const auto probe = std::make_shared<takt::testing::ProbeModifier>(
        "probe", cadence, takt::Interests{.due = due, .every = EventType::BATCH_END});
    const Sequence sequence = steps(length, options);
    takt::testing::Calls planned;
    const takt::Plan plan{{probe},
                          {.start = sequence.start,
                           .steps = length,
                           .calibration_batches = options.calibration_batches}};
    for (const takt::HookCall& call : plan.calls()) {
      planned.push_back({.modifier = "probe",
                         .hook = call.hook,
                         .at = takt::call_for(call.event),
                         .step = call.step,
                         .batch = call.batch});
    }
    RC_ASSERT(takt::testing::run(probe, sequence) == planned);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
