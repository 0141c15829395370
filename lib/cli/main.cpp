// SPDX-License-Identifier: BSL-1.0
#include <iostream>

#include "program.hpp"
#include "terminal.hpp"

int main(int argc, char** argv) {
  const takt::cli::Screen screen{std::cin, std::cout, std::cerr,
                                 takt::detail::terminal_columns(std::cout)};
  return takt::cli::run({argv + 1, argv + argc}, screen);
}
