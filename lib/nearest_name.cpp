// SPDX-License-Identifier: BSL-1.0
#include "nearest_name.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace takt::detail {
namespace {

constexpr std::size_t longest_name = 100;

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// The optimal string alignment distance (Boytsov 2011, "Indexing methods for approximate
/// dictionary searching", section 2.1): row i of the table has the distances from the first i
/// letters of `a` to each beginning of `b`.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0U : 1U)});
      const bool exchanged = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                             lower(a[i - 2]) == lower(b[j - 1]);
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

/// Whether `name` is long enough to say something, and stands in `known` as it is.
bool is_part(std::string_view name, std::string_view known) {
  constexpr std::size_t shortest_part = 3;
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return name.size() >= shortest_part &&
         std::search(known.begin(), known.end(), name.begin(), name.end(), same) != known.end();
}

}  // namespace

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  const std::string_view looked_at = name.substr(0, longest_name);
  std::string nearest;
  std::pair fewest{true, std::numeric_limits<std::size_t>::max()};
  for (const std::string& each : known) {
    const std::pair distance{!is_part(looked_at, each), edits(looked_at, each)};
    if (distance >= fewest) continue;
    fewest = distance;
    nearest = each;
  }
  return nearest;
}

}  // namespace takt::detail
