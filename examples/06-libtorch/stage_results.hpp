// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a network is like after each stage of its training.
#ifndef EXAMPLES_LIBTORCH_STAGE_RESULTS_HPP
#define EXAMPLES_LIBTORCH_STAGE_RESULTS_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <takt/modifiers/quantization.hpp>
#include <takt/modifiers/quantization_parameters.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "images.hpp"
#include "networks.hpp"
#include "stages.hpp"
#include "training.hpp"

using Clock = std::chrono::steady_clock;

// Measures how long a bus's modifiers run, observers excepted that are connected before it.
class ModifierTime {
 public:
  // The bus emits nothing after this is gone.
  explicit ModifierTime(takt::EventBus& bus) {
    using enum takt::EventType;
    for (const takt::EventType type :
         {BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}) {
      bus.connect(
          type, [this](const auto&...) { begin_ = Clock::now(); }, takt::At::before);
      bus.connect(type, [this](const auto&...) { sum_ += Clock::now() - begin_; });
    }
  }
  ModifierTime(const ModifierTime&) = delete;
  ModifierTime& operator=(const ModifierTime&) = delete;

  Clock::duration sum() const { return sum_; }

 private:
  Clock::duration sum_{};
  Clock::time_point begin_{};
};

// Of a weight matrix, or of the filters of a convolution; biases are not counted.
struct WeightCount {
  std::string name{};
  std::int64_t zeros = 0;
  std::int64_t elements = 0;
  std::int64_t bits = 32;  // of an element
};

// The network after a stage.
struct StageResult {
  Stage stage{};
  double accuracy = 0.0;            // 0 to 1, with quantized weights where they are quantized
  std::optional<double> rounded{};  // before a stage that quantizes: with its weights, untrained
  std::vector<WeightCount> weights{};
  double bytes = 0.0;         // see `stored_bytes`
  Clock::duration time{};     // of the stage, without measuring
  Clock::duration in_takt{};  // of it, what modifiers took
};

// The bus's one modifier that quantizes, null when it has none. Throws std::runtime_error when it
// has several: what is measured here is what one does.
inline std::shared_ptr<takt::QuantizationModifier> quantization_of(const takt::EventBus& bus) {
  std::shared_ptr<takt::QuantizationModifier> only;
  for (const std::shared_ptr<takt::Modifier>& modifier : bus.modifiers()) {
    auto found = std::dynamic_pointer_cast<takt::QuantizationModifier>(modifier);
    if (found && only) {
      throw std::runtime_error(
          "the recipe has two QuantizationModifiers; use the config_groups of one");
    }
    if (found) only = std::move(found);
  }
  return only;
}

// What there is of the weights of a model, and how they are quantized; `quantized` may be null.
inline std::vector<WeightCount> count_weights(takt::Model& model,
                                              const takt::QuantizationParameters* quantized) {
  std::vector<WeightCount> counts;
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    const takt::Parameter parameter = model.parameter(i);
    if (parameter.shape.size() < 2) continue;
    const auto* how = quantized ? quantized->find(parameter.name) : nullptr;
    counts.push_back({.name = std::string{parameter.name},
                      .zeros = std::ranges::count(parameter.values, 0.0F),
                      .elements = static_cast<std::int64_t>(parameter.values.size()),
                      .bits = how ? how->weights.num_bits : 32});
  }
  return counts;
}

// The bytes of a file with all parameters: of a weight with zeros enough, a bit for each element
// that says whether it is zero, and the others; of one that is quantized, scales and zero points
// besides.
inline double stored_bytes(takt::Model& model, const std::vector<WeightCount>& weights,
                           const takt::QuantizationParameters* quantized) {
  double bits = 0.0;
  for (std::size_t i = 0; i < model.parameter_count(); ++i) {
    const takt::Parameter parameter = model.parameter(i);
    if (parameter.shape.size() < 2) bits += 32.0 * static_cast<double>(parameter.values.size());
  }
  for (const WeightCount& weight : weights) {
    const auto each = static_cast<double>(weight.bits);
    const auto elements = static_cast<double>(weight.elements);
    const auto others = static_cast<double>(weight.elements - weight.zeros);
    bits += std::min(each * elements, elements + each * others);
    const auto* how = quantized ? quantized->find(weight.name) : nullptr;
    if (!how) continue;
    const double zero_point = how->weights.symmetric ? 0.0 : each;
    bits += (32.0 + zero_point) * static_cast<double>(how->affines.size());
  }
  return bits / 8.0;
}

// Collects the results of a run's stages while it goes on.
class StageResults {
 public:
  // All outlive it. Before the bus is initialized, with the recipe's modifiers on it.
  StageResults(takt::EventBus& bus, takt::Model& model, Network& network, const ImageSet& images,
               const takt::Recipe& recipe)
      : state_{bus.state()},
        model_{model},
        network_{network},
        images_{images},
        recipe_{recipe},
        quantization_{quantization_of(bus)} {
    at_stage_ends(bus, stages_of(recipe),
                  [this](const Stage& stage, const takt::Event& next) { measure(stage, &next); });
    modifiers_.emplace(bus);
  }
  StageResults(const StageResults&) = delete;
  StageResults& operator=(const StageResults&) = delete;

  // Once training is over: all stages that it came to.
  std::vector<StageResult> finish() {
    measure(stages_of(recipe_).at(results_.size()), nullptr);
    return std::move(results_);
  }

 private:
  // `next` is the first event of the stage that follows, null when none does.
  void measure(const Stage& stage, const takt::Event* next) {
    StageResult result{.stage = stage,
                       .time = Clock::now() - begin_,
                       .in_takt = modifiers_->sum() - in_takt_before_};
    const auto look = [&](const takt::QuantizationParameters* quantized) {
      result.accuracy = accuracy(network_, images_.test);
      result.weights = count_weights(model_, quantized);
      result.bytes = stored_bytes(model_, result.weights, quantized);
    };
    if (stage.quantized) {
      quantization_->with_quantized(model_,
                                    [&] { look(&takt::QuantizationParameters::of(state_)); });
    } else {
      look(nullptr);
    }
    const bool quantized_next =
        next && quantization_ && !stage.quantized &&
        next->current_index() >= quantization_->cadence().start.value_or(0.0);
    if (quantized_next) result.rounded = rounded_accuracy(*next);
    results_.push_back(std::move(result));
    in_takt_before_ = modifiers_->sum();
    begin_ = Clock::now();
  }

  // What the recipe's quantization makes of the weights as they are: on a bus of its own, where
  // nothing is trained.
  double rounded_accuracy(const takt::Event& now) {
    takt::EventBus bus{takt::Event{.steps_per_epoch = now.steps_per_epoch,
                                   .global_step = now.global_step,
                                   .global_batch = now.global_batch}};
    bus.state().set(model_);
    for (const std::shared_ptr<takt::Modifier>& modifier : recipe_.make()) {
      if (std::dynamic_pointer_cast<takt::QuantizationModifier>(modifier)) bus.add(modifier);
    }
    double result = 0.0;
    bus.initialize();
    bus.calibration_epoch([&] {
      quantization_of(bus)->with_quantized(model_,
                                           [&] { result = accuracy(network_, images_.test); });
    });
    bus.finalize();
    return result;
  }

  takt::State& state_;
  takt::Model& model_;
  Network& network_;
  const ImageSet& images_;
  const takt::Recipe& recipe_;
  std::shared_ptr<takt::QuantizationModifier> quantization_;
  std::optional<ModifierTime> modifiers_;
  std::vector<StageResult> results_;
  Clock::time_point begin_ = Clock::now();
  Clock::duration in_takt_before_{};
};

#endif
