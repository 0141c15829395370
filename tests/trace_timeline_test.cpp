// SPDX-License-Identifier: BSL-1.0
// Timelines of recorded runs.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "probe.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/timeline.hpp"
#include "takt/trace_recorder.hpp"

namespace {

using takt::Cadence;
using takt::Event;
using takt::EventBus;
using takt::EventSet;
using takt::EventType;
using takt::Interests;
using takt::Modifier;
using takt::Plan;
using takt::RunShape;
using takt::StepRun;
using takt::Timeline;
using takt::TimelineLane;
using takt::test::evenly;

using Modifiers = std::vector<std::shared_ptr<Modifier>>;

Timeline timeline_in(const std::string& text) {
  std::istringstream in{text};
  takt::TraceReader reader{in, "the run"};
  return takt::timeline_of(reader);
}

/// Records what `loop` does with a bus.
template <class Loop>
Timeline timeline_of_run(EventBus& bus, Loop loop) {
  std::ostringstream out;
  takt::TraceRecorder recorder{bus, out};
  loop();
  recorder.close();
  return timeline_in(out.str());
}

/// A trace with a header of two modifiers, and some lines.
Timeline timeline_with(const std::string& lines) {
  return timeline_in(
      R"({"takt_trace":1,"start":{"step":3,"batch":3},"modifiers":[{"name":"a","start":4},{"name":"b"}]})"
      "\n" +
      lines);
}

void run_step(EventBus& bus) {
  bus.batch([](takt::Batch& batch) { batch.step([] {}); });
}

// ---- Runs as plans have them --------------------------------------------------------------------

EventSet any_events() {
  EventSet events;
  for (const EventType type : EventSet::all()) {
    if (*evenly(0, 4) == 0) events |= type;
  }
  return events;
}

Modifiers any_modifiers() {
  Modifiers modifiers;
  const int count = *evenly(1, 4);
  for (int i = 0; i < count; ++i) {
    const auto index = [] { return static_cast<double>(*evenly(-8, 60)) / 4.0; };
    Cadence cadence{.start = index(), .end = index()};
    if (*cadence.end < *cadence.start) std::swap(cadence.start, cadence.end);
    if (*evenly(0, 2) == 0) cadence.start.reset();
    if (*evenly(0, 2) == 0) cadence.end.reset();
    if (*evenly(0, 3) != 0) {
      cadence.update = *rc::gen::elementOf(
          std::vector<double>{0.1, 0.2, 0.25, 0.5, 0.7, 0.75, 1.0, 1.5, 2.0, 3.0, 1e6});
    }
    modifiers.push_back(
        std::make_shared<Modifier>(std::string(1, static_cast<char>('a' + i)), cadence,
                                   Interests{.due = any_events(), .every = any_events()}));
  }
  return modifiers;
}

RunShape any_shape() {
  const std::int64_t per_step = *evenly<std::int64_t>(1, 2);
  const std::int64_t first = *evenly<std::int64_t>(0, 5);
  RunShape shape;
  shape.start.global_step = first;
  shape.start.global_batch = first * per_step;
  shape.start.batches_per_step = per_step;
  if (*evenly(0, 1) == 0) shape.start.steps_per_epoch = *evenly<std::int64_t>(1, 12);
  shape.steps = first + *evenly<std::int64_t>(1, 40);
  shape.calibration_batches = *evenly<std::int64_t>(0, 2);
  return shape;
}

void run_as_planned(EventBus& bus, const RunShape& shape) {
  bus.initialize();
  if (shape.calibration_batches > 0) {
    bus.calibration_epoch_start();
    for (std::int64_t i = 0; i < shape.calibration_batches; ++i) {
      bus.batch_start();
      bus.batch_end();
    }
    bus.calibration_epoch_end();
  }
  const std::int64_t per_step = shape.start.batches_per_step.value_or(1);
  for (std::int64_t step = shape.start.global_step; step < *shape.steps; ++step) {
    for (std::int64_t batch = 1; batch <= per_step; ++batch) {
      bus.batch([&](takt::Batch& b) {
        b.loss(1.0);
        if (batch == per_step) b.step([] {});
      });
    }
  }
  bus.finalize();
}

void show(const Timeline& timeline) {
  RC_LOG() << timeline.first_step << " to " << timeline.end_step << '\n';
  for (const TimelineLane& lane : timeline.lanes) {
    RC_LOG() << lane.name << ", " << lane.cadence << ": " << lane.starts.value_or(-1) << " to "
             << lane.ends.value_or(-1) << ", " << lane.updates << " updates, " << lane.events
             << " events\n";
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_timeline)

BOOST_AUTO_TEST_CASE(a_run_is_drawn_as_its_plan_is) {
  BOOST_TEST(rc::check("trace and plan agree", [] {
    const Modifiers modifiers = any_modifiers();
    const RunShape shape = any_shape();
    const Timeline planned = takt::timeline_of(Plan{modifiers, shape});
    EventBus bus{shape.start};
    for (const auto& modifier : modifiers) bus.add(modifier);
    const Timeline recorded = timeline_of_run(bus, [&] { run_as_planned(bus, shape); });
    show(planned);
    show(recorded);
    RC_ASSERT(recorded.first_step == planned.first_step);
    RC_ASSERT(recorded.end_step == planned.end_step);
    RC_ASSERT(recorded.steps_per_epoch == planned.steps_per_epoch);
    RC_ASSERT(recorded.lanes.size() == planned.lanes.size());
    for (std::size_t i = 0; i < planned.lanes.size(); ++i) {
      const TimelineLane& ran = recorded.lanes[i];
      const TimelineLane& plan = planned.lanes[i];
      RC_ASSERT(ran.name == plan.name);
      RC_ASSERT(ran.cadence == plan.cadence);
      RC_ASSERT(ran.starts == plan.starts);
      RC_ASSERT(ran.ends == plan.ends);
      RC_ASSERT(ran.updates == plan.updates);
      RC_ASSERT(ran.events == plan.events);
      RC_ASSERT(ran.due == plan.due);
      RC_ASSERT(ran.due_complete);
      RC_ASSERT(ran.throws == 0);
    }
    RC_ASSERT(!recorded.losses.empty());
  }));
}

BOOST_AUTO_TEST_CASE(a_modifier_that_joins_and_leaves_has_a_lane_of_its_own) {
  ProbedBus probed;
  probed.add("always");
  const Timeline timeline = timeline_of_run(probed.bus, [&] {
    probed.bus.initialize();
    probed.step(2);
    probed.add("guest", {}, {.due = EventType::BATCH_END});
    probed.step(3);
    probed.bus.remove("guest");
    probed.step(2);
    probed.bus.finalize();
  });
  BOOST_TEST(timeline.title == "the run");
  BOOST_TEST(timeline.end_step == 7);
  BOOST_TEST_REQUIRE(timeline.lanes.size() == 2U);
  BOOST_TEST(timeline.lanes[0].name == "always");
  BOOST_TEST(!timeline.lanes[0].ends);
  const TimelineLane& guest = timeline.lanes[1];
  BOOST_TEST(guest.name == "guest");
  BOOST_TEST(guest.starts.value() == 2);
  BOOST_TEST(guest.ends.value() == 4);  // of step 5 it has seen nothing
  BOOST_TEST(guest.updates == 3);
  BOOST_TEST((guest.due == std::vector<StepRun>{{2, 3, 1}}));
}

BOOST_AUTO_TEST_CASE(one_that_leaves_within_a_step_was_in_its_window_for_that_step) {
  ProbedBus probed;
  const auto probe = probed.add("leaves", {}, {.every = EventType::OPTIM_PRE_STEP});
  probe->then["on_event"] = [&](takt::State&, const Event& event) {
    if (event.global_step == 3) probed.bus.remove("leaves");
  };
  const Timeline timeline = timeline_of_run(probed.bus, [&] {
    probed.bus.initialize();
    probed.step(6);
    probed.bus.finalize();
  });
  BOOST_TEST(timeline.lanes.at(0).ends.value() == 3);
  BOOST_TEST(timeline.lanes.at(0).events == 4);
}

BOOST_AUTO_TEST_CASE(a_step_whose_batch_is_aborted_comes_again_and_counts_once) {
  ProbedBus probed;
  probed.add("each", {}, {.due = EventType::BATCH_START});
  const Timeline timeline = timeline_of_run(probed.bus, [&] {
    probed.bus.initialize();
    probed.step(2);
    probed.bus.batch_start();
    probed.bus.abort_batch();
    probed.step(2);
    probed.bus.finalize();
  });
  BOOST_TEST(timeline.end_step == 4);
  BOOST_TEST(timeline.lanes.at(0).updates == 5);
  BOOST_TEST((timeline.lanes.at(0).due == std::vector<StepRun>{{0, 4, 1}}));
}

BOOST_AUTO_TEST_CASE(hooks_that_threw_are_counted_and_a_quarantine_ends_the_window) {
  ProbedBus probed{Event{}, {.errors = takt::ErrorPolicy::quarantine}};
  probed.add("bad", {}, {.every = EventType::BATCH_END})->then["on_event"] =
      [](takt::State&, const Event& event) {
        if (event.global_step == 2) throw std::runtime_error("no");
      };
  const Timeline timeline = timeline_of_run(probed.bus, [&] {
    probed.bus.initialize();
    probed.step(5);
    probed.bus.finalize();
  });
  const TimelineLane& bad = timeline.lanes.at(0);
  BOOST_TEST(bad.throws == 1);
  BOOST_TEST(bad.starts.value() == 0);
  BOOST_TEST(bad.ends.value() == 2);
}

BOOST_AUTO_TEST_CASE(times_are_those_of_all_hooks_together) {
  const Timeline timeline = timeline_with(
      R"({"event":"initialize","step":3,"batch":3,"t":10,"hooks":[{"modifier":"a","hook":"on_initialize","ns":5},{"modifier":"b","hook":"on_initialize","ns":1}]}
{"event":"batch_start","step":3,"batch":3,"t":30,"hooks":[{"modifier":"b","hook":"on_start","ns":7}]}
)");
  BOOST_TEST(timeline.lanes.at(0).nanoseconds.value() == 5);
  BOOST_TEST(timeline.lanes.at(1).nanoseconds.value() == 8);
}

BOOST_AUTO_TEST_CASE(without_times_none_are_told) {
  const Timeline timeline = timeline_with(
      R"({"event":"initialize","step":3,"batch":3,"hooks":[{"modifier":"a","hook":"on_initialize"}]}
)");
  BOOST_TEST(!timeline.lanes.at(0).nanoseconds);
}

BOOST_AUTO_TEST_CASE(a_trace_without_events_has_the_modifiers_of_its_header) {
  const Timeline timeline = timeline_with("");
  BOOST_TEST(timeline.first_step == 3);
  BOOST_TEST(timeline.end_step == 3);
  BOOST_TEST_REQUIRE(timeline.lanes.size() == 2U);
  BOOST_TEST(timeline.lanes[0].name == "a");
  BOOST_TEST(timeline.lanes[0].cadence == "from step 4 on, at every step");
  BOOST_TEST(!timeline.lanes[0].starts);
  BOOST_TEST(timeline.losses.empty());
}

BOOST_AUTO_TEST_CASE(losses_stand_at_their_steps) {
  EventBus bus{Event{.global_step = 5, .global_batch = 5}};
  const Timeline timeline = timeline_of_run(bus, [&] {
    bus.initialize();
    for (const double loss : {3.0, std::numeric_limits<double>::quiet_NaN(), 1.0}) {
      bus.batch([&](takt::Batch& batch) {
        batch.loss(loss);
        batch.step([] {});
      });
    }
    bus.finalize();
  });
  BOOST_TEST_REQUIRE(timeline.losses.size() == 2U);
  BOOST_TEST(timeline.losses[0].first == 5);
  BOOST_TEST(timeline.losses[0].mean == 3.0);
  BOOST_TEST(timeline.losses[1].first == 7);
  BOOST_TEST(timeline.losses[1].mean == 1.0);
}

BOOST_AUTO_TEST_CASE(the_largest_step_is_no_trouble) {
  const Timeline timeline =
      timeline_with("{\"event\":\"batch_start\",\"step\":9223372036854775807,\"batch\":3}\n");
  BOOST_TEST(timeline.end_step == std::numeric_limits<std::int64_t>::max());
}

BOOST_AUTO_TEST_CASE(each_entry_is_told_and_what_is_wrong_passes_on) {
  EventBus bus;
  std::ostringstream out;
  takt::TraceRecorder recorder{bus, out};
  bus.initialize();
  run_step(bus);
  recorder.close();
  std::istringstream in{out.str() + "nonsense\n"};
  takt::TraceReader reader{in};
  int entries = 0;
  BOOST_CHECK_THROW((void)takt::timeline_of(reader, [&] { ++entries; }), takt::TraceError);
  BOOST_TEST(entries == recorder.entries());
}

BOOST_AUTO_TEST_SUITE_END()
