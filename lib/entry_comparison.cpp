// SPDX-License-Identifier: BSL-1.0
#include "entry_comparison.hpp"

#include <algorithm>
#include <ostream>

namespace takt {
namespace detail {
namespace {

/// "prune" for its updates, "on_start of prune" for its other hooks.
std::string who(const NamedEntry& of, const HookRun& run) {
  const std::string& name = of.modifier(run.modifier).name;
  if (run.hook == Hook::on_update) return name;
  return to_string(run.hook) + " of " + name;
}

bool same_hook(const NamedEntry& first, const HookRun& a, const NamedEntry& second,
               const HookRun& b) {
  return a.hook == b.hook && first.modifier(a.modifier).name == second.modifier(b.modifier).name;
}

/// Those of `all` that have no partner among the others, each of which is partner once.
std::vector<const HookRun*> without_partner(const NamedEntry& of, const NamedEntry& other) {
  std::vector<bool> taken(other.entry.hooks.size());
  std::vector<const HookRun*> alone;
  for (const HookRun& run : of.entry.hooks) {
    std::size_t i = 0;
    while (i < taken.size() && (taken[i] || !same_hook(of, run, other, other.entry.hooks[i]))) ++i;
    if (i < taken.size()) {
      taken[i] = true;
    } else {
      alone.push_back(&run);
    }
  }
  return alone;
}

std::string order_of(const NamedEntry& entry) {
  constexpr std::size_t most = 8;
  std::string words;
  for (std::size_t i = 0; i < entry.entry.hooks.size(); ++i) {
    if (i == most) return words + ", ...";
    if (i > 0) words += ", ";
    words += who(entry, entry.entry.hooks[i]);
  }
  return words;
}

std::string error_words(const NamedEntry& of, const HookRun& run) {
  return who(of, run) + " threw (" + run.error.value_or("") + ')';
}

std::string only_second(const std::string& words, const Wording& wording) {
  return words + wording.only_second;
}

}  // namespace

Wording replay_wording() {
  return {.only_second = ", the trace says it did not",
          .only_first = ", the trace says it did",
          .first_is_recorded = true};
}

Wording diff_wording(const std::string& first, const std::string& second) {
  return {.only_second = " in " + second + ", not in " + first,
          .only_first = " in " + first + ", not in " + second};
}

std::string place_of(const NamedEntry& at) {
  const TraceEntry& entry = at.entry;
  std::string place = "step " + std::to_string(entry.step);
  if (entry.batch != entry.step) {
    place += ", batch ";
    place += std::to_string(entry.batch);
  }
  switch (entry.kind) {
    case TraceKind::call:
      return place + ", " + to_string(entry.call);
    case TraceKind::addition:
      return place + ", adding " + at.modifier(entry.modifier).name;
    case TraceKind::removal:
      break;
  }
  return place + ", removing " + at.modifier(entry.modifier).name;
}

std::vector<std::string> hook_differences(const NamedEntry& first, const NamedEntry& second,
                                          const Wording& wording) {
  const auto& before = first.entry.hooks;
  const auto& now = second.entry.hooks;
  const bool same = std::ranges::equal(before, now, [&](const HookRun& a, const HookRun& b) {
    return same_hook(first, a, second, b) && a.error.has_value() == b.error.has_value();
  });
  std::vector<std::string> texts;
  if (same) return texts;
  const auto gone = without_partner(first, second);
  const auto come = without_partner(second, first);
  for (const HookRun* const run : come) {
    texts.push_back(only_second(who(second, *run) + " ran", wording));
  }
  for (const HookRun* const run : gone) {
    const char* const verb = wording.first_is_recorded ? " did not run" : " ran";
    texts.push_back(who(first, *run) + verb + wording.only_first);
  }
  if (!texts.empty()) return texts;
  const bool same_order = std::ranges::equal(before, now, [&](const HookRun& a, const HookRun& b) {
    return same_hook(first, a, second, b);
  });
  if (!same_order) {
    texts.push_back("ran in another order: " + order_of(second) + "; not " + order_of(first));
    return texts;
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].error && !before[i].error) {
      texts.push_back(only_second(error_words(second, now[i]), wording));
    } else if (before[i].error && !now[i].error) {
      texts.push_back(wording.first_is_recorded
                          ? who(first, before[i]) + " did not throw, the trace says it did (" +
                                *before[i].error + ')'
                          : error_words(first, before[i]) + wording.only_first);
    }
  }
  return texts;
}

void Differences::add(const TraceEntry& at, std::string text) {
  differs_ = true;
  if (comparison_.differences.size() < most_) {
    comparison_.differences.push_back({at.step, at.batch, std::move(text)});
  }
}

void Differences::end_entry() noexcept {
  ++comparison_.entries;
  if (std::exchange(differs_, false)) ++comparison_.differing;
}

TraceComparison Differences::result(bool torn) && {
  if (differs_) ++comparison_.differing;
  comparison_.torn = torn;
  return std::move(comparison_);
}

}  // namespace detail

std::ostream& operator<<(std::ostream& out, const TraceDifference& difference) {
  return out << difference.text;
}

std::ostream& operator<<(std::ostream& out, const TraceComparison& comparison) {
  if (comparison.equal()) {
    return out << "equal in " << comparison.entries
               << (comparison.entries == 1 ? " event" : " events");
  }
  const char* separator = "";
  for (const TraceDifference& difference : comparison.differences) {
    out << separator << difference;
    separator = "\n";
  }
  return out;
}

}  // namespace takt
