// SPDX-License-Identifier: BSL-1.0
/// \file
/// A plan as the program shows it.
#ifndef TAKT_LIB_CLI_PLAN_REPORT_HPP
#define TAKT_LIB_CLI_PLAN_REPORT_HPP

#include <string>

#include "output_options.hpp"
#include "screen.hpp"
#include "takt/plan.hpp"

namespace takt::cli {

/// The steps of a window: "0 to 44", "12", "never".
[[nodiscard]] std::string window_steps(const std::optional<std::int64_t>& starts,
                                       const std::optional<std::int64_t>& ends,
                                       std::int64_t end_step);

/// Writes a table and a timeline, or whatever is asked for. `name` is the recipe's.
void write_plan(const Plan& plan, const std::string& name, const OutputOptions& output,
                const Screen& screen);

}  // namespace takt::cli

#endif
