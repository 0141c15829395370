// SPDX-License-Identifier: BSL-1.0
// A bus saved, and resumed in place of INITIALIZE.
#include <boost/interprocess/streams/bufferstream.hpp>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bus_core.hpp"
#include "hooks_run.hpp"
#include "modifier_access.hpp"
#include "shown_text.hpp"
#include "takt/checkpoint.hpp"

namespace takt {

using boost::interprocess::ibufferstream;
using detail::BuiltBus;
using detail::Failures;
using detail::HooksRun;
using detail::Lifecycle;
using detail::ModifierAccess;
using detail::SavedBus;
using detail::SavedModifier;
using detail::Slot;
using detail::StateAccess;

namespace {

/// With the exception that is being handled nested, and its text behind this one.
[[noreturn]] void throw_about(const std::string& what) {
  std::throw_with_nested(CheckpointError(what + detail::text_of(std::current_exception())));
}

std::string about(const Modifier& modifier, const char* what) {
  return "modifier '" + detail::shown_text(modifier.name()) + "' can't be " + what + ": ";
}

std::string state_of(Modifier& modifier) {
  std::ostringstream out;
  modifier.save(out);
  if (out) return std::move(out).str();
  throw std::runtime_error("its stream has failed");
}

std::string saved_state_of(Modifier& modifier) {
  try {
    return state_of(modifier);
  } catch (...) {
    throw_about(about(modifier, "saved"));
  }
}

const LoopState& complete(const LoopState& loop) {
  if (loop.save && loop.load) return loop;
  throw CheckpointError("the state's LoopState has no " + std::string{loop.save ? "load" : "save"} +
                        "; it has to have both");
}

std::string bytes_of(const LoopState& loop) {
  std::ostringstream out;
  try {
    complete(loop).save(out);
  } catch (...) {
    throw_about("the loop's own part can't be saved: ");
  }
  if (out) return std::move(out).str();
  throw CheckpointError("the loop's own part can't be saved: its stream has failed");
}

void load(const LoopState& loop, const std::string& bytes) {
  ibufferstream in{bytes.data(), bytes.size()};
  try {
    complete(loop).load(in);
  } catch (...) {
    throw_about("the loop's own part can't be loaded: ");
  }
  if (!in.fail()) return;
  throw CheckpointError("the loop's own part can't be loaded: its stream has failed; it has " +
                        std::to_string(bytes.size()) + " bytes");
}

detail::BuiltModifier built_of(const Slot& slot) {
  const Modifier& modifier = *slot.modifier;
  return {.name = modifier.name(),
          .group = slot.order.group,
          .cadence = modifier.cadence(),
          .interests = modifier.interests()};
}

template <class Work>
void quietly(const Work& work) noexcept {
  try {
    work();
  } catch (...) {  // NOLINT(bugprone-empty-catch): what is undone has its own error on its way
  }
}

}  // namespace

BuiltBus EventBus::Core::built() {
  BuiltBus bus{.sizes = lifecycle.event(std::nullopt), .order = options.order};
  for (const auto& [order, slot] : roster.slots()) {
    if (!ModifierAccess::leaving(*slot.modifier)) bus.modifiers.push_back(built_of(slot));
  }
  return bus;
}

SavedBus EventBus::Core::checkpoint() {
  const auto position = lifecycle.position();
  if (lifecycle.hooks_run()) {
    throw LifecycleError(
        "a checkpoint was asked for from inside a hook or observer; it is taken between two "
        "calls, so use a CheckpointModifier, or State::after_call");
  }
  if (position == Lifecycle::Position::created || position == Lifecycle::Position::finalized) {
    throw LifecycleError(
        std::string{"a checkpoint was asked for while the bus is "} +
        (position == Lifecycle::Position::created ? "not initialized" : "finalized") +
        "; there is nothing to resume");
  }
  Failures failures;
  do_queued_work(failures);
  failures.throw_if_any();

  const HooksRun running{lifecycle, std::nullopt};
  SavedBus saved{.sizes = lifecycle.event(std::nullopt),
                 .order = options.order,
                 .standing = lifecycle.standing(),
                 .unnamed = unnamed.load(),
                 .loss = state.loss,
                 .metrics = state.metrics,
                 .layers = state.layers};
  saved.stop_reason = state.control.lasting_stop_reason();
  const auto requests = StateAccess::requests(state.control);
  saved.save_requested = requests.save;
  saved.evaluate_requested = requests.evaluate;
  if (const auto* const optimizer = state.find<Optimizer>()) {
    saved.learning_rate = optimizer->learning_rate();
  }
  for (const auto& [order, slot] : roster.slots()) {
    Modifier& modifier = *slot.modifier;
    if (ModifierAccess::leaving(modifier)) continue;  // asked once: others remove at any time
    const Phase phase = modifier.phase();
    saved.modifiers.push_back(
        {.built = built_of(slot),
         .phase = phase,
         .state = phase == Phase::quarantined ? std::string{} : saved_state_of(modifier)});
  }
  if (const auto* const loop = state.find<LoopState>()) saved.loop = bytes_of(*loop);
  saved.entries = watchers->checkpoint();
  return saved;
}

/// Takes up a saved bus, step by step; undoes what it has done unless it comes to its end.
class EventBus::Core::Resumption {
 public:
  Resumption(Core& core, const SavedBus& saved)
      : core_{core},
        saved_{saved},
        before_{core.lifecycle.standing()},
        requests_before_{StateAccess::requests(core.state.control)} {
    for (const SavedModifier& modifier : saved.modifiers) by_name_[modifier.built.name] = &modifier;
    core_.begin();
    core_.watchers->mute(true);  // what was told of it is in the checkpoint's trace
    core_.lifecycle.resume(saved.standing);
    running_.emplace(core_.lifecycle, EventType::INITIALIZE);
  }
  ~Resumption() {
    if (!done_) undo();
    running_.reset();
    core_.watchers->mute(false);
  }
  Resumption(const Resumption&) = delete;
  Resumption& operator=(const Resumption&) = delete;

