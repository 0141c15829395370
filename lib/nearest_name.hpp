// SPDX-License-Identifier: BSL-1.0
/// \file
/// The known name that a mistyped one was meant to be.
#ifndef TAKT_LIB_NEAREST_NAME_HPP
#define TAKT_LIB_NEAREST_NAME_HPP

#include <span>
#include <string>
#include <string_view>

namespace takt::detail {

/// The known name that the fewest edits turn `name` into: a letter put in, left out, or replaced,
/// or two neighbours exchanged. A name of three letters or more that stands in known ones is meant
/// to be one of those: "Magnitude" is "MagnitudePruningModifier". Case is not looked at. Among
/// equals the first; empty when nothing is known. Of a long name only the beginning is looked at.
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace takt::detail

#endif
