// SPDX-License-Identifier: BSL-1.0
/// \file
/// `takt view`: a recorded run, or the one that a recipe would have, drawn.
#ifndef TAKT_LIB_CLI_VIEW_COMMAND_HPP
#define TAKT_LIB_CLI_VIEW_COMMAND_HPP

#include <CLI/App.hpp>

#include "screen.hpp"

namespace takt::cli {

/// Adds the command to the program. It throws takt's errors while it is run.
void add_view_command(CLI::App& program, const Screen& screen);

}  // namespace takt::cli

#endif
