// SPDX-License-Identifier: BSL-1.0
/// \file
/// The `takt` program.
#ifndef TAKT_LIB_CLI_PROGRAM_HPP
#define TAKT_LIB_CLI_PROGRAM_HPP

#include <string>
#include <vector>

#include "screen.hpp"

namespace takt::cli {

/// Runs one command; `args` are those after the program's name. The result is the exit code: 0
/// when all is well, 1 when a comparison found differences, 2 for bad input, which is told on
/// `screen.err`.
int run(const std::vector<std::string>& args, const Screen& screen);

}  // namespace takt::cli

#endif
