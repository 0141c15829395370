// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/gradient_clip.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/norms.hpp"

namespace takt {
namespace {

[[noreturn]] void refuse(const GradientClipSettings& settings, const std::string& problem) {
  throw InvalidModifier("gradient clip modifier \"" + settings.name + "\": " + problem);
}

std::optional<double> bound_of(const GradientClipSettings& settings, const char* field,
                               std::optional<double> bound) {
  if (!settings.max_norm && !settings.max_value) {
    refuse(settings, "neither max_norm nor max_value is set; one of them at least is");
  }
  if (!bound || (std::isfinite(*bound) && *bound > 0.0)) return bound;
  refuse(settings,
         std::string{field} + " is " + detail::text_of(*bound) + "; it is a number, more than 0");
}

}  // namespace

GradientClipModifier::GradientClipModifier(GradientClipSettings settings)
    : Modifier{settings.name, settings.cadence, {.due = EventType::OPTIM_PRE_STEP}},
      targets_{std::move(settings.targets)},
      ignore_{std::move(settings.ignore)},
      max_norm_{bound_of(settings, "max_norm", settings.max_norm)},
      max_value_{bound_of(settings, "max_value", settings.max_value)} {}

ModifierType GradientClipModifier::type() {
  using S = GradientClipSettings;
  return ModifierBinding<GradientClipModifier, S>{"GradientClipModifier",
                                                  "bounds gradients by their norm or their size"}
      .setting("targets", &S::targets,
               "which parameters: names, re: and a regular expression, layer kinds, __ALL__ or "
               "__ALL_PRUNABLE__")
      .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise")
      .setting("max_norm", &S::max_norm, "L2 norm of all their gradients together; unset = any",
               more_than(0))
      .setting("max_value", &S::max_value, "magnitude of each number in them; unset = any",
               more_than(0));
}

// Targets that choose nothing are told before training starts, not when the window opens.
void GradientClipModifier::on_initialize(State& state, const Event&) {
  (void)select(state.get<Model>(), targets_, ignore_);
}

void GradientClipModifier::on_start(State& state, const Event&) {
  positions_ = select(state.get<Model>(), targets_, ignore_);
}

void GradientClipModifier::on_update(State& state, const Event&) {
  auto& model = state.get<Model>();
  last_norm_ = norm_of(model);
  state.metrics["gradient_norm"] = last_norm_;
  if (!std::isfinite(last_norm_)) return;

  const bool scales = max_norm_ && last_norm_ > *max_norm_;
  if (!scales && !max_value_) return;
  const double factor = scales ? *max_norm_ / (last_norm_ + 1e-6) : 1.0;
  const double bound = max_value_.value_or(std::numeric_limits<double>::infinity());
  for (const std::size_t position : positions_) {
    for (float& number : model.parameter(position).gradients) {
      number = static_cast<float>(std::clamp(number * factor, -bound, bound));
    }
  }
}

void GradientClipModifier::save(std::ostream& out) {
  detail::StateWriter{out, "GradientClipModifier"}(last_norm_);
}

void GradientClipModifier::load(State& state, const Event& event, std::istream& in) {
  double last_norm = 0.0;
  detail::StateReader{in, "GradientClipModifier"}(last_norm);
  if (phase() == Phase::active) on_start(state, event);
  last_norm_ = last_norm;
}

double GradientClipModifier::norm_of(Model& model) const {
  double sum = 0.0;
  for (const std::size_t position : positions_) {
    sum += kernels::sum_of_squares(model.parameter(position).gradients);
  }
  return std::sqrt(sum);
}

}  // namespace takt
