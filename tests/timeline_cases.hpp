// SPDX-License-Identifier: BSL-1.0
/// \file
/// Timelines to be drawn: one of a plan, and random ones, in which nothing has to make sense.
#ifndef TAKT_TESTS_TIMELINE_CASES_HPP
#define TAKT_TESTS_TIMELINE_CASES_HPP

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/timeline.hpp"

namespace takt::test {

/// 40 epochs of 44 steps: a rate that warms up, one that is set at every step, pruning every half
/// epoch, masks that are held after it, and a modifier that never runs.
inline Timeline pruning_timeline() {
  const Interests update{.due = EventType::BATCH_END};
  const Interests hold{.every = EventType::BATCH_END};
  const auto make = [](const char* name, const Cadence& cadence, const Interests& interests) {
    return std::make_shared<Modifier>(name, cadence, interests);
  };
  Timeline timeline =
      timeline_of(Plan{{make("warm-up", {.end = 1}, update), make("rate", {.start = 1}, update),
                        make("report", {.update = 5}, update),
                        make("prune", {.start = 4, .end = 28, .update = 0.5}, update),
                        make("hold", {.start = 28}, hold), make("later", {.start = 50}, update)},
                       {.start = {.steps_per_epoch = 44}, .epochs = 40}});
  timeline.title = "pruning";
  return timeline;
}

/// A loss that falls from 2 to 1.
inline void add_losses(Timeline& timeline) {
  const auto length = static_cast<double>(timeline.end_step - timeline.first_step);
  for (std::int64_t step = timeline.first_step; step < timeline.end_step; ++step) {
    const double loss = 2.0 - static_cast<double>(step - timeline.first_step) / (length - 1.0);
    timeline.losses.push_back({step, step, loss - 0.1, loss + 0.1, loss});
  }
}

inline std::string any_text() {
  return *rc::gen::oneOf(
      rc::gen::arbitrary<std::string>(),
      rc::gen::elementOf(std::vector<std::string>{
          "", "a", "]]>&<b>\"'", "\x1b[31mred", "\xff\xfe\xc3", "Wärmeregler mit 温度 und 🎵",
          "a name that is longer than any column of names would want it to be, by far"}));
}

inline double any_loss() {
  return *rc::gen::weightedOneOf<double>(
      {{8, rc::gen::map(evenly(-100, 100), [](int drawn) { return drawn / 16.0; })},
       {1, rc::gen::elementOf(std::vector<double>{
               0.0, 1e300, -1e300, std::numeric_limits<double>::max(),
               -std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity(),
               std::numeric_limits<double>::quiet_NaN()})}});
}

inline TimelineLane any_lane(std::int64_t first, std::int64_t end) {
  const auto near = [=] {
    return *evenly<std::int64_t>(std::max<std::int64_t>(0, first - 5), end + 5);
  };
  TimelineLane lane;
  lane.name = any_text();
  lane.cadence = any_text();
  if (*evenly(0, 4) != 0) lane.starts = near();
  if (*evenly(0, 1) == 0) lane.ends = near();
  lane.updates = *whole_of_any_size(62);
  lane.events = *whole_of_any_size(62);
  StepRuns due;
  for (int i = *evenly(0, 9); i > 0; --i) {
    due.add(StepRun{near(), *evenly<std::int64_t>(1, 9), *evenly<std::int64_t>(1, 9)});
  }
  lane.due = due.runs();
  lane.due_complete = *rc::gen::arbitrary<bool>();
  if (*evenly(0, 1) == 0) lane.nanoseconds = *whole_of_any_size(62);
  if (*evenly(0, 2) == 0) lane.throws = *whole_of_any_size(62);
  return lane;
}

inline Timeline any_timeline() {
  Timeline timeline;
  timeline.title = any_text();
  timeline.first_step = *whole_of_any_size(50);
  timeline.end_step = timeline.first_step + *whole_of_any_size(50);
  if (*evenly(0, 1) == 0) timeline.steps_per_epoch = *whole_of_any_size(50);
  for (int i = *evenly(0, 5); i > 0; --i) {
    timeline.lanes.push_back(any_lane(timeline.first_step, timeline.end_step));
  }
  std::int64_t step = timeline.first_step;
  for (int i = *evenly(0, 30); i > 0; --i) {
    const std::int64_t last = step + *evenly<std::int64_t>(0, 50);
    timeline.losses.push_back({step, last, any_loss(), any_loss(), any_loss()});
    step = last + 1;
  }
  return timeline;
}

}  // namespace takt::test

#endif
