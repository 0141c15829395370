// SPDX-License-Identifier: BSL-1.0
// How the learning rate modifier is written in recipes: takt's own settings, and those that
// SparseML has for the same schedules.
#include <optional>
#include <string>
#include <vector>

#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/learning_rate.hpp"

namespace takt {
namespace {

/// With SparseML's `lr_class` and `lr_kwargs`; its `init_lr` is the rate that the schedule is
/// about.
struct RecipeSettings : LearningRateSettings {
  std::optional<std::string> lr_class{};
  bool has_lr_kwargs = false;
  std::optional<double> lr_min{};
  std::optional<double> cycle_epochs{};
};

void read_lr_kwargs(RecipeSettings& settings, const SettingValue& value) {
  using Number = SettingType<double>;
  const auto* const map = value.get_if<SettingValue::Map>();
  if (map == nullptr) throw_wrong_type(value, "map");
  settings.has_lr_kwargs = true;
  for (const SettingEntry& entry : *map) {
    if (entry.key == "gamma") {
      settings.gamma = Number::read(entry.value);
    } else if (entry.key == "step_size") {
      settings.step_size = Number::read(entry.value);
    } else if (entry.key == "milestones") {
      settings.milestones = SettingType<std::vector<double>>::read(entry.value);
    } else if (entry.key == "lr_min") {
      settings.lr_min = Number::read(entry.value);
    } else if (entry.key == "cycle_epochs") {
      settings.cycle_epochs = Number::read(entry.value);
    } else {
      throw InvalidModifier("has no " + to_string(SettingValue{entry.key}) +
                            "; there are gamma, step_size, milestones, lr_min and cycle_epochs");
    }
  }
}

/// Its ExponentialLR falls once per epoch, and not at every step.
void take_lr_class(RecipeSettings& settings) {
  if (!settings.lr_class) {
    if (!settings.has_lr_kwargs) return;
    throw InvalidModifier(
        "lr_kwargs comes with lr_class; leave it out, and set gamma, step_size or milestones");
  }
  if (settings.learning_rate || settings.schedule != LearningRateSettings{}.schedule) {
    throw InvalidModifier(
        "lr_class comes with init_lr; leave out learning_rate and schedule, or lr_class");
  }
  if (settings.init_lr == 0.0) {
    throw InvalidModifier(
        "init_lr is not set; with lr_class it is the rate that training starts with");
  }
  settings.learning_rate = settings.init_lr;
  settings.init_lr = 0.0;
  if (*settings.lr_class == "ExponentialLR") {
    settings.schedule = "step";
    settings.step_size = 1.0;
  } else if (*settings.lr_class == "StepLR") {
    settings.schedule = "step";
  } else if (*settings.lr_class == "MultiStepLR") {
    settings.schedule = "multi_step";
  } else {
    if (!settings.cycle_epochs) {
      throw InvalidModifier(*settings.lr_class + " needs lr_kwargs: {cycle_epochs: ...}");
    }
    settings.schedule = "cosine_restarts";
    settings.step_size = settings.cycle_epochs;
    settings.final_lr = settings.lr_min.value_or(0.0);
  }
}

/// SparseML's LearningRateFunctionModifier.
struct FunctionSettings {
  std::string name = "LearningRateFunctionModifier";
  Cadence cadence{};
  std::string lr_func = "linear";
  std::optional<double> init_lr{};
  std::optional<double> final_lr{};

  operator LearningRateSettings() const {  // NOLINT(google-explicit-constructor)
    if (lr_func == "linear" && !final_lr) {
      throw InvalidModifier("final_lr is not set; linear needs it, the rate at end");
    }
    LearningRateSettings settings{.name = name, .cadence = cadence};
    if (lr_func == "linear") {
      settings.schedule = "linear_warmup";
      settings.init_lr = init_lr.value_or(0.0);
      settings.learning_rate = final_lr;
    } else {
      settings.schedule = lr_func;
      settings.learning_rate = init_lr;
      settings.final_lr = final_lr.value_or(0.0);
    }
    return settings;
  }
};

}  // namespace

ModifierType LearningRateModifier::type() {
  using S = RecipeSettings;
  return ModifierBinding<LearningRateModifier, S>{
      "LearningRateModifier", "sets the optimizer's learning rate by a schedule"}
      .setting("learning_rate", &S::learning_rate,
               "the rate that the schedule is about; required, but with lr_class", at_least(0))
      .setting("schedule", &S::schedule, "how the rate goes from start to end", one_of(schedules()))
      .setting("init_lr", &S::init_lr, "of linear_warmup: the rate at start", at_least(0))
      .setting("final_lr", &S::final_lr,
               "of cosine: the rate at end; of cosine_restarts: at the end of a period",
               at_least(0))
      .setting("gamma", &S::gamma,
               "of step, multi_step: the factor of a fall; of exponential: of one index unit",
               more_than(0))
      .setting("step_size", &S::step_size,
               "of step: index units between falls; of cosine_restarts: of a period", more_than(0))
      .setting("milestones", &S::milestones, "of multi_step: indices of the falls")
      .setting("lr_class", &S::lr_class, "SparseML's way to choose a schedule, init_lr its rate",
               one_of({"ExponentialLR", "StepLR", "MultiStepLR", "CosineAnnealingWarmRestarts"}))
      .reads("lr_kwargs", "map", "SparseML's settings of lr_class", read_lr_kwargs)
      .reads("log_types", "anything", "SparseML's; takt logs nothing by itself, so no effect",
             [](S&, const SettingValue&) {})
      .also("log_types", "constant_logging")
      .finish(take_lr_class);
}

ModifierType LearningRateModifier::function_type() {
  using S = FunctionSettings;
  return ModifierBinding<LearningRateModifier, S>{
      "LearningRateFunctionModifier", "moves the learning rate from init_lr to final_lr"}
      .setting("lr_func", &S::lr_func, "how the rate goes from start to end",
               one_of({"linear", "cosine", "constant"}))
      .required("init_lr", &S::init_lr, "the rate at start", at_least(0))
      .setting("final_lr", &S::final_lr, "the rate at end", at_least(0))
      .reads("cycle_epochs", "number", "of SparseML's cyclic_linear, which takt lacks; no effect",
             [](S&, const SettingValue&) {})
      .reads("log_types", "anything", "SparseML's; takt logs nothing by itself, so no effect",
             [](S&, const SettingValue&) {})
      .also("log_types", "constant_logging");
}

}  // namespace takt
