// SPDX-License-Identifier: BSL-1.0
/// \file
/// The training loop, and how good a network is. What happens to the weights meanwhile is in the
/// recipe that the bus was given.
#ifndef EXAMPLES_LIBTORCH_TRAINING_HPP
#define EXAMPLES_LIBTORCH_TRAINING_HPP

#include <algorithm>
#include <cstdint>
#include <takt/takt.hpp>

#include "images.hpp"
#include "networks.hpp"
#include "torch.hpp"

// Trains until a modifier asks to stop.
inline void train(takt::EventBus& bus, Network& network, torch::nn::CrossEntropyLoss& criterion,
                  torch::optim::Optimizer& optimizer, Batches& batches) {
  const takt::Control& control = bus.state().control;
  bus.initialize();
  while (!control.stop_requested()) {
    batches.shuffle();
    for (std::int64_t i = 0; i < batches.count() && !control.stop_requested(); ++i) {
      bus.batch([&](takt::Batch& batch) {
        const auto [images, labels] = batches.draw(i);
        optimizer.zero_grad();
        const torch::Tensor loss = criterion(network.forward(images), labels);
        batch.loss(loss.item<float>());
        loss.backward();
        batch.step([&] { optimizer.step(); });
      });
    }
  }
  bus.finalize();
}

// The share of images that are read right, 0 to 1.
inline double accuracy(Network& network, const LabelledImages& samples) {
  constexpr std::int64_t at_once = 1000;  // what a convolution makes of more takes much memory
  const torch::NoGradGuard no_gradients;
  std::int64_t right = 0;
  for (std::int64_t first = 0; first < samples.count(); first += at_once) {
    const std::int64_t count = std::min(at_once, samples.count() - first);
    const torch::Tensor scores = network.forward(samples.images.narrow(0, first, count));
    right += scores.argmax(1).eq(samples.labels.narrow(0, first, count)).sum().item<std::int64_t>();
  }
  return static_cast<double>(right) / static_cast<double>(samples.count());
}

#endif
