// SPDX-License-Identifier: BSL-1.0
// What a plan says, and the trace of really running it: recipes and modifiers at random.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "number_text.hpp"
#include "scripted_run.hpp"
#include "takt/optimizer.hpp"
#include "takt/plan.hpp"
#include "takt/recipe.hpp"
#include "takt/trace_recorder.hpp"
#include "vector_model.hpp"

namespace {

using takt::Cadence;
using takt::Event;
using takt::EventBus;
using takt::Hook;
using takt::HookCall;
using takt::Plan;
using takt::Recipe;
using takt::RunShape;
using takt::Trace;
using takt::TraceEntry;
using takt::test::evenly;
using takt::test::scripted::any_cadence;
using takt::test::scripted::any_events;
using takt::test::scripted::any_of;

using HookCalls = std::vector<HookCall>;

// ---- Random recipes -----------------------------------------------------------------------------

std::string setting(const char* name, const std::optional<double>& value) {
  if (!value) return "";
  std::string text = ", ";
  text += name;
  text += ": ";
  return text += takt::detail::text_of(*value);
}

/// A cadence for schedules that need an end after their start; an unset start is 0.
Cadence with_an_end(Cadence cadence, double unit) {
  const double start = cadence.start.value_or(0.0);
  if (!cadence.end || *cadence.end <= start) cadence.end = std::max(start, 0.0) + 7.25 * unit;
  return cadence;
}

/// One modifier, in a list.
std::string any_modifier(const Event& start) {
  const double unit = start.epoch_based() ? 1.0 / static_cast<double>(*start.steps_per_epoch) : 1.0;
  Cadence cadence = any_cadence(start);
  std::string text;
  switch (*evenly(0, 6)) {
    case 0:
      text = "LearningRateModifier: {learning_rate: 0.1";
      break;
    case 1:
      text = "LearningRateModifier: {learning_rate: 0.1, schedule: cosine";
      cadence = with_an_end(cadence, unit);
      break;
    case 2:
      text = "SetLearningRateModifier: {learning_rate: 0.01";
      cadence.update.reset();
      break;
    case 3:
      text = "ConstantPruningModifier: {targets: __ALL_PRUNABLE__";
      cadence.update.reset();
      break;
    case 4:
      text = "MagnitudePruningModifier: {final_sparsity: 0.8";
      cadence = with_an_end(cadence, unit);
      break;
    case 5:
      text = "MagnitudePruningModifier: {final_sparsity: 0.5, leave_enabled: true";
      cadence = with_an_end(cadence, unit);
      break;
    default:
      cadence = with_an_end(cadence, unit);
      return "- EpochRangeModifier: {end: " + takt::detail::text_of(*cadence.end) +
             setting("start", cadence.start) + "}\n";
  }
  return "- " + text + setting("start", cadence.start) + setting("end", cadence.end) +
         setting("update", cadence.update) + "}\n";
}

// ---- Random runs --------------------------------------------------------------------------------

/// Does nothing, but can be asked to at any event.
class Idle final : public takt::Modifier {
 public:
  using Modifier::Modifier;
};

struct Case {
  RunShape shape{};
  std::string recipe{};
  std::vector<takt::TracedModifier> by_hand{};
};

std::ostream& operator<<(std::ostream& out, const Case& drawn) {
  const RunShape& shape = drawn.shape;
  out << "step " << shape.start.global_step << ", batch " << shape.start.global_batch
      << ", steps per epoch " << shape.start.steps_per_epoch.value_or(0) << ", batches per step "
      << shape.start.batches_per_step.value_or(0) << ", invocations "
      << shape.start.invocations_per_step << ", epochs " << shape.epochs.value_or(-1) << ", steps "
      << shape.steps.value_or(-1) << ", calibration " << shape.calibration_batches << '\n'
      << drawn.recipe;
  for (const takt::TracedModifier& modifier : drawn.by_hand) {
    const Cadence& cadence = modifier.cadence;
    out << modifier.name << ": start " << cadence.start.value_or(-1) << " end "
        << cadence.end.value_or(-1) << " update " << cadence.update.value_or(-1) << '\n';
  }
  return out;
}

RunShape any_shape() {
  RunShape shape;
  Event& start = shape.start;
  start.global_step = *rc::gen::weightedOneOf<std::int64_t>(
      {{2, rc::gen::just<std::int64_t>(0)}, {1, evenly<std::int64_t>(1, 1000)}});
  start.global_batch = *rc::gen::weightedOneOf<std::int64_t>(
      {{2, rc::gen::just(start.global_step)}, {1, evenly<std::int64_t>(0, 1000)}});
  if (*evenly(0, 2) != 0) start.steps_per_epoch = *evenly<std::int64_t>(1, 12);
  if (*evenly(0, 1) == 0) start.batches_per_step = *evenly<std::int64_t>(1, 4);
  start.invocations_per_step = any_of<std::int64_t>({1, 1, 2, 3});
  const std::int64_t length = *evenly<std::int64_t>(0, 30);
  if (start.epoch_based() && *evenly(0, 1) == 0) {
    shape.epochs = start.current_index() +
                   static_cast<double>(length) / 3.0 / static_cast<double>(*start.steps_per_epoch);
  } else {
    shape.steps = start.global_step + length;
  }
  if (*evenly(0, 1) == 0) shape.calibration_batches = *evenly<std::int64_t>(0, 3);
  return shape;
}

Case any_case() {
  Case drawn{.shape = any_shape()};
  const Event& start = drawn.shape.start;
  for (int left = *evenly(1, 5); left > 0; --left) drawn.recipe += any_modifier(start);
  for (int left = *evenly(0, 3); left > 0; --left) {
    drawn.by_hand.push_back({.name = "by hand " + std::to_string(left),
                             .cadence = any_cadence(start),
                             .interests = {.due = any_events(), .every = any_events()},
                             .group = *evenly(-1, 1)});
  }
  return drawn;
}

// ---- Planning it and running it -----------------------------------------------------------------

struct Rate final : takt::Optimizer {
  [[nodiscard]] double learning_rate() const override { return rate; }
  void set_learning_rate(double other) override { rate = other; }

