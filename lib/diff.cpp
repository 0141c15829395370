// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "bus_policies.hpp"
#include "entry_comparison.hpp"
#include "entry_source.hpp"
#include "number_text.hpp"
#include "takt/replay.hpp"

namespace takt {
namespace {

using detail::EntrySource;
using detail::NamedEntry;

std::string words(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "not set";
}
std::string words(const std::optional<double>& value) {
  return value ? detail::text_of(*value) : "not set";
}
std::string words(std::int64_t value) { return std::to_string(value); }
std::string words(std::string_view value) { return std::string{value}; }
std::string words(EventSet events) {
  std::string text;
  for (const EventType type : events) {
    if (!text.empty()) text += ", ";
    text += to_string(type);
  }
  return text.empty() ? "none" : text;
}

/// Compares two traces, entry by entry.
class Diff {
 public:
  Diff(EntrySource& a, EntrySource& b, const ComparisonOptions& options)
      : a_{a},
        b_{b},
        a_name_{a.name() == b.name() ? "the first" : a.name()},
        b_name_{a.name() == b.name() ? "the second" : b.name()},
        options_{options},
        wording_{detail::diff_wording(a_name_, b_name_)},
        differences_{options.most} {}

  TraceComparison run() {
    compare_headers();
    const TraceEntry* first = a_.next();
    const TraceEntry* second = b_.next();
    while (first != nullptr && second != nullptr) {
      last_ = TraceEntry{.kind = first->kind,
                         .call = first->call,
                         .modifier = first->modifier,
                         .step = first->step,
                         .batch = first->batch};
      if (!compare(*first, *second)) return result();
      differences_.end_entry();
      if (options_.on_entry) options_.on_entry();
      first = a_.next();
      second = b_.next();
    }
    if (first != nullptr || second != nullptr) compare_ends(first, second);
    return result();
  }

 private:
  TraceComparison result() { return std::move(differences_).result(a_.torn() || b_.torn()); }

  static NamedEntry named(const EntrySource& source, const TraceEntry& entry) {
    return {entry,
            [&source](std::size_t i) -> const TracedModifier& { return source.modifier(i); }};
  }

  void add(const TraceEntry& at, std::string text) { differences_.add(at, std::move(text)); }

  // ---- Headers ----------------------------------------------------------------------------------

  template <class Value>
  void compare_values(const TraceEntry& at, const std::string& what, const Value& a,
                      const Value& b) {
    if (a == b) return;
    add(at, what + " is " + words(a) + " in " + a_name_ + ", " + words(b) + " in " + b_name_);
  }

  void compare_headers() {
    const TraceHeader& a = a_.header();
    const TraceHeader& b = b_.header();
    compare_values({}, "steps_per_epoch", a.start.steps_per_epoch, b.start.steps_per_epoch);
    compare_values({}, "batches_per_step", a.start.batches_per_step, b.start.batches_per_step);
    compare_values({}, "invocations_per_step", a.start.invocations_per_step,
                   b.start.invocations_per_step);
    compare_values({}, "the order policy", detail::name_of(a.options.order),
                   detail::name_of(b.options.order));
    compare_values({}, "the error policy", detail::name_of(a.options.errors),
                   detail::name_of(b.options.errors));
    for (const TracedModifier& modifier : a.modifiers) {
      const TracedModifier* const other = find(b, modifier.name);
      if (other == nullptr) {
        add({}, modifier.name + " is there" + wording_.only_first);
      } else {
        compare_modifiers({}, modifier, *other, modifier.name);
      }
    }
    for (const TracedModifier& modifier : b.modifiers) {
      if (find(a, modifier.name) == nullptr) {
        add({}, modifier.name + " is there" + wording_.only_second);
      }
    }
  }

  static const TracedModifier* find(const TraceHeader& header, const std::string& name) {
    const auto found = std::ranges::find(header.modifiers, name, &TracedModifier::name);
    return found == header.modifiers.end() ? nullptr : &*found;
  }

