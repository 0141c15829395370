// SPDX-License-Identifier: BSL-1.0
/// \file
/// When a modifier is due, as data.
#ifndef TAKT_CADENCE_HPP
#define TAKT_CADENCE_HPP

#include <cstdint>
#include <optional>

#include "takt/event.hpp"

namespace takt {

/// From `start` to `end`, every `update`, all three in index units: epochs, fractions included, on
/// an epoch-based bus, and steps on any other. `{.start = 1, .end = 8, .update = 0.5}` reads "from
/// epoch 1 to epoch 8, every half epoch"; `{.update = 100}` reads "every 100 steps"; `{}` reads
/// "always". Multiples of `update` are counted from index 0, not from `start`. A value, that
/// several threads may read while none writes it.
struct Cadence {
  std::optional<double> start{};   ///< first index of the window; unset = open from the beginning
  std::optional<double> end{};     ///< last index of the window; unset = until training ends
  std::optional<double> update{};  ///< due at whole multiples of it; unset or 0 = at every index

  /// Throws `InvalidCadence` when one is NaN, start is infinite, update is negative, or end comes
  /// before start. A negative start and an infinite end are fine.
  void validate() const;

  /// `event.should_update(start, end, update)`, after `validate()`.
  [[nodiscard]] bool should_update(const Event& event) const;

  /// The first global step, this event's own included, at which `should_update` is true; nothing
  /// when there is none. It agrees with asking `should_update` one step at a time, but is
  /// computed: the work is bounded whatever the distance. Throws `InvalidCadence`, or
  /// `InvalidEvent` for counters that make no sense.
  [[nodiscard]] std::optional<std::int64_t> next_update(const Event& event) const;

  friend bool operator==(const Cadence&, const Cadence&) noexcept = default;
};

}  // namespace takt

#endif
