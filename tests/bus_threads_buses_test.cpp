// SPDX-License-Identifier: BSL-1.0
// Many buses on many threads at once, with the built-in modifiers on them, and modifiers that go
// from one to another. For TAKT_THREAD_SECONDS each.
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crew.hpp"
#include "life.hpp"
#include "shift.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/recipe.hpp"
#include "takt/trace.hpp"
#include "takt/trace_recorder.hpp"
#include "vector_model.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::Phase;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::happens;
using takt::test::helper_count;
using takt::test::Life;
using takt::test::Lives;
using takt::test::name_of;
using takt::test::Shift;

/// Modifiers of most families, in each other's way.
constexpr const char* recipe_text = R"(
training_stage:
  optimizer_modifiers:
    LearningRateModifier: {schedule: cosine, learning_rate: 0.2, final_lr: 0.01, start: 0, end: 4}
    GradientClipModifier: {max_norm: 0.5}
  control_modifiers:
    EarlyStoppingModifier: {patience: 1000}
    NanGuardModifier: {}
  averaging_modifiers:
    EMAModifier: {decay: 0.9, update: 0.2}
sparsity_stage:
  pruning_modifiers:
    MagnitudePruningModifier:
      targets: ['re:.*weight']
      init_sparsity: 0.1
      final_sparsity: 0.5
      start: 0.5
      end: 3
      update: 0.5
quant_stage:
  quantization_modifiers:
    QuantizationModifier: {start: 2, scheme: W8A16}
)";

struct Sgd final : takt::Optimizer {
  [[nodiscard]] double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override { rate = value; }
  double rate = 0.1;
};

