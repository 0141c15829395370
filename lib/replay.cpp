// SPDX-License-Identifier: BSL-1.0
#include "takt/replay.hpp"

#include <algorithm>
#include <deque>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "bus_access.hpp"
#include "entry_comparison.hpp"
#include "entry_log.hpp"
#include "entry_lookahead.hpp"
#include "entry_source.hpp"
#include "modifier_access.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

using detail::BusAccess;
using detail::EntrySource;
using detail::NamedEntry;

void make_call(EventBus& bus, BusCall call, const std::optional<double>& loss,
               const std::vector<std::string>& layers) {
  switch (call) {
    case BusCall::abort_batch:
      return bus.abort_batch();
    case BusCall::abort_calibration_epoch:
      return bus.abort_calibration_epoch();
    case BusCall::loss_calculated:
      if (loss) return bus.loss_calculated(*loss);
      break;
    case BusCall::sequential_epoch_end:
      return bus.sequential_epoch_end(layers);
    default:
      break;
  }
  bus.emit(static_cast<EventType>(call));
}

// ---- Stand-ins ----------------------------------------------------------------------------------

/// What stand-ins are to do, at the entry at hand: throw, and leave.
struct Script {
  const EntrySource* trace = nullptr;
  const TraceEntry* now = nullptr;
  /// Of those that leave after this call. They may have been asked to in the midst of it, and have
  /// run no further hook of it.
  std::vector<const TraceEntry*> removals{};

  [[nodiscard]] const std::string& name_of(const TraceEntry* removal) const {
    return trace->modifier(removal->modifier).name;
  }
  [[nodiscard]] bool is(const HookRun& run, const std::string& name) const {
    return trace->modifier(run.modifier).name == name;
  }
  /// Whether it has run any.
  [[nodiscard]] bool has_hooks(const std::string& name) const {
    return std::ranges::any_of(now->hooks, [&](const HookRun& run) { return is(run, name); });
  }
  /// Null when it does not leave.
  [[nodiscard]] const TraceEntry* removal_of(const std::string& name) const {
    const auto found = std::ranges::find_if(
        removals, [&](const TraceEntry* removal) { return name_of(removal) == name; });
    return found == removals.end() ? nullptr : *found;
  }

  void leave_after(Modifier& modifier, Hook hook) const noexcept {
    if (removal_of(modifier.name()) == nullptr) return;
    const HookRun* last = nullptr;
    for (const HookRun& run : now->hooks) {
      if (is(run, modifier.name())) last = &run;
    }
    if (last != nullptr && last->hook == hook) detail::ModifierAccess::set_leaving(modifier, true);
  }

  void act(Modifier& modifier, Hook hook) const {
    if (now == nullptr) return;
    leave_after(modifier, hook);
    throw_at(*now, modifier, hook);
    // One that is removed in FINALIZE runs its last hooks while that call is made.
    const TraceEntry* const removal = removal_of(modifier.name());
    if (removal != nullptr && now->call == BusCall::finalize) throw_at(*removal, modifier, hook);
  }

  void throw_at(const TraceEntry& entry, const Modifier& modifier, Hook hook) const {
    for (const HookRun& run : entry.hooks) {
      if (run.error && run.hook == hook && is(run, modifier.name())) {
        throw std::runtime_error(*run.error);
      }
    }
  }
};

/// Has another modifier's name, cadence and interests.
class StandIn final : public Modifier {
 public:
  StandIn(const TracedModifier& for_whom, const Script& script)
      : Modifier{for_whom.name, for_whom.cadence, for_whom.interests}, script_{script} {}

  void on_initialize(State&, const Event&) override { script_.act(*this, Hook::on_initialize); }
  void on_start(State&, const Event&) override { script_.act(*this, Hook::on_start); }
  void on_event(State&, const Event&) override { script_.act(*this, Hook::on_event); }
  void on_update(State&, const Event&) override { script_.act(*this, Hook::on_update); }
  void on_end(State&, const Event&) override { script_.act(*this, Hook::on_end); }
  void on_abort(State&, const Event&) noexcept override {
    if (script_.now != nullptr) script_.leave_after(*this, Hook::on_abort);
  }
  void on_finalize(State&, const Event&) override { script_.act(*this, Hook::on_finalize); }

 private:
  const Script& script_;
};

// ---- The replay ---------------------------------------------------------------------------------

/// What the bus has done, and nobody has compared yet.
class DoneLog final : public detail::EntryLog {
 public:
  explicit DoneLog(EventBus& bus) : EntryLog{bus, false} {}

