// SPDX-License-Identifier: BSL-1.0
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "program.hpp"
#include "terminal.hpp"

namespace {

/// As people ask for it: https://no-color.org
bool wants_colours() {
  const char* const refused = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool is_refused = refused != nullptr && *refused != '\0';
  return !is_refused && terminal != nullptr && std::string_view{terminal} != "dumb";
}

}  // namespace

int main(int argc, char** argv) {
  const auto columns = takt::detail::terminal_columns(std::cout);
  const takt::cli::Screen screen{.in = std::cin,
                                 .out = std::cout,
                                 .err = std::cerr,
                                 .columns = columns,
                                 .err_columns = takt::detail::terminal_columns(std::cerr),
                                 .colours = columns && wants_colours()};
  return takt::cli::run({argv + 1, argv + argc}, screen);
}
