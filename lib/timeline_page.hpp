// SPDX-License-Identifier: BSL-1.0
/// \file
/// The page that a timeline is written into.
#ifndef TAKT_LIB_TIMELINE_PAGE_HPP
#define TAKT_LIB_TIMELINE_PAGE_HPP

#include <string_view>

namespace takt::detail {

/// lib/timeline_page/page.html with what it includes: ASCII text. `{{title}}` in it, twice, is the
/// place of the title, and `{{data}}` of the JSON that the page draws.
[[nodiscard]] std::string_view timeline_page() noexcept;

}  // namespace takt::detail

#endif
