// SPDX-License-Identifier: BSL-1.0
#include "takt/testing.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include "entry_log.hpp"
#include "takt/error.hpp"

namespace takt::testing {
namespace {

template <class Wanted>
Calls chosen(const Calls& calls, Wanted wanted) {
  Calls result;
  for (const Call& call : calls) {
    if (wanted(call)) result.push_back(call);
  }
  return result;
}

/// Where the hooks of an entry are called: those who join are initialized, those who leave
/// finalized.
BusCall call_of(const TraceEntry& entry) {
  if (entry.kind == TraceKind::addition) return BusCall::initialize;
  if (entry.kind == TraceKind::removal) return BusCall::finalize;
  return entry.call;
}

/// `name_of` says what the modifier at a position is called.
template <class NameOf>
void append(Calls& calls, const TraceEntry& entry, NameOf name_of) {
  for (const HookRun& run : entry.hooks) {
    calls.push_back({.modifier = name_of(run.modifier),
                     .hook = run.hook,
                     .at = call_of(entry),
                     .step = entry.step,
                     .batch = entry.batch,
                     .error = run.error});
  }
}

/// Gathers the calls of a bus.
class CallLog final : public detail::EntryLog {
 public:
  explicit CallLog(EventBus& bus) : EntryLog{bus, false} {}

  void throw_if_failed() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  [[nodiscard]] Calls take() { return std::move(calls_); }

 private:
  void on_header(const TraceHeader& header) override {
    for (const TracedModifier& modifier : header.modifiers) names_.push_back(modifier.name);
  }
  void on_entry(TraceEntry& entry, const TracedModifier* joined) override {
    if (joined != nullptr) names_.push_back(joined->name);
    append(calls_, entry, [this](std::size_t i) -> const std::string& { return names_.at(i); });
  }
  void on_failure() noexcept override {
    if (!failure_) failure_ = std::current_exception();
  }

  std::vector<std::string> names_;
  Calls calls_;
  std::exception_ptr failure_;
};

/// As a loop that catches what modifiers throw, and goes on.
void replay_on(EventBus& bus, const Sequence& sequence) {
  for (const SequenceCall& call : sequence.calls) {
    try {
      replay(bus, {.start = sequence.start, .calls = {call}});
    } catch (const ModifierError&) {  // NOLINT(bugprone-empty-catch): stands in the calls
    }
  }
}

}  // namespace

// ---- Calls --------------------------------------------------------------------------------------

std::ostream& operator<<(std::ostream& out, const Call& call) {
  out << "step " << call.step << ", batch " << call.batch << ", " << call.at << ": " << call.hook
      << " of " << call.modifier;
  if (call.error) out << ", which threw: " << *call.error;
  return out;
}

Calls Calls::of(std::string_view modifier) const {
  return chosen(*this, [&](const Call& call) { return call.modifier == modifier; });
}
Calls Calls::of(Hook hook) const {
  return chosen(*this, [&](const Call& call) { return call.hook == hook; });
}
Calls Calls::of(BusCall at) const {
  return chosen(*this, [&](const Call& call) { return call.at == at; });
}

std::int64_t Calls::count(Hook hook) const noexcept {
  return std::ranges::count(calls_, hook, &Call::hook);
}

std::vector<std::int64_t> Calls::steps(Hook hook) const {
  std::vector<std::int64_t> steps;
  for (const Call& call : calls_) {
    if (call.hook == hook) steps.push_back(call.step);
  }
  return steps;
}

std::ostream& operator<<(std::ostream& out, const Calls& calls) {
  if (calls.empty()) return out << "no calls";
  out << calls.size() << (calls.size() == 1 ? " call:" : " calls:");
  for (const Call& call : calls) out << "\n  " << call;
  return out << '\n';
}

Calls calls_of(const Trace& trace) {
  Calls calls;
  for (const TraceEntry& entry : trace.entries) {
    append(calls, entry,
           [&](std::size_t i) -> const std::string& { return trace.modifier(i).name; });
  }
  return calls;
}

// ---- Running ------------------------------------------------------------------------------------

Calls run(const std::vector<std::shared_ptr<Modifier>>& modifiers, const Sequence& sequence,
          const RunOptions& options) {
  EventBus bus{sequence.start, options.bus};
  for (const std::shared_ptr<Modifier>& modifier : modifiers) bus.add(modifier);
  if (options.prepare) options.prepare(bus);
  CallLog log{bus};
  options.go_on ? replay_on(bus, sequence) : replay(bus, sequence);
  log.throw_if_failed();
  return log.take();
}

ProbeModifier::ProbeModifier(std::string name, Cadence cadence, Interests interests)
    : Modifier{std::move(name), cadence, interests} {}

void ProbeModifier::throw_at(Hook hook, std::int64_t step, std::string text) {
  if (hook == Hook::on_abort) {
    throw InvalidModifier("on_abort of " + name() +
                          " was told to throw, and can't; the other hooks can");
  }
  throws_.push_back({.hook = hook, .step = step, .text = std::move(text)});
}

void ProbeModifier::run(Hook hook, const Event& at) {
  const auto wanted = std::ranges::find_if(
      throws_, [&](const Throw& one) { return one.hook == hook && one.step == at.global_step; });
  Call call{.modifier = name(),
            .hook = hook,
            // An aborted batch has an event without a type.
            .at = at.type ? call_for(*at.type) : BusCall::abort_batch,
            .step = at.global_step,
            .batch = at.global_batch};
  if (wanted != throws_.end()) call.error = wanted->text;
  calls_.push_back(std::move(call));
  if (wanted != throws_.end()) throw std::runtime_error(wanted->text);
}

}  // namespace takt::testing
