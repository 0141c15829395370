// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the system knows of the terminal behind a stream.
#ifndef TAKT_LIB_TERMINAL_HPP
#define TAKT_LIB_TERMINAL_HPP

#include <iosfwd>
#include <optional>

namespace takt::detail {

/// How wide a terminal is taken to be that does not tell.
inline constexpr int usual_columns = 80;

/// The width in characters of the terminal that std::cout, std::cerr or std::clog writes to;
/// nothing when it writes to none, for any other stream, and on systems other than POSIX ones.
[[nodiscard]] std::optional<int> terminal_columns(const std::ostream& stream) noexcept;

}  // namespace takt::detail

#endif
