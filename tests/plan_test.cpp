// SPDX-License-Identifier: BSL-1.0
#include "takt/plan.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Cadence;
using takt::Event;
using takt::EventSet;
using takt::EventType;
using takt::Hook;
using takt::HookCall;
using takt::InvalidEvent;
using takt::ModifierPlan;
using takt::Plan;
using takt::RunShape;
using takt::State;
using takt::test::evenly;

using Modifiers = std::vector<std::shared_ptr<takt::Modifier>>;

/// Writes down each of its hooks.
class Probe final : public takt::Modifier {
 public:
  Probe(std::size_t position, Cadence cadence, takt::Interests interests)
      : Modifier{"probe " + std::to_string(position), cadence, interests}, position_{position} {}

  void on_initialize(State&, const Event& at) override { add(Hook::on_initialize, at); }
  void on_start(State&, const Event& at) override { add(Hook::on_start, at); }
  void on_event(State&, const Event& at) override { add(Hook::on_event, at); }
  void on_update(State&, const Event& at) override { add(Hook::on_update, at); }
  void on_end(State&, const Event& at) override { add(Hook::on_end, at); }
  void on_finalize(State&, const Event& at) override { add(Hook::on_finalize, at); }

  std::vector<HookCall>* calls = nullptr;

 private:
  void add(Hook hook, const Event& at) {
    calls->push_back({*at.type, at.global_step, at.global_batch, position_, hook});
  }

  std::size_t position_;
};

struct Case {
  RunShape shape{};
  std::vector<Cadence> cadences{};
  std::vector<takt::Interests> interests{};

  [[nodiscard]] Modifiers make() const {
    Modifiers modifiers;
    for (std::size_t i = 0; i < cadences.size(); ++i) {
      modifiers.push_back(std::make_shared<Probe>(i, cadences[i], interests[i]));
    }
    return modifiers;
  }
};

std::ostream& operator<<(std::ostream& out, const Case& drawn) {
  const Event& start = drawn.shape.start;
  out << "step " << start.global_step << ", batch " << start.global_batch << ", steps per epoch "
      << start.steps_per_epoch.value_or(0) << ", batches per step "
      << start.batches_per_step.value_or(0) << ", epochs " << drawn.shape.epochs.value_or(-1)
      << ", steps " << drawn.shape.steps.value_or(-1) << ", calibration "
      << drawn.shape.calibration_batches;
  for (const Cadence& cadence : drawn.cadences) {
    out << "\n  start " << cadence.start.value_or(-1) << " end " << cadence.end.value_or(-1)
        << " update " << cadence.update.value_or(-1);
  }
  return out;
}

/// What really happens, by running it.
std::vector<HookCall> run(const Case& drawn, std::int64_t end_step) {
  std::vector<HookCall> calls;
  takt::EventBus bus{drawn.shape.start};
  for (const auto& modifier : drawn.make()) {
    static_cast<Probe&>(*modifier).calls = &calls;
    bus.add(modifier);
  }
  bus.initialize();
  if (drawn.shape.calibration_batches > 0) {
    bus.calibration_epoch_start();
    for (std::int64_t i = 0; i < drawn.shape.calibration_batches; ++i) {
      bus.batch_start();
      bus.batch_end();
    }
    bus.calibration_epoch_end();
  }
  const std::int64_t per_step = drawn.shape.start.batches_per_step.value_or(1);
  while (bus.now().global_step < end_step) {
    for (std::int64_t i = 1; i <= per_step; ++i) {
      bus.batch([&](takt::Batch& batch) {
        batch.loss(0.5);
        if (i == per_step) batch.step([] {});
      });
    }
  }
  bus.finalize();
  return calls;
}

EventSet any_events() {
  EventSet events;
  for (const EventType type : EventSet::all()) {
    if (*evenly(0, 3) == 0) events |= type;
  }
  return events;
}

