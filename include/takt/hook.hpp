// SPDX-License-Identifier: BSL-1.0
/// \file
/// The hooks of a modifier, by name.
#ifndef TAKT_HOOK_HPP
#define TAKT_HOOK_HPP

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

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
/// The hook of that name; nothing for any other text.
[[nodiscard]] std::optional<Hook> hook_from_string(std::string_view name) noexcept;
std::ostream& operator<<(std::ostream& out, Hook hook);

}  // namespace takt

#endif
