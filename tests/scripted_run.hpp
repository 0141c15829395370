// SPDX-License-Identifier: BSL-1.0
/// \file
/// Random runs as data, so that one can be made again: modifiers that follow scripts, and a loop.
#ifndef TAKT_TESTS_SCRIPTED_RUN_HPP
#define TAKT_TESTS_SCRIPTED_RUN_HPP

#include <rapidcheck.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bus_access.hpp"
#include "cadence_cases.hpp"
#include "rules_model.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/replay.hpp"
#include "takt/trace_recorder.hpp"

namespace takt::test::scripted {

/// What a loop does next: a call; or a modifier leaves, or joins when it is not on the bus.
struct Deed {
  SequenceCall call{};
  std::optional<std::size_t> comes_or_goes{};  ///< the script of that modifier
  bool may_come = true;                        ///< else it only goes
};

struct ScriptedRun {
  Event start{};
  BusOptions options{};
  std::vector<Script> scripts{};
  std::size_t at_first = 0;  ///< so many of the scripts are on the bus from the start
  std::vector<Deed> deeds{};
};

inline std::ostream& operator<<(std::ostream& out, const ScriptedRun& run) {
  out << "start " << run.start.global_step << '/' << run.start.global_batch << ", steps per epoch "
      << run.start.steps_per_epoch.value_or(0) << ", invocations " << run.start.invocations_per_step
      << ", order " << static_cast<int>(run.options.order) << ", errors "
      << static_cast<int>(run.options.errors) << ", at first " << run.at_first;
  for (const Script& script : run.scripts) {
    out << "\n  " << script.name << ": " << script.cadence.start.value_or(-1) << " to "
        << script.cadence.end.value_or(-1) << " by " << script.cadence.update.value_or(-1)
        << ", group " << script.group;
    for (const Action& action : script.actions) {
      constexpr std::array<const char*, 3> does{"fail", "add", "remove"};
      out << "; hook " << static_cast<int>(action.hook) << " time " << action.occurrence << ' '
          << does.at(static_cast<std::size_t>(action.kind)) << ' ' << action.which;
    }
  }
  for (const Deed& deed : run.deeds) {
    out << "\n  ";
    if (deed.comes_or_goes) {
      out << (deed.may_come ? "comes or goes: " : "goes: ") << *deed.comes_or_goes;
    } else {
      out << deed.call;
    }
  }
  return out;
}

// ---- Making it ----------------------------------------------------------------------------------

/// What the players of one bus share.
struct Play {
  const std::vector<Script>& scripts;
  EventBus& bus;
  int additions = 0;
};

/// A modifier that does what its script says, and nothing else.
class Player final : public Modifier {
 public:
  Player(const Script& script, Play& play)
      : Modifier{script.name, script.cadence, script.interests}, script_{script}, play_{play} {}

  void on_initialize(State&, const Event&) override { run(HookKind::initialize); }
  void on_start(State&, const Event&) override { run(HookKind::start); }
  void on_event(State&, const Event&) override { run(HookKind::event); }
  void on_update(State&, const Event&) override { run(HookKind::update); }
  void on_end(State&, const Event&) override { run(HookKind::end); }
  void on_abort(State&, const Event&) noexcept override { run(HookKind::abort); }
  void on_finalize(State&, const Event&) override { run(HookKind::finalize); }

 private:
  void run(HookKind hook) {
    const int occurrence = runs_.at(static_cast<std::size_t>(hook))++;
    for (const Action& action : script_.actions) {
      if (action.hook == hook && action.occurrence == occurrence) act(action);
    }
  }

  void act(const Action& action) {
    const Script& other = play_.scripts.at(action.which);
    if (action.kind == Action::Kind::fail) throw std::runtime_error(name() + " fails");
    if (action.kind == Action::Kind::remove) {
      play_.bus.remove(other.name);
    } else if (play_.additions++ < most_additions) {
      try {
        play_.bus.add(std::make_shared<Player>(other, play_), other.group);
      } catch (const InvalidModifier&) {  // is on the bus already
      } catch (const LifecycleError&) {   // too late
      }
    }
  }

