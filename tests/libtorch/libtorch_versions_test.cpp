// SPDX-License-Identifier: BSL-1.0
// What autograd makes of values that are written through a model.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <takt/libtorch.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/gradient_clip.hpp>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "error_text.hpp"
#include "torch.hpp"

namespace {

using takt::EventType;
using takt::test::has;
using takt::test::message_of;

/// The gradient of the loss for the first weight needs the second one, and so must have the value
/// that the forward saw.
struct Product {
  Product() {
    module.register_parameter("first", torch::tensor({2.0F}));
    module.register_parameter("second", torch::tensor({3.0F}));
  }
  torch::Tensor forward() { return (tensor(0) * tensor(1)).sum(); }
  torch::Tensor tensor(std::size_t i) { return module.parameters()[i]; }
  float gradient(std::size_t i) { return tensor(i).grad().item<float>(); }

  torch::nn::Module module{};
};

std::int64_t version(const torch::Tensor& tensor) { return tensor._version(); }

BOOST_AUTO_TEST_SUITE(libtorch_versions)

BOOST_AUTO_TEST_CASE(a_write_between_forward_and_backward_makes_backward_throw) {
  Product net;
  takt::libtorch::Model model{net.module};
  const torch::Tensor loss = net.forward();
  model.parameter(1).values[0] = 100.0F;
  BOOST_TEST(
      has(message_of<c10::Error>([&] { loss.backward(); }), "modified by an inplace operation"));
}

BOOST_AUTO_TEST_CASE(a_write_before_the_forward_is_what_the_gradient_is_made_of) {
  Product net;
  takt::libtorch::Model model{net.module};
  model.parameter(1).values[0] = 100.0F;
  net.forward().backward();
  BOOST_TEST(net.gradient(0) == 100.0F);
}

BOOST_AUTO_TEST_CASE(an_access_is_a_write_for_all_that_anyone_knows) {
  Product net;
  takt::libtorch::Model model{net.module};
  const std::int64_t before = version(net.tensor(0));
  const std::int64_t other = version(net.tensor(1));
  (void)model.parameter(0);
  BOOST_TEST(version(net.tensor(0)) == before + 1);
  BOOST_TEST(version(net.tensor(1)) == other);
  (void)model.parameter(0);
  BOOST_TEST(version(net.tensor(0)) == before + 2);
}

BOOST_AUTO_TEST_CASE(making_a_model_writes_nothing) {
  Product net;
  const torch::Tensor loss = net.forward();
  const takt::libtorch::Model model{net.module};
  BOOST_CHECK_NO_THROW(loss.backward());
}

BOOST_AUTO_TEST_CASE(a_parameter_that_is_refused_is_not_written) {
  Product net;
  takt::libtorch::Model model{net.module};
  net.tensor(0).mutable_grad() = torch::ones({1}, torch::kDouble);
  const std::int64_t before = version(net.tensor(0));
  BOOST_CHECK_THROW((void)model.parameter(0), takt::InvalidModel);
  BOOST_TEST(version(net.tensor(0)) == before);
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_part_of_a_graph_is_not_written_unseen_either) {
  Product net;
  takt::libtorch::Model model{net.module};
  torch::Tensor gradient = torch::full({1}, 2.0F, torch::requires_grad());
  net.tensor(0).mutable_grad() = gradient;
  const torch::Tensor penalty = (gradient * gradient).sum();
  model.parameter(0).gradients[0] = 0.0F;
  BOOST_CHECK_THROW(penalty.backward(), c10::Error);
}

BOOST_AUTO_TEST_CASE(tensors_of_inference_mode_are_shown_without_a_version) {
  torch::nn::Module module;
  {
    const c10::InferenceMode inference;
    module.register_parameter("weight", torch::ones({2}), false);
  }
  takt::libtorch::Model model{module};
  BOOST_REQUIRE(module.parameters()[0].is_inference());
  BOOST_TEST(model.parameter(0).values[1] == 1.0F);
}

BOOST_AUTO_TEST_CASE(an_optimizer_steps_as_it_would_without_a_model) {
  Product looked_at;
  Product left_alone;
  takt::libtorch::Model model{looked_at.module};
  for (Product* const net : {&looked_at, &left_alone}) {
    torch::optim::Adam optimizer{net->module.parameters(), torch::optim::AdamOptions{0.1}};
    for (int step = 0; step < 3; ++step) {
      optimizer.zero_grad();
      net->forward().backward();
      if (net == &looked_at) (void)model.parameter(0);
      optimizer.step();
      if (net == &looked_at) (void)model.parameter(1);
    }
  }
  BOOST_TEST(looked_at.tensor(0).item<float>() == left_alone.tensor(0).item<float>());
  BOOST_TEST(looked_at.tensor(1).item<float>() == left_alone.tensor(1).item<float>());
}

BOOST_AUTO_TEST_CASE(gradients_accumulate_over_batches_between_which_a_model_is_looked_at) {
  Product net;
  takt::libtorch::Model model{net.module};
  for (int batch = 0; batch < 2; ++batch) {
    (void)model.parameter(0);
    (void)model.parameter(1);
    net.forward().backward();
    (void)model.parameter(0);
  }
  BOOST_TEST(net.gradient(0) == 6.0F);
  BOOST_TEST(net.gradient(1) == 4.0F);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_touches_weights_once_the_loss_is_known_fails_the_backward) {
  Product net;
  takt::libtorch::Model model{net.module};
  takt::EventBus bus;
  bus.state().set(model);
  bus.on({EventType::LOSS_CALCULATED}, {}, [&](takt::State& state, const takt::Event&) {
    (void)state.get<takt::Model>().parameter(1);
  });
  bus.initialize();
  BOOST_CHECK_THROW(bus.batch([&](takt::Batch& batch) {
    const torch::Tensor loss = net.forward();
    batch.loss(loss.item<double>());
    loss.backward();
  }),
                    c10::Error);
}

BOOST_AUTO_TEST_CASE(modifiers_at_every_step_leave_the_backwards_of_accumulated_batches_alone) {
  Product net;
  takt::libtorch::Model model{net.module};
  torch::optim::SGD optimizer{net.module.parameters(), torch::optim::SGDOptions{0.001}};
  takt::EventBus bus;
  bus.state().set(model);
  bus.emplace<takt::GradientClipModifier>(
      takt::GradientClipSettings{.targets = {"__ALL__"}, .max_norm = 1e6});
  bus.emplace<takt::NanGuardModifier>(
      takt::NanGuardSettings{.watch = {"loss", "gradients", "weights"}, .action = "restore"});
  bus.emplace<takt::EMAModifier>(takt::EMASettings{});
  bus.initialize();
  for (int i = 0; i < 4; ++i) {
    bus.batch([&](takt::Batch& batch) {
      const torch::Tensor loss = net.forward();
      batch.loss(loss.item<double>());
      BOOST_CHECK_NO_THROW(loss.backward());
      if (i % 2 == 1) {
        batch.step([&] { optimizer.step(); });
        optimizer.zero_grad();
      }
    });
  }
  bus.finalize();
  // Two steps of two batches each: w' = w - 0.001 * 2 * other.
  BOOST_TEST(net.tensor(0).item<float>() == 2.0F - 0.006F - 0.002F * (3.0F - 0.004F),
             boost::test_tools::tolerance(1e-6F));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
