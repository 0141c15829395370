// SPDX-License-Identifier: BSL-1.0
/// \file
/// The works of an event bus: what happens on each call.
#ifndef TAKT_LIB_BUS_CORE_HPP
#define TAKT_LIB_BUS_CORE_HPP

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "agenda.hpp"
#include "bus_watcher.hpp"
#include "failures.hpp"
#include "lifecycle.hpp"
#include "observers.hpp"
#include "roster.hpp"
#include "saved_bus.hpp"
#include "state_access.hpp"
#include "takt/event_bus.hpp"

namespace takt {

/// Puts the order, the clock, the agenda, the roster and the observers together. A call with
/// nothing due and nobody watching is the order's check, one comparison and the counters;
/// everything else takes the long way.
class EventBus::Core {
 public:
  Core(EventBus& bus, const Event& start, BusOptions bus_options);

  template <EventType type>
  void call() {
    lifecycle.require(detail::call_for(type));
    const std::uint32_t due = agenda.mask();
    const std::uint32_t work = due | attention.load(std::memory_order_relaxed);
    if ((work & (detail::bit_of(type) | queued_bit | recorded_bit | always_long(type))) != 0) {
      const bool more_than_watched =
          ((due & detail::bit_of(type)) | (work & (queued_bit | always_long(type)))) != 0;
      return more_than_watched ? call_the_long_way<type>() : call_watched<type>();
    }
    if constexpr (type == EventType::BATCH_START) state.loss.reset();
    lifecycle.enter<type>();
    if constexpr (type == EventType::BATCH_END) advance();
  }

  void abort_batch();
  void abort_calibration_epoch();
  /// The aborts of a scope that an exception leaves: queued work stays queued, nothing is thrown.
  void abort_batch_quietly() noexcept;
  void abort_calibration_epoch_quietly() noexcept;

  /// Loop's thread only, between emissions. A watcher must be detached before it is destroyed,
  /// unless the bus has been: `watchers` is shared so that it can find out.
  void attach(detail::BusWatcher& watcher);
  static void detach(const std::weak_ptr<detail::BusWatchers>& watchers,
                     const detail::BusWatcher& watcher) noexcept;

  std::shared_ptr<Modifier> add(std::shared_ptr<Modifier> modifier, int group);
  bool remove(std::string_view name);

  /// Between two calls, on the loop's thread. Throws `LifecycleError` where there is nothing to
  /// save, and `CheckpointError` when something can't be saved; queued work is done before.
  [[nodiscard]] detail::SavedBus checkpoint();
  /// In place of `initialize`. Throws `LifecycleError`, `CheckpointError` and, when an
  /// `on_initialize` has thrown, `ModifierError`, and the bus is as before; but what queued work
  /// throws comes afterwards.
  void resume(const detail::SavedBus& saved);

  const BusOptions options;
  detail::Lifecycle lifecycle;
  detail::Agenda agenda;
  State state;
  detail::Roster roster;
  detail::Observers observers;
  std::function<void(const ModifierError&)> on_error;
  std::atomic<std::uint64_t> unnamed{0};  // callables that were given no name
  std::shared_ptr<detail::BusWatchers> watchers = std::make_shared<detail::BusWatchers>();

 private:
  static constexpr std::uint32_t recorded_bit = 1U << 29U;
  static constexpr std::uint32_t queued_bit = 1U << 30U;
  static constexpr std::uint32_t never_idle_bit = 1U << 31U;

  /// INITIALIZE and FINALIZE reach every modifier.
  static constexpr std::uint32_t always_long(EventType type) noexcept {
    const bool is_end = type == EventType::INITIALIZE || type == EventType::FINALIZE;
    return is_end ? never_idle_bit : 0U;
  }

  void advance() {
    if (lifecycle.advance()) agenda.advance(lifecycle.step());
  }

  template <EventType type>
  void call_the_long_way();
  /// The long way where there are observers but no modifier is due and no work is queued.
  template <EventType type>
  void call_watched();
  /// The run begins, with room for all that is on the bus.
  void begin();
  /// Nobody joins any more; first those who wait do.
  void close(detail::Failures& failures);
  void close_the_run(detail::Failures& failures);
  void emit(EventType type, detail::Failures& failures);
  void emit_to_modifiers(EventType type, const Event& event, detail::Failures& failures);
  void run(const detail::Call& call, const Event& event, detail::Failures& failures);
  void initialize(detail::Slot& slot, const Event& event, detail::Failures& failures);
  void finalize(detail::Slot& slot, const Event& event, detail::Failures& failures);
  void end(detail::Slot& slot, const Event& event, detail::Failures& failures);
  /// Runs one hook; false when it threw, and then the error policy has been applied.
  bool run_hook(detail::Slot& slot, Hook hook, const Event& event, detail::Failures& failures);
  void fail(detail::Slot& slot, Hook hook, const Event& event, detail::Failures& failures);
  void quarantine(detail::Slot& slot, Hook hook, const Event& event, detail::Failures& failures);
  void abort_active() noexcept;
  void abort(Modifier& modifier, const Event& event) noexcept;

  class Resumption;

  /// Before a call takes effect. Throws `std::bad_alloc`, and nothing has changed, when there is no
  /// room for those who are to join.
  void do_queued_work(detail::Failures& failures) {
    const bool queued = (attention.load(std::memory_order_acquire) & queued_bit) != 0;
    if (queued || detail::StateAccess::any_deferred(state)) work_off_queue(failures);
  }
  /// Once a call has taken effect: what there is no room for waits for the next one.
  void try_queued_work(detail::Failures& failures) noexcept;
  void work_off_queue(detail::Failures& failures);
  void make_room_for(const std::vector<detail::Roster::Work>& list);
  void enter_and_leave(detail::Failures& failures);
  void act_for(const Modifier& modifier, const Event& event,
               const std::function<void(EventBus&)>& work, detail::Failures& failures);
  [[nodiscard]] detail::BuiltBus built();
  void enter(detail::Slot& slot, detail::Failures& failures);
  void leave(detail::Order order, detail::Failures& failures);

  // Bits by event type that have observers, queued_bit and recorded_bit.
  std::atomic<std::uint32_t> attention{never_idle_bit};
  bool torn_ = false;  // under `propagate`: a hook of this emission has thrown
  EventBus& bus_;
};

}  // namespace takt

#endif
