// SPDX-License-Identifier: BSL-1.0
#include "lifecycle.hpp"

#include <string>

#include "takt/error.hpp"

namespace takt::detail {
namespace {

void require_at_least(std::int64_t value, std::int64_t least, const char* name) {
  if (value >= least) return;
  throw InvalidEvent(std::string{"the start event's "} + name + " is " + std::to_string(value) +
                     "; it is " + std::to_string(least) + " or more");
}

std::string name_of(BusCall call) { return to_string(call) + "()"; }

}  // namespace

Lifecycle::Lifecycle(const Event& start, OrderPolicy order)
    : order_{order}, counters_{start}, sizes_{start} {
  require_at_least(start.steps_per_epoch.value_or(1), 1, "steps_per_epoch");
  require_at_least(start.batches_per_step.value_or(1), 1, "batches_per_step");
  require_at_least(start.invocations_per_step, 1, "invocations_per_step");
  require_at_least(start.global_step, 0, "global_step");
  require_at_least(start.global_batch, 0, "global_batch");
  counters_.type.reset();
  sizes_.type.reset();
  accept(Position::created);
  publish();
}

void Lifecycle::accept(Position position) noexcept {
  for (std::size_t i = 0; i < accepted_by_position_.size(); ++i) {
    accepted_by_position_[i] = accepted_at(static_cast<Position>(i), order_);
  }
  go_to(position);
  if (!has_room()) refuse_batches();
}

std::uint16_t Lifecycle::accepted_at(Position position, OrderPolicy order) noexcept {
  const auto any_of = [](auto... calls) {
    return static_cast<std::uint16_t>((0U | ... | bit_of(calls)));
  };
  using enum EventType;
  switch (position) {
    case Position::created:
      return any_of(INITIALIZE);
    case Position::idle:
      return any_of(BATCH_START, CALIBRATION_EPOCH_START, FINALIZE);
    case Position::calibrating:
      return any_of(BATCH_START, SEQUENTIAL_EPOCH_END, CALIBRATION_EPOCH_END,
                    BusCall::abort_calibration_epoch);
    case Position::batch_open:
      return any_of(LOSS_CALCULATED, OPTIM_PRE_STEP, BATCH_END, BusCall::abort_batch);
    case Position::step_open:
      return any_of(OPTIM_POST_STEP, BusCall::abort_batch);
    case Position::stepped:
      if (order == OrderPolicy::several_steps) {
        return any_of(LOSS_CALCULATED, OPTIM_PRE_STEP, BATCH_END, BusCall::abort_batch);
      }
      return any_of(BATCH_END, BusCall::abort_batch);
    case Position::finalized:
      break;
  }
  return 0;
}

// The counters go back only where a checkpoint is refused.
void Lifecycle::refuse_batches() noexcept {
  const auto others = static_cast<std::uint16_t>(~bit_of(EventType::BATCH_START));
  for (std::uint16_t& accepted : accepted_by_position_) accepted &= others;
  go_to(position_);
}

void Lifecycle::abort_batch() noexcept {
  invocations_ = invocations_at_batch_start_;
  step_taken_ = false;
  leave_batch();
}

void Lifecycle::abort_calibration_epoch() noexcept {
  calibrating_ = false;
  go_to(Position::idle);
}

Lifecycle::Standing Lifecycle::standing() const noexcept {
  return {.position = position_,
          .calibrating = calibrating_,
          .step_taken = step_taken_,
          .invocations = invocations_,
          .invocations_at_batch_start = invocations_at_batch_start_,
          .global_step = counters_.global_step,
          .global_batch = counters_.global_batch};
}

bool Lifecycle::can_resume(const Standing& standing) const noexcept {
  const auto counts = [this](std::int64_t pairs) {
    return pairs >= 0 && pairs < counters_.invocations_per_step;
  };
  if (standing.position <= Position::created || standing.position >= Position::finalized) {
    return false;
  }
  if (standing.position == Position::idle && standing.calibrating) return false;
  if (standing.position == Position::calibrating && !standing.calibrating) return false;
  if (standing.position == Position::stepped && !standing.step_taken) return false;
  const bool stepped = standing.step_taken && order_ == OrderPolicy::one_step;
  if (standing.position == Position::batch_open && standing.step_taken) return false;
  if (standing.position == Position::step_open && stepped) return false;
  const bool open = standing.position >= Position::batch_open;
  if (open && !has_room(standing.global_step, standing.global_batch)) return false;
  return counts(standing.invocations) && counts(standing.invocations_at_batch_start) &&
         standing.global_step >= 0 && standing.global_batch >= 0;
}

void Lifecycle::resume(const Standing& standing) noexcept {
  calibrating_ = standing.calibrating;
  step_taken_ = standing.step_taken;
  invocations_ = standing.invocations;
  invocations_at_batch_start_ = standing.invocations_at_batch_start;
  counters_.global_step = standing.global_step;
  counters_.global_batch = standing.global_batch;
  publish();
  accept(standing.position);
}

void Lifecycle::refuse(BusCall call) const {
  if (running_) {
    throw LifecycleError(name_of(call) + " was called from inside " + name_of(*running_) +
                         "; a modifier or observer can't emit on the bus that runs it");
  }
  std::string message = name_of(call) + " was called while ";
  if (hooks_run_) {
    throw LifecycleError(message + "a checkpoint is saved; what saves must not emit");
  }
  switch (position_) {
    case Position::created:
      message += "the bus is not initialized";
      break;
    case Position::idle:
      message += "no batch is open";
      break;
    case Position::calibrating:
      message += "a calibration epoch is open and no batch in it";
      break;
    case Position::batch_open:
      message += "a batch is open";
      break;
    case Position::step_open:
      message += "an optimizer step is open";
      break;
    case Position::stepped:
      message += "a batch is open whose optimizer step is taken";
      break;
    case Position::finalized:
      message += "the bus is finalized; it accepts no further call";
      throw LifecycleError(message);
  }
  if (call == call_for(EventType::BATCH_START) && !has_room()) {
    message += " and the counters have no room for another batch";
  }
  message += "; it accepts";
  const char* separator = " ";
  for (unsigned i = 0; i <= static_cast<unsigned>(BusCall::abort_calibration_epoch); ++i) {
    const auto other = static_cast<BusCall>(i);
    if (!accepts(other)) continue;
    message += separator + name_of(other);
    separator = ", ";
  }
  throw LifecycleError(message);
}

Event Lifecycle::snapshot() const noexcept {
  Event event = sizes_;
  for (;;) {
    const std::uint64_t before = version_.load(std::memory_order_acquire);
    event.global_step = published_step_.load(std::memory_order_acquire);
    event.global_batch = published_batch_.load(std::memory_order_acquire);
    if (before % 2 == 0 && version_.load(std::memory_order_relaxed) == before) return event;
  }
}

}  // namespace takt::detail