  /// What `initialize` would do, and what its hooks ask for.
  void initialize(Failures& failures) {
    core_.torn_ = false;
    for (auto& [order, slot] : core_.roster.slots()) {
      if (!ModifierAccess::leaving(*slot.modifier)) initialize(slot, failures);
    }
    // From when the work is taken on, nothing of it may get lost.
    const auto make_room = [this](const std::vector<detail::Roster::Work>& queued) {
      joined_.reserve(joined_.size() + queued.size());
      core_.make_room_for(queued);
    };
    do {
      for (detail::Roster::Work& work : core_.roster.take(make_room)) {
        if (work.enters) {
          Slot& slot = core_.roster.enter(std::move(work.enters));
          joined_.push_back(slot.modifier);
          if (!ModifierAccess::leaving(*slot.modifier)) initialize(slot, failures);
        } else {
          core_.leave(work.leaves, failures);
          running_.emplace(core_.lifecycle, EventType::INITIALIZE);  // `leave` has ended it
        }
      }
    } while (core_.roster.loop_has_queued());
  }

  void load() {
    load_state();
    for (auto& [order, slot] : core_.roster.slots()) {
      if (ModifierAccess::leaving(*slot.modifier)) continue;
      if (slot.modifier->phase() == Phase::initialized) load(*slot.modifier);
    }
  }

  /// Nothing fails any more, once there is room.
  void finish() {
    std::vector<Slot*> active;
    active.reserve(core_.roster.slots().size());
    for (auto& [order, slot] : core_.roster.slots()) {
      if (slot.modifier->phase() == Phase::active) active.push_back(&slot);
      if (slot.modifier->phase() == Phase::ended) core_.agenda.close(slot);
    }
    core_.agenda.resume(active, saved_.standing.global_step);
    if (saved_.stop_reason) {
      // Whatever on_initialize thinks of it, that came first.
      if (!requests_before_.stop) StateAccess::forget_stop(core_.state.control);
      core_.state.control.stop(*saved_.stop_reason);
    }
    if (saved_.save_requested) core_.state.control.request_save();
    if (saved_.evaluate_requested) core_.state.control.request_evaluate();
    if (core_.unnamed < saved_.unnamed) core_.unnamed = saved_.unnamed;
    done_ = true;
  }

 private:
  void initialize(Slot& slot, Failures& failures) {
    const auto found = by_name_.find(slot.modifier->name());
    if (found != by_name_.end() && found->second->phase == Phase::quarantined) {
      ModifierAccess::set_phase(*slot.modifier, Phase::quarantined);
    } else {
      core_.initialize(slot, core_.lifecycle.event(EventType::INITIALIZE), failures);
    }
  }

  /// What the state holds, and then what the loop does.
  void load_state() {
    State& held = core_.state;
    auto* const loop = held.find<LoopState>();
    if (saved_.loop && loop == nullptr) {
      throw CheckpointError("it has " + std::to_string(saved_.loop->size()) +
                            " bytes of the loop's own, and the state has no LoopState to load "
                            "them with; register it with state.set(loop_state)");
    }
    if (!saved_.loop && loop != nullptr) {
      throw CheckpointError(
          "it has nothing of the loop's own, for which the state has a LoopState; it was saved "
          "without one");
    }
    if (loop != nullptr) loop_before_ = bytes_of(*loop);
    auto* const optimizer = held.find<Optimizer>();
    if (optimizer != nullptr) rate_before_ = optimizer->learning_rate();
    loss_before_ = held.loss;
    metrics_before_ = held.metrics;
    layers_before_ = held.layers;
    loaded_state_ = true;
    held.loss = saved_.loss;
    held.metrics = saved_.metrics;
    held.layers = saved_.layers;
    if (optimizer != nullptr && saved_.learning_rate) {
      optimizer->set_learning_rate(*saved_.learning_rate);
    }
    if (loop != nullptr) takt::load(*loop, *saved_.loop);
  }

