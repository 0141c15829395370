// SPDX-License-Identifier: BSL-1.0
/// \file
/// The order of a bus's calls, and its clock.
#ifndef TAKT_LIB_LIFECYCLE_HPP
#define TAKT_LIB_LIFECYCLE_HPP

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "takt/bus_call.hpp"
#include "takt/bus_options.hpp"
#include "takt/event.hpp"

namespace takt::detail {

using takt::BusCall;
using takt::call_for;

constexpr std::uint16_t bit_of(BusCall call) noexcept {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(call));
}
constexpr std::uint16_t bit_of(EventType type) noexcept { return bit_of(call_for(type)); }

/// Knows which calls are allowed, and counts batches and steps. One thread drives it; `snapshot`
/// may be called from any.
class Lifecycle {
 public:
  /// Throws `InvalidEvent` for counters below 0, or sizes below 1.
  Lifecycle(const Event& start, OrderPolicy order);

  /// Whether the call is allowed now; never during an emission.
  [[nodiscard]] bool accepts(BusCall call) const noexcept {
    return (accepted_ & bit_of(call)) != 0;
  }
  /// Throws `LifecycleError` when it is not: what was called, where the bus is, what it accepts.
  void require(BusCall call) const {
    if (!accepts(call)) [[unlikely]]
      refuse(call);
  }

  /// Takes an accepted call's effect on the order. Returns whether it emits its event: the pairs of
  /// optimizer calls before the last of `invocations_per_step` do not.
  template <EventType type>
  bool enter() noexcept;
  /// After BATCH_END: the clock goes on. Returns whether the step did.
  bool advance() noexcept;
  void abort_batch() noexcept;
  void abort_calibration_epoch() noexcept;
  /// The next pair of optimizer calls is the last of `invocations_per_step`: a trace has the events
  /// only, and not the pairs before them.
  void skip_silent_invocations() noexcept { invocations_ = counters_.invocations_per_step - 1; }

  /// Between these two, hooks and observers of that call run, or a checkpoint is taken, and no call
  /// is accepted.
  void begin_hooks(std::optional<BusCall> call) noexcept {
    hooks_run_ = true;
    running_ = call;
    accepted_ = 0;
  }
  void end_hooks() noexcept {
    hooks_run_ = false;
    running_.reset();
    go_to(position_);
  }
  [[nodiscard]] bool hooks_run() const noexcept { return hooks_run_; }

  /// The event of that type at the current counters.
  [[nodiscard]] Event event(std::optional<EventType> type) const noexcept {
    Event event = counters_;
    event.type = type;
    return event;
  }
  [[nodiscard]] std::int64_t step() const noexcept { return counters_.global_step; }
  [[nodiscard]] std::int64_t steps_per_index() const noexcept {
    return counters_.steps_per_epoch.value_or(1);
  }
  /// Whether the open batch, or the one that BATCH_END has just closed, took its step.
  [[nodiscard]] bool step_taken() const noexcept { return step_taken_; }
  [[nodiscard]] bool calibrating() const noexcept { return calibrating_; }
  [[nodiscard]] bool batch_open() const noexcept {
    return position_ >= Position::batch_open && position_ <= Position::stepped;
  }

  /// The counters, from any thread.
  [[nodiscard]] Event snapshot() const noexcept;

  enum class Position : std::uint8_t {
    created,
    idle,
    calibrating,
    batch_open,
    step_open,
    stepped,
    finalized
  };

  /// All that changes from call to call.
  struct Standing {
    Position position = Position::created;
    bool calibrating = false;  ///< also while a batch is open in a calibration epoch
    bool step_taken = false;
    std::int64_t invocations = 0;
    std::int64_t invocations_at_batch_start = 0;
    std::int64_t global_step = 0;
    std::int64_t global_batch = 0;
  };
  [[nodiscard]] Standing standing() const noexcept;
  /// Whether an initialized bus of this start event and order can come to stand there.
  [[nodiscard]] bool can_resume(const Standing& standing) const noexcept;
  /// In place of INITIALIZE: goes where another lifecycle stood.
  void resume(const Standing& standing) noexcept;
  [[nodiscard]] Position position() const noexcept { return position_; }

