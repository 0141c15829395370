// SPDX-License-Identifier: BSL-1.0
// The smallest training loop with a bus in it: one weight learns to be 3.
#include <iostream>
#include <takt/takt.hpp>

int main() {
  double weight = 0.0;
  takt::EventBus bus{takt::Event{.steps_per_epoch = 100}};
  bus.on({takt::EventType::BATCH_END}, {.update = 0.25}, [&](takt::State& s, const takt::Event& e) {
    std::cout << "step " << e.global_step << ": loss " << *s.loss << '\n';
  });
  bus.initialize();
  for (int step = 0; step < 100; ++step) {
    bus.batch([&](takt::Batch& batch) {
      const double error = weight - 3.0;
      batch.loss(error * error);
      batch.step([&] { weight -= 0.1 * error; });
    });
  }
  bus.finalize();
}
