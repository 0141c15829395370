// SPDX-License-Identifier: BSL-1.0
#include "takt/plan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

#include "course.hpp"
#include "index.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

using detail::Course;
using detail::EventCounts;

// ---- The shape of the run -----------------------------------------------------------------------

std::int64_t batches_per_step(const RunShape& shape) {
  return shape.start.batches_per_step.value_or(1);
}

/// The step after the last.
std::int64_t end_step_of(const RunShape& shape) {
  if (shape.epochs.has_value() == shape.steps.has_value()) {
    throw InvalidEvent(shape.epochs ? "a run's length was given in epochs and in steps; give one"
                                    : "a run has no length; give its epochs or its steps");
  }
  (void)shape.start.current_index();  // refuses counters that make no sense
  std::int64_t end = shape.steps.value_or(0);
  if (shape.epochs) {
    if (!shape.start.steps_per_epoch) {
      throw InvalidEvent("a run's length is in epochs, and its start event has no steps_per_epoch");
    }
    const double epochs = *shape.epochs;
    const auto step = std::isfinite(epochs) && epochs >= 0.0
                          ? detail::first_step_at(epochs, *shape.start.steps_per_epoch)
                          : std::nullopt;
    if (!step) {
      throw InvalidEvent("a run of " + detail::text_of(epochs) +
                         " epochs was asked for; give a number that comes to 2^40 steps at most");
    }
    end = *step;
  }
  if (end < shape.start.global_step) {
    throw InvalidEvent("a run is over at step " + std::to_string(end) + ", and starts at step " +
                       std::to_string(shape.start.global_step) + "; its length counts from step 0");
  }
  return end;
}

void require_countable(const RunShape& shape, std::int64_t end_step) {
  const std::int64_t per_step = batches_per_step(shape);
  if (per_step < 1) {
    throw InvalidEvent("batches_per_step is " + std::to_string(per_step) + "; it is 1 or more");
  }
  if (shape.calibration_batches < 0) {
    throw InvalidEvent("calibration_batches is " + std::to_string(shape.calibration_batches) +
                       "; it is 0 or more");
  }
  // Up to there cadences have their periods, and counting them is no search.
  constexpr std::int64_t most_steps = std::int64_t{1} << 40;
  if (end_step > most_steps) {
    throw InvalidEvent("a run is over at step " + std::to_string(end_step) +
                       "; a plan goes to step 2^40 at most");
  }
  // Five events a batch, and some room.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 16;
  const std::int64_t steps = end_step - shape.start.global_step;
  if (shape.calibration_batches > most || shape.start.global_batch > most ||
      steps > most / per_step) {
    throw InvalidEvent("a run has more batches than can be counted; it has 2^59 at most");
  }
}

// ---- The calls ----------------------------------------------------------------------------------

/// Writes down the calls of one event after the other.
class CallWriter {
 public:
  CallWriter(const std::vector<ModifierPlan>& modifiers, const std::vector<Course>& courses,
             std::vector<HookCall>& calls)
      : modifiers_{modifiers}, courses_{courses}, calls_{calls} {}

  void initialize(const Event& at) {
    for (std::size_t i = 0; i < courses_.size(); ++i) add(i, Hook::on_initialize, at);
  }

  void calibration(const Event& at) {
    const bool starts = at.type == EventType::CALIBRATION_EPOCH_START;
    const bool ends = at.type == EventType::CALIBRATION_EPOCH_END;
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      if (!courses_[i].calibrates()) continue;
      if (starts) add(i, Hook::on_start, at);
      add_interests(i, at);
      if (ends && courses_[i].ends_in_calibration()) add(i, Hook::on_end, at);
    }
  }

  /// `first` and `last` batch of its step or not.
  void training(const Event& at, bool first, bool last) {
    const bool may_start = first && at.type == EventType::BATCH_START;
    const bool may_end = last && at.type == EventType::BATCH_END;
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      const Course& course = courses_[i];
      if (!course.trains_at(at.global_step)) continue;
      if (may_start && !course.calibrates() && course.first() == at.global_step) {
        add(i, Hook::on_start, at);
      }
      add_interests(i, at);
      if (may_end && course.closes() && course.last() == at.global_step) add(i, Hook::on_end, at);
    }
  }

  void finalize(const Event& at) {
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      const ModifierPlan& plan = modifiers_[i];
      if (plan.starts && !plan.ends) add(i, Hook::on_end, at);
      add(i, Hook::on_finalize, at);
    }
  }

 private:
  void add_interests(std::size_t i, const Event& at) {
    const Interests& interests = modifiers_[i].interests;
    const EventType type = at.type.value_or(EventType::INITIALIZE);
    if (interests.every.contains(type)) add(i, Hook::on_event, at);
    if (interests.due.contains(type) && courses_[i].due_at(at.global_step)) {
      add(i, Hook::on_update, at);
    }
  }

  void add(std::size_t modifier, Hook hook, const Event& at) {
    calls_.push_back(
        {at.type.value_or(EventType::INITIALIZE), at.global_step, at.global_batch, modifier, hook});
  }

  const std::vector<ModifierPlan>& modifiers_;
  const std::vector<Course>& courses_;
  std::vector<HookCall>& calls_;
};