 private:
  static std::uint16_t accepted_at(Position position, OrderPolicy order) noexcept;
  [[noreturn]] void refuse(BusCall call) const;
  /// Whether the counters can go on from there.
  [[nodiscard]] static bool has_room(std::int64_t step, std::int64_t batch) noexcept {
    return step != INT64_MAX && batch != INT64_MAX;
  }
  [[nodiscard]] bool has_room() const noexcept {
    return has_room(counters_.global_step, counters_.global_batch);
  }
  /// Which calls each position accepts, by the order policy and the counters; and goes there.
  void accept(Position position) noexcept;
  void refuse_batches() noexcept;
  void go_to(Position position) noexcept {
    position_ = position;
    accepted_ = accepted_by_position_[static_cast<std::size_t>(position)];
  }
  void leave_batch() noexcept { go_to(calibrating_ ? Position::calibrating : Position::idle); }
  void publish() noexcept;

  std::uint16_t accepted_ = 0;
  Position position_ = Position::created;
  bool calibrating_ = false;
  bool step_taken_ = false;
  bool hooks_run_ = false;
  OrderPolicy order_;
  std::optional<BusCall> running_{};  // the call whose hooks run; unset for a checkpoint
  std::array<std::uint16_t, 7> accepted_by_position_{};
  std::int64_t invocations_ = 0;  // pairs of optimizer calls since the last step
  std::int64_t invocations_at_batch_start_ = 0;
  Event counters_;

  Event sizes_;  // the start event, for `snapshot`: unlike the counters it never changes
  // What `snapshot` reads: the counters between two equal, even versions.
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::int64_t> published_step_{0};
  std::atomic<std::int64_t> published_batch_{0};
};

template <EventType type>
bool Lifecycle::enter() noexcept {
  if constexpr (type == EventType::INITIALIZE) {
    go_to(Position::idle);
  } else if constexpr (type == EventType::FINALIZE) {
    go_to(Position::finalized);
  } else if constexpr (type == EventType::BATCH_START) {
    invocations_at_batch_start_ = invocations_;
    step_taken_ = false;
    go_to(Position::batch_open);
  } else if constexpr (type == EventType::BATCH_END) {
    leave_batch();
  } else if constexpr (type == EventType::CALIBRATION_EPOCH_START) {
    calibrating_ = true;
    go_to(Position::calibrating);
  } else if constexpr (type == EventType::CALIBRATION_EPOCH_END) {
    calibrating_ = false;
    go_to(Position::idle);
  } else if constexpr (type == EventType::OPTIM_PRE_STEP) {
    go_to(Position::step_open);
    return invocations_ + 1 == counters_.invocations_per_step;
  } else if constexpr (type == EventType::OPTIM_POST_STEP) {
    const bool last = ++invocations_ == counters_.invocations_per_step;
    if (last) {
      invocations_ = 0;
      step_taken_ = true;
    }
    go_to(step_taken_ ? Position::stepped : Position::batch_open);
    return last;
  }
  return true;
}

inline bool Lifecycle::advance() noexcept {
  ++counters_.global_batch;
  if (step_taken_) ++counters_.global_step;
  publish();
  if (!has_room()) [[unlikely]]
    refuse_batches();
  return step_taken_;
}

inline void Lifecycle::publish() noexcept {
  // Release stores throughout: a reader that sees one of the new counters also sees the odd
  // version.
  const std::uint64_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  published_step_.store(counters_.global_step, std::memory_order_release);
  published_batch_.store(counters_.global_batch, std::memory_order_release);
  version_.store(version + 2, std::memory_order_release);
}

}  // namespace takt::detail

#endif
