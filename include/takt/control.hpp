// SPDX-License-Identifier: BSL-1.0
/// \file
/// What modifiers ask of the loop.
#ifndef TAKT_CONTROL_HPP
#define TAKT_CONTROL_HPP

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace takt {

namespace detail {
class StateAccess;
}

/// Requests from modifiers, and anyone else, to the training loop. The loop looks at them where it
/// suits it; nothing happens on its own. Every member may be called from any thread.
class Control {
 public:
  /// Asks the loop to stop training. Stays set; the first reason given is kept.
  void stop(std::string reason);
  /// Asks this process to stop, as for a scheduler that takes the machine away: like `stop`, but a
  /// run that is resumed goes on. Both may be asked for, in either order.
  void interrupt(std::string reason);
  /// Whether the loop is to stop now, for whichever of the two.
  [[nodiscard]] bool stop_requested() const noexcept {
    return stop_requested_.load(std::memory_order_acquire);
  }
  /// The reason of whichever came first; empty when there was neither.
  [[nodiscard]] std::string stop_reason() const;
  /// Whether the loop is to stop for interrupts alone: what is left of the run is for another
  /// process to do.
  [[nodiscard]] bool interrupted() const noexcept {
    return interrupted_.load(std::memory_order_acquire);
  }
  /// The reason of the first `stop`, which holds for a run that is resumed too; nothing when there
  /// was none, whatever was interrupted.
  [[nodiscard]] std::optional<std::string> lasting_stop_reason() const;

  /// Asks the loop to save the model.
  void request_save() noexcept { save_.store(true, std::memory_order_release); }
  /// Whether a save was asked for since the last call; the request is consumed.
  [[nodiscard]] bool take_save_request() noexcept {
    return save_.exchange(false, std::memory_order_acq_rel);
  }

  /// Asks the loop to evaluate the model.
  void request_evaluate() noexcept { evaluate_.store(true, std::memory_order_release); }
  /// Whether an evaluation was asked for since the last call; the request is consumed.
  [[nodiscard]] bool take_evaluate_request() noexcept {
    return evaluate_.exchange(false, std::memory_order_acq_rel);
  }

 private:
  friend class detail::StateAccess;

  /// Takes back the first `stop`; an interrupt before it holds again.
  void forget_stop();

  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> save_{false};
  std::atomic<bool> evaluate_{false};
  mutable std::mutex mutex_;
  std::string stop_reason_;
  std::optional<std::string> lasting_stop_reason_;
};

}  // namespace takt

#endif
