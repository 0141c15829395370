// SPDX-License-Identifier: BSL-1.0
// Quantization next to modifiers that prune, guard and average the same weights: the order in which
// they are registered makes no difference.
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "vector_model.hpp"

namespace {

using takt::Batch;
using takt::Cadence;
using takt::EventType;
using takt::QuantizationStrategy;
using takt::WeightQuantization;
using Values = std::vector<float>;

/// Whether they are the same numbers, the sign of zero included, NaN equal to itself.
bool same_bits(const Values& a, const Values& b) {
  return std::ranges::equal(a, b, {}, std::bit_cast<std::uint32_t, float>,
                            std::bit_cast<std::uint32_t, float>);
}

/// Modifiers of one run, in their order; the quantizer comes before the one at `place`.
struct Plan {
  WeightQuantization how{.num_bits = 4};
  Cadence quantization{};
  std::optional<takt::MagnitudePruningSettings> magnitude{};
  std::optional<takt::ConstantPruningSettings> constant{};
  bool averages = false;
  bool guards = false;
  std::int64_t first_step = 0;
  int batches_per_step = 1;
  int aborted = -1;   ///< this batch, in its step
  int poisoned = -1;  ///< this batch's gradients are NaN
};

/// What a run leaves, batch by batch.
struct Outcome {
  std::vector<Values> seen{};     // by the forward pass
  std::vector<Values> trained{};  // after the batch
  Values averages{};
  Values scales{};
};

Values first_weights() {
  Values weights;
  for (int i = 0; i < 24; ++i) {
    weights.push_back(static_cast<float>((i * 37) % 41 - 20) / 16.0F);
  }
  return weights;
}

/// Stochastic gradient descent with momentum on (w - target)^2, its gradient taken at the weights
/// that the forward pass saw.
class Training {
 public:
  Training(const Plan& plan, std::size_t place) : plan_{plan}, bus_{start_of(plan), {}} {
    bus_.state().set(model_);
    std::size_t i = 0;
    const auto next = [&] {
      if (i++ == place) quantize();
    };
    next();
    if (plan.guards)
      bus_.emplace<takt::NanGuardModifier>(takt::NanGuardSettings{.action = "restore"});
    next();
    if (plan.magnitude) bus_.emplace<takt::MagnitudePruningModifier>(*plan.magnitude);
    next();
    if (plan.constant) bus_.emplace<takt::ConstantPruningModifier>(*plan.constant);
    next();
    if (plan.averages) ema_ = bus_.emplace<takt::EMAModifier>(takt::EMASettings{.decay = 0.75});
    next();
    bus_.initialize();
  }

  Outcome run(int steps) {
    Outcome outcome;
    for (int i = 0; i < steps * plan_.batches_per_step; ++i) {
      one_batch(i, outcome);
      outcome.trained.push_back(model_[0].values);
    }
    if (ema_) ema_->with_averages(model_, [&] { outcome.averages = model_[0].values; });
    const auto& parameters = bus_.state().get<takt::QuantizationParameters>();
    if (const auto* const found = parameters.find("w")) {
      for (const takt::kernels::Affine& affine : found->affines) {
        outcome.scales.push_back(affine.scale);
      }
    }
    bus_.finalize();
    outcome.trained.push_back(model_[0].values);
    return outcome;
  }

 private:
  static takt::Event start_of(const Plan& plan) {
    return {.global_step = plan.first_step, .global_batch = plan.first_step};
  }

  void quantize() {
    bus_.emplace<takt::QuantizationModifier>(takt::QuantizationSettings{
        .cadence = plan_.quantization,
        .config_groups = {{.name = "all", .targets = {"w"}, .weights = plan_.how}}});
  }

  void one_batch(int i, Outcome& outcome) {
    const bool steps = (i + 1) % plan_.batches_per_step == 0;
    try {
      bus_.batch([&](Batch& batch) {
        outcome.seen.push_back(model_[0].values);
        backward(i);
        batch.loss(1.0);
        if (!steps) return;
        batch.step([&] {
          move();
          if (i == plan_.aborted) throw i;
        });
      });
    } catch (int) {
    }
  }

