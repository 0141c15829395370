// SPDX-License-Identifier: BSL-1.0
/// \file
/// The event bus of a training loop.
#ifndef TAKT_EVENT_BUS_HPP
#define TAKT_EVENT_BUS_HPP

#include <boost/signals2/connection.hpp>
#include <boost/signals2/slot.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "takt/batch.hpp"
#include "takt/bus_options.hpp"
#include "takt/cadence.hpp"
#include "takt/error.hpp"
#include "takt/event.hpp"
#include "takt/event_type.hpp"
#include "takt/modifier.hpp"
#include "takt/state.hpp"

namespace takt {

class Recipe;

namespace detail {
class BusAccess;
}

/// When an observer of an event is called.
enum class At : std::uint8_t {
  before,  ///< before the modifiers that are due run
  after    ///< after them
};

/// Carries the lifecycle of one training loop: the loop says where it is, and the bus emits an
/// event for it to the modifiers that are due and to the observers of its type. `event_type.hpp`
/// shows the loop with every call at its place.
///
/// The bus owns the clock. All events of one batch carry the same counters; after BATCH_END the
/// batch counter goes up by one, and the step counter too if the batch took its optimizer step.
///
/// *Threads.* The loop's calls and `state()` belong to one thread, the one that called
/// `initialize()`. `connect`, `add`, `emplace`, `on`, `remove`, `now`, `modifiers`, `quarantined`
/// and `state().control` may be used from any. Added and removed from another thread, or from
/// inside a hook or observer, a modifier's name is taken or free at once, but its hooks run on the
/// loop's thread: after the current call, or at the start of the next. A call does what was queued
/// when it looked, and leaves to the next what other threads queue meanwhile. Several buses may run
/// on several threads at once.
///
/// *Errors.* A call that the order does not allow throws `LifecycleError` and changes nothing. One
/// that is allowed takes effect even if a modifier or observer throws in it; what was thrown then
/// reaches the caller as the bus's `ErrorPolicy` says. A modifier that misses a BATCH_END for that
/// gets `on_abort` in its place, as the batch is closed all the same. An observer's exception
/// reaches the caller as it is, after everything else has run; of several, the first.
///
/// *Memory.* A call from which `std::bad_alloc` comes has run no hook and changed nothing, unless
/// an observer threw it, and can be made again. From `initialize` on the loop's calls need none of
/// their own; only modifiers that hooks or other threads have added do, before they join. Where
/// there is none for them, the call that was to begin with it throws; until one succeeds they wait,
/// and so does all else that was queued. Nothing is torn when memory runs out as a modifier throws:
/// the hooks run as they would, and the `ModifierError` may have less to tell. `remove`, where it
/// takes effect at once, and the aborts never fail for want of memory.
class EventBus {
 public:
  /// What `connect` takes; any callable with this signature converts to it. Use it by name to track
  /// objects: `EventBus::Observer{…}.track_foreign(shared)`.
  using Observer = boost::signals2::slot<void(const Event&, const State&)>;

  /// A bus that starts at the counters of `start`; non-zero ones mean "continue from here". Its
  /// type is not used. Throws `InvalidEvent` for negative counters, or for steps per epoch, batches
  /// per step or invocations per step below 1.
  explicit EventBus(Event start = {}, BusOptions options = {});
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;
  ~EventBus();

  /// What modifiers act on.
  [[nodiscard]] State& state() noexcept;
  [[nodiscard]] const State& state() const noexcept;
  /// The counters as of now, with no type; those of the open batch while one is open.
  [[nodiscard]] Event now() const noexcept;

  /// \name The loop's calls
  /// Each says when it is allowed and emits the event of its name.
  /// @{

  /// First, and once.
  void initialize();
  /// While no batch is open, in a calibration epoch or not. Resets the state's loss.
  void batch_start();
  /// In a batch, before its optimizer step, as often as there are losses. The state has the loss.
  void loss_calculated(double loss);
  /// In a batch, when no step is open and none has been taken. Emits only on the last of
  /// `invocations_per_step` pairs, counted across batches; the other pairs are not the batch's
  /// step.
  void optim_pre_step();
  /// After `optim_pre_step`. Emits when that did.
  void optim_post_step();
  /// In a batch, when no step is open. Then the clock goes on.
  void batch_end();
  /// In a batch. Emits nothing, but calls `on_abort` of every active modifier, with an event that
  /// has no type. A step already taken is not counted: the same index comes again.
  void abort_batch();
  /// While no batch and no calibration epoch is open.
  void calibration_epoch_start();
  /// In a calibration epoch, while no batch is open. The state has the names of the layers.
  void sequential_epoch_end(std::vector<std::string> layers = {});
  /// In a calibration epoch, while no batch is open.
  void calibration_epoch_end();
  /// In a calibration epoch, while no batch is open. Emits nothing.
  void abort_calibration_epoch();
  /// After `initialize`, once, while nothing is open.
  void finalize();
  /// Any of the above by the type of its event, with the loss and the layers that the state holds.
  void emit(EventType type);
  /// @}

