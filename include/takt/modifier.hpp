// SPDX-License-Identifier: BSL-1.0
/// \file
/// The base class of everything that a bus runs on events.
#ifndef TAKT_MODIFIER_HPP
#define TAKT_MODIFIER_HPP

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

#include "takt/cadence.hpp"
#include "takt/event.hpp"
#include "takt/event_type.hpp"
#include "takt/state.hpp"

namespace takt {

namespace detail {
class ModifierAccess;
}

/// The events that a modifier wants to hear of while it is active. INITIALIZE and FINALIZE reach
/// every modifier through hooks of their own; here they change nothing.
struct Interests {
  EventSet due{};    ///< events where `on_update` runs when the cadence is due
  EventSet every{};  ///< events where `on_event` always runs
};

/// Where a modifier stands in its life on a bus.
enum class Phase : std::uint8_t {
  added,        ///< constructed, or on a bus that is not initialized
  initialized,  ///< `on_initialize` has run; the window has not opened yet
  active,       ///< between `on_start` and `on_end`
  ended,        ///< the window has closed, or `on_start` threw
  finalized,    ///< `on_finalize` has run
  quarantined   ///< a hook threw under `ErrorPolicy::quarantine`; no hook runs any more
};

/// The lower-case name: "active".
[[nodiscard]] const std::string& to_string(Phase phase);
std::ostream& operator<<(std::ostream& out, Phase phase);

/// Something that a bus runs on events: derive from it, override the hooks you need, and say in the
/// constructor when they are due.
///
/// All hooks run on the loop's thread, one at a time. A hook may add and remove modifiers, itself
/// included; it may not emit on the same bus. On one event the order is `on_start`, `on_event`,
/// `on_update`, `on_end`, modifier by modifier. What a hook throws is handled as the bus's
/// `ErrorPolicy` says. A modifier is on one bus at a time. `name`, `cadence`, `interests` and
/// `phase` may be asked from any thread; all else is the loop's.
class Modifier {
 public:
  /// Throws `InvalidModifier` when the name is empty, `InvalidCadence` for a cadence that makes no
  /// sense.
  Modifier(std::string name, Cadence cadence, Interests interests);
  Modifier(const Modifier&) = delete;
  Modifier& operator=(const Modifier&) = delete;
  virtual ~Modifier();

  /// Once, at INITIALIZE, or when it is added to a bus that is already initialized.
  virtual void on_initialize(State&, const Event&) {}
  /// Once, when the window opens: the first BATCH_START or CALIBRATION_EPOCH_START inside it.
  virtual void on_start(State&, const Event&) {}
  /// At every event in `interests().every` while active.
  virtual void on_event(State&, const Event&) {}
  /// At events in `interests().due` while active, at the indices where the cadence is due.
  virtual void on_update(State&, const Event&) {}
  /// Once for every `on_start`, when the window has closed, or when the run ends before that.
  virtual void on_end(State&, const Event&) {}
  /// An open batch was dropped while active: undo what the batch began. The same index comes again.
  /// The event has no type. Also when this modifier is quarantined, with the event of that moment;
  /// and in place of `on_event` and `on_update` at a BATCH_END where another modifier's error
  /// skipped them, with that event: then the batch counts, but nothing else in it comes.
  virtual void on_abort(State&, const Event&) noexcept {}
  /// Once, at FINALIZE, or when it is removed.
  virtual void on_finalize(State&, const Event&) {}

  /// Writes what `load` needs of it, for a checkpoint: on the loop's thread, between two of its
  /// calls, when `on_initialize` has run, unless it is quarantined. By default nothing. What it
  /// throws keeps the checkpoint from being written.
  virtual void save(std::ostream& out);
  /// Takes up what `save` wrote, where a run is resumed: after `on_initialize`, with `phase()` as
  /// it was when saved, and in place of `on_start`. The state's model is as it was, too. `in` has
  /// those bytes and no others, and all of them have to be read; the event has the counters and no
  /// type. What it throws becomes a `CheckpointError`, and must leave it as it was before.
  ///
  /// By default a modifier that is active starts again, `on_start`, as on a bus that begins inside
  /// its window: enough for one that keeps nothing but what it finds there.
  virtual void load(State& state, const Event& event, std::istream& in);

  [[nodiscard]] const std::string& name() const noexcept { return settings_->name; }
  [[nodiscard]] const Cadence& cadence() const noexcept { return settings_->cadence; }
  [[nodiscard]] const Interests& interests() const noexcept { return settings_->interests; }
  /// May be called from any thread.
  [[nodiscard]] Phase phase() const noexcept { return phase_.load(std::memory_order_acquire); }

 private:
  friend class detail::ModifierAccess;

  struct Settings {
    std::string name;
    Cadence cadence;
    Interests interests;
  };

  // Small members only, so that a derived class's own data shares the cache line that dispatch
  // touches anyway.
  std::unique_ptr<const Settings> settings_;
  std::atomic<Phase> phase_{Phase::added};
  std::atomic<bool> leaving_{false};   // removed; only on_abort and the last two hooks run
  std::atomic<bool> attached_{false};  // on a bus
};

}  // namespace takt

#endif
