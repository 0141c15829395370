// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that sets the learning rate once.
#ifndef TAKT_MODIFIERS_SET_LEARNING_RATE_HPP
#define TAKT_MODIFIERS_SET_LEARNING_RATE_HPP

#include <iosfwd>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>

namespace takt {

struct ModifierType;

/// What a `SetLearningRateModifier` is built with.
struct SetLearningRateSettings {
  std::string name = "SetLearningRateModifier";  ///< unique on its bus
  Cadence cadence{};                             ///< the rate is set when its window opens
  std::optional<double> learning_rate{};         ///< required; 0 or more
};

/// Sets the learning rate of the state's `Optimizer` once, when its window opens. Unlike a
/// `LearningRateModifier` with a constant schedule it leaves the rate alone after that, so one that
/// starts later takes over wherever it stands. A run that is begun inside the window sets it again,
/// but one that is resumed from a checkpoint has the rate that its optimizer was saved with.
///
/// `on_start` throws `MissingState` when the state has no optimizer.
class SetLearningRateModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for a rate that is missing, NaN, infinite or negative, and
  /// `InvalidCadence` for a cadence that makes no sense.
  explicit SetLearningRateModifier(const SetLearningRateSettings& settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_start(State& state, const Event& event) override;
  /// Nothing: whatever the rate is by now, the optimizer has it.
  void load(State&, const Event&, std::istream&) override {}

 private:
  double rate_;
};

}  // namespace takt

#endif
