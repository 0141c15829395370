// SPDX-License-Identifier: BSL-1.0
/// \file
/// What built-in modifiers see of an optimizer.
#ifndef TAKT_OPTIMIZER_HPP
#define TAKT_OPTIMIZER_HPP

namespace takt {

/// An optimizer whose learning rate can be scheduled. Implement it for yours; called on the loop's
/// thread only.
class Optimizer {
 public:
  Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  [[nodiscard]] virtual double learning_rate() const = 0;
  /// Takes effect with the next optimizer step.
  virtual void set_learning_rate(double rate) = 0;
};

}  // namespace takt

#endif
