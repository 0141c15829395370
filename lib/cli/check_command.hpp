// SPDX-License-Identifier: BSL-1.0
/// \file
/// `takt check`: what a recipe means, or what is wrong with it.
#ifndef TAKT_LIB_CLI_CHECK_COMMAND_HPP
#define TAKT_LIB_CLI_CHECK_COMMAND_HPP

#include <CLI/App.hpp>

#include "screen.hpp"

namespace takt::cli {

/// Adds the command to the program. It throws takt's errors while it is run.
void add_check_command(CLI::App& program, const Screen& screen);

}  // namespace takt::cli

#endif
