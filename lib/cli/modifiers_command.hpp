// SPDX-License-Identifier: BSL-1.0
/// \file
/// `takt modifiers`: what modifiers there are, and their settings.
#ifndef TAKT_LIB_CLI_MODIFIERS_COMMAND_HPP
#define TAKT_LIB_CLI_MODIFIERS_COMMAND_HPP

#include <CLI/App.hpp>

#include "screen.hpp"

namespace takt::cli {

/// Adds the command to the program. It throws takt's errors while it is run.
void add_modifiers_command(CLI::App& program, const Screen& screen);

}  // namespace takt::cli

#endif