  /// A whole batch: `run(batch)` between BATCH_START and BATCH_END. An exception from it aborts the
  /// batch, if it is still open, and passes on.
  template <class Callable>
  void batch(Callable&& run) {
    batch_start_or_abort();
    Batch batch{*this};
    try {
      std::forward<Callable>(run)(batch);
    } catch (...) {
      abort_open_batch();
      throw;
    }
    batch_end_if_open();
  }

  /// A whole calibration epoch: `run()` between CALIBRATION_EPOCH_START and CALIBRATION_EPOCH_END.
  /// An exception from it aborts the epoch, and a batch open in it, and passes on.
  template <class Callable>
  void calibration_epoch(Callable&& run) {
    calibration_epoch_start_or_abort();
    try {
      std::forward<Callable>(run)();
    } catch (...) {
      abort_open_calibration_epoch();
      throw;
    }
    calibration_epoch_end_if_open();
  }

  /// Registers a modifier; lower groups run first, and modifiers of one group in the order of their
  /// registration. On an initialized bus it is initialized now, and starts with the next batch or
  /// calibration epoch in its window; when its `on_initialize` throws, so does this, with the
  /// modifier on the bus all the same. Throws `InvalidModifier` for null, a name that is taken, or
  /// a modifier that is on a bus already, and `LifecycleError` from the moment `finalize` begins.
  /// Returns its argument.
  std::shared_ptr<Modifier> add(std::shared_ptr<Modifier> modifier, int group = 0);

  /// Makes a modifier from `arguments` and adds it.
  template <class M, class... Arguments>
  std::shared_ptr<M> emplace(Arguments&&... arguments) {
    auto modifier = std::make_shared<M>(std::forward<Arguments>(arguments)...);
    add(modifier);
    return modifier;
  }

  /// Registers a callable as a modifier that runs at `events` when `cadence` is due:
  /// `bus.on({EventType::BATCH_END}, {.update = 100}, save)`. It may take `(State&, const Event&)`,
  /// `(const Event&)` or nothing. INITIALIZE and FINALIZE in `events` call it there, whatever the
  /// cadence. An empty name gets a unique one.
  template <class Callable>
  std::shared_ptr<Modifier> on(EventSet events, Cadence cadence, Callable&& callable,
                               const std::string& name = "", int group = 0) {
    return add_callable(events, cadence, as_hook(std::forward<Callable>(callable)), name, group);
  }

  /// Adds the modifiers of a recipe, in its order: all of them, or none when one of them can't be
  /// made or added, or throws as it is initialized. Throws what `Recipe::make` and `add` throw.
  /// Returns what will not run as it may be meant, a line each: a start, end or update that is no
  /// whole number of this bus's steps, with the steps that it really comes to, and what
  /// `Recipe::warnings` has. The recipe's plugins stay loaded as long as the bus lives. Loop's
  /// thread only; defined with the recipe.
  std::vector<std::string> apply(const Recipe& recipe);

  /// Removes a modifier: `on_end` if it is active, then `on_finalize`; neither when its
  /// `on_initialize` has not run yet. False when no modifier has that name.
  bool remove(std::string_view name);

  /// The modifiers in the order in which they run.
  [[nodiscard]] std::vector<std::shared_ptr<Modifier>> modifiers() const;
  /// Those that threw under `ErrorPolicy::quarantine`.
  [[nodiscard]] std::vector<std::shared_ptr<Modifier>> quarantined() const;
  /// Called on the loop's thread with each modifier that is quarantined; replaces the one before.
  /// What it throws reaches the caller after everything else has run. Loop's thread only.
  void on_error(std::function<void(const ModifierError&)> handler);

  /// Connects an observer to every emission of one type. Groups, tracking, blocking and
  /// disconnecting are Boost.Signals2's.
  boost::signals2::connection connect(EventType type, const Observer& observer, At at = At::after);
  boost::signals2::connection connect(EventType type, int group, const Observer& observer,
                                      At at = At::after);

 private:
  friend class detail::BusAccess;
  class Core;
  using HookFunction = std::function<void(State&, const Event&)>;

  template <class Callable>
  static HookFunction as_hook(Callable&& callable) {
    using Stored = std::decay_t<Callable>;
    if constexpr (std::is_invocable_v<Stored&, State&, const Event&>) {
      return std::forward<Callable>(callable);
    } else if constexpr (std::is_invocable_v<Stored&, const Event&>) {
      return [call = Stored(std::forward<Callable>(callable))](State&, const Event& event) mutable {
        std::invoke(call, event);
      };
    } else {
      static_assert(std::is_invocable_v<Stored&>,
                    "takes (State&, const Event&), (const Event&) or nothing");
      return [call = Stored(std::forward<Callable>(callable))](State&, const Event&) mutable {
        std::invoke(call);
      };
    }
  }

  std::shared_ptr<Modifier> add_callable(EventSet events, Cadence cadence, HookFunction hook,
                                         std::string name, int group);
  void batch_start_or_abort();
  void batch_end_if_open();
  void abort_open_batch();
  void calibration_epoch_start_or_abort();
  void calibration_epoch_end_if_open();
  void abort_open_calibration_epoch();

  std::vector<std::shared_ptr<const void>> kept_;  // what outlives everything on the bus
  std::unique_ptr<Core> core_;
};

}  // namespace takt

#endif
