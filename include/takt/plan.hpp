// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a run is going to do, before it does it.
#ifndef TAKT_PLAN_HPP
#define TAKT_PLAN_HPP

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "takt/cadence.hpp"
#include "takt/event.hpp"
#include "takt/event_type.hpp"
#include "takt/hook.hpp"
#include "takt/modifier.hpp"
#include "takt/step_runs.hpp"

namespace takt {

/// A run that is to come: `{.start = {.steps_per_epoch = 100}, .epochs = 40}`. It goes as
/// `bus.batch` has it: in each batch BATCH_START, LOSS_CALCULATED, in the last batch of a step the
/// two optimizer events, and BATCH_END.
struct RunShape {
  /// As the bus is built from it. A step has `batches_per_step` batches, one when that is unset.
  Event start{};
  /// How long, as one of the two: the index at which the run is over, in epochs or in steps.
  /// Counted from 0, not from `start`, so that a run that is resumed has the length that it had.
  std::optional<double> epochs{};
  std::optional<std::int64_t> steps{};
  /// Of a calibration epoch before training, with a BATCH_START and a BATCH_END each; 0 = none.
  std::int64_t calibration_batches = 0;
};

/// One hook of one modifier at one event.
struct HookCall {
  EventType event = EventType::INITIALIZE;
  std::int64_t step = 0;
  std::int64_t batch = 0;
  std::size_t modifier = 0;  ///< its position in the plan
  Hook hook = Hook::on_initialize;

  friend bool operator==(const HookCall&, const HookCall&) noexcept = default;
};
/// "step 4, batch 9, batch_start: modifier 0 on_update".
std::ostream& operator<<(std::ostream& out, const HookCall& call);

/// What one modifier is going to do. Steps are global steps.
struct ModifierPlan {
  std::string name{};
  Cadence cadence{};
  Interests interests{};
  std::optional<std::int64_t> starts{};  ///< the step of its `on_start`; nothing = it never opens
  std::optional<std::int64_t> ends{};    ///< the step at whose end it closes; nothing = at FINALIZE
  std::int64_t due_steps = 0;            ///< steps at which it is due while active
  std::int64_t updates = 0;              ///< calls of `on_update`
  std::int64_t events = 0;               ///< calls of `on_event`
  std::optional<std::int64_t> first_update{};  ///< the step of the first `on_update`
  std::optional<std::int64_t> last_update{};   ///< and of the last
};

/// The hook calls to come, computed from cadences: a million steps cost what ten do, unless an
/// update follows no period; then each due step is looked up. A value; its const members may be
/// called from several threads.
class Plan {
 public:
  /// For modifiers in the order in which they run, such as `bus.modifiers()` or `recipe.make()`.
  /// They are only looked at. Throws `InvalidEvent` for a shape that makes no sense: no length or
  /// two, one that is over before it starts, epochs where the start event has no steps per epoch,
  /// counters or counts below their least, more than 2^40 steps.
  Plan(const std::vector<std::shared_ptr<Modifier>>& modifiers, const RunShape& shape);

  [[nodiscard]] const std::vector<ModifierPlan>& modifiers() const noexcept { return modifiers_; }
  /// As it was given.
  [[nodiscard]] const RunShape& shape() const noexcept { return shape_; }
  /// The first step of the run, and the one after its last.
  [[nodiscard]] std::int64_t first_step() const noexcept { return shape_.start.global_step; }
  [[nodiscard]] std::int64_t end_step() const noexcept { return end_step_; }

  /// The steps from `from` on at which a modifier is due while active, `count` at most.
  [[nodiscard]] std::vector<std::int64_t> due_steps(std::size_t modifier, std::int64_t from,
                                                    std::size_t count) const;
  /// The steps at which a modifier has an `on_update`, as runs: the first of them, `most` at most.
  /// A run costs the same however many steps it has, as long as the update follows a period.
  [[nodiscard]] std::vector<StepRun> update_runs(std::size_t modifier, std::size_t most) const;

  /// All hook calls of the steps from `from` to `to`, both included, in order. What comes before
  /// the first batch of training, INITIALIZE and calibration, belongs to the first step, and
  /// FINALIZE to `end_step()`. Memory is that of the result, and a step at which nothing runs costs
  /// nothing.
  [[nodiscard]] std::vector<HookCall> calls(std::int64_t from, std::int64_t to) const;
  /// All there are.
  [[nodiscard]] std::vector<HookCall> calls() const { return calls(first_step(), end_step()); }

 private:
  RunShape shape_;
  std::int64_t end_step_ = 0;
  std::vector<ModifierPlan> modifiers_;
};

}  // namespace takt

#endif
