// SPDX-License-Identifier: BSL-1.0
// Recorded runs, compared with each other.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "probe.hpp"
#include "recorded_run.hpp"
#include "takt/replay.hpp"

namespace {

using takt::BusCall;
using takt::ComparisonOptions;
using takt::ErrorPolicy;
using takt::Event;
using takt::OrderPolicy;
using takt::State;
using takt::Trace;
using takt::TraceComparison;
using takt::TracedModifier;
using takt::TraceEntry;
using takt::TraceReader;
using namespace takt::test::runs;
using enum takt::EventType;

/// Compares them as files, and sees that it says the same as comparing them in memory.
TraceComparison compared(const Trace& a, const Trace& b, const ComparisonOptions& options = {}) {
  std::istringstream first{file_of(a)};
  std::istringstream second{file_of(b)};
  TraceReader from{first, "the first"};
  TraceReader to{second, "the second"};
  const TraceComparison streamed = takt::diff(from, to, options);
  const TraceComparison held = takt::diff(a, b, options);
  BOOST_TEST(text_of(streamed) == text_of(held));
  BOOST_TEST(streamed.entries == held.entries);
  BOOST_TEST(streamed.differing == held.differing);
  return held;
}

/// What is told of a trace and the same one, changed.
std::string told(const Trace& trace, const std::function<void(Trace&)>& change,
                 const ComparisonOptions& options = {}) {
  Trace changed = trace;
  change(changed);
  return text_of(compared(trace, changed, options));
}

const Run short_run{.calls = whole({times(3, step)})};

/// The entry of the n-th call of that kind.
TraceEntry& entry(Trace& trace, BusCall call, int n = 0) {
  for (TraceEntry& one : trace.entries) {
    if (one.kind == takt::TraceKind::call && one.call == call && n-- == 0) return one;
  }
  throw std::logic_error("the trace has no such entry");
}

/// What is told when the first loss is one and then the other.
std::string told_of_losses(std::optional<double> a, std::optional<double> b,
                           double tolerance = 0.0) {
  Trace trace = record(short_run);
  entry(trace, BusCall::loss_calculated).loss = a;
  return told(trace, [&](Trace& changed) { entry(changed, BusCall::loss_calculated).loss = b; },
              {.loss_tolerance = tolerance});
}

const std::string equal = "equal in 17 events";

}  // namespace

BOOST_AUTO_TEST_SUITE(diff)

BOOST_AUTO_TEST_CASE(a_run_and_its_repetition_are_equal) {
  BOOST_TEST(text_of(compared(record(short_run), record(short_run))) == equal);
}

BOOST_AUTO_TEST_CASE(times_are_never_compared) {
  BOOST_TEST(told(record(short_run), [](Trace& changed) {
               for (TraceEntry& one : changed.entries) {
                 one.nanoseconds += 1000;
                 for (takt::HookRun& run : one.hooks) run.nanoseconds *= 2;
               }
             }) == equal);
}

// ---- Headers

BOOST_AUTO_TEST_CASE(how_the_runs_began_is_compared) {
  const Trace trace = record(short_run);
  BOOST_TEST(told(trace,
                  [](Trace& changed) {
                    changed.header.start.steps_per_epoch = 10;
                    changed.header.start.batches_per_step = 2;
                    changed.header.start.invocations_per_step = 3;
                    changed.header.options = {OrderPolicy::several_steps, ErrorPolicy::collect};
                  }) ==
             "steps_per_epoch is not set in the first, 10 in the second\n"
             "batches_per_step is not set in the first, 2 in the second\n"
             "invocations_per_step is 1 in the first, 3 in the second\n"
             "the order policy is one_step in the first, several_steps in the second\n"
             "the error policy is propagate in the first, collect in the second");
}

BOOST_AUTO_TEST_CASE(runs_that_began_elsewhere_part_at_once) {
  const TraceComparison comparison =
      compared(record(short_run), record({.start = {.global_step = 3, .global_batch = 4}}));
  BOOST_TEST(text_of(comparison) ==
             "the runs part: the first goes on with step 0, initialize, the second with step 3, "
             "batch 4, initialize");
  BOOST_TEST(comparison.entries == 1);
  BOOST_TEST(comparison.differing == 1);
}

