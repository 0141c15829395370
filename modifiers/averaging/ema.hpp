// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that averages a model's weights while it trains.
#ifndef TAKT_MODIFIERS_EMA_HPP
#define TAKT_MODIFIERS_EMA_HPP

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/model.hpp>
#include <takt/modifier.hpp>
#include <takt/modifiers/parameter_copies.hpp>
#include <takt/modifiers/substituted_weights.hpp>
#include <takt/state.hpp>
#include <utility>
#include <vector>

namespace takt {

struct ModifierType;

/// What an `EMAModifier` is built with.
struct EMASettings {
  std::string name = "EMAModifier";             ///< unique on its bus
  Cadence cadence{};                            ///< the steps after which weights are averaged
  std::vector<std::string> targets{"__ALL__"};  ///< see `select`
  std::vector<std::string> ignore{};
  double decay = 0.999;  ///< how much of the average an update keeps; 0 to 1
  /// Whether early updates keep less: the n-th one, counted from 0, min(decay, (1 + n) / (10 + n)),
  /// as TensorFlow's `tf.train.ExponentialMovingAverage` has it with its `num_updates`. Without it
  /// the weights that the window opened with go on weighing decay^n.
  bool warm_up = false;
};

/// Keeps an exponential moving average of the chosen parameters. It begins with their values when
/// the window opens, and at OPTIM_POST_STEP, wherever the cadence is due, becomes
///
///     average = decay * average + (1 - decay) * weight
///
/// to half an ulp or so; see `kernels::blend`. The model itself is left alone until it is asked
/// for:
///
///     ema->with_averages(model, [&] { accuracy = evaluate(model); });
///
/// has the averages in the model for as long as the callable runs. `apply` and `restore` are the
/// two halves of it, for loops that can't put them around a callable, and for a model that is to
/// keep its averages: when training is over, `apply` is the last word. Both swap, so nothing is
/// copied or allocated, and what a callable does to the weights meanwhile is done to the averages.
/// What else is in the model in place of its weights (see `SubstitutedWeights`), such as averages
/// of another decay or quantized weights, may be taken out before or after.
///
/// Training on with the averages in the model would train the averages, and lose what was trained.
/// So a BATCH_START, OPTIM_PRE_STEP or due OPTIM_POST_STEP that finds them there brings the trained
/// weights back and then throws `LifecycleError`. An aborted batch, the window's end and FINALIZE
/// bring them back too, without an error. After its window nothing watches any more: where `end`
/// comes before the end of training, restore before you go on.
///
/// The averages stay after the window has closed, to be applied. A checkpoint keeps them, how many
/// updates they are of, and whether they are in the model; a run that is begun inside the window
/// without one begins them anew. A step whose batch is aborted afterwards is part of them, as it is
/// of the weights, which nothing takes back either. A weight that is NaN makes its average NaN for
/// good: a `NanGuardModifier` that restores weights belongs before this one.
///
/// `on_initialize` and `on_start` throw `MissingState` when the state has no model, and
/// `TargetError` for targets that choose nothing.
class EMAModifier : public Modifier, private WeightSubstitute {
 public:
  /// Throws `InvalidModifier` for a decay that is NaN or outside 0 to 1, and `InvalidCadence` for a
  /// cadence that makes no sense.
  explicit EMAModifier(EMASettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();
  EMAModifier(const EMAModifier&) = delete;
  EMAModifier& operator=(const EMAModifier&) = delete;
  ~EMAModifier() override;

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void on_finalize(State& state, const Event& event) override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

  /// \name Averages in the model
  /// On the loop's thread, with the model that the state has.
  /// @{

  /// Puts the averages into the model, and keeps the trained weights. Throws `LifecycleError` when
  /// they are there already, or when there are none because the window has not opened yet, and
  /// `InvalidModifier` for a parameter that has changed its size. Nothing is changed then.
  void apply(Model& model);
  /// Puts the trained weights back; nothing happens when they are there. Throws `InvalidModifier`
  /// like `apply`.
  void restore(Model& model);
  /// Whether the averages are in the model.
  [[nodiscard]] bool applied() const noexcept;
  /// Runs `run()` with the averages in the model; the trained weights are back afterwards, also
  /// when it throws. Throws like `apply`.
  template <class Callable>
  void with_averages(Model& model, Callable&& run) {
    apply(model);
    try {
      std::forward<Callable>(run)();
    } catch (...) {
      restore(model);
      throw;
    }
    restore(model);
  }
  /// @}

  /// How often the averages were updated since the window opened. On the loop's thread.
  [[nodiscard]] std::int64_t updates() const noexcept { return updates_; }
  /// How much of the average the next update keeps. On the loop's thread.
  [[nodiscard]] double next_decay() const noexcept;

 private:
  [[nodiscard]] std::span<const std::size_t> positions() const noexcept override {
    return positions_;
  }
  void put_in(Model& model, Substitution) override { averages_.exchange(model); }
  void take_out(Model& model) override { averages_.exchange(model); }
  void require_trained_weights(State& state, const Event& event);

  std::vector<std::string> targets_;
  std::vector<std::string> ignore_;
  double decay_;
  bool warm_up_;
  std::int64_t updates_ = 0;
  std::shared_ptr<SubstitutedWeights> substituted_;  // in the model; null before the window opens
  std::vector<std::size_t> positions_;
  ParameterCopies averages_;  // the trained weights while the averages are applied
};

}  // namespace takt

#endif
