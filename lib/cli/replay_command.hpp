// SPDX-License-Identifier: BSL-1.0
/// \file
/// `takt replay`: what would run if a recorded run were made again.
#ifndef TAKT_LIB_CLI_REPLAY_COMMAND_HPP
#define TAKT_LIB_CLI_REPLAY_COMMAND_HPP

#include <CLI/App.hpp>

#include "screen.hpp"

namespace takt::cli {

/// Adds the command to the program. It throws takt's errors while it is run, and sets `exit_code`,
/// which outlives the command.
void add_replay_command(CLI::App& program, const Screen& screen, int& exit_code);

}  // namespace takt::cli

#endif