  void backward(int i) {
    VectorParameter& weight = model_[0];
    for (std::size_t k = 0; k < weight.values.size(); ++k) {
      weight.gradients[k] = 0.5F * (weight.values[k] - static_cast<float>(k % 5) / 4.0F);
    }
    if (i == plan_.poisoned) weight.gradients[3] = std::nanf("");
  }

  void move() {
    VectorParameter& weight = model_[0];
    for (std::size_t k = 0; k < weight.values.size(); ++k) {
      momentum_[k] = 0.5F * momentum_[k] + weight.gradients[k];
      weight.values[k] -= 0.125F * momentum_[k];
    }
  }

  Plan plan_;
  VectorModel model_{
      {{.name = "w", .shape = {4, 6}, .values = first_weights(), .gradients = Values(24)}}};
  Values momentum_ = Values(24);
  takt::EventBus bus_;
  std::shared_ptr<takt::EMAModifier> ema_;
};

constexpr std::size_t places = 5;

/// The outcome that all places of the quantizer have.
Outcome the_same_everywhere(const Plan& plan, int steps) {
  const Outcome first = Training{plan, 0}.run(steps);
  for (std::size_t place = 1; place < places; ++place) {
    BOOST_TEST_CONTEXT("at place " << place) {
      const Outcome other = Training{plan, place}.run(steps);
      BOOST_TEST_REQUIRE(first.trained.size() == other.trained.size());
      for (std::size_t i = 0; i < first.trained.size(); ++i) {
        BOOST_TEST(same_bits(first.trained[i], other.trained[i]), "trained weights of batch " << i);
      }
      for (std::size_t i = 0; i < first.seen.size(); ++i) {
        BOOST_TEST(same_bits(first.seen[i], other.seen[i]), "what batch " << i << " saw");
      }
      BOOST_TEST(same_bits(first.averages, other.averages), "averages");
      BOOST_TEST(same_bits(first.scales, other.scales), "scales");
    }
  }
  return first;
}

takt::MagnitudePruningSettings pruned(const Cadence& cadence) {
  return {.cadence = cadence, .init_sparsity = 0.25, .final_sparsity = 0.75};
}

long zeros(const Values& values) { return std::ranges::count(values, 0.0F); }

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_pruning)

BOOST_AUTO_TEST_CASE(both_due_at_every_step) {
  const Outcome outcome = the_same_everywhere({.magnitude = pruned({.start = 0, .end = 8})}, 9);
  BOOST_TEST(zeros(outcome.seen[0]) >= 6);
  BOOST_TEST(zeros(outcome.trained[8]) == 18);
}