Cadence any_cadence(const Event& start) {
  const double unit = start.epoch_based() ? 1.0 / static_cast<double>(*start.steps_per_epoch) : 1.0;
  const auto bound = [&]() -> std::optional<double> {
    if (*evenly(0, 2) == 0) return std::nullopt;
    return start.current_index() + unit * *evenly(-8, 100) / 4.0;
  };
  Cadence cadence{.start = bound(), .end = bound()};
  if (cadence.start && cadence.end && *cadence.end < *cadence.start) {
    std::swap(cadence.start, cadence.end);
  }
  if (*evenly(0, 3) != 0) {
    cadence.update = unit * *rc::gen::elementOf(std::vector<double>{0.0, 0.5, 0.75, 1.0, 1.0, 1.5,
                                                                    2.0, 2.1, 3.0, 5.0, 7.0, 1e6});
  }
  return cadence;
}

Case any_case() {
  Case drawn;
  Event& start = drawn.shape.start;
  start.global_step = *rc::gen::weightedOneOf<std::int64_t>(
      {{2, rc::gen::just<std::int64_t>(0)}, {1, evenly<std::int64_t>(0, 1000)}});
  start.global_batch = *rc::gen::weightedOneOf<std::int64_t>(
      {{2, rc::gen::just(start.global_step)}, {1, evenly<std::int64_t>(0, 1000)}});
  if (*evenly(0, 2) != 0) start.steps_per_epoch = *evenly<std::int64_t>(1, 12);
  if (*evenly(0, 1) == 0) start.batches_per_step = *evenly<std::int64_t>(1, 4);
  const std::int64_t length = *evenly<std::int64_t>(0, 30);
  if (start.epoch_based() && *evenly(0, 1) == 0) {
    drawn.shape.epochs = start.current_index() + static_cast<double>(length) / 3.0 /
                                                     static_cast<double>(*start.steps_per_epoch);
  } else {
    drawn.shape.steps = start.global_step + length;
  }
  if (*evenly(0, 1) == 0) drawn.shape.calibration_batches = *evenly<std::int64_t>(0, 3);
  const int count = *evenly(0, 5);
  for (int i = 0; i < count; ++i) {
    drawn.cadences.push_back(any_cadence(start));
    drawn.interests.push_back({any_events(), any_events()});
  }
  return drawn;
}

Plan plan_of(const Cadence& cadence, const RunShape& shape,
             takt::Interests interests = {.due = EventType::BATCH_END}) {
  return Plan{{std::make_shared<Probe>(0U, cadence, interests)}, shape};
}

RunShape epochs(double count, std::int64_t steps_per_epoch) {
  return {.start = {.steps_per_epoch = steps_per_epoch}, .epochs = count};
}

