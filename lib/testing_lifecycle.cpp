// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "number_text.hpp"
#include "takt/error.hpp"
#include "takt/testing.hpp"

namespace takt::testing {
namespace {

void require_at_least(std::int64_t least, std::int64_t value, const char* name) {
  if (value >= least) return;
  throw InvalidEvent(std::string{name} + " is " + std::to_string(value) + "; it is " +
                     std::to_string(least) + " or more");
}

void require_sense(const LifecycleOptions& options) {
  require_at_least(1, options.steps_per_epoch.value_or(1), "steps_per_epoch");
  require_at_least(1, options.batches_per_step, "batches_per_step");
  require_at_least(1, options.invocations_per_step, "invocations_per_step");
  require_at_least(0, options.calibration_batches, "calibration_batches");
  if (!(options.resume_at >= 0.0) || std::isinf(options.resume_at)) {
    throw InvalidEvent("resume_at is " + detail::text_of(options.resume_at) +
                       "; it is a finite index, 0 or more");
  }
  if (!options.layer_groups.empty() && options.calibration_batches == 0) {
    throw InvalidEvent(
        "layer_groups are shown the calibration batches, and calibration_batches is 0; it is 1 or "
        "more with them");
  }
}

Event start_of(const LifecycleOptions& options) {
  Event start{.steps_per_epoch = options.steps_per_epoch,
              .invocations_per_step = options.invocations_per_step};
  if (options.batches_per_step > 1) start.batches_per_step = options.batches_per_step;
  start.set_current_index(options.resume_at);
  return start;
}

/// Writes down the calls of a run.
class Lifecycle {
 public:
  Lifecycle(std::int64_t end_step, const LifecycleOptions& options)
      : options_{options}, sequence_{.start = start_of(options)} {
    const std::int64_t first_step = sequence_.start.global_step;
    if (end_step < first_step) {
      throw InvalidEvent("the run is over at step " + std::to_string(end_step) +
                         ", and resumed at step " + std::to_string(first_step) +
                         "; its length counts from step 0");
    }
    steps_ = end_step - first_step;
    require_room();
    first_batch_ = batch_ = sequence_.start.global_batch;
    aborted_ = options.aborted_batches;
    std::ranges::sort(aborted_);
  }

  Sequence write() && {
    add(BusCall::initialize);
    if (options_.calibration_batches > 0) calibrate();
    for (std::int64_t step = 0; step < steps_; ++step) {
      for (std::int64_t i = 0; i < options_.batches_per_step; ++i) train(i);
    }
    add(BusCall::finalize);
    require_all_aborted();
    return std::move(sequence_);
  }

 private:
  /// Counted as real numbers, which have room for any answer.
  void require_room() const {
    constexpr double most = 5e6;
    const auto steps = static_cast<double>(steps_);
    const auto groups = static_cast<double>(options_.layer_groups.size());
    const double calls =
        2.0 + (2.0 * static_cast<double>(options_.calibration_batches) + 1.0) * (groups + 1.0) +
        3.0 * steps * static_cast<double>(options_.batches_per_step) +
        2.0 * steps * static_cast<double>(options_.invocations_per_step) +
        3.0 * static_cast<double>(options_.aborted_batches.size());
    if (calls > most) {
      throw InvalidEvent("such a run has more calls than are held in memory, which are " +
                         detail::text_of(most) + " at most; takt::Plan counts longer runs");
    }
  }

  void add(BusCall call) { sequence_.calls.push_back({.call = call}); }
  void add_loss() {
    sequence_.calls.push_back(
        {.call = BusCall::loss_calculated, .loss = options_.losses.of(batch_)});
  }

  void calibrate() {
    add(BusCall::calibration_epoch_start);
    if (options_.layer_groups.empty()) show_batches();
    for (const std::vector<std::string>& layers : options_.layer_groups) {
      show_batches();
      sequence_.calls.push_back({.call = BusCall::sequential_epoch_end, .layers = layers});
    }
    add(BusCall::calibration_epoch_end);
  }

  void show_batches() {
    for (std::int64_t i = 0; i < options_.calibration_batches; ++i) {
      while (aborts()) {
        add(BusCall::batch_start);
        add(BusCall::abort_batch);
      }
      add(BusCall::batch_start);
      end_batch();
    }
  }

  /// The batch of that number in its step.
  void train(std::int64_t of_step) {
    while (aborts()) {
      add(BusCall::batch_start);
      add_loss();
      add(BusCall::abort_batch);
    }
    add(BusCall::batch_start);
    add_loss();
    for (std::int64_t i = invocations(of_step); i > 0; --i) {
      add(BusCall::optim_pre_step);
      add(BusCall::optim_post_step);
    }
    end_batch();
  }

  [[nodiscard]] std::int64_t invocations(std::int64_t of_step) const {
    const std::int64_t before_last =
        std::min(options_.batches_per_step, options_.invocations_per_step) - 1;
    if (of_step + 1 == options_.batches_per_step) {
      return options_.invocations_per_step - before_last;
    }
    return of_step < before_last ? 1 : 0;
  }

  void end_batch() {
    add(BusCall::batch_end);
    ++batch_;
  }

  /// Whether the batch at hand is to be aborted once more.
  bool aborts() {
    if (next_aborted_ == aborted_.size() || aborted_[next_aborted_] != batch_) return false;
    ++next_aborted_;
    return true;
  }

  void require_all_aborted() const {
    if (next_aborted_ == aborted_.size()) return;
    const std::string which = std::to_string(aborted_[next_aborted_]);
    std::string right = "has none";
    if (batch_ > first_batch_) {
      right = "has batches ";
      right += std::to_string(first_batch_) + " to " + std::to_string(batch_ - 1);
    }
    throw InvalidEvent("aborted_batches has batch " + which + "; the run " + right);
  }

  const LifecycleOptions& options_;
  Sequence sequence_;
  std::int64_t steps_ = 0;
  std::int64_t first_batch_ = 0;
  std::int64_t batch_ = 0;
  std::vector<std::int64_t> aborted_;
  std::size_t next_aborted_ = 0;
};

}  // namespace

Sequence epochs(std::int64_t count, const LifecycleOptions& options) {
  require_at_least(0, count, "the number of epochs");
  if (!options.steps_per_epoch) {
    throw InvalidEvent(
        "steps_per_epoch is not set; testing::epochs needs it, as in epochs(2, {.steps_per_epoch = "
        "10}), and testing::steps goes without");
  }
  require_sense(options);
  const std::int64_t per_epoch = *options.steps_per_epoch;
  if (count > std::numeric_limits<std::int64_t>::max() / per_epoch) {
    throw InvalidEvent(std::to_string(count) + " epochs of " + std::to_string(per_epoch) +
                       " steps have more steps than can be counted");
  }
  return Lifecycle{count * per_epoch, options}.write();
}

Sequence steps(std::int64_t count, const LifecycleOptions& options) {
  require_at_least(0, count, "the number of steps");
  require_sense(options);
  return Lifecycle{count, options}.write();
}

}  // namespace takt::testing