  [[nodiscard]] const TracedModifier& modifier(std::size_t position) const {
    return modifiers_.at(position);
  }
  [[nodiscard]] bool empty() const noexcept { return done_.empty(); }
  [[nodiscard]] TraceEntry& front() noexcept { return done_.front(); }
  void pop() noexcept { done_.pop_front(); }
  void throw_if_failed() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void on_header(const TraceHeader& header) override { modifiers_ = header.modifiers; }
  void on_entry(TraceEntry& entry, const TracedModifier* joined) override {
    if (joined != nullptr) modifiers_.push_back(*joined);
    done_.push_back(entry);
  }
  void on_failure() noexcept override { failure_ = std::current_exception(); }

  std::vector<TracedModifier> modifiers_;
  std::deque<TraceEntry> done_;
  std::exception_ptr failure_;
};

/// One replay of a trace on a bus.
class Replay {
 public:
  /// With stand-ins for those that join when `script` is theirs, and without when it is null.
  Replay(EventBus& bus, EntrySource& trace, Script* script, const ComparisonOptions& options)
      : bus_{bus},
        trace_{trace},
        ahead_{trace},
        script_{script},
        options_{options},
        log_{bus},
        differences_{options.most} {
    if (script_ != nullptr) follow_removals();
  }

  TraceComparison run() {
    while (const TraceEntry* const entry = ahead_.next()) {
      if (script_ != nullptr) direct(*entry);
      try {
        follow(*entry);
      } catch (const LifecycleError& error) {
        throw TraceError(ahead_.here() + ": " + error.what());
      }
      log_.throw_if_failed();
      differences_.end_entry();
      if (options_.on_entry) options_.on_entry();
    }
    tell_of_the_rest();
    return std::move(differences_).result(trace_.torn());
  }

 private:
  [[nodiscard]] NamedEntry recorded(const TraceEntry& entry) const {
    return {entry, [this](std::size_t i) -> const TracedModifier& { return trace_.modifier(i); }};
  }
  [[nodiscard]] NamedEntry done(const TraceEntry& entry) const {
    return {entry, [this](std::size_t i) -> const TracedModifier& { return log_.modifier(i); }};
  }

  /// In INITIALIZE and FINALIZE a stand-in has to be removed, since it can't be later.
  void follow_removals() {
    bus_.connect(
        EventType::INITIALIZE,
        [this](const Event&, const State&) {
          for (const TraceEntry* const removal : script_->removals) {
            const std::string& name = script_->name_of(removal);
            if (!script_->has_hooks(name)) bus_.remove(name);
          }
        },
        At::before);
    bus_.connect(EventType::FINALIZE, [this](const Event&, const State&) {
      for (const TraceEntry* const removal : script_->removals) {
        bus_.remove(script_->name_of(removal));
      }
    });
  }

  /// Tells the stand-ins what to do.
  void direct(const TraceEntry& entry) {
    script_->now = &entry;
    script_->removals.clear();
    if (entry.kind != TraceKind::call) return;
    script_->removals = ahead_.removals();
    if (script_->removals.empty() || entry.call == BusCall::initialize) return;
    for (const auto& modifier : bus_.modifiers()) {
      if (script_->removal_of(modifier->name()) == nullptr) continue;
      if (!script_->has_hooks(modifier->name())) {
        detail::ModifierAccess::set_leaving(*modifier, true);
      }
    }
  }

  void follow(const TraceEntry& entry) {
    if (entry.kind == TraceKind::call) {
      tell_of_the_rest();
      call(entry);
    } else if (!log_.empty() && is_same(entry, log_.front())) {
      // The bus did it on its own: a hook adds or removes here as it did there.
    } else if (!add_or_remove(entry)) {
      return;
    }
    compare(entry);
  }

  /// The same modifier joined or left.
  [[nodiscard]] bool is_same(const TraceEntry& entry, const TraceEntry& now) const {
    return entry.kind == now.kind &&
           trace_.modifier(entry.modifier).name == log_.modifier(now.modifier).name;
  }

  void call(const TraceEntry& entry) {
    if (entry.call == BusCall::optim_pre_step) {
      BusAccess::core(bus_).lifecycle.skip_silent_invocations();
    }
    try {
      make_call(bus_, entry.call, entry.loss, entry.layers);
    } catch (const ModifierError&) {  // NOLINT(bugprone-empty-catch): in the log, and compared
    }
  }

  /// Whether it joined or left, so that there is something to compare.
  bool add_or_remove(const TraceEntry& entry) {
    const TracedModifier& modifier = trace_.modifier(entry.modifier);
    const auto differs = [&](const std::string& how) {
      differences_.add(entry, place_of(recorded(entry)) + ": " + modifier.name + how);
      return false;
    };
    try {
      if (entry.kind == TraceKind::removal) {
        if (!bus_.remove(modifier.name)) return differs(" leaves in the trace, and is not here");
      } else if (script_ == nullptr) {
        return differs(is_here(modifier.name) ? " joins in the trace, and was here already"
                                              : " joins in the trace, and not here");
      } else {
        bus_.add(std::make_shared<StandIn>(modifier, *script_), modifier.group);
      }
    } catch (const ModifierError&) {  // NOLINT(bugprone-empty-catch): in the log, and compared
    } catch (const InvalidModifier&) {
      return differs(" joins in the trace, and was here already");
    }
    return true;
  }

