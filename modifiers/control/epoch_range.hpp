// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that says how long training goes on.
#ifndef TAKT_MODIFIERS_EPOCH_RANGE_HPP
#define TAKT_MODIFIERS_EPOCH_RANGE_HPP

#include <iosfwd>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>

namespace takt {

struct ModifierType;

/// What an `EpochRangeModifier` is built with.
struct EpochRangeSettings {
  std::string name = "EpochRangeModifier";  ///< unique on its bus
  Cadence cadence{};                        ///< training goes on until its end, which it needs
};

/// Asks the loop to stop (`state.control.stop`) when training has come to its end: at the BATCH_END
/// after which the next batch's index is `cadence.end` or more, and already at INITIALIZE in a run
/// that is resumed there. So `{.end = 10}` is ten epochs, the tenth complete and no step of an
/// eleventh. It is for the loop to ask `state.control.stop_requested()`. A checkpoint keeps whether
/// the open batch has made its step.
class EpochRangeModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for an end that is missing or infinite, and `InvalidCadence` for a
  /// cadence that makes no sense.
  explicit EpochRangeModifier(const EpochRangeSettings& settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

 private:
  void stop_if_over(State& state, const Event& next) const;

  bool steps_ = false;  // whether the open batch made a step
};

}  // namespace takt

#endif
