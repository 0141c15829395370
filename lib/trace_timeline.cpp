// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "loss_curve.hpp"
#include "takt/timeline.hpp"
#include "window_words.hpp"

namespace takt {
namespace {

/// More runs than that are not drawn, nor kept.
constexpr std::size_t most_runs = 100'000;

/// One modifier's way through a trace.
struct Track {
  TimelineLane lane;
  StepRuns due;
};

Track track_of(const TracedModifier& modifier, bool epochs) {
  Track track;
  track.lane.name = modifier.name;
  track.lane.cadence = detail::window_words(modifier.cadence, epochs);
  return track;
}

/// Whether an event belongs to its step, and not only to the time before it.
bool is_in_a_step(const TraceEntry& entry) {
  return entry.kind == TraceKind::call && entry.call != BusCall::initialize &&
         entry.call != BusCall::finalize;
}

/// `last_step` is that of the last event of a batch or of a calibration epoch.
void follow(Track& track, const HookRun& run, const TraceEntry& entry, std::int64_t last_step) {
  TimelineLane& lane = track.lane;
  lane.nanoseconds = lane.nanoseconds.value_or(0) + run.nanoseconds;
  if (run.error) ++lane.throws;
  switch (run.hook) {
    case Hook::on_start:
      lane.starts = entry.step;
      break;
    case Hook::on_event:
      ++lane.events;
      break;
    case Hook::on_update:
      ++lane.updates;
      if (track.due.runs().size() < most_runs) {
        track.due.add(entry.step);
      } else {
        lane.due_complete = false;
      }
      break;
    case Hook::on_end:
      // At the end of the run a window is ended, but it has not closed. One that is removed after a
      // step was in its window for that step, and not for the next.
      if (entry.kind != TraceKind::call) {
        lane.ends = last_step;
      } else if (entry.call != BusCall::finalize) {
        lane.ends = entry.step;
      }
      break;
    default:
      break;
  }
}

}  // namespace

Timeline timeline_of(TraceReader& trace, const std::function<void()>& on_entry) {
  const Event& start = trace.header().start;
  Timeline timeline;
  timeline.title = trace.name();
  timeline.first_step = start.global_step;
  timeline.end_step = start.global_step;
  timeline.steps_per_epoch = start.steps_per_epoch;
  std::vector<Track> tracks;
  const auto add_tracks = [&] {
    while (tracks.size() < trace.modifiers().size()) {
      tracks.push_back(
          track_of(trace.modifiers()[tracks.size()], start.steps_per_epoch.has_value()));
    }
  };
  add_tracks();
  detail::LossCurve losses;
  bool timed = false;
  std::int64_t last_step = start.global_step;
  for (TraceEntry entry; trace.next(entry);) {
    add_tracks();
    timed = timed || entry.nanoseconds > 0;
    for (const HookRun& run : entry.hooks) follow(tracks[run.modifier], run, entry, last_step);
    if (entry.loss) losses.add(entry.step, *entry.loss);
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max() - 1;
    std::int64_t end = std::min(entry.step, largest);
    if (is_in_a_step(entry)) last_step = end++;
    timeline.end_step = std::max(timeline.end_step, end);
    if (on_entry) on_entry();
  }
  for (Track& track : tracks) {
    track.lane.due = track.due.runs();
    if (!timed) track.lane.nanoseconds.reset();
    timeline.lanes.push_back(std::move(track.lane));
  }
  timeline.losses = losses.spans();
  return timeline;
}

}  // namespace takt
