// SPDX-License-Identifier: BSL-1.0
// Every built-in modifier on a LibTorch module and optimizer, against steps computed by hand.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <takt/libtorch.hpp>
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
#include <vector>

#include "error_text.hpp"
#include "scratch_folder.hpp"
#include "torch.hpp"

namespace {

using takt::test::has;
using Numbers = std::vector<float>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// A layer of four weights, whose gradients are what a step is given: its loss is their product.
/// Plain SGD at a rate of 0.5, so that a weight loses half its gradient.
struct Training {
  explicit Training(const Numbers& start = {4, -3, 2, -1}) {
    set_weights(start);
    bus.state().set(model);
    bus.state().set(rates);
  }

  void set_weights(const Numbers& numbers) {
    const torch::NoGradGuard no_gradients;
    fc->weight.copy_(torch::tensor(numbers).view({1, 4}));
  }
  [[nodiscard]] Numbers weights() const {
    const auto* const first = fc->weight.data_ptr<float>();
    return {first, first + 4};
  }

  void step(const Numbers& gradients = {1, 1, 1, 1}) {
    bus.batch([&](takt::Batch& batch) {
      optimizer.zero_grad();
      const torch::Tensor loss = (fc->weight * torch::tensor(gradients)).sum();
      batch.loss(loss.item<double>());
      loss.backward();
      batch.step([&] { optimizer.step(); });
    });
  }

  void check_weights(const Numbers& expected) const {
    BOOST_TEST(weights() == expected, boost::test_tools::per_element());
  }

