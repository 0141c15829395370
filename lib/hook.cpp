// SPDX-License-Identifier: BSL-1.0
#include "takt/hook.hpp"

#include <array>
#include <ostream>

namespace takt {

const std::string& to_string(Hook hook) {
  static const std::array<std::string, 8> names{"on_initialize", "on_start", "on_event",
                                                "on_update",     "on_end",   "on_abort",
                                                "on_finalize",   "invalid"};
  const auto position = static_cast<std::size_t>(hook);
  return names.at(position < names.size() ? position : names.size() - 1);
}

std::optional<Hook> hook_from_string(std::string_view name) noexcept {
  for (auto value = static_cast<std::uint8_t>(Hook::on_initialize);
       value <= static_cast<std::uint8_t>(Hook::on_finalize); ++value) {
    const auto hook = static_cast<Hook>(value);
    if (to_string(hook) == name) return hook;
  }
  return std::nullopt;
}

std::ostream& operator<<(std::ostream& out, Hook hook) { return out << to_string(hook); }

}  // namespace takt
