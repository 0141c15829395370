// SPDX-License-Identifier: BSL-1.0
#include "run_options.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt::cli {

CLI::Validator whole_number(std::int64_t least) {
  return {[least](const std::string& text) -> std::string {
            std::int64_t count = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, count);
            if (error == std::errc{} && stop == end && count >= least) return {};
            return '"' + text + "\" is no whole number from " + std::to_string(least) + " on";
          },
          ""};
}

void RunOptions::add_options(CLI::App& command) {
  command.add_option("--steps-per-epoch", steps_per_epoch_, "count in epochs of so many steps")
      ->type_name("N")
      ->check(whole_number(1));
  command.add_option("--epochs", epochs_, "the run is over at this epoch")->type_name("X");
  command.add_option("--steps", steps_, "the run is over after so many steps")
      ->type_name("N")
      ->check(whole_number(0));
  command.add_option("--batches-per-step", batches_per_step_, "gradients of so many are added up")
      ->type_name("N")
      ->check(whole_number(1));
  command
      .add_option("--calibration-batches", calibration_batches_, "a calibration epoch comes first")
      ->type_name("N")
      ->check(whole_number(0));
  command.add_option("--from", from_, "the run is resumed at this step")
      ->type_name("STEP")
      ->check(whole_number(0));
}

RunShape RunOptions::shape() const {
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

std::string length_words(const RunShape& shape, const Plan& plan) {
  const std::string steps = std::to_string(plan.end_step()) + " steps";
  std::string words = steps;
  if (shape.epochs && shape.start.steps_per_epoch) {
    words = detail::text_of(*shape.epochs) + " epochs of " +
            std::to_string(*shape.start.steps_per_epoch) + " steps, " + steps + " in all";
  }
  if (plan.first_step() > 0) words += ", resumed at step " + std::to_string(plan.first_step());
  return words;
}

}  // namespace takt::cli
