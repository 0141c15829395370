// SPDX-License-Identifier: BSL-1.0
/// \file
/// How two entries of traces differ, in words.
#ifndef TAKT_LIB_ENTRY_COMPARISON_HPP
#define TAKT_LIB_ENTRY_COMPARISON_HPP

#include <functional>
#include <string>
#include <vector>

#include "takt/replay.hpp"
#include "takt/trace.hpp"

namespace takt::detail {

/// An entry, and how its modifiers are named.
struct NamedEntry {
  const TraceEntry& entry;
  std::function<const TracedModifier&(std::size_t)> modifier;
};

/// The words for what is in one run and not in the other.
struct Wording {
  /// What to write behind "prune ran" when only the second run has it: ", the trace says it did
  /// not"; " in b.jsonl, not in a.jsonl".
  std::string only_second;
  /// Behind "prune ran" when only the first has it, for the files; the other way of saying it is
  /// "prune did not run, the trace says it did".
  std::string only_first;
  bool first_is_recorded = false;
};

/// "a replay", of which the first run is the recorded one.
[[nodiscard]] Wording replay_wording();
/// Of two traces with these names.
[[nodiscard]] Wording diff_wording(const std::string& first, const std::string& second);

/// "step 1200, batch_start", "step 3, batch 7, abort_batch", "step 4, adding prune".
[[nodiscard]] std::string place_of(const NamedEntry& named);

/// What the two have run differently, a sentence each; empty for nothing. They are of the same kind
/// and call. Of what was thrown it counts whether, not which text.
[[nodiscard]] std::vector<std::string> hook_differences(const NamedEntry& first,
                                                        const NamedEntry& second,
                                                        const Wording& wording);

/// Gathers differences, as many as are wanted.
class Differences {
 public:
  explicit Differences(std::size_t most) : most_{most} {}

  void add(const TraceEntry& at, std::string text);
  /// The entry at hand has been compared.
  void end_entry() noexcept;
  /// Differences that are left then count as those of one more entry.
  [[nodiscard]] TraceComparison result(bool torn) &&;

 private:
  std::size_t most_;
  bool differs_ = false;  // the entry at hand
  TraceComparison comparison_;
};

}  // namespace takt::detail

#endif