void check_refused(const RunShape& shape, const std::string& words) {
  try {
    (void)Plan{{}, shape};
    BOOST_ERROR("no error; it should say " << words);
  } catch (const InvalidEvent& error) {
    const std::string message = error.what();
    BOOST_TEST((message.find(words) != std::string::npos), message);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan)

// ---- The calls

BOOST_AUTO_TEST_CASE(the_calls_are_those_of_really_running_it) {
  BOOST_TEST(rc::check("plan and run agree", [] {
    const Case drawn = any_case();
    RC_LOG() << drawn;
    const Plan plan{drawn.make(), drawn.shape};
    RC_ASSERT(plan.calls() == run(drawn, plan.end_step()));
  }));
}

BOOST_AUTO_TEST_CASE(the_calls_of_some_steps_are_a_part_of_all) {
  BOOST_TEST(rc::check("parts make the whole", [] {
    const Case drawn = any_case();
    RC_LOG() << drawn;
    const Plan plan{drawn.make(), drawn.shape};
    std::vector<HookCall> parts;
    std::int64_t from = plan.first_step() - 1;
    while (from <= plan.end_step()) {
      const std::int64_t to = from + *evenly<std::int64_t>(0, 8);
      for (const HookCall& call : plan.calls(from, to)) parts.push_back(call);
      from = to + 1;
    }
    RC_ASSERT(parts == plan.calls());
  }));
}

BOOST_AUTO_TEST_CASE(the_summary_of_a_modifier_counts_its_calls) {
  BOOST_TEST(rc::check("summary and calls agree", [] {
    const Case drawn = any_case();
    RC_LOG() << drawn;
    const Plan plan{drawn.make(), drawn.shape};
    std::vector<ModifierPlan> counted(plan.modifiers().size());
    for (const HookCall& call : plan.calls()) {
      ModifierPlan& modifier = counted.at(call.modifier);
      if (call.hook == Hook::on_start) modifier.starts = call.step;
      if (call.hook == Hook::on_end && call.event != EventType::FINALIZE) modifier.ends = call.step;
      if (call.hook == Hook::on_event) ++modifier.events;
      if (call.hook != Hook::on_update) continue;
      ++modifier.updates;
      if (!modifier.first_update) modifier.first_update = call.step;
      modifier.last_update = call.step;
    }
    for (std::size_t i = 0; i < counted.size(); ++i) {
      const ModifierPlan& said = plan.modifiers()[i];
      RC_ASSERT(said.starts == counted[i].starts);
      RC_ASSERT(said.ends == counted[i].ends);
      RC_ASSERT(said.events == counted[i].events);
      RC_ASSERT(said.updates == counted[i].updates);
      RC_ASSERT(said.first_update == counted[i].first_update);
      RC_ASSERT(said.last_update == counted[i].last_update);
    }
  }));
}

BOOST_AUTO_TEST_CASE(the_due_steps_are_those_of_the_window) {
  BOOST_TEST(rc::check("due steps, one by one", [] {
    const Case drawn = any_case();
    RC_LOG() << drawn;
    const Plan plan{drawn.make(), drawn.shape};
    for (std::size_t i = 0; i < plan.modifiers().size(); ++i) {
      const ModifierPlan& modifier = plan.modifiers()[i];
      std::vector<std::int64_t> due;
      if (modifier.starts) {
        const std::int64_t last =
            modifier.ends.value_or(std::max(*modifier.starts, plan.end_step() - 1));
        for (std::int64_t step = *modifier.starts; step <= last; ++step) {
          const Event at{.steps_per_epoch = drawn.shape.start.steps_per_epoch, .global_step = step};
          if (drawn.cadences[i].should_update(at)) due.push_back(step);
        }
      }
      RC_ASSERT(plan.due_steps(i, 0, 1000) == due);
      RC_ASSERT(modifier.due_steps == static_cast<std::int64_t>(due.size()));
      if (due.size() > 2) {
        const std::vector<std::int64_t> part{due.begin() + 1, due.begin() + 3};
        RC_ASSERT(plan.due_steps(i, due[0] + 1, 2) == part);
      }
    }
  }));
}

// ---- The summary

BOOST_AUTO_TEST_CASE(a_window_is_told_by_its_steps) {
  const Plan plan = plan_of({.start = 4, .end = 28, .update = 0.5}, epochs(40, 44));
  const ModifierPlan& modifier = plan.modifiers().at(0);
  BOOST_TEST(modifier.name == "probe 0");
  BOOST_TEST(modifier.starts.value() == 176);
  BOOST_TEST(modifier.ends.value() == 1232);
  BOOST_TEST(modifier.due_steps == 49);
  BOOST_TEST(modifier.updates == 49);
  BOOST_TEST(modifier.first_update.value() == 176);
  BOOST_TEST(modifier.last_update.value() == 1232);
  BOOST_TEST(plan.first_step() == 0);
  BOOST_TEST(plan.end_step() == 1760);
}

BOOST_AUTO_TEST_CASE(a_window_that_never_opens_has_no_calls_but_the_first_and_the_last) {
  const Plan plan = plan_of({.start = 0.31, .end = 0.39}, epochs(2, 10));
  BOOST_TEST(!plan.modifiers().at(0).starts);
  BOOST_TEST(!plan.modifiers().at(0).ends);
  BOOST_TEST(plan.modifiers().at(0).updates == 0);
  const std::vector<HookCall> wanted{{EventType::INITIALIZE, 0, 0, 0, Hook::on_initialize},
                                     {EventType::FINALIZE, 20, 20, 0, Hook::on_finalize}};
  BOOST_TEST(plan.calls() == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_window_that_never_closes_ends_at_finalize) {
  const Plan plan = plan_of({.start = 1, .update = 1}, epochs(3, 10));
  BOOST_TEST(plan.modifiers().at(0).starts.value() == 10);
  BOOST_TEST(!plan.modifiers().at(0).ends);
  BOOST_TEST(plan.modifiers().at(0).updates == 2);
}

BOOST_AUTO_TEST_CASE(a_length_that_is_no_whole_number_of_steps_ends_after_the_step_it_falls_in) {
  BOOST_TEST(plan_of({}, epochs(2.05, 10)).end_step() == 21);
  BOOST_TEST(plan_of({}, epochs(0.3, 10)).end_step() == 3);
  BOOST_TEST(plan_of({}, epochs(0, 10)).end_step() == 0);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_has_the_length_that_it_had) {
  RunShape shape = epochs(4, 10);
  shape.start.global_step = shape.start.global_batch = 25;
  const Plan plan = plan_of({.end = 3, .update = 1}, shape);
  BOOST_TEST(plan.end_step() == 40);
  BOOST_TEST(plan.modifiers().at(0).starts.value() == 25);
  BOOST_TEST(plan.due_steps(0, 0, 9) == (std::vector<std::int64_t>{30}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(numbers_are_the_same_for_a_run_of_any_length) {
  constexpr std::int64_t epoch = 1'000'000;
  const Plan plan = plan_of({.start = 1, .update = 0.001}, epochs(1e6, epoch));
  BOOST_TEST(plan.modifiers().at(0).updates == (1'000'000 - 1) * 1000);
  BOOST_TEST(plan.modifiers().at(0).last_update.value() == epoch * epoch - 1000);
  BOOST_TEST(plan.calls(epoch * epoch - 1000, epoch * epoch - 1).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_call_prints_well) {
  std::ostringstream out;
  out << HookCall{EventType::BATCH_START, 4, 9, 1, Hook::on_update};
  BOOST_TEST(out.str() == "step 4, batch 9, batch_start: modifier 1 on_update");
}

// ---- What is refused

BOOST_AUTO_TEST_CASE(a_run_needs_one_length) {
  check_refused({}, "no length");
  check_refused({.start = {.steps_per_epoch = 4}, .epochs = 1, .steps = 4}, "give one");
  check_refused({.epochs = 1}, "steps_per_epoch");
}

BOOST_AUTO_TEST_CASE(a_run_can_t_be_over_before_it_starts) {
  check_refused({.start = {.global_step = 5}, .steps = 4}, "over at step 4, and starts at step 5");
  check_refused({.steps = -1}, "over at step -1");
}

BOOST_AUTO_TEST_CASE(lengths_and_counts_that_make_no_sense_are_refused) {
  for (const double length : {-1.0, std::nan(""), HUGE_VAL, 1e300}) {
    check_refused(epochs(length, 10), "epochs was asked for");
  }
  check_refused(epochs(1, 0), "steps_per_epoch");
  check_refused({.start = {.batches_per_step = 0}, .steps = 1}, "batches_per_step");
  check_refused({.start = {.global_step = -1}, .steps = 1}, "step");
  check_refused({.start = {.global_batch = -1}, .steps = 1}, "global_batch");
  check_refused({.steps = 1, .calibration_batches = -1}, "calibration_batches");
  check_refused({.start = {.batches_per_step = 1'000'000'000}, .steps = 1'000'000'000'000},
                "more batches than can be counted");
}

BOOST_AUTO_TEST_CASE(a_plan_goes_to_step_2_to_the_40) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  BOOST_TEST(plan_of({.update = 3}, {.steps = most}).modifiers().at(0).updates == most / 3 + 1);
  check_refused({.steps = most + 1}, "2^40");
}

BOOST_AUTO_TEST_CASE(null_is_no_modifier) {
  BOOST_CHECK_THROW((Plan{{nullptr}, {.steps = 1}}), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(the_modifiers_are_only_looked_at) {
  const auto probe = std::make_shared<Probe>(0U, Cadence{}, takt::Interests{});
  const Plan plan{{probe}, {.steps = 10}};
  BOOST_TEST(probe->phase() == takt::Phase::added);
  takt::EventBus bus;
  bus.add(probe);
}

BOOST_AUTO_TEST_SUITE_END()
