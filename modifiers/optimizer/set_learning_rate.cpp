// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/set_learning_rate.hpp"

#include <cmath>

#include "number_text.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

double rate_of(const SetLearningRateSettings& settings) {
  const std::string problem =
      "set learning rate modifier \"" + settings.name + "\": learning_rate ";
  if (!settings.learning_rate)
    throw InvalidModifier(problem + "is not set; it is a number, 0 or more");
  const double rate = *settings.learning_rate;
  if (std::isfinite(rate) && rate >= 0.0) return rate;
  throw InvalidModifier(problem + "is " + detail::text_of(rate) + "; it is a number, 0 or more");
}

}  // namespace

SetLearningRateModifier::SetLearningRateModifier(const SetLearningRateSettings& settings)
    : Modifier{settings.name, settings.cadence, {}}, rate_{rate_of(settings)} {}

ModifierType SetLearningRateModifier::type() {
  using S = SetLearningRateSettings;
  return ModifierBinding<SetLearningRateModifier, S>{"SetLearningRateModifier",
                                                     "sets the learning rate once, at its start"}
      .required("learning_rate", &S::learning_rate, "the rate", at_least(0))
      .reads("log_types", "anything", "SparseML's; takt logs nothing by itself, so no effect",
             [](S&, const SettingValue&) {})
      .also("log_types", "constant_logging");
}

void SetLearningRateModifier::on_start(State& state, const Event&) {
  state.get<Optimizer>().set_learning_rate(rate_);
}

}  // namespace takt
