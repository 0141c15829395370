// SPDX-License-Identifier: BSL-1.0
// Calls a function that nothing has.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

extern "C" void takt_test_function_that_nothing_has();

TAKT_PLUGIN("unresolved", "1.0", registry) {
  takt_test_function_that_nothing_has();
  registry.add(unused_modifier("UnusedModifier"));
}
