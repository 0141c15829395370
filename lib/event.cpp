// SPDX-License-Identifier: BSL-1.0
#include "takt/event.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "index.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

/// Steps per index unit: 1 when the index counts steps.
std::int64_t require_steps_per_epoch(const Event& event) {
  const std::int64_t steps = event.steps_per_epoch.value_or(1);
  if (steps < 1) {
    throw InvalidEvent("steps_per_epoch is " + std::to_string(steps) +
                       "; an epoch has at least 1 step");
  }
  return steps;
}

void require_counters(const Event& event) {
  if (event.global_step < 0) {
    throw InvalidEvent("global_step is " + std::to_string(event.global_step) +
                       "; it counts optimizer steps from 0 up");
  }
  if (event.global_batch < 0) {
    throw InvalidEvent("global_batch is " + std::to_string(event.global_batch) +
                       "; it counts batches from 0 up");
  }
  (void)require_steps_per_epoch(event);
}

std::int64_t require_epoch(const Event& event, const char* asked) {
  if (!event.steps_per_epoch) {
    throw InvalidEvent(std::string{asked} +
                       "() was asked of an event that counts steps; set steps_per_epoch first");
  }
  require_counters(event);
  return *event.steps_per_epoch;
}

std::int64_t require_batches_per_step(const Event& event) {
  const std::int64_t batches = event.batches_per_step.value_or(1);
  if (batches < 1) {
    throw InvalidEvent("batches_per_step is " + std::to_string(batches) +
                       "; a step takes at least 1 batch");
  }
  return batches;
}

/// a * b for a, b >= 0, or InvalidEvent when 64 bits can't hold it.
std::int64_t product(std::int64_t a, std::int64_t b, const char* what) {
  if (a != 0 && b > std::numeric_limits<std::int64_t>::max() / a) {
    throw InvalidEvent(std::string{what} + ": " + std::to_string(a) + " x " + std::to_string(b) +
                       " has no room in 64 bits");
  }
  return a * b;
}

}  // namespace

std::int64_t Event::epoch() const { return global_step / require_epoch(*this, "epoch"); }

double Event::epoch_full() const {
  return detail::index_of(global_step, require_epoch(*this, "epoch_full"));
}

std::int64_t Event::epoch_step() const { return global_step % require_epoch(*this, "epoch_step"); }

std::int64_t Event::epoch_batch() const {
  const std::int64_t steps = require_epoch(*this, "epoch_batch");
  return global_batch % product(steps, require_batches_per_step(*this), "batches per epoch");
}

double Event::current_index() const {
  require_counters(*this);
  return detail::index_of(global_step, steps_per_epoch.value_or(1));
}

void Event::set_current_index(double index) {
  if (!(index >= 0.0) || std::isinf(index)) {
    throw InvalidEvent("current_index can't be set to " + detail::text_of(index) +
                       "; it is a finite number from 0 up");
  }
  const std::int64_t steps = require_steps_per_epoch(*this);
  const std::int64_t batches = require_batches_per_step(*this);
  const std::optional<std::int64_t> step =
      detail::last_step_at(index + detail::index_tolerance(index), steps);
  if (!step || *step == std::numeric_limits<std::int64_t>::max()) {
    throw InvalidEvent("current_index " + detail::text_of(index) +
                       " has no room in a 64-bit step counter");
  }
  const std::int64_t batch = product(*step, batches, "global_batch");
  global_step = *step;
  global_batch = batch;
}

bool Event::should_update(std::optional<double> start, std::optional<double> end,
                          std::optional<double> update) const {
  if ((start && std::isnan(*start)) || (end && std::isnan(*end)) ||
      (update && std::isnan(*update))) {
    throw InvalidEvent("should_update was given NaN; start, end and update are numbers or unset");
  }
  if (update && *update < 0.0) {
    throw InvalidEvent("should_update was given update " + detail::text_of(*update) +
                       "; it is 0 (always) or more");
  }
  const double index = current_index();
  if (start && index < *start) return false;
  if (end && index > *end) return false;
  return !update || detail::on_grid(index, *update);
}

Event Event::new_instance(const EventChanges& changes) const noexcept {
  Event copy = *this;
  if (changes.type) copy.type = changes.type;
  if (changes.steps_per_epoch) copy.steps_per_epoch = changes.steps_per_epoch;
  if (changes.batches_per_step) copy.batches_per_step = changes.batches_per_step;
  if (changes.invocations_per_step) copy.invocations_per_step = *changes.invocations_per_step;
  if (changes.global_step) copy.global_step = *changes.global_step;
  if (changes.global_batch) copy.global_batch = *changes.global_batch;
  return copy;
}

}  // namespace takt
