// SPDX-License-Identifier: BSL-1.0
// Built for a takt of another minor version.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

static void add_to(takt::Registry& registry) { registry.add(unused_modifier("UnusedModifier")); }

extern "C" [[gnu::visibility("default")]] const takt::detail::PluginDescription takt_plugin;
constexpr takt::detail::PluginDescription takt_plugin{takt::detail::plugin_format,
                                                      "0.999.0",
                                                      takt::detail::plugin_abi.text.data(),
                                                      "wrong_version",
                                                      "1.0",
                                                      &add_to};
