// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier's place on a bus.
#ifndef TAKT_LIB_SLOT_HPP
#define TAKT_LIB_SLOT_HPP

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "due_steps.hpp"
#include "takt/modifier.hpp"

namespace takt::detail {

/// The order in which modifiers run: by group, then by registration.
struct Order {
  int group = 0;
  std::uint64_t sequence = 0;
  // clang-tidy takes the literal 0 of a defaulted comparison for a pointer.
  friend auto operator<=>(const Order&, const Order&) = default;  // NOLINT(modernize-use-nullptr)
};

/// One registered modifier and what the agenda knows of it. Its address stays the same for as long
/// as it is on the bus.
struct Slot {
  /// How far the agenda has got with the modifier.
  enum class Stage : std::uint8_t {
    dormant,   // runs no more, or not yet
    waiting,   // until its window opens
    starting,  // the window is open; starts with the next batch or calibration epoch
    active
  };

  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  Slot(std::shared_ptr<Modifier> who, Order position, const DueSteps& steps)
      : modifier{std::move(who)}, order{position}, due{steps} {}

  std::shared_ptr<Modifier> modifier;
  Order order;
  DueSteps due;

  bool attached = true;  // the modifier has not been given back yet
  Stage stage = Stage::dormant;
  bool counted = false;  // the agenda has reserved room for it
  std::int64_t next_due = 0;
  std::size_t heap_position = nowhere;  // the `StepHeap`'s
  std::size_t wheel_place = nowhere;    // the `StepWheel`'s, as the two below
  Slot* wheel_previous = nullptr;
  Slot* wheel_next = nullptr;
};

using Slots = std::map<Order, Slot>;

}  // namespace takt::detail

#endif
