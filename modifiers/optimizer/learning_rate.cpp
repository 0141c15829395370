// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/learning_rate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include "index.hpp"
#include "last_due_step.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 7> schedule_names{
    "constant", "step", "exponential", "multi_step", "cosine", "cosine_restarts", "linear_warmup"};

using detail::text_of;

[[noreturn]] void refuse(const LearningRateSettings& settings, const std::string& problem) {
  throw InvalidModifier("learning rate modifier \"" + settings.name + "\": " + problem);
}

void require_rate(const LearningRateSettings& settings, const char* field, double value) {
  if (std::isfinite(value) && value >= 0.0) return;
  refuse(settings, std::string{field} + " is " + text_of(value) + "; it is a number, 0 or more");
}

void require_positive(const LearningRateSettings& settings, const char* field,
                      std::optional<double> value, bool needed) {
  if (!value) {
    if (!needed) return;
    refuse(settings, "schedule \"" + settings.schedule + "\" needs a " + field +
                         "; it is a number, more than 0");
  }
  if (std::isfinite(*value) && *value > 0.0) return;
  refuse(settings, std::string{field} + " is " + text_of(*value) + "; it is a number, more than 0");
}

void require_milestones(const LearningRateSettings& settings, bool needed) {
  const std::vector<double>& milestones = settings.milestones;
  if (milestones.empty()) {
    if (needed) refuse(settings, "schedule \"multi_step\" needs milestones; they are indices");
    return;
  }
  if (!needed) {
    refuse(settings, "schedule \"" + settings.schedule +
                         "\" has no milestones; leave them out, or choose multi_step");
  }
  for (std::size_t i = 0; i < milestones.size(); ++i) {
    if (!std::isfinite(milestones[i]) || (i > 0 && milestones[i] <= milestones[i - 1])) {
      refuse(settings, "milestones[" + std::to_string(i) + "] is " + text_of(milestones[i]) +
                           "; milestones are numbers that increase");
    }
  }
}

}  // namespace

LearningRateModifier::LearningRateModifier(const LearningRateSettings& settings)
    : Modifier{settings.name, settings.cadence, {.due = EventType::BATCH_START}},
      schedule_{schedule_of(settings)} {
  require_valid(settings, schedule_);
  rate_ = settings.learning_rate.value_or(0.0);
  init_ = settings.init_lr;
  final_ = settings.final_lr;
  gamma_ = settings.gamma.value_or(1.0);
  step_size_ = settings.step_size.value_or(1.0);
  start_ = settings.cadence.start.value_or(0.0);
  milestones_ = settings.milestones;
}

std::vector<std::string> LearningRateModifier::schedules() {
  return {schedule_names.begin(), schedule_names.end()};
}

LearningRateModifier::Schedule LearningRateModifier::schedule_of(
    const LearningRateSettings& settings) {
  const auto* const found = std::ranges::find(schedule_names, settings.schedule);
  if (found != schedule_names.end()) {
    return static_cast<Schedule>(found - schedule_names.begin());
  }
  std::string known;
  for (const std::string_view name : schedule_names) {
    known += known.empty() ? "" : ", ";
    known += name;
  }
  refuse(settings, "unknown schedule \"" + settings.schedule + "\"; the schedules are " + known);
}

void LearningRateModifier::require_valid(const LearningRateSettings& settings, Schedule schedule) {
  if (!settings.learning_rate) {
    refuse(settings, "learning_rate is not set; it is a number, 0 or more");
  }
  require_rate(settings, "learning_rate", *settings.learning_rate);
  require_rate(settings, "init_lr", settings.init_lr);
  require_rate(settings, "final_lr", settings.final_lr);
  const bool steps = schedule == Schedule::step;
  const bool multi_step = schedule == Schedule::multi_step;
  require_positive(settings, "gamma", settings.gamma,
                   steps || multi_step || schedule == Schedule::exponential);
  require_positive(settings, "step_size", settings.step_size,
                   steps || schedule == Schedule::cosine_restarts);
  require_milestones(settings, multi_step);

  if (schedule != Schedule::cosine && schedule != Schedule::linear_warmup) return;
  const double start = settings.cadence.start.value_or(0.0);
  const std::string needs = "schedule \"" + settings.schedule + "\" runs from start to end; ";
  if (!settings.cadence.end) refuse(settings, needs + "give its cadence an end");
  const double end = *settings.cadence.end;
  if (!std::isfinite(end) || end <= start) {
    refuse(settings, needs + "its cadence ends at " + text_of(end) +
                         ", and the end is a finite index after the start, " + text_of(start));
  }
}

void LearningRateModifier::on_update(State& state, const Event& event) {
  auto& optimizer = state.get<Optimizer>();
  double rate = learning_rate_at(event.current_index());
  const bool arrives = schedule_ == Schedule::cosine || schedule_ == Schedule::linear_warmup;
  if (arrives && detail::is_last_due_step(cadence(), event)) {
    rate = schedule_ == Schedule::cosine ? final_ : rate_;
  }
  optimizer.set_learning_rate(rate);
}

double LearningRateModifier::learning_rate_at(double index) const noexcept {
  // Not std::clamp: an end before 0 without a start is an empty window, but no error.
  const double end = cadence().end.value_or(std::numeric_limits<double>::infinity());
  const double inside = std::max(std::min(index, end), start_);
  const double past = inside - start_;
  switch (schedule_) {
    case Schedule::constant:
      return rate_;
    case Schedule::step:
      return rate_ * std::pow(gamma_, falls_until(inside));
    case Schedule::exponential:
      return rate_ * std::pow(gamma_, past);
    case Schedule::multi_step:
      return rate_ * std::pow(gamma_, milestones_until(inside));
    // std::lerp is exact at both of its ends.
    case Schedule::cosine:
      return std::lerp(final_, rate_,
                       0.5 * (1.0 + std::cos(std::numbers::pi * (past / (end - start_)))));
    case Schedule::cosine_restarts: {
      // A period that is about to begin, within the tolerance, has begun.
      const double share = std::max(past / step_size_ - falls_until(inside), 0.0);
      return std::lerp(final_, rate_, 0.5 * (1.0 + std::cos(std::numbers::pi * share)));
    }
    case Schedule::linear_warmup:
      return std::lerp(init_, rate_, past / (end - start_));
  }
  return rate_;
}

/// How many falls of "step" lie between the start and `index`. One that is within the tolerance of
/// `should_update` has come: 0.3 / 0.1 is a hair under 3.
double LearningRateModifier::falls_until(double index) const noexcept {
  const double falls = std::floor((index - start_) / step_size_);
  const double next_fall = start_ + (falls + 1.0) * step_size_;
  const double tolerance = detail::index_tolerance(std::max(std::abs(index), std::abs(start_)));
  return next_fall - index <= tolerance ? falls + 1.0 : falls;
}

double LearningRateModifier::milestones_until(double index) const noexcept {
  const double reached = index + detail::index_tolerance(std::abs(index));
  return static_cast<double>(std::ranges::upper_bound(milestones_, reached) - milestones_.begin());
}

}  // namespace takt
