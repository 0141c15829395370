// SPDX-License-Identifier: BSL-1.0
#include "terminal.hpp"

#include <iostream>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace takt::detail {

#if defined(__unix__) || defined(__APPLE__)

std::optional<int> terminal_columns(const std::ostream& stream) noexcept {
  int descriptor = -1;
  if (&stream == &std::cout) descriptor = STDOUT_FILENO;
  if (&stream == &std::cerr || &stream == &std::clog) descriptor = STDERR_FILENO;
  if (descriptor == -1 || isatty(descriptor) == 0) return std::nullopt;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual_columns;
  return size.ws_col;
}

#else

std::optional<int> terminal_columns(const std::ostream&) noexcept { return std::nullopt; }

#endif

}  // namespace takt::detail
