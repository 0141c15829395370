// SPDX-License-Identifier: BSL-1.0
// Uses the installed component libtorch: a layer that a built-in modifier prunes.
#include <takt/libtorch.hpp>  // clang++ needs it before other headers of LibTorch, as it says

#include <torch/nn/modules/linear.h>
#include <torch/optim/sgd.h>

#include <cstdlib>
#include <iostream>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/takt.hpp>

int main() {
  torch::nn::Linear layer{10, 10};
  torch::optim::SGD optimizer{layer->parameters(), torch::optim::SGDOptions{0.1}};
  takt::libtorch::Model model{layer};
  takt::libtorch::Optimizer rates{optimizer};
  takt::EventBus bus;
  bus.state().set(model);
  bus.state().set(rates);
  bus.emplace<takt::MagnitudePruningModifier>(
      takt::MagnitudePruningSettings{.cadence = {.end = 10, .update = 1},
                                     .targets = {"Linear"},
                                     .ignore = {"bias"},
                                     .final_sparsity = 0.9});
  bus.initialize();
  for (int step = 0; step <= 10; ++step) {
    bus.batch([&](takt::Batch& batch) {
      optimizer.zero_grad();
      const torch::Tensor loss = layer->forward(torch::ones({1, 10})).square().sum();
      batch.loss(loss.item<double>());
      loss.backward();
      batch.step([&] { optimizer.step(); });
    });
  }
  bus.finalize();
  const auto zeros = layer->weight.eq(0).sum().item<int>();
  std::cout << zeros << " of 100 weights are zero\n";
  return zeros == 90 ? EXIT_SUCCESS : EXIT_FAILURE;
}
