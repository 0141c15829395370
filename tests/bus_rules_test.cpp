// SPDX-License-Identifier: BSL-1.0
// Random modifiers and random calls: the bus, which calls only who is due, against a model
// that asks everyone at every event.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "compared_bus.hpp"
#include "rules_model.hpp"

namespace {

using takt::BusCall;
using takt::Cadence;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventSet;
using takt::EventType;
using takt::OrderPolicy;
using takt::test::Action;
using takt::test::ComparedBus;
using takt::test::evenly;
using takt::test::HookKind;
using takt::test::Observed;
using takt::test::Script;

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
                  .kind = static_cast<Action::Kind>(*evenly(failing ? 0 : 1, 3)),
                  .which = *evenly<std::size_t>(0, scripts - 1)};
    if (action.kind == Action::Kind::call) action.which = *evenly<std::size_t>(0, 11);
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

takt::test::Rebuilt any_rebuilt() {
  const auto any_counter = [] { return one_of<std::int64_t>({0, 0, 7, INT64_MAX}); };
  takt::test::Rebuilt rebuilt{.global_step = any_counter(), .global_batch = any_counter()};
  if (*evenly(0, 3) == 0) rebuilt.failing = *evenly<std::size_t>(0, 8);
  return rebuilt;
}

// ---- A run --------------------------------------------------------------------------------------

/// Makes random calls, most of them legal.
class Run {
 public:
  Run(const std::vector<Script>& scripts, const Event& start, takt::BusOptions options,
      Observed observed)
      : scripts_{scripts}, bus_{scripts, start, options, observed} {}

  void go(int calls) {
    for (int i = 0; i < calls && bus_.model().accepts_modifiers(); ++i) {
      const int choice = *evenly(0, 19);
      if (choice < 2) {
        bus_.add_or_remove(*evenly<std::size_t>(0, scripts_.size() - 1));
      } else if (choice == 2) {
        bus_.call(*rc::gen::elementOf(takt::test::every_call));
      } else if (choice == 3) {
        bus_.resume(any_rebuilt());
      } else {
        bus_.call(next_call());
      }
    }
    bus_.close();
  }

 private:
  /// One of those that are accepted now, likely ones more often.
  BusCall next_call() {
    static const std::vector<std::pair<BusCall, int>> weights{{BusCall::initialize, 1},
                                                              {BusCall::batch_start, 40},
                                                              {BusCall::loss_calculated, 8},
                                                              {BusCall::optim_pre_step, 20},
                                                              {BusCall::optim_post_step, 40},
                                                              {BusCall::batch_end, 16},
                                                              {BusCall::abort_batch, 2},
                                                              {BusCall::calibration_epoch_start, 2},
                                                              {BusCall::sequential_epoch_end, 3},
                                                              {BusCall::calibration_epoch_end, 3},
                                                              {BusCall::abort_calibration_epoch, 2},
                                                              {BusCall::finalize, 1}};
    std::vector<BusCall> accepted;
    for (const auto& [call, weight] : weights) {
      if (!bus_.model().accepts(call)) continue;
      accepted.insert(accepted.end(), static_cast<std::size_t>(weight), call);
    }
    return *rc::gen::elementOf(accepted);
  }

  const std::vector<Script>& scripts_;
  ComparedBus bus_;
};

void any_run(ErrorPolicy errors, bool failing) {
  const Event start = any_start();
  const std::vector<Script> scripts = any_scripts(start, failing);
  const auto order = *evenly(0, 3) == 0 ? OrderPolicy::several_steps : OrderPolicy::one_step;
  const Observed observed{.types = *evenly(0, 1) == 0 ? EventSet{} : any_events(),
                          .before_fails = failing && *evenly(0, 3) == 0 ? any_events() : EventSet{},
                          .after_fails = failing && *evenly(0, 3) == 0 ? any_events() : EventSet{}};
  Run run{scripts, start, {.order = order, .errors = errors}, observed};
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
