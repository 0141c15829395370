// SPDX-License-Identifier: BSL-1.0
// A LibTorch network that is trained, cut and resumed.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <takt/libtorch.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "torch.hpp"

namespace {

constexpr std::int64_t steps = 24;

/// Each of LibTorch's archives reads its stream to the end, so each is a text of its own.
template <class Saved>
void save_to(std::ostream& out, const Saved& saved) {
  std::ostringstream archive;
  torch::save(saved, archive);
  const std::string bytes = std::move(archive).str();
  out << bytes.size() << ' ' << bytes;
}

template <class Loaded>
void load_from(std::istream& in, Loaded& loaded) {
  std::size_t size = 0;
  in >> size;
  std::string bytes(size, '\0');
  in.ignore();
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  std::istringstream archive{bytes};
  torch::load(loaded, archive);
}

/// Two layers, pruned, quantized and averaged while Adam trains them, at a rate that falls.
struct Training {
  Training() {
    torch::manual_seed(7);
    network =
        torch::nn::Sequential{torch::nn::Linear{6, 8}, torch::nn::ReLU{}, torch::nn::Linear{8, 3}};
    optimizer = std::make_unique<torch::optim::Adam>(network->parameters(), 0.05);
    model = std::make_unique<takt::libtorch::Model>(network);
    rates = std::make_unique<takt::libtorch::Optimizer>(*optimizer);
    bus.state().set(*model);
    bus.state().set(*rates);
    bus.state().set(loop);
    bus.emplace<takt::LearningRateModifier>(takt::LearningRateSettings{
        .cadence = {.end = steps}, .schedule = "cosine", .learning_rate = 0.05});
    bus.emplace<takt::MagnitudePruningModifier>(
        takt::MagnitudePruningSettings{.cadence = {.start = 3, .end = 15, .update = 2},
                                       .final_sparsity = 0.5,
                                       .leave_enabled = true});
    bus.emplace<takt::QuantizationModifier>(
        takt::QuantizationSettings{.cadence = {.start = 9, .update = 4}, .scheme = "W4A16"});
    bus.emplace<takt::EMAModifier>(takt::EMASettings{.decay = 0.9});
  }

  void train(std::int64_t until) {
    while (bus.now().global_step < until) {
      // The data depend on the step alone, so there is nothing of theirs to save.
      const auto step = static_cast<float>(bus.now().global_step);
      const torch::Tensor images = torch::sin(torch::arange(30.0F) * (1.0F + step)).view({5, 6});
      const torch::Tensor targets = torch::cos(torch::arange(15.0F) * (2.0F + step)).view({5, 3});
      bus.batch([&](takt::Batch& batch) {
        optimizer->zero_grad();
        const torch::Tensor loss = torch::mse_loss(network->forward(images), targets);
        batch.loss(loss.item<double>());
        loss.backward();
        batch.step([&] { optimizer->step(); });
      });
    }
  }

  [[nodiscard]] std::vector<float> weights() {
    std::vector<float> all;
    for (std::size_t i = 0; i < model->parameter_count(); ++i) {
      for (const float weight : model->values(i)) all.push_back(weight);
    }
    return all;
  }

  torch::nn::Sequential network{nullptr};
  std::unique_ptr<torch::optim::Adam> optimizer;
  std::unique_ptr<takt::libtorch::Model> model;
  std::unique_ptr<takt::libtorch::Optimizer> rates;
  takt::LoopState loop{.save =
                           [this](std::ostream& out) {
                             save_to(out, network);
                             save_to(out, *optimizer);
                           },
                       .load =
                           [this](std::istream& in) {
                             load_from(in, network);
                             load_from(in, *optimizer);
                           }};
  takt::EventBus bus{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(libtorch_resume)

BOOST_AUTO_TEST_CASE(a_network_that_is_cut_after_any_step_ends_with_the_weights_of_the_uncut_one) {
  Training whole;
  whole.bus.initialize();
  whole.train(steps);
  const std::vector<float> weights = whole.weights();
  for (std::int64_t cut = 0; cut < steps; ++cut) {
    BOOST_TEST_CONTEXT("cut after " << cut << " steps") {
      std::stringstream checkpoint;
      {
        Training first;
        first.bus.initialize();
        first.train(cut);
        takt::save_checkpoint(first.bus, checkpoint);
      }
      Training second;
      takt::load_checkpoint(second.bus, checkpoint);
      second.train(steps);
      BOOST_TEST(second.weights() == weights, boost::test_tools::per_element());
      BOOST_TEST(second.rates->learning_rate() == whole.rates->learning_rate());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_is_refused_leaves_the_network_as_it_was) {
  std::stringstream checkpoint;
  {
    Training first;
    first.bus.initialize();
    first.train(12);
    takt::save_checkpoint(first.bus, checkpoint);
  }
  Training second;
  second.bus.emplace<takt::EMAModifier>(takt::EMASettings{.name = "one too many"});
  const std::vector<float> weights = second.weights();
  BOOST_CHECK_THROW(takt::load_checkpoint(second.bus, checkpoint), takt::CheckpointError);
  BOOST_TEST(second.weights() == weights, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
