// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the program prints as JSON.
#ifndef TAKT_LIB_CLI_JSON_TEXT_HPP
#define TAKT_LIB_CLI_JSON_TEXT_HPP

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "screen.hpp"
#include "takt/cadence.hpp"
#include "takt/timeline.hpp"

namespace takt::cli {

/// Keys stay in the order in which they are put in.
using Json = nlohmann::ordered_json;

/// Null for nothing; "inf", "-inf" and "nan" for numbers that JSON does not have.
[[nodiscard]] Json json_of(const std::optional<double>& number);
[[nodiscard]] Json json_of(const std::optional<std::int64_t>& number);
/// `{"start": …, "end": …, "update": …}`
[[nodiscard]] Json json_of(const Cadence& cadence);
/// Due steps are lists of `{"first": …, "count": …, "stride": …}`.
[[nodiscard]] Json json_of(const Timeline& timeline);

/// Prints it over several lines. Bytes that are no UTF-8 become U+FFFD.
void write_json(const Json& json, const Screen& screen);

}  // namespace takt::cli

#endif
