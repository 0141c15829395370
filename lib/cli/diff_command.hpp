// SPDX-License-Identifier: BSL-1.0
/// \file
/// `takt diff`: what two recorded runs did differently.
#ifndef TAKT_LIB_CLI_DIFF_COMMAND_HPP
#define TAKT_LIB_CLI_DIFF_COMMAND_HPP

#include <CLI/App.hpp>

#include "screen.hpp"

namespace takt::cli {

/// Adds the command to the program. It throws takt's errors while it is run, and sets `exit_code`,
/// which outlives the command.
void add_diff_command(CLI::App& program, const Screen& screen, int& exit_code);

}  // namespace takt::cli

#endif
