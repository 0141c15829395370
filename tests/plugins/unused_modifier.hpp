// SPDX-License-Identifier: BSL-1.0
/// \file
/// A kind of modifier for plugins that are refused: no test ever makes one.
#ifndef TAKT_TESTS_PLUGINS_UNUSED_MODIFIER_HPP
#define TAKT_TESTS_PLUGINS_UNUSED_MODIFIER_HPP

#include <memory>
#include <string>
#include <takt/modifier_type.hpp>

inline takt::ModifierType unused_modifier(const std::string& name) {
  return {.info = {.name = name}, .make = [name](const takt::SettingValue::Map&) {
            return std::make_shared<takt::Modifier>(name, takt::Cadence{}, takt::Interests{});
          }};
}

#endif
