// SPDX-License-Identifier: BSL-1.0
/// \file
/// One modifier's way through a run that is to come.
#ifndef TAKT_LIB_COURSE_HPP
#define TAKT_LIB_COURSE_HPP

#include <cstdint>
#include <optional>

#include "due_steps.hpp"
#include "takt/modifier.hpp"
#include "takt/plan.hpp"

namespace takt::detail {

/// How often each event comes, in a step of training or in the calibration epoch.
struct EventCounts {
  std::int64_t batches = 0;  // BATCH_START and BATCH_END
  std::int64_t losses = 0;   // LOSS_CALCULATED
  std::int64_t steps = 0;    // OPTIM_PRE_STEP and OPTIM_POST_STEP
  std::int64_t epochs = 0;   // CALIBRATION_EPOCH_START and CALIBRATION_EPOCH_END

  [[nodiscard]] std::int64_t of(EventType type) const noexcept;
  [[nodiscard]] std::int64_t of(EventSet types) const noexcept;
};

/// When a modifier is active and due, from its cadence and the run's shape alone.
class Course {
 public:
  /// The shape makes sense, and the run ends before `end_step`.
  Course(const Cadence& cadence, const Interests& interests, const RunShape& shape,
         std::int64_t end_step);

  /// Whether it is active in the calibration epoch, and whether it ends with it.
  [[nodiscard]] bool calibrates() const noexcept { return calibrates_; }
  [[nodiscard]] bool ends_in_calibration() const noexcept { return ends_in_calibration_; }
  /// The steps of training at which it is active; first > last for none.
  [[nodiscard]] std::int64_t first() const noexcept { return first_; }
  [[nodiscard]] std::int64_t last() const noexcept { return last_; }
  [[nodiscard]] bool trains_at(std::int64_t step) const noexcept {
    return first_ <= step && step <= last_;
  }
  /// Whether it starts at all; whether its window closes at its last step and not at FINALIZE.
  [[nodiscard]] bool opens() const noexcept { return calibrates_ || first_ <= last_; }
  [[nodiscard]] bool closes() const noexcept { return closes_; }

  /// Whether the cadence is due at a step, active or not.
  [[nodiscard]] bool due_at(std::int64_t step) const noexcept { return due_.next(step) == step; }
  /// The first step from `from` on at which it is due while active, calibration included.
  [[nodiscard]] std::optional<std::int64_t> next_due(std::int64_t from) const noexcept;
  /// The steps from `from` on at which it has an `on_update`, calibration included, as far as they
  /// follow each other at the same distance: see `DueSteps::next_run`.
  [[nodiscard]] std::optional<StepRun> next_updates(std::int64_t from) const noexcept;
  /// The first step of training from `from` on at which one of its hooks runs.
  [[nodiscard]] std::optional<std::int64_t> next_call(std::int64_t from) const noexcept;

  /// What it comes to; the name, the cadence and the interests are left to the caller.
  [[nodiscard]] ModifierPlan summary(const EventCounts& calibration,
                                     const EventCounts& training) const;

 private:
  [[nodiscard]] std::optional<std::int64_t> next_trained_due(std::int64_t from) const noexcept;

  Interests interests_;
  DueSteps due_;
  std::int64_t start_step_;
  std::int64_t first_ = 0;
  std::int64_t last_ = -1;
  bool calibrates_ = false;
  bool ends_in_calibration_ = false;
  bool closes_ = false;
};

}  // namespace takt::detail

#endif
