// SPDX-License-Identifier: BSL-1.0
/// \file
/// Every built-in modifier, with settings of every kind, for trainings that are resumed.
#ifndef TAKT_TESTS_RESUME_CASES_HPP
#define TAKT_TESTS_RESUME_CASES_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <takt/modifiers/checkpoint_modifier.hpp>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/early_stopping.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/epoch_range.hpp>
#include <takt/modifiers/gradient_clip.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/metrics.hpp>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/modifiers/progress.hpp>
#include <takt/modifiers/quantization.hpp>
#include <takt/modifiers/set_learning_rate.hpp>
#include <takt/modifiers/timer.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "resumed_training.hpp"

namespace takt::test::training {

struct Case {
  std::string name{};
  Make make{};
};

/// In steps; less than 0 is unset.
inline Cadence steps(const Place& at, double first, double last = -1, double update = -1) {
  const auto index = [&at](double step) {
    return step < 0 ? std::optional<double>{} : std::optional<double>{step * at.unit};
  };
  return {.start = index(first), .end = index(last), .update = index(update)};
}

template <class Kind, class Fill>
Case a_case(std::string name, Fill fill) {
  return {std::move(name), [fill](const Place& at) {
            auto settings = fill(at);
            settings.name = at.name;
            return std::make_shared<Kind>(std::move(settings));
          }};
}

inline std::vector<Case> pruning_cases() {
  std::vector<Case> cases;
  using Settings = MagnitudePruningSettings;
  const auto add = [&cases](const std::string& name, auto fill) {
    cases.push_back(a_case<MagnitudePruningModifier>("magnitude pruning, " + name, fill));
  };
  for (const std::string structure :
       {"unstructured", "2:4", "channel", "filter", "block_2,2", "block_1,4"}) {
    add(structure, [structure](const Place& at) {
      return Settings{.cadence = steps(at, 1, 6, 2),
                      .init_sparsity = 0.25,
                      .final_sparsity = 0.5,
                      .mask_structure = structure};
    });
  }
  for (const std::string scheduler : {"linear", "cubic", "polynomial", "polynomial_decay"}) {
    add(scheduler, [scheduler](const Place& at) {
      return Settings{.cadence = steps(at, 0, 7, 1),
                      .final_sparsity = 0.75,
                      .update_scheduler = scheduler,
                      .leave_enabled = scheduler == "linear"};
    });
  }
  add("multi_step", [](const Place& at) {
    return Settings{.cadence = steps(at, 1),
                    .targets = {"re:.*weight"},
                    .init_sparsity = 0.0,
                    .update_scheduler = "multi_step",
                    .milestones = {{2 * at.unit, 0.25}, {5 * at.unit, 0.5}}};
  });
  cases.push_back(a_case<ConstantPruningModifier>("constant pruning", [](const Place& at) {
    return ConstantPruningSettings{.cadence = steps(at, 2, 7)};
  }));
  cases.push_back(a_case<ConstantPruningModifier>("constant pruning without an end", [](auto& at) {
    return ConstantPruningSettings{.cadence = steps(at, 3)};
  }));
  return cases;
}

inline std::vector<Case> averaging_and_quantization_cases() {
  std::vector<Case> cases;
  cases.push_back(a_case<EMAModifier>("averages", [](const Place& at) {
    return EMASettings{.cadence = steps(at, 1, 7, 2), .decay = 0.75};
  }));
  cases.push_back(a_case<EMAModifier>("averages with a warm-up", [](const Place&) {
    return EMASettings{.targets = {"re:.*weight"}, .decay = 0.875, .warm_up = true};
  }));
  for (const std::string scheme : {"W8A16", "W4A16", "W2A16_ASYM"}) {
    cases.push_back(a_case<QuantizationModifier>("quantization, " + scheme, [scheme](auto& at) {
      return QuantizationSettings{.cadence = steps(at, 1, 6, 2), .scheme = scheme};
    }));
  }
  cases.push_back(a_case<QuantizationModifier>("quantization by the least error", [](auto& at) {
    return QuantizationSettings{
        .cadence = steps(at, 2, -1, 3), .scheme = "W3A16", .weight_observer = "mse"};
  }));
  return cases;
}

inline std::vector<Case> control_cases() {
  std::vector<Case> cases;
  for (const std::string action : {"stop", "skip", "restore"}) {
    cases.push_back(a_case<NanGuardModifier>("NaN guard, " + action, [action](const Place& at) {
      return NanGuardSettings{.cadence = steps(at, 1),
                              .watch = {"loss", "gradients", "weights"},
                              .action = action,
                              .patience = 2};
    }));
  }
  cases.push_back(a_case<EarlyStoppingModifier>("early stopping", [](const Place& at) {
    return EarlyStoppingSettings{
        .cadence = steps(at, 1, -1, 1), .patience = 3, .check_finite = false, .save_best = true};
  }));
  cases.push_back(a_case<EarlyStoppingModifier>("early stopping at a threshold", [](const Place&) {
    return EarlyStoppingSettings{.mode = MonitorMode::max, .patience = 2, .threshold = 20.0};
  }));
  cases.push_back(a_case<EarlyStoppingModifier>("early stopping without a value", [](auto& at) {
    return EarlyStoppingSettings{
        .cadence = steps(at, 1, -1, 1), .monitor = "accuracy", .patience = 4};
  }));
  cases.push_back(a_case<EpochRangeModifier>("epoch range", [](const Place& at) {
    return EpochRangeSettings{.cadence = steps(at, 1, 6)};
  }));
  cases.push_back(a_case<GradientClipModifier>("gradient clip by norm", [](const Place& at) {
    return GradientClipSettings{.cadence = steps(at, 1, 7, 2), .max_norm = 0.5};
  }));
  cases.push_back(a_case<GradientClipModifier>("gradient clip by value", [](const Place&) {
    return GradientClipSettings{.max_value = 0.25};
  }));
  return cases;
}

inline std::vector<Case> rate_cases() {
  std::vector<Case> cases;
  const auto add = [&cases](const std::string& schedule) {
    cases.push_back(a_case<LearningRateModifier>("learning rate, " + schedule, [=](auto& at) {
      LearningRateSettings settings{
          .cadence = steps(at, 1, 7), .schedule = schedule, .learning_rate = 0.25};
      if (schedule == "linear_warmup") settings.init_lr = 0.01;
      if (schedule == "cosine" || schedule == "cosine_restarts") settings.final_lr = 0.01;
      if (schedule == "step" || schedule == "multi_step") settings.gamma = 0.5;
      if (schedule == "exponential") settings.gamma = 0.75;
      if (schedule == "step" || schedule == "cosine_restarts") settings.step_size = 2 * at.unit;
      if (schedule == "multi_step") settings.milestones = {3 * at.unit, 5 * at.unit};
      return settings;
    }));
  };
  for (const char* const schedule : {"constant", "step", "multi_step", "exponential", "cosine",
                                     "cosine_restarts", "linear_warmup"}) {
    add(schedule);
  }
  cases.push_back(a_case<SetLearningRateModifier>("a rate that is set once", [](auto& at) {
    return SetLearningRateSettings{.cadence = steps(at, 2, 5), .learning_rate = 0.0625};
  }));
  return cases;
}

inline std::vector<Case> logging_cases() {
  std::vector<Case> cases;
  cases.push_back(a_case<TimerModifier>("timer", [](const Place& at) {
    return TimerSettings{
        .cadence = steps(at, 1, 7, 2), .print = true, .stream = &at.out, .clock = [] {
          return std::int64_t{0};
        }};
  }));
  cases.push_back(a_case<ProgressModifier>("progress", [](const Place& at) {
    return ProgressSettings{.cadence = steps(at, 1, -1, 2),
                            .total_steps = 9,
                            .stream = &at.out,
                            .mode = ProgressMode::lines,
                            .clock = [] { return std::chrono::steady_clock::time_point{}; }};
  }));
  return cases;
}

/// Those that write files.
inline std::vector<Case> file_cases() {
  std::vector<Case> cases;
  for (const std::string ending : {"csv", "jsonl"}) {
    cases.push_back(a_case<MetricsModifier>("metrics, " + ending, [ending](const Place& at) {
      return MetricsSettings{.cadence = steps(at, 1, 5),
                             .file = (at.folder / ("metrics." + ending)).string(),
                             .clock = [] { return std::chrono::steady_clock::time_point{}; }};
    }));
  }
  cases.push_back(a_case<CheckpointModifier>("checkpoints", [](const Place& at) {
    return CheckpointSettings{
        .cadence = steps(at, 1, -1, 2), .folder = (at.folder / "checkpoints").string(), .keep = 2};
  }));
  return cases;
}

/// All others.
inline const std::vector<Case>& every_case() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> all;
    for (const auto& some : {pruning_cases(), averaging_and_quantization_cases(), control_cases(),
                             rate_cases(), logging_cases()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }();
  return cases;
}

}  // namespace takt::test::training

#endif
