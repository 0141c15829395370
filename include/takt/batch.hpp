// SPDX-License-Identifier: BSL-1.0
/// \file
/// Scoped forms of a batch, which can't be left half open.
#ifndef TAKT_BATCH_HPP
#define TAKT_BATCH_HPP

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

namespace takt {

class EventBus;

/// An open batch, as `EventBus::batch` hands it to its callable; good until that returns. Loop's
/// thread only.
class Batch {
 public:
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Emits LOSS_CALCULATED; the loss is in the state from then on.
  void loss(double value);

  /// Emits OPTIM_PRE_STEP, runs `take_step`, emits OPTIM_POST_STEP.
  template <class Callable>
  void step(Callable&& take_step) {
    begin_step();
    std::forward<Callable>(take_step)();
    end_step();
  }

 private:
  friend class EventBus;
  explicit Batch(EventBus& bus) noexcept : bus_{bus} {}
  void begin_step();
  void end_step();

  EventBus& bus_;
};

/// For loops where only the optimizer's step can be hooked: one call emits the events of a whole
/// step, `batches_per_step` batches of which the last one steps. The events come when the step is
/// taken, so a modifier can't change what the forward pass saw.
///
///     takt::StepWrapper step{bus, [&] { return current_loss; }};
///     …
///     step([&] { optimizer.step(); });
///
/// Loop's thread only; the bus must outlive it. An exception from the step aborts the batch and
/// passes on.
class StepWrapper {
 public:
  /// Without a loss: no LOSS_CALCULATED is emitted.
  explicit StepWrapper(EventBus& bus) : bus_{bus} {}

  /// `loss` is asked for at each batch: a callable that returns a number; or a number, which is
  /// read where it stands when it is a variable, so that variable must outlive the wrapper, and
  /// copied when it is not.
  template <class Loss>
  StepWrapper(EventBus& bus, Loss&& loss) : bus_{bus} {
    if constexpr (std::is_invocable_v<Loss&>) {
      loss_ = [source = std::forward<Loss>(loss)]() mutable {
        return static_cast<double>(source());
      };
    } else if constexpr (std::is_lvalue_reference_v<Loss>) {
      loss_ = [source = &loss] { return static_cast<double>(*source); };
    } else {
      loss_ = [value = static_cast<double>(loss)] { return value; };
    }
  }

  template <class Callable>
  void operator()(Callable&& take_step) {
    run([&take_step] { std::forward<Callable>(take_step)(); });
  }

 private:
  void run(const std::function<void()>& take_step);

  EventBus& bus_;
  std::function<double()> loss_;
};

}  // namespace takt

#endif
