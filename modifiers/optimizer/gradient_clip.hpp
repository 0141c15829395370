// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that bounds gradients.
#ifndef TAKT_MODIFIERS_GRADIENT_CLIP_HPP
#define TAKT_MODIFIERS_GRADIENT_CLIP_HPP

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/model.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

struct ModifierType;

/// What a `GradientClipModifier` is built with; one of the bounds at least.
struct GradientClipSettings {
  std::string name = "GradientClipModifier";    ///< unique on its bus
  Cadence cadence{};                            ///< the steps whose gradients are bounded
  std::vector<std::string> targets{"__ALL__"};  ///< see `select`
  std::vector<std::string> ignore{};
  std::optional<double> max_norm{};   ///< of all the chosen gradients together; more than 0
  std::optional<double> max_value{};  ///< of each number in them, by magnitude; more than 0
};

/// Bounds the gradients of the chosen parameters at OPTIM_PRE_STEP, wherever its cadence is due.
///
/// First `max_norm`: the L2 norm of all chosen gradients, as if they were one vector, is summed up
/// in double, and where it is more than `max_norm` they are all multiplied by
/// max_norm / (norm + 1e-6), as PyTorch's `clip_grad_norm_` does. Unlike there, a norm that is at
/// most `max_norm` leaves every number as it is, also within that 1e-6. Then `max_value`: each
/// number is moved into -max_value to max_value, which makes the norm no larger.
///
/// The norm before any of it is `last_norm()`, and the state's metric "gradient_norm", also when
/// only `max_value` is set. It is finite exactly when all gradients are. Where it is not, neither
/// bound changes anything: a factor made of it would spread one NaN to all parameters, or turn them
/// to zeros, and what is wrong should stay to be seen. A `NanGuardModifier` deals with it.
///
/// A checkpoint keeps the last norm. Parameters that show no gradients count as zeros. With
/// gradients that were scaled up for half precision the bounds are about the scaled ones: unscale
/// them before `optim_pre_step`.
///
/// `on_initialize` and `on_start` throw `MissingState` when the state has no model, and
/// `TargetError` for targets that choose nothing.
class GradientClipModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` when neither bound is set, or for one that is NaN, infinite, 0 or
  /// less, and `InvalidCadence` for a cadence that makes no sense.
  explicit GradientClipModifier(GradientClipSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

  /// The norm at the last step that was due, before it was bounded; 0 before the first. On the
  /// loop's thread.
  [[nodiscard]] double last_norm() const noexcept { return last_norm_; }

 private:
  [[nodiscard]] double norm_of(Model& model) const;

  std::vector<std::string> targets_;
  std::vector<std::string> ignore_;
  std::optional<double> max_norm_;
  std::optional<double> max_value_;
  std::vector<std::size_t> positions_;
  double last_norm_ = 0.0;
};

}  // namespace takt

#endif
