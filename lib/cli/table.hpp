// SPDX-License-Identifier: BSL-1.0
/// \file
/// Rows in columns.
#ifndef TAKT_LIB_CLI_TABLE_HPP
#define TAKT_LIB_CLI_TABLE_HPP

#include <string>
#include <vector>

#include "screen.hpp"

namespace takt::cli {

using Row = std::vector<std::string>;

/// Writes rows of the same size, the first of which says what stands below. A line that is too long
/// for the screen goes on below its last column; where the screen has no room for that, each row
/// becomes some lines.
void write_table(const Screen& screen, const std::vector<Row>& rows);

}  // namespace takt::cli

#endif