  const Script& script_;
  Play& play_;
  std::array<int, hook_kinds> runs_{};
};

/// A bus with the players of a run, which outlives it, at the run's start.
class Stage {
 public:
  explicit Stage(const ScriptedRun& run)
      : run_{run}, bus{run.start, run.options}, play_{.scripts = run.scripts, .bus = bus} {
    for (std::size_t i = 0; i < run.at_first; ++i) add(i);
  }

  /// Does all of it; what hooks throw is of no interest.
  void perform() {
    for (const Deed& deed : run_.deeds) {
      try {
        perform(deed);
      } catch (const ModifierError&) {  // a script says so
      }
    }
  }

 private:
  void perform(const Deed& deed) {
    if (!deed.comes_or_goes) return replay(bus, {.calls = {deed.call}});
    if (bus.remove(run_.scripts.at(*deed.comes_or_goes).name)) return;
    if (deed.may_come) add(*deed.comes_or_goes);
  }

  void add(std::size_t script) {
    bus.add(std::make_shared<Player>(run_.scripts[script], play_), run_.scripts[script].group);
  }

  const ScriptedRun& run_;

 public:
  EventBus bus;

 private:
  Play play_;
};

/// The trace of really making it.
inline Trace record(const ScriptedRun& run) {
  Trace trace;
  Stage stage{run};
  const TraceRecorder recorder{stage.bus, trace};
  stage.perform();
  return trace;
}

/// The same as a file has it, with times.
inline std::string record_text(const ScriptedRun& run) {
  std::ostringstream out;
  Stage stage{run};
  TraceRecorder recorder{stage.bus, out};
  stage.perform();
  recorder.close();
  return out.str();
}

// ---- Random ones --------------------------------------------------------------------------------

/// What may be in them.
struct RunKinds {
  bool failing = true;       ///< hooks throw
  bool loop_adds = true;     ///< the loop adds modifiers, not only hooks do
  bool hooks_change = true;  ///< hooks add and remove modifiers
};

template <class T>
T any_of(std::initializer_list<T> values) {
  return *rc::gen::elementOf(std::vector<T>(values));
}

inline EventSet any_events() {
  EventSet events;
  for (const EventType type : EventSet::all()) {
    if (*evenly(0, 2) == 0) events |= type;
  }
  return events;
}

/// Bounds and updates in index units, near the steps that a run comes by.
inline Cadence any_cadence(const Event& start) {
  const double unit = start.epoch_based() ? 1.0 / static_cast<double>(*start.steps_per_epoch) : 1.0;
  const auto bound = [&]() -> std::optional<double> {
    if (*evenly(0, 2) == 0) return std::nullopt;
    return start.current_index() + unit * *evenly(-8, 80) / 4.0;
  };
  Cadence cadence{.start = bound(), .end = bound()};
  if (cadence.start && cadence.end && *cadence.end < *cadence.start) {
    std::swap(cadence.start, cadence.end);
  }
  if (*evenly(0, 3) != 0) {
    cadence.update = unit * any_of({0.0, 0.5, 0.75, 1.0, 1.0, 1.5, 2.0, 2.1, 3.0, 5.0, 7.0, 1e6});
  }
  return cadence;
}

inline std::vector<Action> any_actions(std::size_t scripts, const RunKinds& kinds) {
  std::vector<Action> actions;
  const int count = *evenly(0, 3);
  for (int i = 0; i < count; ++i) {
    const Action action{.hook = static_cast<HookKind>(*evenly(0, 6)),
                        .occurrence = *evenly(0, 4),
                        .kind = static_cast<Action::Kind>(*evenly(0, 2)),
                        .which = *evenly<std::size_t>(0, scripts - 1)};
    const bool fails = action.kind == Action::Kind::fail;
    if (fails && action.hook == HookKind::abort) continue;
    if (fails ? kinds.failing : kinds.hooks_change) actions.push_back(action);
  }
  return actions;
}

/// One of the calls that are legal now, likely ones more often.
inline SequenceCall any_call(EventBus& bus) {
  static const std::vector<std::pair<BusCall, int>> weights{{BusCall::initialize, 1},
                                                            {BusCall::batch_start, 40},
                                                            {BusCall::loss_calculated, 8},
                                                            {BusCall::optim_pre_step, 20},
                                                            {BusCall::optim_post_step, 40},
                                                            {BusCall::batch_end, 16},
                                                            {BusCall::abort_batch, 2},
                                                            {BusCall::calibration_epoch_start, 4},
                                                            {BusCall::sequential_epoch_end, 8},
                                                            {BusCall::calibration_epoch_end, 6},
                                                            {BusCall::abort_calibration_epoch, 3},
                                                            {BusCall::finalize, 1}};
  std::vector<BusCall> legal;
  for (const auto& [call, weight] : weights) {
    if (!detail::BusAccess::core(bus).lifecycle.accepts(call)) continue;
    legal.insert(legal.end(), static_cast<std::size_t>(weight), call);
  }
  SequenceCall call{.call = *rc::gen::elementOf(legal)};
  if (call.call == BusCall::loss_calculated && *evenly(0, 3) != 0) {
    call.loss = any_of({0.5, -1e-300, 0.1, HUGE_VAL, -HUGE_VAL, std::nan("")});
  }
  if (call.call == BusCall::sequential_epoch_end) {
    for (int i = *evenly(0, 2); i > 0; --i) {
      call.layers.push_back(
          any_of<std::string>({"fc1", "", "model.layers.0 \"q\"", "Schicht \u00fc"}));
    }
  }
  return call;
}

inline Event any_start() {
  const std::int64_t step = any_of<std::int64_t>({0, 0, 3, 19, 1 << 20});
  Event start{.invocations_per_step = any_of<std::int64_t>({1, 1, 2, 3}),
              .global_step = step,
              .global_batch = step + *evenly(0, 5)};
  if (*evenly(0, 1) == 1) start.steps_per_epoch = any_of<std::int64_t>({1, 2, 3, 7, 10, 30});
  if (*evenly(0, 2) == 0) start.batches_per_step = *evenly<std::int64_t>(1, 3);
  return start;
}

inline std::vector<Deed> any_deeds(const ScriptedRun& run, const RunKinds& kinds) {
  std::vector<Deed> deeds;
  EventBus bus{run.start, run.options};  // nobody is on it: it tells which calls are legal
  const auto& lifecycle = detail::BusAccess::core(bus).lifecycle;
  const auto does = [&](const SequenceCall& call) {
    replay(bus, {.calls = {call}});
    deeds.push_back({.call = call});
  };
  does({.call = BusCall::initialize});
  bool over = false;
  for (int left = *evenly(5, 120); left > 0 && !over; --left) {
    if (*evenly(0, 9) == 0) {
      deeds.push_back({.comes_or_goes = *evenly<std::size_t>(0, run.scripts.size() - 1),
                       .may_come = kinds.loop_adds});
    } else {
      does(any_call(bus));
      over = deeds.back().call.call == BusCall::finalize;
    }
  }
  if (over || *evenly(0, 3) == 0) return deeds;
  if (lifecycle.accepts(BusCall::abort_batch)) does({.call = BusCall::abort_batch});
  if (lifecycle.calibrating()) does({.call = BusCall::calibration_epoch_end});
  does({.call = BusCall::finalize});
  return deeds;
}

inline ScriptedRun any_scripted_run(const RunKinds& kinds = {}) {
  ScriptedRun run{.start = any_start(),
                  .options = {.order = static_cast<OrderPolicy>(*evenly(0, 1)),
                              .errors = static_cast<ErrorPolicy>(*evenly(0, 2))}};
  run.scripts.resize(*evenly<std::size_t>(1, 7));
  for (std::size_t i = 0; i < run.scripts.size(); ++i) {
    run.scripts[i] = {.name = std::string(1, static_cast<char>('a' + i)),
                      .cadence = any_cadence(run.start),
                      .interests = {.due = any_events(), .every = any_events()},
                      .group = *evenly(-1, 1),
                      .actions = any_actions(run.scripts.size(), kinds)};
  }
  run.at_first = *evenly<std::size_t>(0, run.scripts.size());
  run.deeds = any_deeds(run, kinds);
  return run;
}

}  // namespace takt::test::scripted

#endif
