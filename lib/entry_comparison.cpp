// SPDX-License-Identifier: BSL-1.0
#include "entry_comparison.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

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

/// For each hook of `of` the same hook of the other one, each of which is partner once; null for
/// one that has none.
std::vector<const HookRun*> partners(const NamedEntry& of, const NamedEntry& other) {
  std::vector<bool> taken(other.entry.hooks.size());
  std::vector<const HookRun*> found;
  for (const HookRun& run : of.entry.hooks) {
    std::size_t i = 0;
    while (i < taken.size() && (taken[i] || !same_hook(of, run, other, other.entry.hooks[i]))) ++i;
    if (i < taken.size()) taken[i] = true;
    found.push_back(i < taken.size() ? &other.entry.hooks[i] : nullptr);
  }
  return found;
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

/// One of two runs of the same hook threw, and the other did not.
std::string error_difference(const NamedEntry& first, const HookRun& before,
                             const NamedEntry& second, const HookRun& now, const Wording& wording) {
  if (now.error) return error_words(second, now) + wording.only_second;
  if (!wording.first_is_recorded) return error_words(first, before) + wording.only_first;
  return who(first, before) + " did not throw, the trace says it did (" +
         before.error.value_or("") + ')';
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

std::string place_of(const NamedEntry& named) {
  const TraceEntry& entry = named.entry;
  std::string place = "step " + std::to_string(entry.step);
  if (entry.batch != entry.step) {
    place += ", batch ";
    place += std::to_string(entry.batch);
  }
  switch (entry.kind) {
    case TraceKind::call:
      return place + ", " + to_string(entry.call);
    case TraceKind::addition:
      return place + ", adding " + named.modifier(entry.modifier).name;
    case TraceKind::removal:
      break;
  }
  return place + ", removing " + named.modifier(entry.modifier).name;
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
  const auto of_first = partners(first, second);
  const auto of_second = partners(second, first);
  // What threw comes before what ran: it may be why the rest did not.
  for (std::size_t i = 0; i < now.size(); ++i) {
    const HookRun* const partner = of_second[i];
    if (partner == nullptr || partner->error.has_value() == now[i].error.has_value()) continue;
    texts.push_back(error_difference(first, *partner, second, now[i], wording));
  }
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (of_second[i] != nullptr) continue;
    texts.push_back(who(second, now[i]) + " ran" + wording.only_second);
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (of_first[i] != nullptr) continue;
    const char* const verb = wording.first_is_recorded ? " did not run" : " ran";
    texts.push_back(who(first, before[i]) + verb + wording.only_first);
  }
  if (texts.empty()) {
    texts.push_back("ran in another order: " + order_of(second) + "; not " + order_of(first));
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
  if (differs_) end_entry();
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
