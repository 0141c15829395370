// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/mask_structure.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "takt/error.hpp"

namespace takt {
namespace {

constexpr std::string_view block_prefix = "block_";

/// Two whole numbers, 1 or more, with a separator between them and nothing around them.
std::optional<std::pair<std::int64_t, std::int64_t>> read_pair(std::string_view text,
                                                               char separator) {
  const char* const end = text.data() + text.size();
  std::int64_t first = 0;
  std::int64_t second = 0;
  const auto left = std::from_chars(text.data(), end, first);
  if (left.ec != std::errc{} || left.ptr == end || *left.ptr != separator) return std::nullopt;
  const auto right = std::from_chars(left.ptr + 1, end, second);
  if (right.ec != std::errc{} || right.ptr != end) return std::nullopt;
  if (first < 1 || second < 1) return std::nullopt;
  return std::pair{first, second};
}

}  // namespace

MaskStructure mask_structure_from_string(std::string_view text) {
  using Kind = MaskStructure::Kind;
  if (text == "unstructured") return {};
  if (text == "channel") return {.kind = Kind::channel};
  if (text == "filter") return {.kind = Kind::filter};
  if (text.starts_with(block_prefix)) {
    if (const auto size = read_pair(text.substr(block_prefix.size()), ',')) {
      return {.kind = Kind::block, .rows = size->first, .columns = size->second};
    }
  } else if (const auto pattern = read_pair(text, ':');
             pattern && pattern->first < pattern->second) {
    return {.kind = Kind::n_of_m, .kept = pattern->first, .group = pattern->second};
  }
  throw InvalidModifier("unknown mask_structure \"" + std::string{text} +
                        "\"; it is unstructured, N:M (N kept of every M, such as 2:4), channel, "
                        "filter, or block_R,C (rows and columns, such as block_4,1)");
}

std::string to_string(const MaskStructure& structure) {
  switch (structure.kind) {
    case MaskStructure::Kind::unstructured:
      return "unstructured";
    case MaskStructure::Kind::n_of_m:
      return std::to_string(structure.kept) + ":" + std::to_string(structure.group);
    case MaskStructure::Kind::channel:
      return "channel";
    case MaskStructure::Kind::filter:
      return "filter";
    case MaskStructure::Kind::block:
      return std::string{block_prefix} + std::to_string(structure.rows) + "," +
             std::to_string(structure.columns);
  }
  return "";
}

}  // namespace takt
