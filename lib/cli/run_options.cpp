// SPDX-License-Identifier: BSL-1.0
#include "run_options.hpp"

#include <cmath>
#include <limits>

#include "number_text.hpp"
#include "option_checks.hpp"
#include "takt/error.hpp"

namespace takt::cli {

void RunOptions::add_options(CLI::App& command) {
  command.add_option("--steps-per-epoch", steps_per_epoch_, "count in epochs of so many steps")
      ->type_name("N")
      ->check(whole_number(1));
  command.add_option("--epochs", epochs_, "the run ends at this epoch, counted from 0")
      ->type_name("X")
      ->check(number_from_0());
  command.add_option("--steps", steps_, "or at this step")->type_name("N")->check(whole_number(0));
  command
      .add_option("--batches-per-step", batches_per_step_,
                  "a step adds up so many batches; 1 unless told")
      ->type_name("N")
      ->check(whole_number(1));
  command
      .add_option("--calibration-batches", calibration_batches_,
                  "so many batches of calibration come first")
      ->type_name("N")
      ->check(whole_number(0));
  command.add_option("--from", from_, "the run is resumed at this step")
      ->type_name("STEP")
      ->check(whole_number(0));
}

void RunOptions::require_length() const {
  if (epochs_ || steps_) return;
  throw CLI::ValidationError("--epochs or --steps", "one is needed: a recipe has no length");
}

RunShape RunOptions::shape() const {
  if (epochs_ && !steps_per_epoch_) {
    throw CLI::ValidationError("--epochs", "give --steps-per-epoch too, or --steps in its place");
  }
  const std::int64_t per_step = batches_per_step_.value_or(1);
  if (from_ > std::numeric_limits<std::int64_t>::max() / per_step) {
    throw InvalidEvent("--from " + std::to_string(from_) + " is more than can be counted");
  }
  return {.start = {.steps_per_epoch = steps_per_epoch_,
                    .batches_per_step = batches_per_step_,
                    .global_step = from_,
                    .global_batch = from_ * per_step},
          .epochs = epochs_,
          .steps = steps_,
          .calibration_batches = calibration_batches_};
}

std::string step_name(std::int64_t step, const Event& start) {
  std::string name = "step " + std::to_string(step);
  if (!start.steps_per_epoch) return name;
  const double epoch = static_cast<double>(step) / static_cast<double>(*start.steps_per_epoch);
  return name + " (epoch " + detail::text_of(std::round(epoch * 1e4) / 1e4) + ')';
}

std::string step_count(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " step" : " steps");
}

std::string length_words(const Plan& plan) {
  const RunShape& shape = plan.shape();
  std::string words = step_count(plan.end_step());
  if (shape.epochs && shape.start.steps_per_epoch) {
    words = detail::text_of(*shape.epochs) + (*shape.epochs == 1.0 ? " epoch" : " epochs") +
            " of " + step_count(*shape.start.steps_per_epoch) + ", " + words + " in all";
  }
  if (plan.first_step() > 0) words += ", resumed at step " + std::to_string(plan.first_step());
  return words;
}

}  // namespace takt::cli