BOOST_AUTO_TEST_CASE(what_the_modifiers_are_like_is_compared) {
  const Trace trace = record(short_run);
  BOOST_TEST(
      told(trace,
           [](Trace& changed) {
             TracedModifier& prune = changed.header.modifiers.at(1);
             prune.cadence = {.start = 0.1, .update = 0.5};
             prune.interests = {.due = BATCH_START, .every = {}};
             prune.group = 2;
           }) ==
      "prune: start is 1 in the first, 0.1 in the second\n"
      "prune: end is 4 in the first, not set in the second\n"
      "prune: update is 2 in the first, 0.5 in the second\n"
      "prune: the events where it runs when due is batch_start, sequential_epoch_end in the first, "
      "batch_start in the second\n"
      "prune: the events where it always runs is optim_post_step in the first, none in the "
      "second\n"
      "prune: group is 0 in the first, 2 in the second");
}

BOOST_AUTO_TEST_CASE(differences_of_the_headers_count_with_the_first_entry) {
  Trace trace = record(short_run);
  Trace changed = trace;
  changed.header.start.steps_per_epoch = 10;
  BOOST_TEST(compared(trace, changed).differing == 1);
  entry(changed, BusCall::initialize).hooks.clear();
  BOOST_TEST(compared(trace, changed).differing == 1);
  entry(changed, BusCall::batch_start).hooks.clear();
  BOOST_TEST(compared(trace, changed).differing == 2);
  BOOST_TEST(compared(trace, changed).entries == 17);
}

BOOST_AUTO_TEST_CASE(modifiers_that_one_run_has_are_told) {
  const Run with{.fill = [](ProbedBus& on) { on.add("prune"); }, .calls = {{BusCall::initialize}}};
  const Run without{.fill = [](ProbedBus&) {}, .calls = with.calls};
  BOOST_TEST(text_of(compared(record(with), record(without))) ==
             "prune is there in the first, not in the second\n"
             "step 0, initialize: on_initialize of prune ran in the first, not in the second");
  BOOST_TEST(text_of(compared(record(without), record(with))) ==
             "prune is there in the second, not in the first\n"
             "step 0, initialize: on_initialize of prune ran in the second, not in the first");
}

BOOST_AUTO_TEST_CASE(what_later_modifiers_are_like_is_compared_where_they_join) {
  const auto late = [](double update) -> Run {
    return {.fill =
                [update](ProbedBus& on) {
                  on.add("first")->then["on_start"] = [&on, update](State&, const Event&) {
                    on.add("late", {.update = update}, {.due = BATCH_END}, update > 1 ? 1 : 0);
                  };
                },
            .calls = whole({step})};
  };
  BOOST_TEST(text_of(compared(record(late(1)), record(late(2)))) ==
             "step 0, adding late: update is 1 in the first, 2 in the second\n"
             "step 0, adding late: group is 0 in the first, 1 in the second");
}

// ---- What ran

BOOST_AUTO_TEST_CASE(hooks_are_compared) {
  const Run run{.calls = whole({times(4, step)})};
  Run other = run;
  other.fill = [](ProbedBus& on) {
    three(on);
    on.bus.remove("clip");
    on.add("clip", {.start = 3}, {.due = OPTIM_PRE_STEP}, -1);
  };
  BOOST_TEST(text_of(compared(record(run), record(other))) ==
             "clip: start is 2 in the first, 3 in the second\n"
             "clip: group is 0 in the first, -1 in the second\n"
             "step 2, batch_start: on_start of clip ran in the first, not in the second\n"
             "step 2, optim_pre_step: clip ran in the first, not in the second\n"
             "step 3, batch_start: on_start of clip ran in the second, not in the first");
}

BOOST_AUTO_TEST_CASE(the_order_of_hooks_is_compared) {
  BOOST_TEST(told(record(short_run),
                  [](Trace& changed) {
                    auto& hooks = entry(changed, BusCall::batch_start, 1).hooks;
                    std::swap(hooks.at(0), hooks.at(1));
                  }) ==
             "step 1, batch_start: ran in another order: on_event of log, on_start of prune; not "
             "on_start of prune, on_event of log");
}

BOOST_AUTO_TEST_CASE(whether_hooks_threw_is_compared) {
  const Trace trace = record(short_run);
  Trace broken = trace;
  entry(broken, BusCall::batch_start, 1).hooks.at(0).error = "out of memory";
  BOOST_TEST(text_of(compared(trace, broken)) ==
             "step 1, batch_start: on_start of prune threw (out of memory) in the second, not in "
             "the first");
  BOOST_TEST(text_of(compared(broken, trace)) ==
             "step 1, batch_start: on_start of prune threw (out of memory) in the first, not in "
             "the second");
  BOOST_TEST(told(broken, [](Trace& changed) {
               entry(changed, BusCall::batch_start, 1).hooks.at(0).error = "at another address";
             }) == equal);
}

