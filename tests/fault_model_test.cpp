// SPDX-License-Identifier: BSL-1.0
// What built-in modifiers act on fails: a model or an optimizer throws once, at any of the calls on
// it, or from there on. The bus goes on as its policy says, and the weights are the optimizer's.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "error_text.hpp"
#include "vector_model.hpp"

namespace {

using takt::Batch;
using takt::ErrorPolicy;
using takt::Event;
using takt::ModifierError;
using takt::Recipe;

constexpr std::array policies{ErrorPolicy::propagate, ErrorPolicy::collect,
                              ErrorPolicy::quarantine};

// ---- What fails ---------------------------------------------------------------------------------

struct Unreachable final : std::runtime_error {
  Unreachable() : std::runtime_error{"the device is gone"} {}
};

enum class Lasts : std::uint8_t { once, on };

/// Counts what is asked, and throws at the `first` question, from 0, or from it on.
struct Fault {
  int first = 0;
  Lasts lasts{};
  bool mended = false;
  int asked = 0;
  int thrown = 0;

  void ask() {
    const int at = asked++;
    if (mended || at < first || (at > first && lasts == Lasts::once)) return;
    ++thrown;
    throw Unreachable{};
  }
};

struct FaultyModel final : takt::Model {
  explicit FaultyModel(Fault& what_fails) : fault{what_fails} {}

  [[nodiscard]] std::size_t parameter_count() const override { return held.parameter_count(); }
  [[nodiscard]] takt::Parameter parameter(std::size_t i) override {
    fault.ask();
    return held.parameter(i);
  }
  [[nodiscard]] std::span<float> values(std::size_t i) override {
    fault.ask();
    return held.parameter(i).values;
  }

  Fault& fault;
  VectorModel held{{{.name = "fc1.weight",
                     .shape = {2, 2},
                     .values = {3.5F, 0.71F, -1.23F, 0.31F},
                     .gradients = {1, 2, 3, 4},
                     .kind = "Linear"},
                    {.name = "fc2.weight",
                     .shape = {2, 2},
                     .values = {2.9F, -0.57F, 1.11F, 0.13F},
                     .gradients = {1, 1, 1, 1},
                     .kind = "Linear"}}};
};

struct FaultyOptimizer final : takt::Optimizer {
  explicit FaultyOptimizer(Fault& what_fails) : fault{what_fails} {}

  [[nodiscard]] double learning_rate() const override {
    fault.ask();
    return rate;
  }
  void set_learning_rate(double to) override {
    fault.ask();
    rate = to;
  }

  Fault& fault;
  double rate = 0.1;
};

// ---- Training -----------------------------------------------------------------------------------

constexpr float moves = 0.25F;

/// Three batches with a step, one without, one that is aborted, a calibration epoch.
class Training {
 public:
  Training(const Recipe& recipe, ErrorPolicy errors, int first, Lasts lasts)
      : fault{.first = first, .lasts = lasts}, bus{Event{}, {.errors = errors}} {
    bus.state().set<takt::Model>(model);
    bus.state().set<takt::Optimizer>(optimizer);
    bus.on_error([this](const ModifierError& error) { hear(error); });
    (void)bus.apply(recipe);
  }

  void run() {
    call([&] { bus.initialize(); });
    for (int i = 0; i < 3; ++i) {
      batch(true);
      if (i == 1) call([&] { bus.calibration_epoch([&] { batch(false); }); });
    }
    call([&] { bus.batch_start(); });
    const int before = fault.thrown;
    call([&] { bus.abort_batch(); });
    unheard = fault.thrown - before;
    fault.mended = true;
    batch(true, std::nan(""));
    BOOST_CHECK_NO_THROW(bus.finalize());
  }

  /// The step moves all weights alike, so the optimizer's are so many moves from the first.
  [[nodiscard]] bool weights_are_the_optimizers(bool prunes) const {
    for (std::size_t p = 0; p < model.held.parameters.size(); ++p) {
      const std::vector<float>& values = model.held.parameters[p].values;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float moved = (values[i] - first_[p][i]) / moves;
        const float from_zero = values[i] / moves;
        if (is_few(moved) || (prunes && is_few(from_zero))) continue;
        return false;
      }
    }
    return true;
  }

  Fault fault;
  int unheard = 0;  // thrown as the batch was aborted, from where nothing passes on
  int told = 0;     // how often a ModifierError was thrown, or a modifier quarantined
 private:
  static bool is_few(float steps) {
    return steps > -0.01F && steps < 5.01F && std::abs(steps - std::round(steps)) < 0.001F;
  }

  void step() {
    for (VectorParameter& parameter : model.held.parameters) {
      for (float& value : parameter.values) value += moves;
    }
  }
  void batch(bool steps, double loss = 0.5) {
    call([&] {
      bus.batch([&](Batch& batch) {
        batch.loss(loss);
        if (steps) batch.step([&] { step(); });
      });
    });
  }
  void hear(const ModifierError& error) {
    ++told;
    BOOST_TEST(takt::test::has(error.what(), "the device is gone"), error.what());
  }
  template <class Call>
  void call(const Call& made) {
    try {
      made();
    } catch (const ModifierError& error) {
      hear(error);
    }
  }

