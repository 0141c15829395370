// SPDX-License-Identifier: BSL-1.0
/// \file
/// The options with which a command is told what run a recipe is for.
#ifndef TAKT_LIB_CLI_RUN_OPTIONS_HPP
#define TAKT_LIB_CLI_RUN_OPTIONS_HPP

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "takt/event.hpp"
#include "takt/plan.hpp"

namespace takt::cli {

/// How a run counts, how long it is, and where it starts.
class RunOptions {
 public:
  /// Adds `--steps-per-epoch`, `--epochs`, `--steps`, `--batches-per-step`, `--calibration-batches`
  /// and `--from`. This object outlives the command.
  void add_options(CLI::App& command);

  [[nodiscard]] bool has_length() const noexcept { return epochs_ || steps_; }
  /// Throws when there is none.
  void require_length() const;
  /// What `Plan` takes, without a length when none was given. Throws when an epoch has no length.
  [[nodiscard]] RunShape shape() const;

 private:
  std::optional<std::int64_t> steps_per_epoch_;
  std::optional<double> epochs_;
  std::optional<std::int64_t> steps_;
  std::optional<std::int64_t> batches_per_step_;
  std::int64_t calibration_batches_ = 0;
  std::int64_t from_ = 0;
};

/// "1 step", "100 steps".
[[nodiscard]] std::string step_count(std::int64_t count);

/// "40 epochs of 44 steps, 1760 steps in all", "100 steps, resumed at step 40".
[[nodiscard]] std::string length_words(const Plan& plan);

/// "step 600", "step 600 (epoch 13.6364)".
[[nodiscard]] std::string step_name(std::int64_t step, const Event& start);

}  // namespace takt::cli

#endif