  double rate = 0.0;
};

void run(EventBus& bus, const RunShape& shape, std::int64_t end_step) {
  bus.initialize();
  if (shape.calibration_batches > 0) {
    bus.calibration_epoch([&] {
      for (std::int64_t i = 0; i < shape.calibration_batches; ++i) bus.batch([](takt::Batch&) {});
    });
  }
  const std::int64_t per_step = shape.start.batches_per_step.value_or(1);
  while (bus.now().global_step < end_step) {
    for (std::int64_t i = 1; i <= per_step; ++i) {
      bus.batch([&](takt::Batch& batch) {
        batch.loss(0.5);
        if (i < per_step) return;
        for (std::int64_t k = 0; k < shape.start.invocations_per_step; ++k) batch.step([] {});
      });
    }
  }
  bus.finalize();
}

/// The hooks of a trace, as a plan has them.
HookCalls hooks_of(const Trace& trace) {
  HookCalls calls;
  for (const TraceEntry& entry : trace.entries) {
    for (const takt::HookRun& run : entry.hooks) {
      RC_ASSERT(!run.error);
      calls.push_back({.event = takt::event_of(entry.call).value(),
                       .step = entry.step,
                       .batch = entry.batch,
                       .modifier = run.modifier,
                       .hook = run.hook});
    }
  }
  return calls;
}

struct Outcome {
  HookCalls planned{};
  HookCalls recorded{};
  std::vector<takt::ModifierPlan> modifiers{};
  std::vector<takt::TracedModifier> traced{};
};

Outcome plan_and_run(const Case& drawn) {
  VectorModel model{{{.name = "fc.weight",
                      .shape = {4, 5},
                      .values = std::vector<float>(20, 0.5F),
                      .gradients = std::vector<float>(20, 1.0F),
                      .kind = "Linear"}}};
  Rate optimizer;
  EventBus bus{drawn.shape.start};
  bus.state().set<takt::Model>(model);
  bus.state().set<takt::Optimizer>(optimizer);
  bus.apply(Recipe::from_string(drawn.recipe));
  for (const takt::TracedModifier& modifier : drawn.by_hand) {
    bus.add(std::make_shared<Idle>(modifier.name, modifier.cadence, modifier.interests),
            modifier.group);
  }
  const Plan plan{bus.modifiers(), drawn.shape};

  std::stringstream file;
  takt::TraceRecorder recorder{bus, file};
  run(bus, drawn.shape, plan.end_step());
  recorder.close();
  const Trace trace = takt::read_trace(file);
  return {.planned = plan.calls(),
          .recorded = hooks_of(trace),
          .modifiers = plan.modifiers(),
          .traced = trace.header.modifiers};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_trace)

BOOST_AUTO_TEST_CASE(a_plan_is_the_trace_of_the_run_to_come) {
  int never_open = 0;
  int never_close = 0;
  int closed = 0;
  int updated = 0;
  BOOST_TEST(rc::check("plan and trace agree", [&] {
    const Case drawn = any_case();
    RC_LOG() << drawn;
    const Outcome outcome = plan_and_run(drawn);
    RC_ASSERT(outcome.planned == outcome.recorded);
    RC_ASSERT(outcome.modifiers.size() == outcome.traced.size());
    for (std::size_t i = 0; i < outcome.modifiers.size(); ++i) {
      const takt::ModifierPlan& modifier = outcome.modifiers[i];
      RC_ASSERT(modifier.name == outcome.traced[i].name);
      never_open += modifier.starts ? 0 : 1;
      never_close += modifier.starts && !modifier.ends ? 1 : 0;
      closed += modifier.ends ? 1 : 0;
      updated += modifier.updates > 1 ? 1 : 0;
    }
  }));
  // All that may become of a window has.
  BOOST_TEST(never_open > 0);
  BOOST_TEST(never_close > 0);
  BOOST_TEST(closed > 0);
  BOOST_TEST(updated > 0);
}

BOOST_AUTO_TEST_CASE(a_plan_of_fractions_of_epochs_is_the_trace_of_its_run) {
  const Case drawn{
      .shape = {.start = {.steps_per_epoch = 10, .batches_per_step = 3}, .epochs = 2.05},
      .recipe =
          "- MagnitudePruningModifier: {final_sparsity: 0.8, start: 0.25, end: 1.55, update: "
          "0.1}\n"
          "- LearningRateModifier: {learning_rate: 0.1, start: 0.31, end: 0.39}\n"
          "- ConstantPruningModifier: {start: 1.55}\n"};
  const Outcome outcome = plan_and_run(drawn);
  BOOST_TEST(outcome.planned == outcome.recorded, boost::test_tools::per_element());
  BOOST_TEST(outcome.modifiers.at(0).starts.value() == 3);
  BOOST_TEST(outcome.modifiers.at(0).ends.value() == 15);
  BOOST_TEST(outcome.modifiers.at(0).updates == 13 * 3);
  BOOST_TEST(!outcome.modifiers.at(1).starts);
  BOOST_TEST(outcome.modifiers.at(2).starts.value() == 16);
  BOOST_TEST(!outcome.modifiers.at(2).ends);
}

BOOST_AUTO_TEST_SUITE_END()
