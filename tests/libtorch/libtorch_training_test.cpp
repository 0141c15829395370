// SPDX-License-Identifier: BSL-1.0
// A network of two layers, trained under a recipe, and the same training written out with
// LibTorch's own operators.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <string>
#include <takt/libtorch.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "torch.hpp"

namespace {

constexpr int steps = 40;

const char* const recipe = R"(
pruning_stage:
  pruning_modifiers:
    MagnitudePruningModifier:
      {start: 4, end: 16, update: 4, targets: [Linear], ignore: ['re:.*bias'],
       init_sparsity: 0.0, final_sparsity: 0.75, update_scheduler: linear}
    ConstantPruningModifier: {start: 16, targets: ['re:.*weight']}
training_stage:
  training_modifiers:
    GradientClipModifier: {max_norm: 0.5}
    LearningRateModifier: {schedule: cosine, end: 40, learning_rate: 0.5, final_lr: 0.05}
    NanGuardModifier: {action: restore}
    EMAModifier: {decay: 0.9}
)";

struct NetImpl : torch::nn::Module {
  NetImpl() {
    hidden = register_module("hidden", torch::nn::Linear{4, 16});
    output = register_module("output", torch::nn::Linear{16, 2});
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return output->forward(torch::relu(hidden->forward(x)));
  }

  torch::nn::Linear hidden{nullptr};
  torch::nn::Linear output{nullptr};
};
TORCH_MODULE(Net);

/// Points, and on which side of a bent border they lie; the network and its optimizer.
struct Training {
  Training() {
    at::set_num_threads(1);
    torch::manual_seed(7);
    net = Net{};
    points = torch::randn({64, 4});
    sides =
        (points.select(1, 0) * points.select(1, 1) + points.select(1, 2)).gt(0).to(torch::kLong);
    optimizer = std::make_unique<torch::optim::SGD>(
        net->parameters(),
        torch::optim::SGDOptions{0.5}.momentum(0.9).nesterov(true).weight_decay(1e-4));
  }
  torch::Tensor loss() { return torch::nn::functional::cross_entropy(net->forward(points), sides); }

  Net net{nullptr};
  torch::Tensor points{};
  torch::Tensor sides{};
  std::unique_ptr<torch::optim::SGD> optimizer{};
};

/// What the recipe says, without takt.
class WrittenOut {
 public:
  explicit WrittenOut(Training& training) : training_{training} {
    for (const torch::Tensor& parameter : training_.net->parameters()) {
      averages.push_back(parameter.detach().clone());
      masks_.push_back(torch::ones_like(parameter).detach());
    }
  }

  void step(int i) {
    const double t = static_cast<double>(i) / steps;
    auto& options =
        static_cast<torch::optim::SGDOptions&>(training_.optimizer->param_groups()[0].options());
    options.lr(0.05 + 0.225 * (1.0 + std::cos(std::numbers::pi * t)));
    if (i >= 4 && i <= 16 && i % 4 == 0) prune(0.75 * (i - 4) / 12.0);
    training_.optimizer->zero_grad();
    training_.loss().backward();
    const torch::NoGradGuard no_gradients;
    const std::vector<torch::Tensor> parameters = training_.net->parameters();
    double squares = 0.0;
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      parameters[p].mutable_grad() *= masks_[p];
      squares += parameters[p].grad().to(torch::kDouble).square().sum().item<double>();
    }
    const double norm = std::sqrt(squares);
    for (std::size_t p = 0; p < parameters.size() && norm > 0.5; ++p) {
      parameters[p].mutable_grad() *= 0.5 / (norm + 1e-6);
    }
    training_.optimizer->step();
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      torch::Tensor values = parameters[p].detach();
      values *= masks_[p];
      averages[p] = 0.9 * averages[p] + 0.1 * values;
    }
  }

  std::vector<torch::Tensor> averages{};

 private:
  void prune(double sparsity) {
    const torch::NoGradGuard no_gradients;
    const std::vector<torch::Tensor> parameters = training_.net->parameters();
    for (std::size_t p = 0; p < parameters.size(); p += 2) {  // the weights
      const torch::Tensor sizes = parameters[p].abs().flatten();
      const auto pruned = static_cast<std::int64_t>(sparsity * static_cast<double>(sizes.numel()));
      torch::Tensor mask = torch::ones_like(sizes);
      mask.index_fill_(0, sizes.argsort().narrow(0, 0, pruned), 0.0);
      masks_[p] = mask.view_as(parameters[p]);
      torch::Tensor values = parameters[p].detach();
      values *= masks_[p];
    }
  }

  Training& training_;
  std::vector<torch::Tensor> masks_{};
};

std::int64_t zeros(const torch::Tensor& tensor) { return tensor.eq(0).sum().item<std::int64_t>(); }

/// The same zeros, and the same numbers but for the order in which a norm was added up.
void check_equal(const torch::Tensor& a, const torch::Tensor& b) {
  BOOST_TEST(a.eq(0).equal(b.eq(0)));
  BOOST_TEST(torch::allclose(a, b, 1e-4, 1e-6));
}

BOOST_AUTO_TEST_SUITE(libtorch_training)

BOOST_AUTO_TEST_CASE(a_recipe_trains_a_network_as_the_same_steps_written_out_do) {
  Training written_out;
  WrittenOut reference{written_out};
  for (int i = 0; i < steps; ++i) reference.step(i);

  Training training;
  const Net& net = training.net;
  takt::libtorch::Model model{net};
  takt::libtorch::Optimizer rates{*training.optimizer};
  takt::EventBus bus;
  bus.state().set(model);
  bus.state().set(rates);
  BOOST_TEST(bus.apply(takt::Recipe::from_string(recipe)).empty());
  const double first = training.loss().item<double>();
  bus.initialize();
  for (int i = 0; i < steps; ++i) {
    bus.batch([&](takt::Batch& batch) {
      training.optimizer->zero_grad();
      const torch::Tensor loss = training.loss();
      batch.loss(loss.item<double>());
      loss.backward();
      batch.step([&] { training.optimizer->step(); });
    });
  }
  bus.finalize();

  BOOST_TEST(zeros(net->hidden->weight) == 48);
  BOOST_TEST(zeros(net->output->weight) == 24);
  BOOST_TEST(training.loss().item<double>() < first / 2);
  const std::vector<torch::Tensor> weights = net->parameters();
  const std::vector<torch::Tensor> expected = written_out.net->parameters();
  for (std::size_t p = 0; p < weights.size(); ++p) check_equal(weights[p], expected[p]);

  std::shared_ptr<takt::EMAModifier> ema;
  for (const auto& modifier : bus.modifiers()) {
    if (auto found = std::dynamic_pointer_cast<takt::EMAModifier>(modifier)) ema = found;
  }
  BOOST_REQUIRE(ema);
  ema->with_averages(model, [&] {
    for (std::size_t p = 0; p < weights.size(); ++p) {
      BOOST_TEST(torch::allclose(weights[p], reference.averages[p], 1e-4, 1e-6));
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
