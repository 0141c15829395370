// SPDX-License-Identifier: BSL-1.0
// The timeline of a plan.
#include "takt/timeline.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::Cadence;
using takt::EventSet;
using takt::EventType;
using takt::Interests;
using takt::Plan;
using takt::RunShape;
using takt::StepRun;
using takt::Timeline;
using takt::TimelineLane;
using takt::test::evenly;

using Modifiers = std::vector<std::shared_ptr<takt::Modifier>>;

std::shared_ptr<takt::Modifier> modifier(const Cadence& cadence, const Interests& interests = {
                                                                     .due = EventType::BATCH_END}) {
  return std::make_shared<takt::Modifier>("m", cadence, interests);
}

TimelineLane lane_of(const Cadence& cadence, const RunShape& shape,
                     const Interests& interests = {.due = EventType::BATCH_END}) {
  return takt::timeline_of(Plan{{modifier(cadence, interests)}, shape}).lanes.at(0);
}

std::int64_t steps_of(const std::vector<StepRun>& runs) {
  std::int64_t count = 0;
  for (const StepRun& run : runs) count += run.count;
  return count;
}

EventSet any_events() {
  EventSet events;
  for (const EventType type : EventSet::all()) {
    if (*evenly(0, 4) == 0) events |= type;
  }
  return events;
}

std::shared_ptr<takt::Modifier> any_modifier() {
  const auto index = [] { return static_cast<double>(*evenly(-8, 60)) / 4.0; };
  Cadence cadence{.start = index(), .end = index()};
  if (*cadence.end < *cadence.start) std::swap(cadence.start, cadence.end);
  if (*evenly(0, 2) == 0) cadence.end.reset();
  if (*evenly(0, 3) != 0) {
    cadence.update = *rc::gen::elementOf(
        std::vector<double>{0.1, 0.2, 0.25, 0.5, 0.7, 0.75, 1.0, 1.5, 2.0, 3.0, 1e6});
  }
  return modifier(cadence, {.due = any_events(), .every = any_events()});
}

RunShape any_shape() {
  RunShape shape;
  shape.start.global_step = *evenly<std::int64_t>(0, 3);
  if (*evenly(0, 1) == 0) shape.start.steps_per_epoch = *evenly<std::int64_t>(1, 12);
  shape.start.batches_per_step = *evenly<std::int64_t>(1, 2);
  shape.steps = shape.start.global_step + *evenly<std::int64_t>(0, 60);
  shape.calibration_batches = *evenly<std::int64_t>(0, 2);
  return shape;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timeline)

