// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that schedules the learning rate.
#ifndef TAKT_MODIFIERS_LEARNING_RATE_HPP
#define TAKT_MODIFIERS_LEARNING_RATE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

struct ModifierType;

/// What a `LearningRateModifier` is built with. With i the index of an event, counted in epochs or
/// steps like the cadence, start = `cadence.start` (0 when unset), end = `cadence.end` and
/// t = (i - start) / (end - start), the schedules and their rates are
///
///     constant        learning_rate
///     step            learning_rate * gamma^floor((i - start) / step_size)
///     exponential     learning_rate * gamma^(i - start)
///     multi_step      learning_rate * gamma^(how many of the milestones are at most i)
///     cosine          final_lr + (learning_rate - final_lr) / 2 * (1 + cos(pi * t))
///     cosine_restarts the same with t = ((i - start) mod step_size) / step_size
///     linear_warmup   init_lr + (learning_rate - init_lr) * t
///
/// "step" needs `gamma` and `step_size`, "exponential" `gamma`, "multi_step" `gamma` and
/// `milestones`, "cosine_restarts" `step_size`, and "cosine" and "linear_warmup" need an end.
/// "cosine_restarts" is SGDR with periods of one length (Loshchilov and Hutter, 2017,
/// arXiv:1608.03983, equation 5), "cosine" one such period.
struct LearningRateSettings {
  std::string name = "LearningRateModifier";  ///< unique on its bus
  Cadence cadence{};                          ///< when the rate is set
  std::string schedule = "constant";          ///< one of the seven above
  std::optional<double> learning_rate{};      ///< required; 0 or more
  double init_lr = 0.0;                       ///< linear_warmup: the rate at start; 0 or more
  double final_lr = 0.0;              ///< cosine: the rate at end; cosine_restarts: the rate
                                      ///< that a period falls to; 0 or more
  std::optional<double> gamma{};      ///< step, multi_step: the factor of each fall;
                                      ///< exponential: of one index unit; more than 0
  std::optional<double> step_size{};  ///< step: index units between falls; more than 0;
                                      ///< cosine_restarts: those of a period
  std::vector<double> milestones{};   ///< multi_step: indices of the falls, increasing
};

/// Sets the learning rate of the state's `Optimizer` at BATCH_START, wherever its cadence is due,
/// so that a whole batch sees one rate.
///
/// The rate depends on the index alone: a batch that is aborted and comes again, or a run that is
/// resumed, gets the rate it would have had, and a checkpoint keeps nothing of it. At the last due
/// step of the window cosine and linear_warmup land exactly on `final_lr` and `learning_rate`, also
/// where `end` lies between two steps. After the window the rate stays as it was last set. So two
/// modifiers can follow each other, a warm-up with `{.end = 1}` and a cosine with `{.start = 1,
/// .end = 30}`; where windows overlap, the modifier that runs later sets the rate.
///
/// `on_update` throws `MissingState` when the state has no optimizer.
class LearningRateModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for an unknown schedule, a setting that its schedule needs and that
  /// is missing, a rate or factor that is NaN, infinite or out of its range, and, for cosine and
  /// linear_warmup, a window without a finite end after its start. Throws `InvalidCadence` for a
  /// cadence that makes no sense.
  explicit LearningRateModifier(const LearningRateSettings& settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();
  /// SparseML's `LearningRateFunctionModifier`: a line or a cosine from init_lr to final_lr.
  [[nodiscard]] static ModifierType function_type();
  /// What a schedule may be called.
  [[nodiscard]] static std::vector<std::string> schedules();

  void on_update(State& state, const Event& event) override;

  /// The schedule's rate at an index; before the window the one at its start, after it the one at
  /// its end. It is what `on_update` sets, but for the last due step of a window whose end no due
  /// step meets. May be called from any thread.
  [[nodiscard]] double learning_rate_at(double index) const noexcept;

 private:
  enum class Schedule : std::uint8_t {
    constant,
    step,
    exponential,
    multi_step,
    cosine,
    cosine_restarts,
    linear_warmup
  };

  static Schedule schedule_of(const LearningRateSettings& settings);
  static void require_valid(const LearningRateSettings& settings, Schedule schedule);
  [[nodiscard]] double falls_until(double index) const noexcept;
  [[nodiscard]] double milestones_until(double index) const noexcept;

  Schedule schedule_;
  double rate_ = 0.0;
  double init_ = 0.0;
  double final_ = 0.0;
  double gamma_ = 1.0;
  double step_size_ = 1.0;
  double start_ = 0.0;
  std::vector<double> milestones_;
};

}  // namespace takt

#endif