  void compare_modifiers(const TraceEntry& at, const TracedModifier& a, const TracedModifier& b,
                         const std::string& who) {
    const auto compare = [&, this](const char* what, const auto& first, const auto& second) {
      this->compare_values(at, who + ": " + what, first, second);
    };
    compare("start", a.cadence.start, b.cadence.start);
    compare("end", a.cadence.end, b.cadence.end);
    compare("update", a.cadence.update, b.cadence.update);
    compare("the events where it runs when due", a.interests.due, b.interests.due);
    compare("the events where it always runs", a.interests.every, b.interests.every);
    compare("group", std::int64_t{a.group}, std::int64_t{b.group});
  }

  // ---- Entries ----------------------------------------------------------------------------------

  /// False when the runs part here.
  bool compare(const TraceEntry& a, const TraceEntry& b) {
    const NamedEntry first = named(a_, a);
    const NamedEntry second = named(b_, b);
    const bool same_call = a.kind != TraceKind::call || a.call == b.call;
    if (a.kind != b.kind || !same_call || a.step != b.step || a.batch != b.batch ||
        (a.kind != TraceKind::call &&
         first.modifier(a.modifier).name != second.modifier(b.modifier).name)) {
      add(a, "the runs part: " + a_name_ + " goes on with " + place_of(first) + ", " + b_name_ +
                 " with " + place_of(second));
      return false;
    }
    if (a.kind == TraceKind::addition) {
      compare_modifiers(a, first.modifier(a.modifier), second.modifier(b.modifier),
                        place_of(first));
    }
    for (const std::string& text : hook_differences(first, second, wording_)) {
      add(a, place_of(first) + ": " + text);
    }
    if (!same_loss(a.loss, b.loss)) {
      add(a, place_of(first) + ": the loss is " + words(a.loss) + " in " + a_name_ + ", " +
                 words(b.loss) + " in " + b_name_);
    }
    if (a.layers != b.layers) add(a, place_of(first) + ": the layers differ");
    return true;
  }

  [[nodiscard]] bool same_loss(const std::optional<double>& a,
                               const std::optional<double>& b) const {
    if (std::isinf(options_.loss_tolerance)) return true;
    if (!a || !b) return a == b;
    if (*a == *b || (std::isnan(*a) && std::isnan(*b))) return true;
    const double larger = std::max(std::abs(*a), std::abs(*b));
    return std::isfinite(larger) && std::abs(*a - *b) <= options_.loss_tolerance * larger;
  }

  void compare_ends(const TraceEntry* first, const TraceEntry* second) {
    const bool a_goes_on = first != nullptr;
    const EntrySource& ended = a_goes_on ? b_ : a_;
    const EntrySource& going = a_goes_on ? a_ : b_;
    const std::string& ended_name = a_goes_on ? b_name_ : a_name_;
    const std::string& going_name = a_goes_on ? a_name_ : b_name_;
    const TraceEntry& next = a_goes_on ? *first : *second;
    std::string text = ended_name + " ends";
    if (last_) {
      text += " after ";
      text += place_of(named(a_, *last_));
    }
    if (ended.torn()) text += ", in a torn line";
    text += "; ";
    text += going_name + " goes on with " + place_of(named(going, next));
    add(next, std::move(text));
  }

  EntrySource& a_;
  EntrySource& b_;
  const std::string a_name_;
  const std::string b_name_;
  const ComparisonOptions& options_;
  detail::Wording wording_;
  detail::Differences differences_;
  std::optional<TraceEntry> last_;  // of both; only where it was
};

}  // namespace

TraceComparison diff(TraceReader& a, TraceReader& b, const ComparisonOptions& options) {
  detail::ReadEntries first{a};
  detail::ReadEntries second{b};
  return Diff{first, second, options}.run();
}

TraceComparison diff(const Trace& a, const Trace& b, const ComparisonOptions& options) {
  detail::HeldEntries first{a, "the first"};
  detail::HeldEntries second{b, "the second"};
  return Diff{first, second, options}.run();
}

}  // namespace takt