BOOST_AUTO_TEST_CASE(the_due_steps_of_a_lane_are_those_with_an_update_each_of_them_once) {
  BOOST_TEST(rc::check("lanes and calls agree", [] {
    Modifiers modifiers;
    const int count = *evenly(1, 3);
    for (int i = 0; i < count; ++i) modifiers.push_back(any_modifier());
    const Plan plan{modifiers, any_shape()};
    std::vector<std::set<std::int64_t>> updated(modifiers.size());
    for (const takt::HookCall& call : plan.calls()) {
      if (call.hook == takt::Hook::on_update) updated.at(call.modifier).insert(call.step);
    }
    const Timeline timeline = takt::timeline_of(plan);
    RC_ASSERT(timeline.lanes.size() == modifiers.size());
    for (std::size_t i = 0; i < modifiers.size(); ++i) {
      std::vector<std::int64_t> due;
      for (const StepRun& run : timeline.lanes[i].due) {
        for (std::int64_t k = 0; k < run.count; ++k) due.push_back(run.first + k * run.stride);
      }
      RC_ASSERT(due == std::vector<std::int64_t>(updated[i].begin(), updated[i].end()));
      RC_ASSERT(timeline.lanes[i].due_complete);
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_lane_says_what_the_plan_says) {
  BOOST_TEST(rc::check("lanes and plan agree", [] {
    const Plan plan{{any_modifier()}, any_shape()};
    const Timeline timeline = takt::timeline_of(plan);
    const TimelineLane& lane = timeline.lanes.at(0);
    const takt::ModifierPlan& planned = plan.modifiers().at(0);
    RC_ASSERT(lane.name == planned.name);
    RC_ASSERT(lane.starts == planned.starts);
    RC_ASSERT(lane.ends == planned.ends);
    RC_ASSERT(lane.updates == planned.updates);
    RC_ASSERT(lane.events == planned.events);
    RC_ASSERT(!lane.nanoseconds);
    RC_ASSERT(lane.throws == 0);
    RC_ASSERT(timeline.first_step == plan.first_step());
    RC_ASSERT(timeline.end_step == plan.end_step());
    RC_ASSERT(timeline.steps_per_epoch == plan.shape().start.steps_per_epoch);
    RC_ASSERT(timeline.losses.empty());
  }));
}

BOOST_AUTO_TEST_CASE(a_cadence_is_in_epochs_where_the_run_has_them_and_else_in_steps) {
  const Cadence cadence{.start = 4, .end = 28, .update = 2};
  BOOST_TEST(lane_of(cadence, {.start = {.steps_per_epoch = 44}, .epochs = 40}).cadence ==
             "from epoch 4 to 28, every 2 epochs");
  BOOST_TEST(lane_of(cadence, {.steps = 40}).cadence == "from step 4 to 28, every 2 steps");
}

BOOST_AUTO_TEST_CASE(an_update_of_half_an_epoch_is_one_run) {
  const TimelineLane lane = lane_of({.start = 4, .end = 28, .update = 0.5},
                                    {.start = {.steps_per_epoch = 44}, .epochs = 40});
  BOOST_TEST((lane.due == std::vector<StepRun>{{176, 49, 22}}));
  BOOST_TEST(lane.starts.value() == 176);
  BOOST_TEST(lane.ends.value() == 1232);
}

BOOST_AUTO_TEST_CASE(a_modifier_without_updates_is_due_at_no_step) {
  const TimelineLane lane = lane_of({}, {.steps = 40}, {.every = EventType::BATCH_END});
  BOOST_TEST(lane.due.empty());
  BOOST_TEST(lane.due_complete);
  BOOST_TEST(lane.events == 40);
}

BOOST_AUTO_TEST_CASE(a_run_of_2_to_the_40_steps_is_a_few_runs) {
  constexpr std::int64_t steps = std::int64_t{1} << 40;
  BOOST_TEST((lane_of({}, {.steps = steps}).due == std::vector<StepRun>{{0, steps, 1}}));
  BOOST_TEST((lane_of({.start = 5, .update = 10}, {.steps = steps}).due ==
              std::vector<StepRun>{{10, (steps - 1) / 10, 10}}));
}

BOOST_AUTO_TEST_CASE(a_lane_with_too_many_runs_has_the_first_of_them_and_says_so) {
  // A tolerance of 1e-10 is met by about every other step, at no regular intervals.
  const Cadence dense{.update = 3.7e-10};
  const TimelineLane lane = lane_of(dense, {.start = {.steps_per_epoch = 1000}, .steps = 500'000});
  BOOST_TEST(lane.due.size() == 100'000U);
  BOOST_TEST(!lane.due_complete);
  BOOST_TEST(steps_of(lane.due) < lane.updates);
  const TimelineLane shorter = lane_of(dense, {.steps = 1'000});
  BOOST_TEST(shorter.due.size() > 100U);
  BOOST_TEST(shorter.due_complete);
  BOOST_TEST(steps_of(shorter.due) == shorter.updates);
}

BOOST_AUTO_TEST_CASE(a_plan_gives_as_many_runs_as_it_is_asked_for) {
  const Plan plan{{modifier({.update = 2})}, {.steps = 10}};
  BOOST_TEST(plan.update_runs(0, 0).empty());
  BOOST_TEST((plan.update_runs(0, 1) == std::vector<StepRun>{{0, 5, 2}}));
  BOOST_CHECK_THROW((void)plan.update_runs(1, 1), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(an_empty_plan_is_an_empty_timeline) {
  const Timeline timeline = takt::timeline_of(Plan{{}, {.steps = 0}});
  BOOST_TEST(timeline.lanes.empty());
  BOOST_TEST(timeline.first_step == 0);
  BOOST_TEST(timeline.end_step == 0);
  BOOST_TEST(!timeline.steps_per_epoch);
}

BOOST_AUTO_TEST_SUITE_END()
