// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that watches for numbers that are not finite.
#ifndef TAKT_MODIFIERS_NAN_GUARD_HPP
#define TAKT_MODIFIERS_NAN_GUARD_HPP

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/model.hpp>
#include <takt/modifier.hpp>
#include <takt/modifiers/parameter_copies.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

namespace detail {
class StateReader;
class StateWriter;
}  // namespace detail

struct ModifierType;

/// What a `NanGuardModifier` is built with.
struct NanGuardSettings {
  std::string name = "NanGuardModifier";        ///< unique on its bus
  Cadence cadence{};                            ///< the batches that are watched
  std::vector<std::string> targets{"__ALL__"};  ///< the parameters that are guarded; see `select`
  std::vector<std::string> ignore{};
  std::vector<std::string> watch{"loss", "gradients"};  ///< of loss, gradients and weights
  std::string action = "stop";                          ///< stop, skip or restore
  /// Asks the loop to stop when so many watched batches in a row were bad; 1 or more. Unset: the
  /// first one with `stop`, never with the others.
  std::optional<std::int64_t> patience{};
};

/// Watches, wherever its cadence is due, the loss at LOSS_CALCULATED, the gradients of the guarded
/// parameters at OPTIM_PRE_STEP, and their weights at OPTIM_POST_STEP, for NaN and infinities. A
/// batch where there is one is bad. What then happens is the action:
///
/// - "stop" asks the loop to stop (`state.control.stop`), and says which number was bad, and where.
///   It changes nothing: the step of that batch is still the loop's to take, and with gradients
///   that are NaN it ruins the weights. To stop with good ones, "skip" and a patience of 1.
/// - "skip" sets the gradients of the guarded parameters to zero before the step, when one of them
///   is bad, or a loss was since the last step. That is not the same as no step: an optimizer still
///   moves by its momentum and its weight decay, and counts the step. Weights that are bad can't
///   be skipped; if they are watched, it asks the loop to stop.
/// - "restore" does that too, and puts the guarded weights back to the last good copy. Good ones
///   are copied when the window opens and after every watched step that left them finite; so it
///   watches weights, whatever `watch` says, and takes their size in memory. Bad weights go back at
///   once, at OPTIM_POST_STEP, and when a batch is aborted. The optimizer's own memory, such as its
///   momentum, stays as it is.
///
/// With `patience` any action asks the loop to stop after so many bad batches in a row; a watched
/// batch without anything bad begins the count anew, and an aborted one does not count. Batches
/// whose gradients are only accumulated count like others.
///
/// A checkpoint keeps the counts of bad batches and, for "restore", the good weights.
///
/// Register it before modifiers that use what it puts right, such as a `GradientClipModifier` or an
/// `EMAModifier`. Gradients that the model does not show can be neither watched nor set to zero.
///
/// `on_initialize` and `on_start` throw `MissingState` when the state has no model, unless only the
/// loss is watched and the action is "stop", `TargetError` for targets that choose nothing, and,
/// for "restore", `InvalidModifier` for a weight that is bad when the window opens.
class NanGuardModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for an unknown action, an unknown word in `watch`, or none there, and
  /// a patience below 1, and `InvalidCadence` for a cadence that makes no sense.
  explicit NanGuardModifier(NanGuardSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_event(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

  /// How many batches were bad. On the loop's thread.
  [[nodiscard]] std::int64_t bad_batches() const noexcept { return tally_.total; }
  /// How many of them in a row until now; 0 when the last watched batch was good. On the loop's
  /// thread.
  [[nodiscard]] std::int64_t bad_batches_in_a_row() const noexcept { return tally_.in_a_row; }

 private:
  enum class Action : std::uint8_t { stop, skip, restore };
  struct Watched {
    bool loss = false;
    bool gradients = false;
    bool weights = false;
  };
  struct Tally {
    std::int64_t total = 0;
    std::int64_t in_a_row = 0;
    bool batch_is_bad = false;
    bool loss_was_bad = false;  // since the last step

    void save(detail::StateWriter& write) const;
    static Tally load(detail::StateReader& read);
  };

  static Action action_of(const NanGuardSettings& settings);
  static Watched watched_of(const NanGuardSettings& settings);
  static std::int64_t patience_of(const NanGuardSettings& settings);
  static Interests interests_of(const NanGuardSettings& settings);

  [[nodiscard]] bool needs_model() const noexcept;
  [[nodiscard]] std::vector<std::size_t> guarded_in(Model& model) const;
  void end_batch() noexcept;
  void look_at_loss(State& state, const Event& event);
  void look_at_gradients(State& state, const Event& event);
  void look_at_weights(State& state, const Event& event);
  [[nodiscard]] std::string bad_gradient(Model& model) const;
  [[nodiscard]] std::string bad_weight(Model& model) const;
  void zero_gradients(Model& model) const;
  void note(State& state, const Event& event, const std::string& what);
  void stop(State& state, const Event& event, const std::string& what) const;

  std::vector<std::string> targets_;
  std::vector<std::string> ignore_;
  Action action_;
  Watched watched_;
  std::int64_t patience_;
  std::vector<std::size_t> positions_;
  ParameterCopies good_;  // of restore
  Tally tally_;
  Tally before_;  // the open batch
};

}  // namespace takt

#endif
