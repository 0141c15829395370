// SPDX-License-Identifier: BSL-1.0
// Brings no modifier.
#include <takt/plugin.hpp>

TAKT_PLUGIN("registers_nothing", "1.0", registry) {}
