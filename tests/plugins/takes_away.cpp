// SPDX-License-Identifier: BSL-1.0
// Clears the registry before it adds to it.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

TAKT_PLUGIN("takes_away", "1.0", registry) {
  registry = takt::Registry{};
  registry.add(unused_modifier("UnusedModifier"));
}
