// SPDX-License-Identifier: BSL-1.0
#include "takt/batch.hpp"

#include "takt/event_bus.hpp"

namespace takt {

void Batch::loss(double value) { bus_.loss_calculated(value); }
void Batch::begin_step() { bus_.optim_pre_step(); }
void Batch::end_step() { bus_.optim_post_step(); }

void StepWrapper::run(const std::function<void()>& take_step) {
  const std::int64_t batches = bus_.now().batches_per_step.value_or(1);
  for (std::int64_t i = 1; i <= batches; ++i) {
    bus_.batch([&](Batch& batch) {
      if (loss_) batch.loss(loss_());
      if (i == batches) batch.step(take_step);
    });
  }
}

}  // namespace takt
