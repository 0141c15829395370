// SPDX-License-Identifier: BSL-1.0
/// \file
/// `takt explain`: what each modifier of a recipe does at one step, and why.
#ifndef TAKT_LIB_CLI_EXPLAIN_COMMAND_HPP
#define TAKT_LIB_CLI_EXPLAIN_COMMAND_HPP

#include <CLI/App.hpp>

#include "screen.hpp"

namespace takt::cli {

/// Adds the command to the program. It throws takt's errors while it is run.
void add_explain_command(CLI::App& program, const Screen& screen);

}  // namespace takt::cli

#endif
