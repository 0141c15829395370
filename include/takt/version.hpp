// SPDX-License-Identifier: BSL-1.0
/// \file
/// takt's version, as of the headers that a program is compiled with.
#ifndef TAKT_VERSION_HPP
#define TAKT_VERSION_HPP

#include <string_view>

namespace takt {

// Configuring the build checks that they are the version of the project.
inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;
/// The three with dots between them.
inline constexpr std::string_view version = "0.1.0";

}  // namespace takt

#endif
