// SPDX-License-Identifier: BSL-1.0
#include "takt/timeline.hpp"

#include "window_words.hpp"

namespace takt {
namespace {

constexpr std::size_t most_runs = 100'000;

TimelineLane lane_of(const Plan& plan, std::size_t position) {
  const ModifierPlan& modifier = plan.modifiers()[position];
  const bool epochs = plan.shape().start.steps_per_epoch.has_value();
  TimelineLane lane;
  lane.name = modifier.name;
  lane.cadence = detail::window_words(modifier.cadence, epochs);
  lane.starts = modifier.starts;
  lane.ends = modifier.ends;
  lane.updates = modifier.updates;
  lane.events = modifier.events;
  lane.due = plan.update_runs(position, most_runs);
  // As many as the limit may be all there are, or not.
  if (lane.due.size() == most_runs)
    lane.due_complete = lane.due.back().last() == modifier.last_update;
  return lane;
}

}  // namespace

Timeline timeline_of(const Plan& plan) {
  Timeline timeline;
  timeline.first_step = plan.first_step();
  timeline.end_step = plan.end_step();
  timeline.steps_per_epoch = plan.shape().start.steps_per_epoch;
  timeline.lanes.reserve(plan.modifiers().size());
  for (std::size_t i = 0; i < plan.modifiers().size(); ++i) {
    timeline.lanes.push_back(lane_of(plan, i));
  }
  return timeline;
}

}  // namespace takt