  void load(Modifier& modifier) {
    const auto found = by_name_.find(modifier.name());
    if (found == by_name_.end()) return;  // another thread has added it, and removed it since
    const SavedModifier& saved = *found->second;
    loaded_.emplace_back(&modifier, saved_state_of(modifier));
    ModifierAccess::set_phase(modifier, saved.phase);
    try {
      load_from(saved.state, modifier);
    } catch (...) {
      throw_about(about(modifier, "loaded"));
    }
  }

  void undo() noexcept {
    Core& core = core_;
    for (; !loaded_.empty(); loaded_.pop_back()) {
      Modifier& modifier = *loaded_.back().first;
      ModifierAccess::set_phase(modifier, Phase::initialized);
      quietly([&] { load_from(loaded_.back().second, modifier); });
    }
    quietly([&] { undo_state(); });
    quietly([&] { StateAccess::go_back_to(requests_before_, core.state.control); });
    Event event = core.lifecycle.event(EventType::FINALIZE);
    for (auto& [order, slot] : core.roster.slots()) {
      Modifier& modifier = *slot.modifier;
      if (modifier.phase() == Phase::initialized) {
        quietly([&] { modifier.on_finalize(core.state, event); });
      }
      ModifierAccess::set_phase(modifier, Phase::added);
      core.agenda.dismiss(slot);
    }
    core.agenda.clear();
    (void)StateAccess::take_deferred(core.state);
    core.lifecycle.resume(before_);
    running_.reset();
    core.roster.unbegin();
    for (const auto& modifier : joined_) quietly([&] { (void)core.remove(modifier->name()); });
  }

  void load_from(const std::string& bytes, Modifier& modifier) {
    ibufferstream in{bytes.data(), bytes.size()};
    modifier.load(core_.state, core_.lifecycle.event(std::nullopt), in);
    if (in.fail()) throw CheckpointError("it wants more than its bytes");
    if (in.peek() == ibufferstream::traits_type::eof()) return;
    throw CheckpointError("it leaves some of its bytes, which are of another kind or release");
  }

  void undo_state() {
    if (!loaded_state_) return;
    State& held = core_.state;
    held.loss = loss_before_;
    held.metrics = std::move(metrics_before_);
    held.layers = std::move(layers_before_);
    if (rate_before_) held.get<Optimizer>().set_learning_rate(*rate_before_);
    if (loop_before_) takt::load(held.get<LoopState>(), *loop_before_);
  }

  Core& core_;
  const SavedBus& saved_;
  const Lifecycle::Standing before_;
  const StateAccess::Requests requests_before_;
  std::optional<HooksRun> running_;
  std::map<std::string, const SavedModifier*> by_name_;
  std::vector<std::shared_ptr<Modifier>> joined_;          // added by hooks
  std::vector<std::pair<Modifier*, std::string>> loaded_;  // with what they were before
  bool loaded_state_ = false;
  std::optional<std::string> loop_before_;
  std::optional<double> rate_before_;
  std::optional<double> loss_before_;
  std::map<std::string, double> metrics_before_;
  std::vector<std::string> layers_before_;
  bool done_ = false;
};

void EventBus::Core::resume(const SavedBus& saved) {
  if (!lifecycle.accepts(BusCall::initialize)) {
    throw LifecycleError(
        "a checkpoint was loaded into a bus that is initialized already; loading takes the place "
        "of initialize()");
  }
  // Without the modifiers: until the bus is this thread's, others add to it.
  require_same_clock(saved, {.sizes = lifecycle.event(std::nullopt), .order = options.order});
  if (!lifecycle.can_resume(saved.standing)) {
    throw CheckpointError("the bus can't stand where it says that it stood; takt wrote no such");
  }
  Failures failures;
  {
    Resumption resumption{*this, saved};
    resumption.initialize(failures);
    failures.throw_if_any();
    require_same_modifiers(saved, built());
    resumption.load();
    resumption.finish();
  }
  watchers->tell(&detail::BusWatcher::resume, saved.entries);
  try_queued_work(failures);
  failures.throw_if_any();
}

}  // namespace takt