Event typed(Event event, EventType type) {
  event.type = type;
  return event;
}

/// Written down only where some modifier calibrates: a calibration epoch may be long.
void write_calibration(CallWriter& writer, Event at, std::int64_t batches) {
  writer.calibration(typed(at, EventType::CALIBRATION_EPOCH_START));
  for (std::int64_t i = 0; i < batches; ++i, ++at.global_batch) {
    writer.calibration(typed(at, EventType::BATCH_START));
    writer.calibration(typed(at, EventType::BATCH_END));
  }
  writer.calibration(typed(at, EventType::CALIBRATION_EPOCH_END));
}

void write_step(CallWriter& writer, Event at, std::int64_t batches) {
  for (std::int64_t i = 0; i < batches; ++i, ++at.global_batch) {
    const bool first = i == 0;
    const bool last = i + 1 == batches;
    writer.training(typed(at, EventType::BATCH_START), first, last);
    writer.training(typed(at, EventType::LOSS_CALCULATED), first, last);
    if (last) {
      writer.training(typed(at, EventType::OPTIM_PRE_STEP), first, last);
      writer.training(typed(at, EventType::OPTIM_POST_STEP), first, last);
    }
    writer.training(typed(at, EventType::BATCH_END), first, last);
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const HookCall& call) {
  return out << "step " << call.step << ", batch " << call.batch << ", " << call.event
             << ": modifier " << call.modifier << ' ' << call.hook;
}

Plan::Plan(const std::vector<std::shared_ptr<Modifier>>& modifiers, const RunShape& shape)
    : shape_{shape}, end_step_{end_step_of(shape)} {
  require_countable(shape, end_step_);
  const std::int64_t per_step = batches_per_step(shape);
  const std::int64_t calibrating = shape.calibration_batches;
  const EventCounts calibration{.batches = calibrating, .epochs = 1};
  const EventCounts training{.batches = per_step, .losses = per_step, .steps = 1};
  modifiers_.reserve(modifiers.size());
  for (const std::shared_ptr<Modifier>& modifier : modifiers) {
    if (!modifier) throw InvalidModifier("null was given to plan; give modifiers");
    const Course course{modifier->cadence(), modifier->interests(), shape_, end_step_};
    ModifierPlan plan = course.summary(calibration, training);
    plan.name = modifier->name();
    plan.cadence = modifier->cadence();
    plan.interests = modifier->interests();
    modifiers_.push_back(std::move(plan));
  }
}

std::vector<std::int64_t> Plan::due_steps(std::size_t modifier, std::int64_t from,
                                          std::size_t count) const {
  const ModifierPlan& plan = modifiers_.at(modifier);
  const Course course{plan.cadence, plan.interests, shape_, end_step_};
  std::vector<std::int64_t> steps;
  auto next = course.next_due(from);
  while (next && steps.size() < count) {
    steps.push_back(*next);
    next = course.next_due(*next + 1);
  }
  return steps;
}

std::vector<StepRun> Plan::update_runs(std::size_t modifier, std::size_t most) const {
  const ModifierPlan& plan = modifiers_.at(modifier);
  const Course course{plan.cadence, plan.interests, shape_, end_step_};
  StepRuns updates;
  auto next = course.next_updates(first_step());
  while (next && updates.runs().size() <= most) {  // the run that is one too many ends the last
    updates.add(*next);
    next = course.next_updates(next->last() + 1);
  }
  std::vector<StepRun> runs = updates.runs();
  if (runs.size() > most) runs.resize(most);
  return runs;
}

std::vector<HookCall> Plan::calls(std::int64_t from, std::int64_t to) const {
  std::vector<Course> courses;
  courses.reserve(modifiers_.size());
  for (const ModifierPlan& plan : modifiers_) {
    courses.emplace_back(plan.cadence, plan.interests, shape_, end_step_);
  }
  std::vector<HookCall> calls;
  CallWriter writer{modifiers_, courses, calls};
  Event at = shape_.start;
  if (from <= first_step() && first_step() <= to) {
    writer.initialize(typed(at, EventType::INITIALIZE));
    if (std::ranges::any_of(courses, &Course::calibrates)) {
      write_calibration(writer, at, shape_.calibration_batches);
    }
  }
  const std::int64_t per_step = batches_per_step(shape_);
  const std::int64_t first_batch = shape_.start.global_batch + shape_.calibration_batches;
  const auto move_to = [&](std::int64_t step) {
    at.global_step = step;
    at.global_batch = first_batch + (step - first_step()) * per_step;
  };
  std::int64_t step = std::max(from, first_step());
  while (true) {
    std::optional<std::int64_t> next;
    for (const Course& course : courses) {
      const auto call = course.next_call(step);
      if (call && (!next || *call < *next)) next = call;
    }
    if (!next || *next > to) break;
    move_to(*next);
    write_step(writer, at, per_step);
    step = *next + 1;
  }
  if (from <= end_step_ && end_step_ <= to) {
    move_to(end_step_);
    writer.finalize(typed(at, EventType::FINALIZE));
  }
  return calls;
}

}  // namespace takt