  FaultyModel model{fault};
  FaultyOptimizer optimizer{fault};
  const std::vector<std::vector<float>> first_{model.held.parameters[0].values,
                                               model.held.parameters[1].values};

 public:
  takt::EventBus bus;
};

struct Case {
  const char* modifiers;  // as a recipe has them
  bool prunes = false;
};

const std::vector<Case> cases{
    {"  - !EMAModifier\n    decay: 0.5\n"},
    {"  - !NanGuardModifier\n    action: restore\n"},
    {"  - !GradientClipModifier\n    max_norm: 1\n    max_value: 0.5\n"},
    {"  - !SetLearningRateModifier\n    learning_rate: 0.5\n    end: 2\n"},
    {"  - !LearningRateModifier\n    learning_rate: 0.1\n    schedule: cosine\n    final_lr: "
     "0.01\n    start: 0\n"
     "    end: 3\n"},
    {"  - !LearningRateFunctionModifier\n    lr_func: linear\n    init_lr: 0.1\n"
     "    final_lr: 0.01\n    start: 0\n    end: 3\n"},
    {"  - !ConstantPruningModifier\n    targets: __ALL_PRUNABLE__\n    end: 2\n", true},
    {"  - !MagnitudePruningModifier\n    init_sparsity: 0.25\n    final_sparsity: 0.75\n"
     "    start: 0\n    end: 3\n    update: 1\n",
     true},
    {"  - !QuantizationModifier\n    config_groups: {g: {targets: [Linear], weights: {num_bits: 3,"
     " strategy: channel}}}\n    end: 3\n"},
    {"  - !QuantizationModifier\n    config_groups: {g: {targets: [Linear], weights: {num_bits: 3,"
     " strategy: channel}}}\n"
     "  - !MagnitudePruningModifier\n    init_sparsity: 0.25\n    final_sparsity: 0.75\n"
     "    start: 0\n    end: 3\n    update: 1\n"
     "  - !EMAModifier\n    decay: 0.5\n",
     true}};

Recipe recipe_of(const Case& c) {
  return Recipe::from_string(std::string{"modifiers:\n"} + c.modifiers);
}

/// `check(training)` after the run for every question that a run asks.
template <class Check>
void each_fault(const Check& check) {
  for (const Case& c : cases) {
    const Recipe recipe = recipe_of(c);
    for (const ErrorPolicy policy : policies) {
      for (const Lasts lasts : {Lasts::once, Lasts::on}) {
        int first = 0;
        for (bool failed = true; failed; ++first) {
          BOOST_TEST_REQUIRE(first < 1000);
          BOOST_TEST_CONTEXT(c.modifiers << "policy " << static_cast<int>(policy) << ", question "
                                         << first << (lasts == Lasts::on ? " and on" : "")) {
            Training training{recipe, policy, first, lasts};
            training.run();
            failed = training.fault.thrown > 0;
            check(training, c, policy, lasts);
          }
        }
        BOOST_TEST(first > 1);  // else it asks nothing
      }
    }
  }
}
}  // namespace

BOOST_AUTO_TEST_SUITE(fault_model)

BOOST_AUTO_TEST_CASE(the_run_goes_on_to_its_end_and_every_failure_is_told) {
  each_fault([](Training& training, const Case&, ErrorPolicy policy, Lasts) {
    BOOST_TEST((training.told > 0) == (training.fault.thrown > training.unheard));
    const std::size_t quarantined = training.bus.quarantined().size();
    if (policy == ErrorPolicy::quarantine) {
      BOOST_TEST(quarantined == static_cast<std::size_t>(training.told));
    } else {
      BOOST_TEST(quarantined == 0U);
    }
    for (const auto& modifier : training.bus.modifiers()) {
      const bool ended = modifier->phase() == takt::Phase::finalized ||
                         modifier->phase() == takt::Phase::quarantined;
      BOOST_TEST(ended);
    }
  });
}

BOOST_AUTO_TEST_CASE(the_weights_that_are_left_are_those_of_the_optimizer) {
  each_fault([](Training& training, const Case& c, ErrorPolicy policy, Lasts lasts) {
    for (const auto& modifier : training.bus.modifiers()) {
      const auto quantizer = std::dynamic_pointer_cast<takt::QuantizationModifier>(modifier);
      if (!quantizer || !quantizer->applied()) continue;
      // It was let go of while the model could not be asked, and says so.
      BOOST_TEST((policy == ErrorPolicy::quarantine && lasts == Lasts::on));
      BOOST_TEST((quantizer->phase() == takt::Phase::quarantined));
      quantizer->restore(training.bus.state().get<takt::Model>());
    }
    BOOST_TEST(training.weights_are_the_optimizers(c.prunes));
  });
}

BOOST_AUTO_TEST_SUITE_END()
