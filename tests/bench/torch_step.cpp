// SPDX-License-Identifier: BSL-1.0
// torch step: what a step of a small network takes in LibTorch, on one thread, and what the bus
// adds to it when nothing is due.

// clang++ needs the first header before any other of LibTorch; see <takt/libtorch.hpp>.
#include <ATen/core/ivalue.h>

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>

#include "counting_modifier.hpp"
#include "workload.hpp"

namespace takt::bench {
namespace {

constexpr int modifier_count = 10;
constexpr std::int64_t batch_size = 64;

/// The calls alone: of every two modifiers one waits for a far step, and the other for its window.
void bus_calls(benchmark::State& state) {
  EventBus bus{Event{.global_step = first_step}};
  CountingModifiers modifiers;
  for (int i = 0; i < modifier_count; ++i) {
    const Cadence cadence =
        i % 2 == 0 ? Cadence{.update = 1e12 + i} : Cadence{.start = 1e12 + i, .update = 1};
    modifiers.push_back(make_modifier(i, cadence));
    bus.add(modifiers.back());
  }
  bus.initialize();
  for (auto _ : state) run_batch(bus);
  require(calls(modifiers) == 0, "torch step: something was due");
  measure_each(state, 1, "step");
}

/// LeNet-300-100 on images of MNIST's size (LeCun et al. 1998), without a bus.
void step(benchmark::State& state) {
  at::set_num_threads(1);
  torch::manual_seed(1);
  torch::nn::Sequential net{torch::nn::Linear{784, 300}, torch::nn::ReLU{},
                            torch::nn::Linear{300, 100}, torch::nn::ReLU{},
                            torch::nn::Linear{100, 10}};
  torch::optim::SGD optimizer{net->parameters(), torch::optim::SGDOptions{0.01}.momentum(0.9)};
  const torch::Tensor images = torch::rand({batch_size, 784});
  const torch::Tensor labels = torch::randint(10, {batch_size}, torch::kLong);
  double last = 0.0;
  for (auto _ : state) {
    optimizer.zero_grad();
    const torch::Tensor loss = torch::nn::functional::cross_entropy(net->forward(images), labels);
    last = loss.item<double>();
    loss.backward();
    optimizer.step();
  }
  require(std::isfinite(last), "torch step: the loss is not finite");
  measure_each(state, 1, "step");
}

}  // namespace

void define_torch_step() {
  define("torch step/bus calls", bus_calls);
  define("torch step/LeNet-300-100", step);
}

}  // namespace takt::bench
