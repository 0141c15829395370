// SPDX-License-Identifier: BSL-1.0
/// \file
/// The names of a bus's policies.
#ifndef TAKT_LIB_BUS_POLICIES_HPP
#define TAKT_LIB_BUS_POLICIES_HPP

#include <array>
#include <cstddef>
#include <string_view>

#include "takt/bus_options.hpp"

namespace takt::detail {

/// By value.
inline constexpr std::array<std::string_view, 2> order_policy_names{"one_step", "several_steps"};
inline constexpr std::array<std::string_view, 3> error_policy_names{"propagate", "collect",
                                                                    "quarantine"};

inline std::string_view name_of(OrderPolicy policy) {
  return order_policy_names.at(static_cast<std::size_t>(policy));
}
inline std::string_view name_of(ErrorPolicy policy) {
  return error_policy_names.at(static_cast<std::size_t>(policy));
}

}  // namespace takt::detail

#endif
