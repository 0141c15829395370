// SPDX-License-Identifier: BSL-1.0
/// \file
/// An event as a value: which point of the lifecycle, and where the counters stood.
#ifndef TAKT_EVENT_HPP
#define TAKT_EVENT_HPP

#include <cstdint>
#include <optional>

#include "takt/event_type.hpp"

namespace takt {

/// The fields that `Event::new_instance` replaces; an unset one keeps the event's value.
struct EventChanges {
  std::optional<EventType> type{};
  std::optional<std::int64_t> steps_per_epoch{};
  std::optional<std::int64_t> batches_per_step{};
  std::optional<std::int64_t> invocations_per_step{};
  std::optional<std::int64_t> global_step{};
  std::optional<std::int64_t> global_batch{};
};

/// One point of the lifecycle with its counters. An aggregate, copied freely, one cache line long;
/// like any value it may be read from several threads while none writes it.
///
/// The *index* of an event is its global step, or, when `steps_per_epoch` is set, the epoch as a
/// real number: step 250 of 100 steps per epoch has the index 2.5. Every cadence counts in it.
///
/// A helper throws `InvalidEvent` when the counters that it reads make no sense: a negative one,
/// steps or batches per epoch below 1, a product that has no room in 64 bits. The epoch's helpers
/// also throw it when the event is not epoch based.
struct Event {
  std::optional<EventType> type{};                 ///< unset in an event that only carries counters
  std::optional<std::int64_t> steps_per_epoch{};   ///< set = epoch based; at least 1
  std::optional<std::int64_t> batches_per_step{};  ///< gradient accumulation; unset means 1
  std::int64_t invocations_per_step = 1;  ///< calls of a wrapped optimizer that make one step
  std::int64_t global_step = 0;           ///< optimizer steps done before this event's batch
  std::int64_t global_batch = 0;          ///< batches done before this one

  /// Whether the index counts epochs; the only helper that never throws.
  [[nodiscard]] bool epoch_based() const noexcept { return steps_per_epoch.has_value(); }
  /// Whole epochs done: global_step / steps_per_epoch, rounded down.
  [[nodiscard]] std::int64_t epoch() const;
  /// Epochs done with their fraction: global_step / steps_per_epoch.
  [[nodiscard]] double epoch_full() const;
  /// Steps done in this epoch: global_step mod steps_per_epoch.
  [[nodiscard]] std::int64_t epoch_step() const;
  /// Batches done in this epoch: global_batch mod (steps_per_epoch x batches_per_step).
  [[nodiscard]] std::int64_t epoch_batch() const;

  /// `epoch_full()` when epoch based, `global_step` otherwise.
  [[nodiscard]] double current_index() const;

  /// Moves the counters to an index: `global_step` becomes the largest step whose index is at most
  /// `index` plus the tolerance of `should_update`, `global_batch` that step times
  /// `batches_per_step`. Gives back the step of any event's own `current_index()` for steps below
  /// 2^40 and up to 10^6 steps per epoch. Throws when `index` is negative, NaN or infinite, or a
  /// counter has no room for it.
  void set_current_index(double index);

  /// Whether something that runs from `start` to `end`, every `update`, runs at this event's index.
  /// Both ends belong to the window, and an unset end is no bound. Inside the window an unset or
  /// zero `update` is always due, and any other is due where the index is a whole multiple of it,
  /// counted from index 0, within max(1e-10, 4 ulp(index)) on either side. An infinite `update` is
  /// due at index 0 only. Throws when `update` is negative or any of the three is NaN.
  [[nodiscard]] bool should_update(std::optional<double> start, std::optional<double> end,
                                   std::optional<double> update) const;

  /// A copy with the named fields changed:
  /// `event.new_instance({.type = EventType::BATCH_END, .global_step = 30})`.
  [[nodiscard]] Event new_instance(const EventChanges& changes) const noexcept;

  friend bool operator==(const Event&, const Event&) noexcept = default;
};

static_assert(sizeof(Event) == 64, "an event is one cache line");

}  // namespace takt

#endif
