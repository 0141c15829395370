// SPDX-License-Identifier: BSL-1.0
// The smallest training loop with a bus in it: one weight learns to be 3. The README shows it.
#include <iostream>
#include <takt/takt.hpp>

int main() {
  double weight = 0.0;
  takt::EventBus bus{takt::Event{.steps_per_epoch = 100}};
  bus.on(takt::EventType::BATCH_END, {.update = 0.25}, [&] { std::cout << weight << '\n'; });
  bus.initialize();
  for (int step = 0; step < 100; ++step) {
    bus.batch([&](takt::Batch& batch) {
      batch.loss((weight - 3.0) * (weight - 3.0));
      batch.step([&] { weight -= 0.1 * (weight - 3.0); });
    });
  }
  bus.finalize();
}
