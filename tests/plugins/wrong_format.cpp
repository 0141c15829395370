// SPDX-License-Identifier: BSL-1.0
// Described in a layout of days to come.
#include <takt/plugin.hpp>

#include "unused_modifier.hpp"

static void add_to(takt::Registry& registry) { registry.add(unused_modifier("UnusedModifier")); }

extern "C" [[gnu::visibility("default")]] const takt::detail::PluginDescription takt_plugin;
constexpr takt::detail::PluginDescription takt_plugin{
    77, takt::version.data(), takt::detail::plugin_abi.text.data(), "wrong_format", "1.0", &add_to};
