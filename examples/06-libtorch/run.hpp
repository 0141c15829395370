// SPDX-License-Identifier: BSL-1.0
/// \file
/// One run under a recipe, from the first weights to a file that has the last ones.
#ifndef EXAMPLES_LIBTORCH_RUN_HPP
#define EXAMPLES_LIBTORCH_RUN_HPP

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <takt/libtorch.hpp>
#include <takt/modifiers/quantization_parameters.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "images.hpp"
#include "networks.hpp"
#include "stage_results.hpp"
#include "torch.hpp"
#include "training.hpp"

struct RunSettings {
  std::string network = "lenet";
  std::uint64_t seed = 1;  // for the first weights, the order of the images and their noise
  std::string trace{};     // where to record it; empty = nowhere
  std::string save{};      // where to save the network; empty = nowhere
};

// Throws std::runtime_error unless a saved network has the parameters of the one that was saved,
// and reads as many of the test images right.
inline void check_saved(const std::string& file, Network& saved, std::shared_ptr<Network> loaded,
                        const ImageSet& images) {
  torch::load(loaded, file);
  const std::vector<torch::Tensor> before = saved.parameters();
  const std::vector<torch::Tensor> after = loaded->parameters();
  const auto same = [](const torch::Tensor& a, const torch::Tensor& b) {
    return torch::equal(a, b);
  };
  if (!std::ranges::equal(before, after, same) ||
      accuracy(saved, images.test) != accuracy(*loaded, images.test)) {
    throw std::runtime_error(file + " is not the network that was saved");
  }
}

inline void write_scales(const std::string& file, const takt::QuantizationParameters& parameters) {
  std::ofstream out{file};
  takt::write_quantization(out, parameters);
  out.close();
  if (!out) throw std::runtime_error(file + " can't be written");
}

// Trains a network from its first weights to the end of a recipe. A network that is saved has its
// quantized weights. Throws std::runtime_error when it does not load back as it was.
inline std::vector<StageResult> run(const ImageSet& images, const takt::Recipe& recipe,
                                    const RunSettings& settings) {
  torch::manual_seed(settings.seed);
  const std::shared_ptr<Network> network = make_network(settings.network, images.size());
  torch::optim::SGD optimizer{
      network->parameters(),
      torch::optim::SGDOptions{0.1}.momentum(0.9).nesterov(true).weight_decay(1e-4)};
  torch::nn::CrossEntropyLoss criterion{
      torch::nn::CrossEntropyLossOptions{}.label_smoothing(images.label_smoothing)};
  Batches batches{images};

  takt::libtorch::Model model{network};
  takt::libtorch::Optimizer rates{optimizer};
  takt::EventBus bus{takt::Event{.steps_per_epoch = batches.count()}};
  bus.state().set(model);
  bus.state().set(rates);
  for (const std::string& warning : bus.apply(recipe)) fmt::print("warning: {}\n", warning);

  StageResults results{bus, model, *network, images, recipe};
  std::optional<takt::TraceRecorder> recorder;
  if (!settings.trace.empty()) recorder.emplace(bus, settings.trace);
  train(bus, *network, criterion, optimizer, batches);
  if (recorder) recorder->close();  // throws when the trace is not whole
  std::vector<StageResult> stages = results.finish();

  if (!settings.save.empty()) {
    if (const auto quantization = quantization_of(bus);
        quantization && stages.back().stage.quantized) {
      quantization->apply(model);
      write_scales(settings.save + ".scales.json", takt::QuantizationParameters::of(bus.state()));
    }
    torch::save(network, settings.save);
    check_saved(settings.save, *network, make_network(settings.network, images.size()), images);
    fmt::print("saved, and loaded back as it was: {}\n", settings.save);
  }
  return stages;
}

#endif
