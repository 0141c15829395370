// SPDX-License-Identifier: BSL-1.0
// Registers one modifier, and then one whose name a built-in modifier has.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

TAKT_PLUGIN("taken_name", "1.0", registry) {
  registry.add(unused_modifier("UnusedModifier"));
  registry.add(unused_modifier("LearningRateModifier"));
}
