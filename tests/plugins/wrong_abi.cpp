// SPDX-License-Identifier: BSL-1.0
// Built with a standard library that there is not.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

static void add_to(takt::Registry& registry) { registry.add(unused_modifier("UnusedModifier")); }

extern "C" [[gnu::visibility("default")]] const takt::detail::PluginDescription takt_plugin;
constexpr takt::detail::PluginDescription takt_plugin{takt::detail::plugin_format,
                                                      takt::version.data(),
                                                      "8-bit, abacus",
                                                      "wrong_abi",
                                                      "1.0",
                                                      &add_to};