/// A whole run: what was recorded of it, without the times, and the weights that it ends with.
struct Outcome {
  std::string trace{};
  std::vector<float> weights{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// A step towards a target, with the optimizer's rate; returns the loss before it.
double pull(takt::Batch& batch, VectorParameter& weights, const Sgd& optimizer) {
  double loss = 0.0;
  for (std::size_t k = 0; k < weights.values.size(); ++k) {
    weights.gradients[k] = weights.values[k] - 0.05F * static_cast<float>(k);
    loss += std::abs(static_cast<double>(weights.gradients[k]));
  }
  batch.loss(loss);
  batch.step([&] {
    for (std::size_t k = 0; k < weights.values.size(); ++k) {
      weights.values[k] -= static_cast<float>(optimizer.rate) * weights.gradients[k];
    }
  });
  return loss;
}

Outcome train() {
  constexpr std::size_t size = 32;
  VectorModel model{{{.name = "fc.weight",
                      .shape = {4, 8},
                      .values = std::vector<float>(size),
                      .gradients = std::vector<float>(size),
                      .kind = "Linear"}}};
  for (std::size_t k = 0; k < size; ++k) {
    model[0].values[k] = 0.1F * static_cast<float>((k * 7) % 11) - 0.5F;
  }
  Sgd optimizer;
  takt::Trace trace;
  EventBus bus{Event{.steps_per_epoch = 5}};
  bus.state().set(model);
  bus.state().set(optimizer);
  bus.apply(takt::Recipe::from_string(recipe_text));
  const takt::TraceRecorder recorder{bus, trace};
  bus.initialize();
  for (int step = 0; step < 25; ++step) {
    bus.batch([&](takt::Batch& batch) { pull(batch, model[0], optimizer); });
  }
  bus.finalize();
  std::ostringstream text;
  takt::write_trace(trace, text, false);
  return {text.str(), model[0].values};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_buses)

BOOST_AUTO_TEST_CASE(runs_on_many_threads_at_once_end_as_one_that_runs_alone) {
  const Outcome alone = train();
  BOOST_TEST_REQUIRE(alone.trace.find("on_update") != std::string::npos);
  const Shift shift;
  std::atomic<int> runs{0};
  std::atomic<int> others{0};
  Crew crew{2 * helper_count, [&](int) {
              do {
                if (train() != alone) ++others;
                ++runs;
              } while (!shift.over());
            }};
  crew.start();
  crew.join();
  BOOST_TEST(others == 0);
  BOOST_TEST_MESSAGE(runs << " runs");
}

BOOST_AUTO_TEST_CASE(each_of_many_buses_counts_its_own_batches_whoever_adds_to_it) {
  constexpr std::size_t buses = 4;
  std::array<EventBus, buses> all;
  std::array<std::int64_t, buses> batches{};
  std::array<std::int64_t, buses> seen{};
  const auto lives = std::make_shared<Lives>();
  for (std::size_t b = 0; b < buses; ++b) {
    all[b].connect(takt::EventType::BATCH_END,
                   [&seen, b](const Event&, const takt::State&) { ++seen[b]; });
    all[b].emplace<Life>("stays", lives);
  }
  std::atomic<int> wrong{0};
  const Shift shift;
  std::atomic<int> helping{helper_count};
  Crew crew{static_cast<int>(buses) + helper_count, [&](int i) {
              if (const auto b = static_cast<std::size_t>(i); b < buses) {
                all[b].initialize();
                for (bool last = false; !last; ++batches[b]) {
                  last = helping == 0;
                  emit_batch(all[b]);
                }
                all[b].finalize();
                return;
              }
              std::minstd_rand random{static_cast<unsigned>(i)};
              for (int k = 0; k == 0 || !shift.over(); ++k) {
                EventBus& bus = all[random() % buses];
                const Event before = bus.now();
                const auto life = std::make_shared<Life>(name_of(i, k), lives);
                bus.add(life);
                // Now and then the loop may catch up.
                if (k % 4 == 0 && !happens([&] { return life->phase() == Phase::active; })) ++wrong;
                if (bus.now().global_batch < before.global_batch) ++wrong;
                if (k % 8 == 0) continue;  // it stays
                life->about_to_be_removed();
                if (!bus.remove(life->name())) ++wrong;
              }
              --helping;
            }};
  crew.start();
  crew.join();
  BOOST_TEST(wrong == 0);
  for (std::size_t b = 0; b < buses; ++b) {
    BOOST_TEST(all[b].now().global_batch == batches[b]);
    BOOST_TEST(seen[b] == batches[b]);
    for (const auto& modifier : all[b].modifiers()) all[b].remove(modifier->name());
  }
  BOOST_TEST(lives->wrong() == 0);
  BOOST_TEST(lives->gone == lives->made);
  BOOST_TEST_MESSAGE(lives->made << " lives, " << lives->initialized << " initialized, "
                                 << lives->updated << " updates");
}

BOOST_AUTO_TEST_CASE(modifiers_go_from_bus_to_bus_while_all_of_them_run) {
  constexpr std::size_t buses = 3;
  constexpr std::size_t travellers = 4;  // of each helper
  std::array<EventBus, buses> all;
  const auto lives = std::make_shared<Lives>();
  std::atomic<int> wrong{0};
  std::atomic<int> journeys{0};
  const Shift shift;
  std::atomic<int> helping{helper_count};
  Crew crew{static_cast<int>(buses) + helper_count, [&](int i) {
              if (const auto b = static_cast<std::size_t>(i); b < buses) {
                all[b].initialize();
                while (helping > 0) emit_batch(all[b]);
                all[b].finalize();
                return;
              }
              std::minstd_rand random{static_cast<unsigned>(i)};
              std::array<std::shared_ptr<Life>, travellers> mine;
              std::array<std::size_t, travellers> at{};
              for (std::size_t k = 0; k < travellers; ++k) {
                mine[k] = std::make_shared<Life>(name_of(i, static_cast<int>(k)), lives);
                mine[k]->may_return();
                all[at[k]].add(mine[k]);
              }
              do {
                const std::size_t k = random() % travellers;
                if (!all[at[k]].remove(mine[k]->name())) ++wrong;
                at[k] = random() % buses;
                const auto joins = [&] {
                  try {
                    all[at[k]].add(mine[k]);
                    return true;
                  } catch (const takt::InvalidModifier&) {
                    return false;  // its last hooks have not run yet
                  }
                };
                if (!happens(joins)) ++wrong;
                ++journeys;
              } while (!shift.over());
              --helping;
            }};
  crew.start();
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(lives->wrong() == 0);
  BOOST_TEST(lives->finalized == lives->initialized);
  BOOST_TEST_MESSAGE(journeys << " journeys, " << lives->initialized << " initialized");
}

BOOST_AUTO_TEST_CASE(modifiers_of_a_run_that_has_ended_go_on_in_another_whoever_removes_them) {
  const auto lives = std::make_shared<Lives>();
  std::atomic<int> wrong{0};
  const Shift shift;
  Crew crew{helper_count, [&](int i) {
              do {
                const auto life = std::make_shared<Life>(name_of(i), lives);
                life->may_return();
                EventBus old;
                old.add(life);
                old.initialize();
                emit_batch(old);
                old.finalize();
                EventBus next;
                next.add(life);
                next.initialize();
                Crew other{1, [&](int) { old.remove(life->name()); }};
                other.start();
                for (int batch = 0; batch < 8; ++batch) emit_batch(next);
                if (life->phase() != Phase::active) ++wrong;
                other.join();
                next.finalize();
              } while (!shift.over());
            }};
  crew.start();
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(lives->wrong() == 0);
  BOOST_TEST(lives->started == 2 * lives->made);
  BOOST_TEST(lives->updated == 2 * 9 * lives->made);
}

BOOST_AUTO_TEST_SUITE_END()
