// SPDX-License-Identifier: BSL-1.0
/// \file
/// Who is due: the modifiers that run at each event of the current step.
#ifndef TAKT_LIB_AGENDA_HPP
#define TAKT_LIB_AGENDA_HPP

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "slot.hpp"
#include "step_heap.hpp"
#include "step_wheel.hpp"

namespace takt::detail {

/// The hooks of one modifier on one event, as bits, in the order in which they run.
struct Hooks {
  static constexpr std::uint8_t start = 1;
  static constexpr std::uint8_t event = 2;
  static constexpr std::uint8_t update = 4;
  static constexpr std::uint8_t end = 8;
};

/// One modifier to run at an event.
struct Call {
  Modifier* modifier;
  Slot* slot;
  std::uint8_t hooks;
  EventSet types{};  ///< where a list is for several events, those that this call is for
};

/// Keeps the modifiers to run at the current step. One that runs at every step stays in the lists
/// of its events from on_start to on_end; any other waits, in a wheel for one of the next steps and
/// in a heap for a later one, until it is due, starts or ends. So a step at which nothing changes
/// costs one comparison, and a modifier that is not due costs nothing. It allocates only to reserve
/// room for modifiers; from then on nothing fails. Used by the loop's thread only.
class Agenda {
 public:
  /// Slots that are to be admitted.
  class Demand {
   public:
    void add(const Slot& slot) noexcept;

   private:
    friend class Agenda;
    std::size_t slots_ = 0;
    EventSet always_{};  // in the lists of these at every step
  };

  /// The event types, as bits by value, at which something may have to run at the current step.
  [[nodiscard]] std::uint16_t mask() const noexcept { return mask_; }

  /// Makes room, so that `admit` of those can't fail. Throws `std::bad_alloc`, and then nothing has
  /// changed. Between emissions only.
  void reserve(const Demand& demand);
  /// The modifier has been initialized at `step`: its window may open from now on. Room has been
  /// reserved, or else is now.
  void admit(Slot& slot, std::int64_t step);
  /// These have been admitted at `step`, where a run is resumed, and have started before.
  void resume(std::span<Slot* const> slots, std::int64_t step);
  /// The modifier runs no more: it has ended, or is about to. Safe while the calls of an event run.
  void close(Slot& slot) noexcept;
  /// Closes, and takes back that the modifier was admitted.
  void dismiss(Slot& slot) noexcept;
  /// Dismisses, and keeps the slot until no list names it any more.
  void bury(Slots::node_type slot) noexcept;
  /// Closes everything.
  void clear() noexcept;

  /// The clock has moved on to `step`.
  void advance(std::int64_t step) {
    if (step >= next_change_) change(step);
  }

  /// The calls of an event at `step`, in order. At BATCH_START and CALIBRATION_EPOCH_START,
  /// modifiers whose window is open start; at CALIBRATION_EPOCH_END, and at BATCH_END when
  /// `step_taken`, those at the end of theirs end. Good until the next call of a function that is
  /// not const, `close` excepted.
  [[nodiscard]] std::span<const Call> calls(EventType type, std::int64_t step, bool step_taken);

 private:
  using Calls = std::vector<Call>;

  void change(std::int64_t step);
  void wake(Slot& slot, std::int64_t step);
  void start_pending(std::int64_t step);
  void activate(Slot& slot, std::int64_t step);
  void put_in_order(std::int64_t step) noexcept;
  void schedule(Slot& slot, std::int64_t step);
  void list_due(Slot& slot);
  void take_off(Slot& slot) noexcept;
  void sort() noexcept;
  void settle() noexcept;
  void refresh() noexcept;
  void find_next_change(std::int64_t step) noexcept;

  std::uint16_t mask_ = 0;
  bool stale_ = false;  // lists may name slots that have been closed
  std::int64_t next_change_ = 0;
  std::array<Calls, event_type_count> always_;  // run at every step until they end
  Calls due_;                                   // run at this step
  EventSet due_types_{};                        // at any of these
  Calls boundary_;                              // start or end at the event asked for
  Calls merged_;
  Calls merged_with_boundary_;
  std::vector<Slot*> starting_;
  std::vector<Slot*> ending_;  // this step is the last of their window
  StepWheel wheel_;
  StepHeap heap_;
  std::size_t admitted_ = 0;
  std::size_t room_ = 0;     // for how many there is room in the vectors
  EventSet roomy_always_{};  // in these of the lists, too
  Slots buried_;             // of which lists may still know
};

}  // namespace takt::detail

#endif
