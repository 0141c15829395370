// SPDX-License-Identifier: BSL-1.0
/// \file
/// Counts, times and losses as a picture shows them: short.
#ifndef TAKT_LIB_COUNT_TEXT_HPP
#define TAKT_LIB_COUNT_TEXT_HPP

#include <cstdint>
#include <string>

namespace takt::detail {

/// Exactly that number, as short as it goes: "500", "1.25M", "1000100". Below 10 000 in digits.
[[nodiscard]] std::string tick_text(std::int64_t value);

/// In digits below a million, and about that number from there on: "999999", "1.05M", "1.1T".
[[nodiscard]] std::string count_text(std::int64_t value);

/// In digits, in groups of three with `separator` between them.
[[nodiscard]] std::string grouped(std::int64_t value, const std::string& separator);

/// "840 ns", "1.2 ms", "34 s", "2.5 h".
[[nodiscard]] std::string duration_text(std::int64_t nanoseconds);

/// Three digits: "2.3", "0.0213", "1.2e-05".
[[nodiscard]] std::string loss_level(double loss);

}  // namespace takt::detail

#endif
