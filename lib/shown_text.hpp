// SPDX-License-Identifier: BSL-1.0
/// \file
/// Names that came from somewhere, made fit to be shown.
#ifndef TAKT_LIB_SHOWN_TEXT_HPP
#define TAKT_LIB_SHOWN_TEXT_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace takt::detail {

/// The text as UTF-8 of characters that show something. U+FFFD stands in for each byte that is no
/// UTF-8, for control characters, which could move a terminal's cursor, for those that change the
/// direction of what follows, and for noncharacters.
[[nodiscard]] std::string shown_text(std::string_view text);

/// How many characters a text of valid UTF-8 has.
[[nodiscard]] std::size_t character_count(std::string_view text) noexcept;

/// Valid UTF-8, at most `most` characters of it: a longer text ends in "…" there. `most` >= 1.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most);

}  // namespace takt::detail

#endif
