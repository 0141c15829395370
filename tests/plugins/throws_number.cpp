// SPDX-License-Identifier: BSL-1.0
// Registers one modifier, and then throws something that is not a std::exception.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

TAKT_PLUGIN("throws_number", "1.0", registry) {
  registry.add(unused_modifier("UnusedModifier"));
  throw 42;
}
