// SPDX-License-Identifier: BSL-1.0
// Random modifiers and random legal calls: the bus, which calls only who is due, against a model
// that asks everyone at every event.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cadence_cases.hpp"
#include "rules_model.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Cadence;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::EventSet;
using takt::EventType;
using takt::OrderPolicy;
using takt::State;
using takt::test::Action;
using takt::test::evenly;
using takt::test::HookKind;
using takt::test::Script;

// ---- A modifier that follows a script -----------------------------------------------------------

struct Stage {
  const std::vector<Script>& scripts;
  EventBus& bus;
  std::vector<std::string> notes{};
  int additions = 0;
};

class Actor final : public takt::Modifier {
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

 private:
  void run(HookKind hook, const Event& event) {
    stage_.notes.push_back(takt::test::note(name(), hook, event));
    const int occurrence = runs_.at(static_cast<std::size_t>(hook))++;
    for (const Action& action : script_.actions) {
      if (action.hook != hook || action.occurrence != occurrence) continue;
      act(action);
    }
  }

  void act(const Action& action) {
    const Script& other = stage_.scripts.at(action.which);
    switch (action.kind) {
      case Action::Kind::fail:
        throw std::runtime_error("as the script says");
      case Action::Kind::remove:
        stage_.notes.push_back((stage_.bus.remove(other.name) ? "removed " : "unknown ") +
                               other.name);
        return;
      case Action::Kind::add:
        if (stage_.additions == takt::test::most_additions) return;
        try {
          stage_.bus.add(std::make_shared<Actor>(other, stage_), other.group);
          ++stage_.additions;
          stage_.notes.push_back("added " + other.name);
        } catch (const takt::InvalidModifier&) {
          stage_.notes.push_back("taken " + other.name);
        } catch (const takt::LifecycleError&) {
          stage_.notes.push_back("too late for " + other.name);
        }
        return;
    }
  }

  const Script& script_;
  Stage& stage_;
  std::array<int, takt::test::hook_kinds> runs_{};
};

// ---- Random scripts -----------------------------------------------------------------------------

template <class T>
T one_of(std::initializer_list<T> values) {
  return *rc::gen::elementOf(std::vector<T>(values));
}

EventSet any_events() {
  EventSet events;
  for (const EventType type : EventSet::all()) {
    if (*evenly(0, 2) == 0) events |= type;
  }
  return events;
}

/// Bounds and updates in index units, near the steps that a run comes by.
Cadence any_cadence(const Event& start) {
  const double unit = start.epoch_based() ? 1.0 / static_cast<double>(*start.steps_per_epoch) : 1.0;
  const double first = start.current_index();
  const auto bound = [&]() -> std::optional<double> {
    if (*evenly(0, 2) == 0) return std::nullopt;
    const int quarters = *evenly(-8, 80);
    return first + unit * quarters / 4.0;
  };
  Cadence cadence{.start = bound(), .end = bound()};
  if (cadence.start && cadence.end && *cadence.end < *cadence.start) {
    std::swap(cadence.start, cadence.end);
  }
  if (*evenly(0, 3) != 0) {
    cadence.update = unit * one_of({0.0, 0.5, 0.75, 1.0, 1.0, 1.5, 2.0, 2.1, 3.0, 5.0, 7.0, 1e6});
  }
  return cadence;
}

std::vector<Action> any_actions(std::size_t scripts, bool failing) {
  std::vector<Action> actions;
  const int count = *evenly(0, 3);
  for (int i = 0; i < count; ++i) {
    Action action{.hook = static_cast<HookKind>(*evenly(0, 6)),
                  .occurrence = *evenly(0, 4),
                  .kind = static_cast<Action::Kind>(*evenly(failing ? 0 : 1, 2)),
                  .which = *evenly<std::size_t>(0, scripts - 1)};
    if (action.hook == HookKind::abort && action.kind == Action::Kind::fail) continue;
    actions.push_back(action);
  }
  return actions;
}

std::vector<Script> any_scripts(const Event& start, bool failing) {
  std::vector<Script> scripts(*evenly<std::size_t>(1, 9));
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    scripts[i] = {.name = std::string(1, static_cast<char>('a' + i)),
                  .cadence = any_cadence(start),
                  .interests = {.due = any_events(), .every = any_events()},
                  .group = *evenly(-1, 1),
                  .actions = any_actions(scripts.size(), failing)};
  }
  return scripts;
}

Event any_start() {
  const std::int64_t step = one_of<std::int64_t>({0, 0, 3, 19, 1 << 20, std::int64_t{1} << 44});
  Event start{.invocations_per_step = one_of<std::int64_t>({1, 1, 2, 3}),
              .global_step = step,
              .global_batch = step + *evenly(0, 5)};
  if (*evenly(0, 1) == 1) start.steps_per_epoch = one_of<std::int64_t>({1, 2, 3, 7, 10, 30});
  return start;
}

// ---- A run --------------------------------------------------------------------------------------

/// Makes the same calls on both sides, and asserts after each that they have done the same.
class Run {
 public:
  Run(const std::vector<Script>& scripts, const Event& start, takt::BusOptions options)
      : scripts_{scripts},
        bus_{start, options},
        model_{scripts, start, options.errors},
        several_steps_{options.order == OrderPolicy::several_steps} {
    bus_.on_error([this](const takt::ModifierError& error) {
      stage_.notes.push_back("quarantined " + error.modifier());
    });
  }

