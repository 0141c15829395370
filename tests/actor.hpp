// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that follows a script, and notes which of its hooks a bus runs.
#ifndef TAKT_TESTS_ACTOR_HPP
#define TAKT_TESTS_ACTOR_HPP

#include <array>
#include <cstddef>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus_calls.hpp"
#include "rules_model.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace takt::test {

/// What the actors of one bus share.
struct Stage {
  const std::vector<Script>& scripts;
  EventBus* bus = nullptr;
  std::vector<std::string> notes{};
  int additions = 0;

  bool resuming = false;  ///< a checkpoint is loaded: hooks run that the run has seen before
  std::size_t loads = 0;  ///< of actors, since that began
  std::optional<std::size_t> failing_load{};  ///< the n-th fails
};

/// Notes each hook, then does what its script says, in the words of `RulesModel`.
class Actor final : public Modifier {
 public:
  Actor(const Script& script, Stage& stage)
      : Modifier{script.name, script.cadence, script.interests}, script_{script}, stage_{stage} {}

  void on_initialize(State&, const Event& event) override { run(HookKind::initialize, event); }
  void on_start(State&, const Event& event) override { run(HookKind::start, event); }
  void on_event(State&, const Event& event) override { run(HookKind::event, event); }
  void on_update(State&, const Event& event) override { run(HookKind::update, event); }
  void on_end(State&, const Event& event) override { run(HookKind::end, event); }
  void on_abort(State&, const Event& event) noexcept override { run(HookKind::abort, event); }
  void on_finalize(State&, const Event& event) override { run(HookKind::finalize, event); }

  void save(std::ostream& out) override {
    for (const int runs : runs_) out << runs << ' ';
  }
  void load(State&, const Event& event, std::istream& in) override {
    // A load that fails is taken back with another.
    if (stage_.resuming && stage_.loads++ == stage_.failing_load) {
      throw std::runtime_error("a load that fails");
    }
    if (event.type || event != stage_.bus->now()) throw std::logic_error("loaded at another event");
    for (int& runs : runs_) in >> runs >> std::ws;
  }

 private:
  void run(HookKind hook, const Event& event) {
    if (stage_.resuming) {
      if (hook == HookKind::initialize || hook == HookKind::finalize) return;
      throw std::logic_error(name() + " runs where a bus is resumed");
    }
    stage_.notes.push_back(note(name(), hook, event));
    const int occurrence = runs_.at(static_cast<std::size_t>(hook))++;
    for (const Action& action : script_.actions) {
      if (action.hook != hook || action.occurrence != occurrence) continue;
      act(action);
    }
  }

  void act(const Action& action) {
    switch (action.kind) {
      case Action::Kind::fail:
        throw std::runtime_error("as the script says");
      case Action::Kind::add:
        return add(stage_.scripts.at(action.which));
      case Action::Kind::remove:
        return remove(stage_.scripts.at(action.which).name);
      case Action::Kind::call:
        return call(static_cast<BusCall>(action.which));
    }
  }

  void add(const Script& other) {
    if (stage_.additions == most_additions) return;
    try {
      stage_.bus->add(std::make_shared<Actor>(other, stage_), other.group);
      ++stage_.additions;
      stage_.notes.push_back("added " + other.name);
    } catch (const InvalidModifier&) {
      stage_.notes.push_back("taken " + other.name);
    } catch (const LifecycleError&) {
      stage_.notes.push_back("too late for " + other.name);
    }
  }

  void remove(const std::string& other) {
    stage_.notes.push_back((stage_.bus->remove(other) ? "removed " : "unknown ") + other);
  }

  void call(BusCall call) {
    try {
      make_call(*stage_.bus, call);
      stage_.notes.push_back("accepted " + to_string(call));
    } catch (const LifecycleError&) {
      stage_.notes.push_back("refused " + to_string(call));
    }
  }

  const Script& script_;
  Stage& stage_;
  std::array<int, hook_kinds> runs_{};
};

}  // namespace takt::test

#endif
