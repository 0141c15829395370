// SPDX-License-Identifier: BSL-1.0
/// \file
/// The hooks of a modifier, by name.
#ifndef TAKT_HOOK_HPP
#define TAKT_HOOK_HPP

#include <cstdint>
#include <iosfwd>
#include <string>

namespace takt {

/// Which member function of a `Modifier` ran, or will.
enum class Hook : std::uint8_t {
  on_initialize,
  on_start,
  on_event,
  on_update,
  on_end,
  on_abort,
  on_finalize
};

/// The function's name: "on_update".
[[nodiscard]] const std::string& to_string(Hook hook);
std::ostream& operator<<(std::ostream& out, Hook hook);

}  // namespace takt

#endif