// ---- Losses and layers

BOOST_AUTO_TEST_CASE(losses_are_compared_exactly_unless_told_otherwise) {
  const std::string place = "step 0, loss_calculated: the loss is ";
  BOOST_TEST(told_of_losses(0.5, 0.5) == equal);
  BOOST_TEST(told_of_losses(0.5, 0.25) == place + "0.5 in the first, 0.25 in the second");
  BOOST_TEST(told_of_losses(0.1, std::nextafter(0.1, 1.0)) ==
             place + "0.1 in the first, 0.10000000000000002 in the second");
  BOOST_TEST(told_of_losses(0.0, -0.0) == equal);
  BOOST_TEST(told_of_losses({}, {}) == equal);
  BOOST_TEST(told_of_losses(0.5, {}) == place + "0.5 in the first, not set in the second");
  BOOST_TEST(told_of_losses({}, 0.5) == place + "not set in the first, 0.5 in the second");
}

BOOST_AUTO_TEST_CASE(a_tolerance_is_relative_to_the_larger_loss) {
  BOOST_TEST(told_of_losses(100.0, 101.0, 0.01) == equal);
  BOOST_TEST(told_of_losses(101.0, 100.0, 0.01) == equal);
  BOOST_TEST(told_of_losses(100.0, 102.0, 0.01) != equal);
  BOOST_TEST(told_of_losses(-100.0, -101.0, 0.01) == equal);
  BOOST_TEST(told_of_losses(-0.5, 0.5, 0.01) != equal);
  BOOST_TEST(told_of_losses(1e-12, 2e-12, 0.01) != equal);
  BOOST_TEST(told_of_losses(0.5, {}, 0.5) != equal);
}

BOOST_AUTO_TEST_CASE(losses_that_are_no_finite_numbers_are_equal_to_themselves_alone) {
  const double infinite = std::numeric_limits<double>::infinity();
  const double nan = std::nan("");
  for (const double tolerance : {0.0, 0.5}) {
    BOOST_TEST(told_of_losses(nan, nan, tolerance) == equal);
    BOOST_TEST(told_of_losses(infinite, infinite, tolerance) == equal);
    BOOST_TEST(told_of_losses(infinite, -infinite, tolerance) != equal);
    BOOST_TEST(told_of_losses(infinite, 1e300, tolerance) != equal);
    BOOST_TEST(told_of_losses(nan, 0.5, tolerance) != equal);
    BOOST_TEST(told_of_losses(0.5, nan, tolerance) != equal);
    BOOST_TEST(told_of_losses(nan, infinite, tolerance) != equal);
  }
  BOOST_TEST(told_of_losses(nan, 0.5).ends_with("is nan in the first, 0.5 in the second"));
}

BOOST_AUTO_TEST_CASE(an_infinite_tolerance_leaves_losses_out) {
  const double infinite = std::numeric_limits<double>::infinity();
  BOOST_TEST(told_of_losses(0.5, -0.5, infinite) == equal);
  BOOST_TEST(told_of_losses(0.5, {}, infinite) == equal);
  BOOST_TEST(told_of_losses(std::nan(""), infinite, infinite) == equal);
}

BOOST_AUTO_TEST_CASE(layers_are_compared) {
  const Trace trace =
      record({.calls = whole({{{BusCall::calibration_epoch_start},
                               {.call = BusCall::sequential_epoch_end, .layers = {"fc1"}},
                               {BusCall::calibration_epoch_end}}})});
  BOOST_TEST(told(trace, [](Trace& changed) {
               entry(changed, BusCall::sequential_epoch_end).layers = {"fc2"};
             }) == "step 0, sequential_epoch_end: the layers differ");
}

// ---- Runs that part

BOOST_AUTO_TEST_CASE(the_comparison_ends_where_one_run_has_another_event) {
  const Trace a = record({.calls = whole({step, step})});
  const Trace b = record({.calls = whole({step, batch, step})});
  const TraceComparison comparison = compared(a, b);
  BOOST_TEST(text_of(comparison) ==
             "the runs part: the first goes on with step 1, optim_pre_step, the second with step "
             "1, batch_end");
  BOOST_TEST(comparison.entries == 9);
  BOOST_TEST(comparison.differing == 1);
  BOOST_TEST(comparison.differences.at(0).step == 1);
}

