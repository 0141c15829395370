// SPDX-License-Identifier: BSL-1.0
/// \file
/// Slots by one of the next steps, at which the agenda must look at them again.
#ifndef TAKT_LIB_STEP_WHEEL_HPP
#define TAKT_LIB_STEP_WHEEL_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "slot.hpp"

namespace takt::detail {

/// A list of slots for each of `size` steps that follow each other, linked through the slots: what
/// is put in costs the same however much there is, and allocates nothing. As the clock moves on,
/// the list of a step that has passed serves a later one. All steps in it lie within `size` of each
/// other, which is the caller's to see to.
class StepWheel {
 public:
  static constexpr std::int64_t size = 256;

  void push(Slot& slot, std::int64_t step) noexcept {
    const std::size_t at = place(step);
    slot.wheel_place = at;
    slot.wheel_previous = nullptr;
    slot.wheel_next = first_[at];
    if (slot.wheel_next != nullptr) slot.wheel_next->wheel_previous = &slot;
    first_[at] = &slot;
    occupied_[at / 64] |= std::uint64_t{1} << at % 64;
  }

  void erase(Slot& slot) noexcept {
    if (slot.wheel_next != nullptr) slot.wheel_next->wheel_previous = slot.wheel_previous;
    if (slot.wheel_previous != nullptr) {
      slot.wheel_previous->wheel_next = slot.wheel_next;
    } else {
      empty_or(slot.wheel_place, slot.wheel_next);
    }
    slot.wheel_place = Slot::nowhere;
  }

  /// Takes one of the slots of that step out; null when there is none.
  [[nodiscard]] Slot* take(std::int64_t step) noexcept {
    Slot* const slot = first_[place(step)];
    if (slot != nullptr) erase(*slot);
    return slot;
  }

  /// The first step from `step` on that has slots, when all there are belong to it or later ones.
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t step) const noexcept {
    const std::size_t start = place(step);
    // The word of the start, from its bit on; the others; and its own again, up to that bit.
    std::uint64_t word = occupied_[start / 64] >> start % 64;
    if (word != 0) return step + std::countr_zero(word);
    for (std::size_t i = 1; i <= words; ++i) {
      word = occupied_[(start / 64 + i) % words];
      if (word == 0) continue;
      const std::size_t at = (start / 64 + i) % words * 64;
      const std::size_t ahead = at + static_cast<std::size_t>(std::countr_zero(word)) - start;
      return step + static_cast<std::int64_t>(ahead % static_cast<std::size_t>(size));
    }
    return std::nullopt;
  }

  void clear() noexcept {
    for (Slot*& first : first_) {
      for (; first != nullptr; first = first->wheel_next) first->wheel_place = Slot::nowhere;
    }
    occupied_.fill(0);
  }

 private:
  static constexpr std::size_t words = static_cast<std::size_t>(size) / 64;

  static std::size_t place(std::int64_t step) noexcept {
    return static_cast<std::size_t>(step) % static_cast<std::size_t>(size);
  }

  void empty_or(std::size_t at, Slot* first) noexcept {
    first_[at] = first;
    if (first == nullptr) occupied_[at / 64] &= ~(std::uint64_t{1} << at % 64);
  }

  std::array<Slot*, static_cast<std::size_t>(size)> first_{};
  std::array<std::uint64_t, words> occupied_{};
};

}  // namespace takt::detail

#endif
