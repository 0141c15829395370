// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that trains a model with quantized weights.
#ifndef TAKT_MODIFIERS_QUANTIZATION_HPP
#define TAKT_MODIFIERS_QUANTIZATION_HPP

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/model.hpp>
#include <takt/modifier.hpp>
#include <takt/modifiers/parameter_copies.hpp>
#include <takt/modifiers/quantization_groups.hpp>
#include <takt/modifiers/quantization_parameters.hpp>
#include <takt/modifiers/substituted_weights.hpp>
#include <takt/modifiers/weight_quantizer.hpp>
#include <takt/state.hpp>
#include <utility>
#include <vector>

namespace takt {

struct ModifierType;
namespace detail {
class StateReader;
}

/// What a `QuantizationModifier` is built with: either a scheme or config groups.
struct QuantizationSettings {
  std::string name = "QuantizationModifier";  ///< unique on its bus
  Cadence cadence{};  ///< its window; where it is due in it, scales are found anew
  std::vector<std::string> targets{"__ALL_PRUNABLE__"};  ///< of `scheme`; see `select_prunable`
  std::vector<std::string> ignore{};                     ///< of the targets, also of the groups'
  std::string scheme{};  ///< see `quantization_scheme`, such as "W4A16"; empty = by the groups
  std::vector<QuantizationGroup> config_groups{};  ///< no parameter is in two of them
  /// Of all weights, whatever scheme or groups say; see `quantization_observer`.
  std::optional<std::string> weight_observer{};
};

/// Quantization-aware training: a batch runs forward and backward on weights that are rounded to
/// integers times a scale, and the optimizer moves the full-precision ones with those gradients, as
/// if rounding had a derivative of 1. That is the straight-through estimator: Bengio, Léonard and
/// Courville, "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
/// Computation", arXiv 1308.3432 (2013); and for weights that are quantized like this, Jacob et
/// al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
/// Inference", CVPR 2018, section 3. It needs no hooks in a tensor library:
///
/// - At BATCH_START the values of the chosen parameters are put aside, and the quantized ones in
///   their place. Where the cadence is due, and in the first batch of the window, scales and zero
///   points are found anew in the weights; otherwise those of before are held.
/// - At OPTIM_PRE_STEP the full-precision weights come back, before the optimizer moves them. In a
///   batch without that event, at BATCH_END. They also come back when the batch is aborted, the
///   window closes, the modifier is removed or quarantined, or training is finalized, whatever was
///   thrown. In what follows OPTIM_PRE_STEP in the same batch they stay, as in a second round of
///   `OrderPolicy::several_steps`.
///
/// A loop that makes the bus's calls itself has to call `abort_batch` when an exception leaves a
/// batch, as `EventBus::batch` does: a bus that is destroyed with a batch open touches no model any
/// more. Should the model itself refuse to show its weights, they come back at the next of those
/// moments; a modifier that is quarantined for that has no more of them, so there `applied` says
/// that they are still to come, and `restore` brings them. The model is not changed for another
/// while a batch is open. A `StepWrapper` emits BATCH_START
/// when forward and backward are over, so under it nothing runs on quantized weights.
///
/// Gradients may be accumulated over batches: each of them runs on quantized weights. With
/// `invocations_per_step`, a pair of optimizer calls that is not the last one emits no event, so
/// quantized weights are in while it runs: what an optimizer does to the weights there is undone at
/// BATCH_END. Accumulate gradients there, and let it step at the last call.
///
/// After its window the weights are full precision. For evaluation, and to save them,
///
///     quantization->with_quantized(model, [&] { accuracy = evaluate(model); });
///
/// has the quantized ones in the model for as long as the callable runs; `apply` and `restore` are
/// its two halves. In the window they are quantized with the scales that the last batch trained
/// with, so that looking does not change the run; after it, with scales that are found anew in the
/// weights as they are then. A BATCH_START that finds applied ones brings the full-precision ones
/// back and throws `LifecycleError`; after the window nothing watches.
///
/// The scales are in the state, `QuantizationParameters`: when the window closes, those of the
/// weights that stay, and after an `apply` later than that, those of the weights that it found.
///
/// With a pruning modifier, in whichever order the two are registered, the same weights come of it:
/// it prunes full-precision weights, zeros are zeros when quantized, and scales are those of the
/// pruned weights. Averages of an `EMAModifier` are of full-precision weights. Two of these may be
/// on one bus as long as no parameter is quantized twice at a time.
///
/// Besides the scales it keeps a copy of the chosen parameters. It allocates nothing after its
/// window has opened. A checkpoint keeps the scales, those in the state too, and while quantized
/// weights are in the model, the full-precision ones.
///
/// `on_initialize` and `on_start` throw `MissingState` when the state has no model, `TargetError`
/// for targets that choose nothing, and `InvalidModifier` for a parameter that is in two groups or
/// that another modifier quantizes in the same window, and one whose rows the group size does not
/// divide, all before anything is changed.
class QuantizationModifier : public Modifier, private WeightSubstitute {
 public:
  /// Throws `InvalidModifier` for both of scheme and config groups or none, and what is unknown or
  /// out of its range in them, and `InvalidCadence` for a cadence that makes no sense.
  explicit QuantizationModifier(QuantizationSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();
  QuantizationModifier(const QuantizationModifier&) = delete;
  QuantizationModifier& operator=(const QuantizationModifier&) = delete;
  ~QuantizationModifier() override;

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void on_finalize(State& state, const Event& event) override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

  /// \name Quantized weights in the model
  /// On the loop's thread, with the model that the state has.
  /// @{

  /// Puts the quantized weights into the model, and keeps the full-precision ones. Throws
  /// `LifecycleError` when they are there already, for a batch or by this, or when the window has
  /// not opened yet, and `InvalidModifier` for a parameter that has changed its size. Nothing is
  /// changed then.
  void apply(Model& model);
  /// Puts the full-precision weights back; nothing happens when they are there. Throws
  /// `InvalidModifier` like `apply`. In a batch, the rest of it runs on them.
  void restore(Model& model);
  /// Whether quantized weights are in the model, for a batch or by `apply`.
  [[nodiscard]] bool applied() const noexcept;
  /// Runs `run()` with the quantized weights in the model; the full-precision ones are back
  /// afterwards, also when it throws. Throws like `apply`.
  template <class Callable>
  void with_quantized(Model& model, Callable&& run) {
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

 private:
  [[nodiscard]] std::span<const std::size_t> positions() const noexcept override {
    return window_.positions;
  }
  void put_in(Model& model, Substitution how) override;
  void take_out(Model& model) override;

  struct Chosen {
    std::size_t position;
    const QuantizationGroup* group;
  };
  /// What there is from the moment that the window opens.
  struct Window {
    std::vector<std::size_t> positions{};       // of the parameters, in order
    std::vector<WeightQuantizer> quantizers{};  // one for each of them
    ParameterCopies full{};                     // their full-precision weights, while they are out
    std::vector<std::span<float>> shown{};      // what the model shows while they are quantized
    bool open = false;
    bool fresh = false;              // no batch of the window has run yet
    bool observes = false;           // what is put in is observed before
    bool applied_by_caller = false;  // not for a batch

    void observe(Model& model);
  };
  using Shown = std::vector<std::shared_ptr<const QuantizedParameter>>;
  [[nodiscard]] std::vector<Chosen> choose(Model& model) const;
  [[nodiscard]] std::vector<WeightQuantizer> quantizers_for(Model& model,
                                                            std::span<const Chosen> chosen) const;
  void open(State& state);
  void give_back(State& state) const;
  [[nodiscard]] Window window_of(Model& model, std::span<const Chosen> chosen) const;
  [[nodiscard]] Shown quantized() const;
  [[nodiscard]] Window read_window(detail::StateReader& read, Model& model, bool is_in,
                                   Shown& shown) const;
  void claim(State& state, std::span<const WeightQuantizer> quantizers);
  void begin_batch(State& state, const Event& event);
  void put_in_for_batch(State& state, bool observes);

  std::vector<QuantizationGroup> groups_;
  std::vector<std::string> ignore_;
  Window window_;
  std::shared_ptr<SubstitutedWeights> substituted_;         // null before the window opens
  std::weak_ptr<const QuantizationParameters> parameters_;  // those of the state
};

}  // namespace takt

#endif
