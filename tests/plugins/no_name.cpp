// SPDX-License-Identifier: BSL-1.0
// A plugin without a name.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

TAKT_PLUGIN("", "1.0", registry) { registry.add(unused_modifier("UnusedModifier")); }
