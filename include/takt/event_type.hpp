// SPDX-License-Identifier: BSL-1.0
/// \file
/// The points of a training loop's lifecycle, by name, and sets of them.
///
/// A training loop, with every event at its place:
///
///     bus.initialize();                             // INITIALIZE
///     for each epoch:
///       for each batch:
///         bus.batch_start();                        // BATCH_START
///         loss = forward(batch);
///         bus.loss_calculated(loss);                // LOSS_CALCULATED
///         backward();
///         bus.optim_pre_step();                     // OPTIM_PRE_STEP   gradients are complete
///         optimizer.step();
///         bus.optim_post_step();                    // OPTIM_POST_STEP  weights have moved
///         bus.batch_end();                          // BATCH_END        then the clock advances
///     bus.finalize();                               // FINALIZE
///
/// When gradients are accumulated, the optimizer's two events come only in the batches that step.
///
/// A calibration loop, which shows data to a model without training it (the calls stand between
/// `initialize` and `finalize`; batches may stand in it too, and so may several sequential epochs):
///
///     bus.calibration_epoch_start();                // CALIBRATION_EPOCH_START
///     for each group of layers:
///       for each batch:
///         bus.batch_start();                        // BATCH_START
///         forward(batch);
///         bus.batch_end();                          // BATCH_END
///       bus.sequential_epoch_end(layer_names);      // SEQUENTIAL_EPOCH_END
///     bus.calibration_epoch_end();                  // CALIBRATION_EPOCH_END
#ifndef TAKT_EVENT_TYPE_HPP
#define TAKT_EVENT_TYPE_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <string>
#include <string_view>

namespace takt {

/// One point of the lifecycle. The loops above show where each one stands.
enum class EventType : std::uint8_t {
  INITIALIZE,
  FINALIZE,
  BATCH_START,
  LOSS_CALCULATED,
  BATCH_END,
  CALIBRATION_EPOCH_START,
  SEQUENTIAL_EPOCH_END,
  CALIBRATION_EPOCH_END,
  OPTIM_PRE_STEP,
  OPTIM_POST_STEP
};

/// How many event types there are; their values are 0 .. event_type_count - 1.
inline constexpr std::size_t event_type_count = 10;

/// The lower-case name, "batch_start" for BATCH_START. The string lives as long as the program.
/// Throws `InvalidEvent` for a value that is none of the ten.
[[nodiscard]] const std::string& to_string(EventType type);

/// The type of that name, whatever the case of its letters; anything else throws `InvalidEvent`,
/// which lists the ten names.
[[nodiscard]] EventType event_type_from_string(std::string_view name);

/// Writes `to_string(type)`.
std::ostream& operator<<(std::ostream& out, EventType type);

/// A set of event types: `EventSet{EventType::BATCH_START, EventType::BATCH_END}`. A value of two
/// bytes; a single type converts to the set that holds it.
class EventSet {
 public:
  /// Visits the types of a set in the order of the enumeration.
  class Iterator {
   public:
    using value_type = EventType;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = const EventType*;
    using reference = EventType;

    constexpr Iterator() noexcept = default;
    constexpr EventType operator*() const noexcept {
      return static_cast<EventType>(std::countr_zero(rest_));
    }
    constexpr Iterator& operator++() noexcept {
      rest_ = static_cast<std::uint16_t>(rest_ & (rest_ - 1));
      return *this;
    }
    constexpr Iterator operator++(int) noexcept {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend constexpr bool operator==(Iterator, Iterator) noexcept = default;

   private:
    friend class EventSet;
    constexpr explicit Iterator(std::uint16_t rest) noexcept : rest_{rest} {}
    std::uint16_t rest_ = 0;
  };
  using iterator = Iterator;
  using const_iterator = Iterator;
  using value_type = EventType;

  constexpr EventSet() noexcept = default;
  // Implicit, so that a single type can stand where a set is expected.
  constexpr EventSet(EventType type) noexcept : bits_{bit(type)} {}
  constexpr EventSet(std::initializer_list<EventType> types) noexcept {
    for (const EventType type : types) bits_ = static_cast<std::uint16_t>(bits_ | bit(type));
  }

  /// The set of all ten.
  [[nodiscard]] static constexpr EventSet all() noexcept {
    EventSet set;
    set.bits_ = (1U << event_type_count) - 1U;
    return set;
  }

  [[nodiscard]] constexpr bool contains(EventType type) const noexcept {
    return (bits_ & bit(type)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(std::popcount(bits_));
  }
  /// A bit for each type, at the place of its value.
  [[nodiscard]] constexpr std::uint16_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr Iterator begin() const noexcept { return Iterator{bits_}; }
  [[nodiscard]] static constexpr Iterator end() noexcept { return Iterator{}; }

  constexpr EventSet& operator|=(EventSet other) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
    return *this;
  }
  friend constexpr EventSet operator|(EventSet a, EventSet b) noexcept { return a |= b; }
  constexpr EventSet& operator&=(EventSet other) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ & other.bits_);
    return *this;
  }
  friend constexpr EventSet operator&(EventSet a, EventSet b) noexcept { return a &= b; }
  friend constexpr bool operator==(EventSet, EventSet) noexcept = default;

 private:
  static constexpr std::uint16_t bit(EventType type) noexcept {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type));
  }
  std::uint16_t bits_ = 0;
};

/// The union of two types: `EventType::BATCH_START | EventType::BATCH_END`.
constexpr EventSet operator|(EventType a, EventType b) noexcept { return EventSet{a, b}; }

}  // namespace takt

#endif
