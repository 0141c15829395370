// SPDX-License-Identifier: BSL-1.0
// Uses the installed package: the bus, a modifier of its own, and a built-in one.
#include <cstdlib>
#include <iostream>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/takt.hpp>

namespace {

class CountSteps final : public takt::Modifier {
 public:
  CountSteps() : Modifier{"count", {.update = 10}, {.due = takt::EventType::OPTIM_POST_STEP}} {}
  void on_update(takt::State&, const takt::Event&) override { ++count; }
  int count = 0;
};

class Rate final : public takt::Optimizer {
 public:
  double learning_rate() const override { return rate_; }
  void set_learning_rate(double rate) override { rate_ = rate; }

 private:
  double rate_ = 1.0;
};

}  // namespace

int main() {
  Rate optimizer;
  takt::EventBus bus;
  bus.state().set(optimizer);
  const auto count = bus.emplace<CountSteps>();
  bus.emplace<takt::LearningRateModifier>(
      takt::LearningRateSettings{.schedule = "constant", .learning_rate = 0.5});
  bus.initialize();
  for (int i = 0; i < 100; ++i) {
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }
  bus.finalize();
  std::cout << count->count << " updates, learning rate " << optimizer.learning_rate() << '\n';
  return count->count == 10 && optimizer.learning_rate() == 0.5 ? EXIT_SUCCESS : EXIT_FAILURE;
}