  void go(int calls) {
    for (int i = 0; i < calls && !finalized_; ++i) {
      if (*evenly(0, 9) == 0) {
        come_or_go();
      } else {
        next_call();
      }
    }
    close();
  }

 private:
  using Call = void (Run::*)();

  template <class OnBus>
  void both(const OnBus& on_bus, const std::string& predicted) {
    std::string thrown;
    try {
      on_bus();
    } catch (const takt::ModifierError& error) {
      thrown =
          error.modifier() + ' ' + error.hook() + " +" + std::to_string(error.further().size());
    }
    RC_ASSERT(stage_.notes == model_.notes);
    RC_ASSERT(thrown == predicted);
    std::vector<std::string> members;
    for (const auto& modifier : bus_.modifiers()) {
      members.push_back(modifier->name() + ' ' + to_string(modifier->phase()));
    }
    RC_ASSERT(members == model_.members());
    RC_ASSERT(bus_.now() == model_.counters());
    stage_.notes.clear();
    model_.notes.clear();
  }

  void call(EventType type) {
    const std::string predicted = model_.call(type);
    both([&] { bus_.emit(type); }, predicted);
  }

  void abort_batch() {
    const std::string predicted = model_.abort_batch();
    both([&] { bus_.abort_batch(); }, predicted);
    batch_open_ = step_open_ = stepped_ = false;
  }

  void come_or_go() {
    const std::size_t which = *evenly<std::size_t>(0, scripts_.size() - 1);
    const Script& script = scripts_[which];
    if (model_.knows(script.name)) {
      bool known = false;
      const std::string predicted = model_.remove(script.name, known);
      both([&] { RC_ASSERT(bus_.remove(script.name) == known); }, predicted);
    } else {
      const std::string predicted = model_.add(which);
      both([&] { bus_.add(std::make_shared<Actor>(script, stage_), script.group); }, predicted);
    }
  }

  /// One of those calls that are legal now, likely ones more often.
  void next_call() {
    const int choice = *evenly(0, 19);
    if (!initialized_) {
      initialized_ = true;
      call(EventType::INITIALIZE);
    } else if (!batch_open_) {
      between_batches(choice);
    } else if (step_open_) {
      if (choice == 0) return abort_batch();
      call(EventType::OPTIM_POST_STEP);
      step_open_ = false;
      stepped_ = model_.step_taken() && !several_steps_;
    } else if (stepped_ || choice < 8) {
      if (choice == 0) return abort_batch();
      call(EventType::BATCH_END);
      batch_open_ = stepped_ = false;
    } else if (choice < 11) {
      call(EventType::LOSS_CALCULATED);
    } else {
      call(EventType::OPTIM_PRE_STEP);
      step_open_ = true;
    }
  }

  void between_batches(int choice) {
    if (choice == 0 && !calibrating_ && *evenly(0, 2) == 0) {
      call(EventType::FINALIZE);
      finalized_ = true;
    } else if (choice == 1) {
      call(calibrating_ ? EventType::CALIBRATION_EPOCH_END : EventType::CALIBRATION_EPOCH_START);
      calibrating_ = !calibrating_;
    } else if (choice == 2 && calibrating_) {
      call(EventType::SEQUENTIAL_EPOCH_END);
    } else if (choice == 3 && calibrating_) {
      bus_.abort_calibration_epoch();
      calibrating_ = false;
    } else {
      call(EventType::BATCH_START);
      batch_open_ = true;
    }
  }

  /// Every run comes to its end, so that every `on_start` can be seen to have its `on_end`.
  void close() {
    if (!initialized_ || finalized_) return;
    if (batch_open_) abort_batch();
    if (calibrating_) call(EventType::CALIBRATION_EPOCH_END);
    call(EventType::FINALIZE);
  }

  const std::vector<Script>& scripts_;
  EventBus bus_;
  takt::test::RulesModel model_;
  Stage stage_{.scripts = scripts_, .bus = bus_};
  bool several_steps_;
  bool initialized_ = false;
  bool calibrating_ = false;
  bool batch_open_ = false;
  bool step_open_ = false;
  bool stepped_ = false;
  bool finalized_ = false;
};

void any_run(ErrorPolicy errors, bool failing) {
  const Event start = any_start();
  const std::vector<Script> scripts = any_scripts(start, failing);
  const auto order = *evenly(0, 3) == 0 ? OrderPolicy::several_steps : OrderPolicy::one_step;
  Run run{scripts, start, {.order = order, .errors = errors}};
  run.go(*evenly(10, 200));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_rules)

BOOST_AUTO_TEST_CASE(the_hooks_that_run_are_those_of_the_rules) {
  BOOST_TEST(rc::check("without failures", [] { any_run(ErrorPolicy::propagate, false); }));
}

BOOST_AUTO_TEST_CASE(a_hook_that_throws_skips_the_updates_that_follow_under_propagate) {
  BOOST_TEST(rc::check("propagate", [] { any_run(ErrorPolicy::propagate, true); }));
}

BOOST_AUTO_TEST_CASE(a_hook_that_throws_skips_nothing_under_collect) {
  BOOST_TEST(rc::check("collect", [] { any_run(ErrorPolicy::collect, true); }));
}

BOOST_AUTO_TEST_CASE(a_hook_that_throws_ends_its_modifier_under_quarantine) {
  BOOST_TEST(rc::check("quarantine", [] { any_run(ErrorPolicy::quarantine, true); }));
}

BOOST_AUTO_TEST_SUITE_END()
