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

std::ostream& operator<<(std::ostream& out, Hook hook) { return out << to_string(hook); }

}  // namespace takt