BOOST_AUTO_TEST_CASE(runs_part_where_one_has_another_step) {
  BOOST_TEST(told(record(short_run),
                  [](Trace& changed) { entry(changed, BusCall::batch_start, 2).step = 1; }) ==
             "the runs part: the first goes on with step 2, batch_start, the second with step 1, "
             "batch 2, batch_start");
}

BOOST_AUTO_TEST_CASE(runs_part_where_another_modifier_joins_or_one_joins_and_one_leaves) {
  const auto run = [](const std::string& name) -> Run {
    return {.fill =
                [name](ProbedBus& on) {
                  on.add("first")->then["on_start"] = [&on, name](State&, const Event&) {
                    if (name.empty()) on.bus.remove("first");
                    if (!name.empty()) on.add(name);
                  };
                },
            .calls = whole({step})};
  };
  BOOST_TEST(text_of(compared(record(run("late")), record(run("later")))) ==
             "the runs part: the first goes on with step 0, adding late, the second with step 0, "
             "adding later");
  BOOST_TEST(text_of(compared(record(run("late")), record(run("")))) ==
             "the runs part: the first goes on with step 0, adding late, the second with step 0, "
             "removing first");
}

BOOST_AUTO_TEST_CASE(a_run_that_ends_earlier_is_told) {
  const Trace longer = record({.calls = whole({step, step})});
  Trace shorter = longer;
  shorter.entries.resize(6);
  const TraceComparison comparison = compared(longer, shorter);
  BOOST_TEST(text_of(comparison) ==
             "the second ends after step 0, batch_end; the first goes on with step 1, batch_start");
  BOOST_TEST(comparison.differing == 1);
  BOOST_TEST(comparison.entries == 7);
  BOOST_TEST(!comparison.torn);
  BOOST_TEST(text_of(compared(shorter, longer)) ==
             "the first ends after step 0, batch_end; the second goes on with step 1, batch_start");
  shorter.entries.clear();
  BOOST_TEST(text_of(compared(shorter, longer)) ==
             "the first ends; the second goes on with step 0, initialize");
  BOOST_TEST(text_of(compared(shorter, shorter)) == "equal in 0 events");
}

BOOST_AUTO_TEST_CASE(a_run_that_ends_in_a_torn_line_is_told) {
  const Trace trace = record({.calls = whole({step})});
  std::string file = file_of(trace);
  file.resize(file.size() - 20);
  Reading torn{file};
  Reading other{trace};
  const TraceComparison comparison = takt::diff(torn.trace, other.trace);
  BOOST_TEST(comparison.torn);
  BOOST_TEST(text_of(comparison) ==
             "the first ends after step 0, batch_end, in a torn line; the second goes on with step "
             "1, finalize");
  Reading once{file};
  Reading again{file};
  const TraceComparison both = takt::diff(once.trace, again.trace);
  BOOST_TEST(both.torn);
  BOOST_TEST(both.equal());
}

// ---- Words and options

BOOST_AUTO_TEST_CASE(files_are_called_by_their_names) {
  std::istringstream first{file_of(record(short_run))};
  std::istringstream second{file_of(record({.calls = {{BusCall::initialize}}}))};
  TraceReader a{first, "monday.jsonl"};
  TraceReader b{second, "tuesday.jsonl"};
  BOOST_TEST(text_of(takt::diff(a, b)) ==
             "tuesday.jsonl ends after step 0, initialize; monday.jsonl goes on with step 0, "
             "batch_start");
}

BOOST_AUTO_TEST_CASE(most_limits_what_is_listed_and_not_what_is_counted) {
  const Trace trace = record(short_run);
  Trace changed = trace;
  for (int n : {0, 1, 2}) entry(changed, BusCall::loss_calculated, n).loss = 0.75;
  for (const std::size_t most : {0U, 2U, 3U, 10U}) {
    const TraceComparison comparison = compared(trace, changed, {.most = most});
    BOOST_TEST(comparison.differences.size() == std::min<std::size_t>(most, 3));
    BOOST_TEST(comparison.differing == 3);
    BOOST_TEST(comparison.entries == 17);
  }
}

BOOST_AUTO_TEST_CASE(each_entry_is_told_of) {
  int entries = 0;
  const ComparisonOptions options{.on_entry = [&] { ++entries; }};
  BOOST_TEST(takt::diff(record(short_run), record(short_run), options).equal());
  BOOST_TEST(entries == 17);
}

BOOST_AUTO_TEST_SUITE_END()