  torch::nn::Linear fc{torch::nn::LinearOptions{4, 1}.bias(false)};
  torch::optim::SGD optimizer{fc->parameters(), torch::optim::SGDOptions{0.5}};
  takt::libtorch::Model model{fc};
  takt::libtorch::Optimizer rates{optimizer};
  takt::EventBus bus{};
};

BOOST_AUTO_TEST_SUITE(libtorch_steps)

BOOST_AUTO_TEST_CASE(magnitude_pruning_zeroes_ever_more_weights_and_holds_them) {
  Training training;
  training.bus.emplace<takt::MagnitudePruningModifier>(
      takt::MagnitudePruningSettings{.cadence = {.start = 0, .end = 2, .update = 1},
                                     .targets = {"Linear"},
                                     .init_sparsity = 0.25,
                                     .final_sparsity = 0.75,
                                     .update_scheduler = "linear"});
  training.bus.initialize();
  training.step();
  training.check_weights({3.5F, -3.5F, 1.5F, 0});
  training.step();
  training.check_weights({3, -4, 0, 0});
  training.step();
  training.check_weights({0, -4.5F, 0, 0});
  training.step();  // its window has closed
  training.check_weights({-0.5F, -5, -0.5F, -0.5F});
}

BOOST_AUTO_TEST_CASE(quantization_runs_on_rounded_weights_and_moves_the_full_precision_ones) {
  Training training{{7.5F, 2.25F, -3.5F, 0.75F}};
  const auto quantization = training.bus.emplace<takt::QuantizationModifier>(
      takt::QuantizationSettings{.targets = {"Linear"}, .scheme = "W4A16"});
  training.bus.initialize();
  training.bus.batch([&](takt::Batch& batch) {
    training.check_weights({7, 2, -4, 1});  // a scale of 7.5 / 7.5
    training.optimizer.zero_grad();
    const torch::Tensor loss = 0.5F * training.fc->weight.square().sum();
    batch.loss(loss.item<double>());
    loss.backward();  // the gradient is the rounded weight
    batch.step([&] {
      training.check_weights({7.5F, 2.25F, -3.5F, 0.75F});
      training.optimizer.step();
    });
  });
  BOOST_TEST(*training.bus.state().loss == 35.0);
  training.check_weights({4, 1.25F, -1.5F, 0.25F});
  quantization->with_quantized(training.model, [&] { training.check_weights({4, 1, -2, 0}); });
  training.check_weights({4, 1.25F, -1.5F, 0.25F});
}

BOOST_AUTO_TEST_CASE(full_precision_weights_come_back_though_their_gradient_is_sparse) {
  for (const takt::ErrorPolicy errors :
       {takt::ErrorPolicy::propagate, takt::ErrorPolicy::collect, takt::ErrorPolicy::quarantine}) {
    torch::nn::Embedding embedding{torch::nn::EmbeddingOptions{2, 2}.sparse(true)};
    const torch::Tensor start = torch::tensor({7.5F, 2.25F, -3.5F, 15.0F}).view({2, 2});
    embedding->weight.set_data(start.clone());
    torch::optim::SGD optimizer{embedding->parameters(), torch::optim::SGDOptions{0.5}};
    takt::libtorch::Model model{embedding};
    takt::EventBus bus{{}, {.errors = errors}};
    bus.state().set(model);
    const auto quantization =
        bus.emplace<takt::QuantizationModifier>(takt::QuantizationSettings{.scheme = "W4A16"});
    bus.initialize();
    for (int i = 0; i < 2; ++i) {
      bus.batch([&](takt::Batch& batch) {
        BOOST_TEST(!torch::equal(embedding->weight, start));
        optimizer.zero_grad();
        embedding->forward(torch::tensor({1})).sum().backward();
        batch.step([&] { optimizer.step(); });
      });
    }
    BOOST_TEST((quantization->phase() == takt::Phase::active));
    const torch::Tensor moved = torch::tensor({7.5F, 2.25F, -4.5F, 14.0F}).view({2, 2});
    BOOST_TEST(torch::equal(embedding->weight, moved));
  }
}

BOOST_AUTO_TEST_CASE(magnitude_pruning_holds_against_momentum) {
  Training training;
  static_cast<torch::optim::SGDOptions&>(training.optimizer.param_groups()[0].options())
      .momentum(0.5);
  training.bus.emplace<takt::MagnitudePruningModifier>(takt::MagnitudePruningSettings{
      .cadence = {.start = 1, .end = 2, .update = 1}, .init_sparsity = 0.5, .final_sparsity = 0.5});
  training.bus.initialize();
  training.step();  // momentum 1 in all four
  training.check_weights({3.5F, -3.5F, 1.5F, -1.5F});
  training.step();  // of what is left, momentum 1.5; the rest would move by its 0.5
  training.check_weights({2.75F, -4.25F, 0, 0});
}

BOOST_AUTO_TEST_CASE(constant_pruning_holds_the_zeros_that_are_there) {
  Training training{{4, 0, 2, 0}};
  training.bus.emplace<takt::ConstantPruningModifier>(takt::ConstantPruningSettings{});
  training.bus.initialize();
  training.step();
  training.step();
  training.check_weights({3, 0, 1, 0});
}

BOOST_AUTO_TEST_CASE(learning_rate_is_what_the_optimizer_steps_with) {
  Training training;
  training.bus.emplace<takt::LearningRateModifier>(takt::LearningRateSettings{
      .cadence = {.end = 2}, .schedule = "linear_warmup", .learning_rate = 2.0});
  training.bus.initialize();
  training.step();  // at 0
  training.check_weights({4, -3, 2, -1});
  training.step();  // at 1
  training.check_weights({3, -4, 1, -2});
  training.step();  // at 2
  training.check_weights({1, -6, -1, -4});
}

BOOST_AUTO_TEST_CASE(set_learning_rate_sets_it_once) {
  Training training;
  training.bus.emplace<takt::SetLearningRateModifier>(
      takt::SetLearningRateSettings{.learning_rate = 0.25});
  training.bus.initialize();
  training.step();
  training.check_weights({3.75F, -3.25F, 1.75F, -1.25F});
}

BOOST_AUTO_TEST_CASE(gradient_clip_bounds_the_norm_and_then_each_number) {
  Training training;
  training.bus.emplace<takt::GradientClipModifier>(
      takt::GradientClipSettings{.max_norm = 2.5, .max_value = 1.75});
  training.bus.initialize();
  training.step({3, -4, 0, 0});  // norm 5: half of it is {1.5, -2}, of which the second is cut
  const Numbers weights = training.weights();
  BOOST_TEST(weights[0] == 3.25F, boost::test_tools::tolerance(1e-6F));
  BOOST_TEST(weights[1] == -2.125F);
  BOOST_TEST(weights[2] == 2.0F);
  BOOST_TEST(training.bus.state().metrics.at("gradient_norm") == 5.0);
}

BOOST_AUTO_TEST_CASE(ema_averages_the_weights_and_lends_them_to_the_network) {
  Training training;
  const auto ema = training.bus.emplace<takt::EMAModifier>(takt::EMASettings{.decay = 0.75});
  training.bus.initialize();
  training.step({8, 0, 0, 0});  // 4 to 0: the average 3
  training.step({8, 0, 0, 0});  // 0 to -4: 1.25
  training.check_weights({-4, -3, 2, -1});
  ema->with_averages(training.model, [&] {
    training.check_weights({1.25F, -3, 2, -1});
    const torch::NoGradGuard no_gradients;
    BOOST_TEST(training.fc->forward(torch::ones({1, 4})).item<float>() == -0.75F);
  });
  training.check_weights({-4, -3, 2, -1});
}

BOOST_AUTO_TEST_CASE(nan_guard_skips_a_step_whose_gradients_are_bad) {
  Training training;
  training.bus.emplace<takt::NanGuardModifier>(takt::NanGuardSettings{.action = "skip"});
  training.bus.initialize();
  training.step({1, nan, 1, 1});
  training.check_weights({4, -3, 2, -1});
  training.step();
  training.check_weights({3.5F, -3.5F, 1.5F, -1.5F});
}

BOOST_AUTO_TEST_CASE(nan_guard_restores_weights_that_are_bad) {
  Training training;
  training.bus.emplace<takt::NanGuardModifier>(takt::NanGuardSettings{.action = "restore"});
  training.bus.initialize();
  training.step();
  training.bus.batch([&](takt::Batch& batch) {
    batch.step([&] { training.set_weights({nan, nan, nan, nan}); });
  });
  training.check_weights({3.5F, -3.5F, 1.5F, -1.5F});
}

BOOST_AUTO_TEST_CASE(nan_guard_stops_and_says_which_parameter_it_was) {
  Training training;
  training.bus.emplace<takt::NanGuardModifier>(takt::NanGuardSettings{.watch = {"gradients"}});
  training.bus.initialize();
  training.step({1, 1, nan, 1});
  BOOST_TEST(training.bus.state().control.stop_requested());
  BOOST_TEST(has(training.bus.state().control.stop_reason(), "gradient 2 of parameter 'weight'"));
}

BOOST_AUTO_TEST_CASE(early_stopping_sees_the_loss_of_the_batch) {
  Training training;
  training.bus.emplace<takt::EarlyStoppingModifier>(
      takt::EarlyStoppingSettings{.patience = 1, .threshold = -2.0});
  training.bus.emplace<takt::EpochRangeModifier>(takt::EpochRangeSettings{.cadence = {.end = 9}});
  training.bus.initialize();
  int steps = 0;
  while (!training.bus.state().control.stop_requested()) {
    training.step();  // its losses are 2, 0, -2: the sum of four weights that lose 0.5 each
    ++steps;
  }
  BOOST_TEST(steps == 3);
}

BOOST_AUTO_TEST_CASE(what_only_watches_sees_the_loss_and_the_rate) {
  const takt::test::ScratchFolder folder;
  const std::string file = (folder / "run.csv").string();
  std::ostringstream lines;
  Training training;
  std::int64_t now = 0;
  const auto timer = training.bus.emplace<takt::TimerModifier>(
      takt::TimerSettings{.clock = [&] { return now += 10; }});
  training.bus.emplace<takt::ProgressModifier>(
      takt::ProgressSettings{.stream = &lines, .mode = takt::ProgressMode::lines});
  training.bus.emplace<takt::MetricsModifier>(takt::MetricsSettings{
      .file = file, .clock = [] { return decltype(std::chrono::steady_clock::now()){}; }});
  training.bus.initialize();
  training.step();
  training.step();
  training.bus.finalize();
  std::ifstream read{file};
  const std::string text{std::istreambuf_iterator<char>{read}, {}};
  BOOST_TEST(has(text, "step,batch,loss,learning_rate,"));
  BOOST_TEST(has(text, "\n0,0,2,0.5,"));
  BOOST_TEST(has(text, "\n1,1,0,0.5,"));
  BOOST_TEST(has(lines.str(), "loss 0.0000"));
  BOOST_TEST(timer->summary().batches == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
