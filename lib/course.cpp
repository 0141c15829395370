// SPDX-License-Identifier: BSL-1.0
#include "course.hpp"

#include <algorithm>

namespace takt::detail {
namespace {

/// What comes in the calibration epoch.
constexpr EventSet calibration_types{EventType::CALIBRATION_EPOCH_START, EventType::BATCH_START,
                                     EventType::BATCH_END, EventType::CALIBRATION_EPOCH_END};
/// What comes in a batch of training and at the end of a step.
constexpr EventSet training_types{EventType::BATCH_START, EventType::LOSS_CALCULATED,
                                  EventType::OPTIM_PRE_STEP, EventType::OPTIM_POST_STEP,
                                  EventType::BATCH_END};

}  // namespace

std::int64_t EventCounts::of(EventType type) const noexcept {
  switch (type) {
    case EventType::BATCH_START:
    case EventType::BATCH_END:
      return batches;
    case EventType::LOSS_CALCULATED:
      return losses;
    case EventType::OPTIM_PRE_STEP:
    case EventType::OPTIM_POST_STEP:
      return steps;
    case EventType::CALIBRATION_EPOCH_START:
    case EventType::CALIBRATION_EPOCH_END:
      return epochs;
    case EventType::INITIALIZE:
    case EventType::FINALIZE:
    case EventType::SEQUENTIAL_EPOCH_END:
      break;
  }
  return 0;
}

std::int64_t EventCounts::of(EventSet types) const noexcept {
  std::int64_t sum = 0;
  for (const EventType type : types) sum += of(type);
  return sum;
}

Course::Course(const Cadence& cadence, const Interests& interests, const RunShape& shape,
               std::int64_t end_step)
    : interests_{interests},
      due_{cadence, shape.start.steps_per_epoch.value_or(1)},
      start_step_{shape.start.global_step} {
  const bool open_at_start = due_.first() <= start_step_ && start_step_ <= due_.last();
  calibrates_ = shape.calibration_batches > 0 && open_at_start;
  ends_in_calibration_ = calibrates_ && due_.closing() <= start_step_ && due_.last_is_end();
  if (ends_in_calibration_) return;
  first_ = std::max(start_step_, due_.first());
  last_ = std::min(end_step - 1, due_.last());
  closes_ = first_ <= last_ && last_ == due_.last();
}

std::optional<std::int64_t> Course::next_trained_due(std::int64_t from) const noexcept {
  const std::int64_t first = std::max(from, first_);
  if (first > last_) return std::nullopt;
  const auto next = due_.next(first);
  return next && *next <= last_ ? next : std::nullopt;
}

std::optional<std::int64_t> Course::next_due(std::int64_t from) const noexcept {
  if (calibrates_ && from <= start_step_ && due_at(start_step_)) return start_step_;
  return next_trained_due(from);
}

std::optional<StepRun> Course::next_updates(std::int64_t from) const noexcept {
  std::optional<StepRun> updates;
  if (!(interests_.due & training_types).empty() && first_ <= last_) {
    updates = due_.next_run(std::max(from, first_), last_);
  }
  const bool in_calibration = calibrates_ && !(interests_.due & calibration_types).empty();
  if (in_calibration && from <= start_step_ && due_at(start_step_) &&
      (!updates || updates->first > start_step_)) {
    updates = StepRun{.first = start_step_};
  }
  return updates;
}

std::optional<std::int64_t> Course::next_call(std::int64_t from) const noexcept {
  const std::int64_t first = std::max(from, first_);
  if (first > last_) return std::nullopt;
  const bool starts = first == first_ && !calibrates_;
  if (starts || !(interests_.every & training_types).empty()) return first;
  std::optional<std::int64_t> next;
  if (!(interests_.due & training_types).empty()) next = next_trained_due(first);
  if (closes_) next = std::min(next.value_or(last_), last_);
  return next;
}

ModifierPlan Course::summary(const EventCounts& calibration, const EventCounts& training) const {
  ModifierPlan plan;
  if (!opens()) return plan;
  plan.starts = calibrates_ ? start_step_ : first_;
  if (ends_in_calibration_) plan.ends = start_step_;
  if (closes_) plan.ends = last_;

  const bool calibration_due = calibrates_ && due_at(start_step_);
  const std::int64_t trained = std::max<std::int64_t>(0, last_ - first_ + 1);
  const std::int64_t trained_due = due_.count(first_, last_);
  plan.due_steps = trained_due + (calibration_due && !trains_at(start_step_) ? 1 : 0);
  plan.events = trained * training.of(interests_.every) +
                (calibrates_ ? calibration.of(interests_.every) : 0);

  const std::int64_t in_calibration = calibration_due ? calibration.of(interests_.due) : 0;
  const std::int64_t per_step = training.of(interests_.due);
  plan.updates = trained_due * per_step + in_calibration;
  if (trained_due > 0 && per_step > 0) {
    plan.first_update = next_trained_due(first_);
    plan.last_update = due_.last_until(last_);
  }
  if (in_calibration > 0) {
    plan.first_update = start_step_;
    if (!plan.last_update) plan.last_update = start_step_;
  }
  return plan;
}

}  // namespace takt::detail
