// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/early_stopping.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 2> mode_names{"min", "max"};

}  // namespace

template <>
struct SettingType<MonitorMode> {
  static std::string name() { return "text"; }
  static MonitorMode read(const SettingValue& value) {
    const auto* const found = std::ranges::find(mode_names, SettingType<std::string>::read(value));
    if (found == mode_names.end()) throw_wrong_type(value, name());
    return static_cast<MonitorMode>(found - mode_names.begin());
  }
  static SettingValue write(MonitorMode mode) {
    return mode_names.at(static_cast<std::size_t>(mode));
  }
};

namespace {

using detail::text_of;

[[noreturn]] void refuse(const EarlyStoppingSettings& settings, const std::string& problem) {
  throw InvalidModifier("early stopping modifier \"" + settings.name + "\": " + problem);
}

void require_number(const EarlyStoppingSettings& settings, const char* field,
                    const std::optional<double>& value) {
  if (value && std::isnan(*value)) {
    refuse(settings, std::string{field} + " is NaN; it is a number, or unset");
  }
}

bool better(MonitorMode mode, double value, double than) noexcept {
  return mode == MonitorMode::min ? value < than : value > than;
}

void validate(const EarlyStoppingSettings& settings) {
  if (settings.monitor.empty()) {
    refuse(settings, "monitor is empty; it is \"loss\" or the name of a metric");
  }
  if (settings.patience < 1) {
    refuse(settings, "patience is " + std::to_string(settings.patience) + "; it is 1 or more");
  }
  if (!std::isfinite(settings.min_delta) || settings.min_delta < 0.0) {
    refuse(settings, "min_delta is " + text_of(settings.min_delta) + "; it is 0 or more");
  }
  require_number(settings, "threshold", settings.threshold);
  require_number(settings, "divergence", settings.divergence);
  if (settings.threshold && settings.divergence &&
      !better(settings.mode, *settings.threshold, *settings.divergence)) {
    refuse(settings, "threshold " + text_of(*settings.threshold) +
                         " is no better than divergence " + text_of(*settings.divergence) +
                         "; exchange them, or change mode");
  }
}

/// "accuracy, f1", or that there are none.
std::string names_in(const State& state) {
  std::string names;
  for (const auto& [name, value] : state.metrics) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names.empty() ? "the state has no metrics" : "the state has " + names;
}

}  // namespace

// Whether a batch made a step is known at OPTIM_POST_STEP only.
EarlyStoppingModifier::EarlyStoppingModifier(EarlyStoppingSettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::OPTIM_POST_STEP | EventType::BATCH_END}},
      settings_{std::move(settings)} {
  validate(settings_);
}

ModifierType EarlyStoppingModifier::type() {
  using S = EarlyStoppingSettings;
  return ModifierBinding<EarlyStoppingModifier, S>{
      "EarlyStoppingModifier", "asks the loop to stop when training gets no better"}
      .setting("monitor", &S::monitor, "what it looks at: loss, or the name of a metric")
      .setting("mode", &S::mode, "min = smaller is better, max = larger is",
               one_of({mode_names.begin(), mode_names.end()}))
      .setting("patience", &S::patience, "checks without improvement until it stops", at_least(1))
      .setting("min_delta", &S::min_delta, "an improvement is more than this", at_least(0))
      .setting("threshold", &S::threshold, "stop at once when it is reached; unset = never")
      .setting("divergence", &S::divergence, "stop at once beyond it; unset = never")
      .setting("check_finite", &S::check_finite, "stop at once at a NaN or an infinity")
      .setting("save_best", &S::save_best, "ask the loop to save at every improvement");
}

void EarlyStoppingModifier::on_start(State&, const Event&) {
  best_.reset();
  best_step_.reset();
  worse_ = missing_ = 0;
  steps_ = asked_ = false;
}

void EarlyStoppingModifier::on_update(State& state, const Event& event) {
  if (event.type == EventType::OPTIM_POST_STEP) {
    steps_ = true;
    return;
  }
  if (!std::exchange(steps_, false)) return;
  if (const std::optional<double> value = monitored(state)) {
    missing_ = 0;
    check(state, *value, event.global_step);
  } else {
    miss(state);
  }
}

void EarlyStoppingModifier::on_abort(State&, const Event&) noexcept { steps_ = false; }

void EarlyStoppingModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "EarlyStoppingModifier"};
  write(best_, best_step_, worse_, missing_, steps_, asked_);
}

void EarlyStoppingModifier::load(State&, const Event&, std::istream& in) {
  detail::StateReader read{in, "EarlyStoppingModifier"};
  std::optional<double> best;
  std::optional<std::int64_t> best_step;
  bool steps = false;
  bool asked = false;
  read(best, best_step);
  const std::int64_t worse = read.count("checks without improvement");
  const std::int64_t missing = read.count("checks without a value");
  read(steps, asked);
  best_ = best;
  best_step_ = best_step;
  worse_ = worse;
  missing_ = missing;
  steps_ = steps;
  asked_ = asked;
}

std::optional<double> EarlyStoppingModifier::monitored(const State& state) const {
  if (settings_.monitor == "loss") return state.loss;
  const auto found = state.metrics.find(settings_.monitor);
  if (found == state.metrics.end()) return std::nullopt;
  return found->second;
}

void EarlyStoppingModifier::miss(const State& state) {
  if (++missing_ < settings_.patience) return;
  missing_ = 0;
  if (settings_.monitor == "loss") {
    refuse(settings_, "the loop has not told a loss; call loss_calculated, or monitor a metric");
  }
  std::string problem = "there is no metric \"";
  problem += settings_.monitor + "\" to monitor; " + names_in(state);
  refuse(settings_, problem);
}

void EarlyStoppingModifier::check(State& state, double value, std::int64_t step) {
  const bool finite = std::isfinite(value);
  if (!finite && settings_.check_finite && !asked_) {
    stop(state, settings_.monitor + " is " + text_of(value) + " at step " + std::to_string(step));
  }
  const double least =
      settings_.mode == MonitorMode::min ? -settings_.min_delta : settings_.min_delta;
  if (finite && (!best_ || is_better(value, *best_ + least))) {
    best_ = value;
    best_step_ = step;
    worse_ = 0;
    if (settings_.save_best) state.control.request_save();
  } else if (++worse_ >= settings_.patience && !asked_) {
    stop(state, patience_reason());
  }
  if (!finite || asked_) return;
  if (settings_.threshold && !is_better(*settings_.threshold, value)) {
    stop(state, settings_.monitor + " " + text_of(value) + " has reached threshold " +
                    text_of(*settings_.threshold) + " at step " + std::to_string(step));
  } else if (settings_.divergence && is_better(*settings_.divergence, value)) {
    stop(state, settings_.monitor + " " + text_of(value) + " is beyond divergence " +
                    text_of(*settings_.divergence) + " at step " + std::to_string(step));
  }
}

bool EarlyStoppingModifier::is_better(double value, double than) const noexcept {
  return better(settings_.mode, value, than);
}

void EarlyStoppingModifier::stop(State& state, const std::string& reason) {
  asked_ = true;
  state.control.stop(name() + ": " + reason);
}

std::string EarlyStoppingModifier::patience_reason() const {
  std::string reason = "no improvement of " + settings_.monitor;
  if (best_) reason += " over " + text_of(*best_);
  if (best_ && settings_.min_delta > 0.0) reason += " by " + text_of(settings_.min_delta);
  reason += " in " + std::to_string(worse_) + (worse_ == 1 ? " check" : " checks");
  if (best_step_) reason += "; best at step " + std::to_string(*best_step_);
  return reason;
}

}  // namespace takt
