// SPDX-License-Identifier: BSL-1.0
/// \file
/// Runs whose state is small enough to be looked at: for tests that save and load them.
#ifndef TAKT_TESTS_SAVED_RUN_HPP
#define TAKT_TESTS_SAVED_RUN_HPP

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <takt/checkpoint.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "saved_state.hpp"

namespace takt::test {

/// Counts its updates, and the hooks that have run; a checkpoint keeps the updates.
class Counter final : public Modifier {
 public:
  using Act = std::function<void(State&, const Event&)>;

  explicit Counter(std::string name, Cadence cadence = {},
                   Interests interests = {.due = EventType::BATCH_END})
      : Modifier{std::move(name), cadence, interests} {}

  std::int64_t updates = 0;
  int initialized = 0;
  int started = 0;
  int ended = 0;
  int finalized = 0;
  Act at_initialize{};  ///< besides
  Act at_start{};
  Act at_update{};
  Act at_finalize{};
  std::function<void(std::ostream&)> instead_of_save{};
  std::function<void(std::istream&)> instead_of_load{};

  void on_initialize(State& state, const Event& event) override {
    ++initialized;
    updates = 0;
    if (at_initialize) at_initialize(state, event);
  }
  void on_start(State& state, const Event& event) override {
    ++started;
    if (at_start) at_start(state, event);
  }
  void on_update(State& state, const Event& event) override {
    ++updates;
    if (at_update) at_update(state, event);
  }
  void on_end(State&, const Event&) override { ++ended; }
  void on_finalize(State& state, const Event& event) override {
    ++finalized;
    if (at_finalize) at_finalize(state, event);
  }
  void save(std::ostream& out) override {
    if (instead_of_save) return instead_of_save(out);
    detail::StateWriter{out, "counter"}(updates);
  }
  void load(State&, const Event&, std::istream& in) override {
    if (instead_of_load) return instead_of_load(in);
    std::int64_t saved = 0;
    detail::StateReader{in, "counter"}(saved);
    updates = saved;
  }
};

struct Rate final : Optimizer {
  [[nodiscard]] double learning_rate() const override { return rate; }
  void set_learning_rate(double to) override { rate = to; }
  double rate = 0.5;
};

/// A bus, counters on it, and a loop with two weights and an optimizer.
class SavedRun {
 public:
  explicit SavedRun(const Event& start = {}, const BusOptions& options = {}) : bus{start, options} {
    bus.state().set<Optimizer>(optimizer);
    bus.state().set(loop);
  }
  SavedRun(const SavedRun&) = delete;
  SavedRun& operator=(const SavedRun&) = delete;

  std::shared_ptr<Counter> add(const std::string& name, const Cadence& cadence = {}, int group = 0,
                               const Interests& interests = {.due = EventType::BATCH_END}) {
    counters.push_back(std::make_shared<Counter>(name, cadence, interests));
    bus.add(counters.back(), group);
    return counters.back();
  }

  void batches(int count) {
    for (; count > 0; --count) {
      bus.state().metrics["first"] = weights[0];
      optimizer.rate *= 0.75;
      bus.batch([&](Batch& batch) {
        batch.loss(weights[0] + weights[1]);
        batch.step([&] {
          weights[0] = weights[0] * 0.75 + weights[1] * optimizer.rate;
          weights[1] -= 0.125;
        });
      });
    }
  }

  [[nodiscard]] std::string saved() {
    std::ostringstream out;
    save_checkpoint(bus, out);
    return std::move(out).str();
  }
  void load(const std::string& bytes) {
    std::istringstream in{bytes};
    load_checkpoint(bus, in);
  }

  /// All that a checkpoint has of it, for eyes.
  [[nodiscard]] std::string seen() const {
    std::ostringstream out;
    out << std::hexfloat << bus.now().global_step << '/' << bus.now().global_batch;
    for (const auto& modifier : bus.modifiers()) {
      out << ", " << modifier->name() << ' ' << modifier->phase();
      if (const auto* const counter = dynamic_cast<const Counter*>(modifier.get())) {
        out << ' ' << counter->updates;
      }
    }
    for (const double weight : weights) out << ", " << weight;
    out << ", rate " << optimizer.rate << ", loss " << bus.state().loss.value_or(-1);
    for (const auto& [name, value] : bus.state().metrics) out << ", " << name << ' ' << value;
    for (const auto& layer : bus.state().layers) out << ", layer " << layer;
    if (bus.state().control.stop_requested()) out << ", stop " << bus.state().control.stop_reason();
    return out.str();
  }

  std::vector<double> weights{1, 2};
  LoopState loop{.save =
                     [this](std::ostream& out) {
                       detail::StateWriter{out, "loop"}(weights);
                     },
                 .load =
                     [this](std::istream& in) {
                       std::vector<double> loaded;
                       detail::StateReader{in, "loop"}(loaded);
                       if (loaded.size() != 2) throw CheckpointError("two weights are wanted");
                       weights = loaded;
                     }};
  Rate optimizer;
  EventBus bus;
  std::vector<std::shared_ptr<Counter>> counters;
};

/// How a run is built, each time anew.
struct Built {
  Event start{.steps_per_epoch = 4};
  BusOptions options{};
  std::function<void(SavedRun&)> fill = [](SavedRun& run) {
    run.add("every");
    run.add("window", {.start = 0.5, .end = 1.5, .update = 0.5});
  };

  [[nodiscard]] std::unique_ptr<SavedRun> make() const {
    auto run = std::make_unique<SavedRun>(start, options);
    fill(*run);
    return run;
  }
  [[nodiscard]] std::string saved_after(int batches) const {
    const auto run = make();
    run->bus.initialize();
    run->batches(batches);
    return run->saved();
  }
  /// What is to be seen of the ordinary run.
  [[nodiscard]] std::string seen_after(int batches) const {
    const auto run = make();
    run->bus.initialize();
    run->batches(batches);
    return run->seen();
  }
};

/// The text of the `Error` that a load is refused with. Nothing is loaded: all is as before, what
/// was initialized is finalized, and the bus may be initialized as if nothing had been tried.
template <class Error = CheckpointError>
std::string refusal(const Built& built, const std::string& bytes) {
  const auto run = built.make();
  const double rate = run->optimizer.rate;
  State& state = run->bus.state();
  state.loss = 7;
  state.metrics = {{"before", 1}};
  state.layers = {"a", "b"};
  run->optimizer.rate = 0.0625;
  const std::string before = run->seen();
  std::string message = message_of<Error>([&] { run->load(bytes); });
  BOOST_TEST(run->seen() == before);
  for (const auto& counter : run->counters) {
    BOOST_TEST(counter->phase() == Phase::added, counter->name());
    BOOST_TEST(counter->finalized == counter->initialized, counter->name());
    BOOST_TEST(counter->started == counter->ended, counter->name());
  }
  BOOST_CHECK_THROW(run->bus.batch_start(), LifecycleError);
  state.loss.reset();
  state.metrics.clear();
  state.layers.clear();
  run->optimizer.rate = rate;
  if (run->loop.save && run->loop.load) {
    run->bus.initialize();
    run->batches(7);
    BOOST_TEST(run->seen() == built.seen_after(7));
  }
  return message;
}

}  // namespace takt::test

#endif
