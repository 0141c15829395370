// SPDX-License-Identifier: BSL-1.0
/// \file
/// A trace as the command line names it.
#ifndef TAKT_LIB_CLI_TRACE_INPUT_HPP
#define TAKT_LIB_CLI_TRACE_INPUT_HPP

#include <istream>
#include <string>

#include "takt/trace.hpp"

namespace takt::cli {

/// Opens a trace; "-" is read from `in`. Throws `TraceError`.
[[nodiscard]] inline TraceReader open_trace(const std::string& file, std::istream& in) {
  if (file == "-") return TraceReader{in, "standard input"};
  return TraceReader{std::filesystem::path{file}};
}

}  // namespace takt::cli

#endif