BOOST_AUTO_TEST_CASE(either_due_where_the_other_is_not) {
  for (const double quantized : {1.0, 2.0, 3.0}) {
    for (const double pruning : {1.0, 2.0, 3.0}) {
      (void)the_same_everywhere({.quantization = {.start = 1, .end = 7, .update = quantized},
                                 .magnitude = pruned({.start = 0, .end = 8, .update = pruning})},
                                10);
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_that_are_accumulated_and_a_batch_that_is_aborted) {
  for (int aborted = 0; aborted < 12; ++aborted) {
    (void)the_same_everywhere({.quantization = {.update = 2},
                               .magnitude = pruned({.start = 0, .end = 8, .update = 2}),
                               .batches_per_step = 2,
                               .aborted = aborted},
                              8);
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_is_resumed_between_two_due_steps_is_pruned_before_it_is_quantized) {
  const Outcome outcome =
      the_same_everywhere({.quantization = {.start = 0, .update = 4},
                           .magnitude = pruned({.start = 0, .end = 8, .update = 4}),
                           .first_step = 5},
                          6);
  BOOST_TEST(zeros(outcome.seen[0]) >= 6);
}

BOOST_AUTO_TEST_CASE(zeros_that_are_held_are_those_of_the_trained_weights) {
  Plan plan{.how = {.num_bits = 2},
            .magnitude = pruned({.start = 0, .end = 2}),
            .constant = takt::ConstantPruningSettings{.cadence = {.start = 2}}};
  plan.magnitude->final_sparsity = 0.25;
  const Outcome outcome = the_same_everywhere(plan, 8);
  // 2 bits round more weights to zero, which are trained all the same.
  BOOST_TEST(zeros(outcome.seen[5]) > 6);
  BOOST_TEST(zeros(outcome.trained[5]) == 6);
}

BOOST_AUTO_TEST_CASE(what_is_pruned_is_zero_in_every_batch) {
  const Outcome outcome = the_same_everywhere(
      {.how = {.num_bits = 4, .symmetric = false, .strategy = QuantizationStrategy::channel},
       .magnitude = pruned({.start = 0, .end = 4})},
      6);
  for (std::size_t i = 0; i < outcome.seen.size(); ++i) {
    for (std::size_t k = 0; k < outcome.seen[i].size(); ++k) {
      if (outcome.trained[i][k] == 0.0F) BOOST_TEST(outcome.seen[i][k] == 0.0F);
    }
  }
}

BOOST_AUTO_TEST_CASE(guards_and_averages_look_at_trained_weights) {
  for (const int poisoned : {-1, 0, 3}) {
    (void)the_same_everywhere({.magnitude = pruned({.start = 0, .end = 4}),
                               .averages = true,
                               .guards = true,
                               .poisoned = poisoned},
                              7);
  }
}

BOOST_AUTO_TEST_CASE(any_schedules_of_any_of_them) {
  BOOST_TEST(rc::check("the place of the quantizer makes no difference", [] {
    const auto any_cadence = [](bool bounded) {
      const int start = *rc::gen::inRange(0, 6);
      Cadence cadence{.start = start};
      if (bounded || *rc::gen::arbitrary<bool>()) cadence.end = start + *rc::gen::inRange(1, 9);
      cadence.update = *rc::gen::inRange(0, 4);
      return cadence;
    };
    Plan plan{.how = {.num_bits = *rc::gen::inRange(2, 9),
                      .symmetric = *rc::gen::arbitrary<bool>(),
                      .strategy = *rc::gen::element(QuantizationStrategy::tensor,
                                                    QuantizationStrategy::channel,
                                                    QuantizationStrategy::group),
                      .observer = *rc::gen::element(takt::QuantizationObserver::minmax,
                                                    takt::QuantizationObserver::mse)},
              .quantization = any_cadence(false),
              .averages = *rc::gen::arbitrary<bool>(),
              .guards = *rc::gen::arbitrary<bool>(),
              .first_step = *rc::gen::inRange(0, 4),
              .batches_per_step = *rc::gen::inRange(1, 4),
              .aborted = *rc::gen::inRange(-1, 20),
              .poisoned = *rc::gen::inRange(-1, 20)};
    if (plan.how.strategy == QuantizationStrategy::group) {
      plan.how.group_size = *rc::gen::element(1, 2, 3, 6, 128);
    }
    // Without a guard NaN goes everywhere, and its bits are nobody's business.
    if (!plan.guards) plan.poisoned = -1;
    if (*rc::gen::arbitrary<bool>()) {
      plan.magnitude = pruned(any_cadence(true));
      plan.magnitude->mask_structure = *rc::gen::element<std::string>("unstructured", "channel");
      plan.magnitude->leave_enabled = *rc::gen::arbitrary<bool>();
    }
    if (*rc::gen::arbitrary<bool>()) {
      plan.constant = takt::ConstantPruningSettings{.cadence = any_cadence(false)};
    }
    const int steps = *rc::gen::inRange(1, 12);
    const Outcome first = Training{plan, 0}.run(steps);
    for (std::size_t place = 1; place < places; ++place) {
      const Outcome other = Training{plan, place}.run(steps);
      RC_ASSERT(first.trained.size() == other.trained.size());
      for (std::size_t i = 0; i < first.trained.size(); ++i) {
        RC_ASSERT(same_bits(first.trained[i], other.trained[i]));
      }
      for (std::size_t i = 0; i < first.seen.size(); ++i) {
        RC_ASSERT(same_bits(first.seen[i], other.seen[i]));
      }
      RC_ASSERT(same_bits(first.averages, other.averages));
      RC_ASSERT(same_bits(first.scales, other.scales));
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