  [[nodiscard]] bool is_here(const std::string& name) const {
    const auto modifiers = bus_.modifiers();
    return std::ranges::any_of(modifiers, [&](const auto& it) { return it->name() == name; });
  }

  void compare(const TraceEntry& entry) {
    // What other threads queued comes before the call.
    while (!log_.empty() && log_.front().kind != entry.kind) tell_of_front();
    if (log_.empty()) return compare_with_nothing(entry);
    const TraceEntry& now = log_.front();
    const NamedEntry before = recorded(entry);
    const std::int64_t ahead = now.step - entry.step;
    const std::int64_t batches_ahead = now.batch - entry.batch;
    if (ahead != steps_ahead_ || batches_ahead != batches_ahead_) {
      steps_ahead_ = ahead;
      batches_ahead_ = batches_ahead;
      differences_.add(entry, place_of(before) + ": the bus is at step " +
                                  std::to_string(now.step) + ", batch " +
                                  std::to_string(now.batch));
    }
    add_hook_differences(before, done(now));
    log_.pop();
  }

  /// One leaves, and has no hooks to run any more.
  void compare_with_nothing(const TraceEntry& entry) {
    TraceEntry nothing = entry;
    nothing.hooks.clear();
    add_hook_differences(recorded(entry), recorded(nothing));
  }

  void add_hook_differences(const NamedEntry& before, const NamedEntry& now) {
    static const detail::Wording wording = detail::replay_wording();
    for (const std::string& text : hook_differences(before, now, wording)) {
      differences_.add(before.entry, place_of(before) + ": " + text);
    }
  }

  void tell_of_front() {
    const TraceEntry& now = log_.front();
    const char* const verb = now.kind == TraceKind::addition  ? " joined the bus"
                             : now.kind == TraceKind::removal ? " left the bus"
                                                              : " was called";
    const std::string& who =
        now.kind == TraceKind::call ? to_string(now.call) : log_.modifier(now.modifier).name;
    differences_.add(now, place_of(done(now)) + ": " + who + verb + ", the trace says it did not");
    log_.pop();
  }
  void tell_of_the_rest() {
    while (!log_.empty()) tell_of_front();
  }

  EventBus& bus_;
  EntrySource& trace_;
  detail::EntryLookahead ahead_;
  Script* script_;
  const ComparisonOptions& options_;
  DoneLog log_;
  detail::Differences differences_;
  std::int64_t steps_ahead_ = 0;  // of the trace
  std::int64_t batches_ahead_ = 0;
};

TraceComparison replay_stand_ins(EntrySource& trace, const std::vector<TracedModifier>& modifiers,
                                 const ComparisonOptions& options) {
  Script script{.trace = &trace};
  EventBus bus{trace.header().start, trace.header().options};
  for (const TracedModifier& modifier : modifiers) {
    bus.add(std::make_shared<StandIn>(modifier, script), modifier.group);
  }
  return Replay{bus, trace, &script, options}.run();
}

TraceComparison replay_on(EventBus& bus, EntrySource& trace, const ComparisonOptions& options) {
  if (!BusAccess::core(bus).lifecycle.accepts(BusCall::initialize)) {
    throw LifecycleError(
        "a trace was replayed on a bus that is initialized already; the trace does that");
  }
  return Replay{bus, trace, nullptr, options}.run();
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const SequenceCall& call) {
  out << call.call;
  if (call.loss) out << ' ' << *call.loss;
  for (const std::string& layer : call.layers) out << ' ' << layer;
  return out;
}

void replay(EventBus& bus, const Sequence& sequence) {
  for (const SequenceCall& call : sequence.calls) make_call(bus, call.call, call.loss, call.layers);
}

TraceComparison replay(EventBus& bus, TraceReader& trace, const ComparisonOptions& options) {
  detail::ReadEntries entries{trace};
  return replay_on(bus, entries, options);
}

TraceComparison replay(EventBus& bus, const Trace& trace, const ComparisonOptions& options) {
  detail::HeldEntries entries{trace, "trace"};
  return replay_on(bus, entries, options);
}

TraceComparison replay(TraceReader& trace, const ComparisonOptions& options) {
  detail::ReadEntries entries{trace};
  return replay_stand_ins(entries, trace.header().modifiers, options);
}

TraceComparison replay(TraceReader& trace, const Recipe& recipe, const ComparisonOptions& options) {
  detail::ReadEntries entries{trace};
  std::vector<TracedModifier> modifiers;
  for (const auto& modifier : recipe.make()) {
    modifiers.push_back({.name = modifier->name(),
                         .cadence = modifier->cadence(),
                         .interests = modifier->interests()});
  }
  return replay_stand_ins(entries, modifiers, options);
}

}  // namespace takt
