// SPDX-License-Identifier: BSL-1.0
// What a replay says when something else runs, and when it can't go on.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "probe.hpp"
#include "recorded_run.hpp"
#include "takt/error.hpp"
#include "takt/recipe.hpp"
#include "takt/replay.hpp"

namespace {

using boost::test_tools::per_element;
using takt::BusCall;
using takt::Cadence;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::OrderPolicy;
using takt::State;
using takt::Trace;
using takt::TraceComparison;
using namespace takt::test::runs;
using enum takt::EventType;

using Fill = std::function<void(ProbedBus&)>;

/// Replays what `recorded` does on a bus with other modifiers.
void check_told(const Run& recorded, const Fill& fill, const Lines& words) {
  Run other = recorded;
  other.fill = fill;
  const TraceComparison comparison = replay_on(other, record(recorded));
  std::string text;
  for (const std::string& line : words) text += (text.empty() ? "" : "\n") + line;
  BOOST_TEST(text_of(comparison) == text);
  BOOST_TEST(!comparison.equal());
}

Fill prune(const Cadence& cadence) {
  return [cadence](ProbedBus& on) { on.add("prune", cadence, {.due = BATCH_START}); };
}

/// Two that run at the same events.
Fill two(const std::string& first, const std::string& second) {
  return [=](ProbedBus& on) {
    on.add(first, {}, {.due = BATCH_START});
    on.add(second, {}, {.due = BATCH_START});
  };
}

/// The first breaks at the first BATCH_START, the second does not.
void breaking(ProbedBus& on) { three(on)[1]->breaks("on_start"); }

void check_error(const std::function<void()>& replays, const std::string& words) {
  try {
    replays();
    BOOST_ERROR("no error; it should say " << words);
  } catch (const takt::TraceError& error) {
    BOOST_TEST(error.what() == words);
  }
}

constexpr std::string_view header =
    R"({"takt_trace":1,"start":{"step":0,"batch":0},"order":"one_step","errors":"propagate",)"
    R"("modifiers":[]})"
    "\n";

std::string line(const std::string& call, int step = 0) {
  return R"({"event":")" + call + R"(","step":)" + std::to_string(step) + R"(,"batch":)" +
         std::to_string(step) + "}\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replay_differences)

// ---- What runs

BOOST_AUTO_TEST_CASE(another_cadence_is_told_by_the_steps_where_it_shows) {
  const Run run{.start = {.global_step = 1198, .global_batch = 1198},
                .fill = prune({.start = 1000, .update = 400})};
  check_told(run, prune({.start = 1000, .update = 401}),
             {"step 1200, batch_start: prune did not run, the trace says it did",
              "step 1203, batch_start: prune ran, the trace says it did not"});
}

BOOST_AUTO_TEST_CASE(another_window_is_told_by_the_hooks_at_its_ends) {
  check_told({.fill = prune({.start = 1, .end = 3, .update = 100})},
             prune({.start = 2, .update = 100}),
             {"step 1, batch_start: on_start of prune did not run, the trace says it did",
              "step 2, batch_start: on_start of prune ran, the trace says it did not",
              "step 3, batch_end: on_end of prune did not run, the trace says it did",
              "step 6, finalize: on_end of prune ran, the trace says it did not"});
}

BOOST_AUTO_TEST_CASE(other_interests_are_told) {
  check_told({.fill = prune({.start = 5})},
             [](ProbedBus& on) {
               on.add("prune", {.start = 5}, {.due = BATCH_END, .every = LOSS_CALCULATED});
             },
             {"step 5, batch_start: prune did not run, the trace says it did",
              "step 5, loss_calculated: on_event of prune ran, the trace says it did not",
              "step 5, batch_end: prune ran, the trace says it did not"});
}

BOOST_AUTO_TEST_CASE(another_order_is_told) {
  check_told({.fill = two("clip", "prune"), .calls = whole({step})}, two("prune", "clip"),
             {"step 0, initialize: ran in another order: on_initialize of prune, on_initialize of "
              "clip; not on_initialize of clip, on_initialize of prune",
              "step 0, batch_start: ran in another order: on_start of prune, prune, on_start of "
              "clip, clip; not on_start of clip, clip, on_start of prune, prune",
              "step 1, finalize: ran in another order: on_end of prune, on_finalize of prune, "
              "on_end of clip, on_finalize of clip; not on_end of clip, on_finalize of clip, "
              "on_end of prune, on_finalize of prune"});
}

BOOST_AUTO_TEST_CASE(one_modifier_more_or_less_is_told) {
  const Run one{.fill = prune({.start = 6}), .calls = whole({})};
  const Run none{.fill = [](ProbedBus&) {}, .calls = whole({})};
  check_told(one, none.fill,
             {"step 0, initialize: on_initialize of prune did not run, the trace says it did",
              "step 0, finalize: on_finalize of prune did not run, the trace says it did"});
  check_told(none, one.fill,
             {"step 0, initialize: on_initialize of prune ran, the trace says it did not",
              "step 0, finalize: on_finalize of prune ran, the trace says it did not"});
}

BOOST_AUTO_TEST_CASE(what_throws_is_told_before_what_did_not_run_for_it) {
  const Run quiet{.calls = whole({times(2, step)})};
  Run broken = quiet;
  broken.fill = breaking;
  check_told(quiet, broken.fill,
             {"step 1, batch_start: on_start of prune threw (prune broke on_start), the trace says "
              "it did not",
              "step 1, batch_start: on_event of log did not run, the trace says it did",
              "step 1, optim_post_step: on_event of prune did not run, the trace says it did",
              "step 2, finalize: on_end of prune did not run, the trace says it did"});
  check_told(broken, quiet.fill,
             {"step 1, batch_start: on_start of prune did not throw, the trace says it did (prune "
              "broke on_start)",
              "step 1, batch_start: on_event of log ran, the trace says it did not",
              "step 1, optim_post_step: on_event of prune ran, the trace says it did not",
              "step 2, finalize: on_end of prune ran, the trace says it did not"});
}

BOOST_AUTO_TEST_CASE(the_text_of_what_was_thrown_makes_no_difference) {
  const auto breaks = [](const std::string& text) -> Fill {
    return [text](ProbedBus& on) {
      three(on)[1]->then["on_start"] = [text](State&, const Event&) {
        throw std::runtime_error(text);
      };
    };
  };
  const Trace trace = record({.fill = breaks("at address 0x1")});
  BOOST_TEST(replay_on({.fill = breaks("at address 0x2")}, trace).equal());
}

BOOST_AUTO_TEST_CASE(an_error_policy_is_the_bus_s_own) {
  const Run run{.fill = breaking, .calls = whole({times(2, step)})};
  const TraceComparison collected =
      replay_on({.options = {.errors = ErrorPolicy::collect}, .fill = breaking}, record(run));
  BOOST_TEST(text_of(collected) ==
             "step 1, batch_start: on_event of log ran, the trace says it did not");
}

BOOST_AUTO_TEST_CASE(who_a_hook_adds_and_who_it_does_not_is_told) {
  const Fill adds = [](ProbedBus& on) {
    three(on)[1]->then["on_start"] = [&on](State&, const Event&) { on.add("more"); };
  };
  const Fill removes = [](ProbedBus& on) {
    three(on)[1]->then["on_start"] = [&on](State&, const Event&) { on.bus.remove("clip"); };
  };
  const Fill neither = [](ProbedBus& on) { three(on); };
  const Run run{.fill = neither, .calls = whole({times(2, step)})};
  check_told(run, adds,
             {"step 1, adding more: more joined the bus, the trace says it did not",
              "step 2, finalize: on_finalize of more ran, the trace says it did not"});
  check_told(run, removes,
             {"step 1, removing clip: clip left the bus, the trace says it did not",
              "step 2, finalize: on_finalize of clip did not run, the trace says it did"});
  const Run with_more{.fill = adds, .calls = run.calls};
  check_told(with_more, neither,
             {"step 1, adding more: more joins in the trace, and not here",
              "step 2, finalize: on_finalize of more did not run, the trace says it did"});
}

BOOST_AUTO_TEST_CASE(another_modifier_in_place_of_one_that_joined_is_told) {
  const auto adds = [](const std::string& name) -> Fill {
    return [name](ProbedBus& on) {
      three(on)[1]->then["on_start"] = [&on, name](State&, const Event&) { on.add(name); };
    };
  };
  // The run is cut off right after that.
  const Run run{.fill = adds("more"),
                .calls = joined({{{BusCall::initialize}}, step, {{BusCall::batch_start}}})};
  check_told(run, adds("other"),
             {"step 1, adding more: more joins in the trace, and not here",
              "step 1, adding other: other joined the bus, the trace says it did not"});
}

BOOST_AUTO_TEST_CASE(hooks_that_a_modifier_ran_too_late_to_run_them_again_are_told) {
  const Run run{.fill =
                    [](ProbedBus& on) {
                      three(on);
                      on.bus.connect(
                          FINALIZE, [&on](const Event&, const State&) { on.bus.remove("log"); },
                          takt::At::before);
                    },
                .calls = whole({step})};
  check_told(run, [](ProbedBus& on) { three(on); },
             {"step 1, finalize: on_end of log ran, the trace says it did not",
              "step 1, finalize: on_finalize of log ran, the trace says it did not",
              "step 1, removing log: on_end of log did not run, the trace says it did",
              "step 1, removing log: on_finalize of log did not run, the trace says it did"});
}

BOOST_AUTO_TEST_CASE(a_modifier_that_is_there_before_it_joins_is_told) {
  const Fill adds = [](ProbedBus& on) {
    three(on)[1]->then["on_start"] = [&on](State&, const Event&) { on.add("more"); };
  };
  const Run run{.fill = adds, .calls = joined({{{BusCall::initialize}}, times(2, step)})};
  check_told(run,
             [](ProbedBus& on) {
               three(on);
               on.add("more");
             },
             {"step 0, initialize: on_initialize of more ran, the trace says it did not",
              "step 0, batch_start: on_start of more ran, the trace says it did not",
              "step 1, adding more: more joins in the trace, and was here already"});
}

// ---- How much of it

BOOST_AUTO_TEST_CASE(most_limits_what_is_listed_and_not_what_is_counted) {
  const Run run{.fill = prune({})};
  const Trace trace = record(run);
  for (const std::size_t most : {0U, 1U, 3U, 6U, 100U}) {
    const TraceComparison comparison =
        replay_on({.fill = prune({.update = 7})}, trace, {.most = most});
    BOOST_TEST(comparison.entries == 6 * 5 + 2);
    BOOST_TEST(comparison.differing == 5);
    BOOST_TEST(comparison.differences.size() == std::min<std::size_t>(most, 5));
    BOOST_TEST(!comparison.equal());
  }
}

BOOST_AUTO_TEST_CASE(a_difference_says_where) {
  const TraceComparison comparison =
      replay_on({.fill = prune({.update = 7})},
                record({.fill = prune({}), .calls = whole({batch, times(2, step)})}));
  BOOST_TEST_REQUIRE(comparison.differences.size() == 1U);
  BOOST_TEST(comparison.differences[0].step == 1);
  BOOST_TEST(comparison.differences[0].batch == 2);
  BOOST_TEST(comparison.differences[0].text ==
             "step 1, batch 2, batch_start: prune did not run, the trace says it did");
}

BOOST_AUTO_TEST_CASE(each_entry_is_told_of) {
  const Trace trace = record({});
  std::size_t entries = 0;
  const takt::ComparisonOptions options{.on_entry = [&] { ++entries; }};
  BOOST_TEST(replay_on({}, trace, options).equal());
  BOOST_TEST(entries == trace.entries.size());
  Reading reading{trace};
  BOOST_TEST(takt::replay(reading.trace, options).equal());
  BOOST_TEST(entries == 2 * trace.entries.size());
}

// ---- The clock, losses and layers

BOOST_AUTO_TEST_CASE(the_clock_of_the_bus_is_compared_and_told_once) {
  const Run run{.fill = prune({.start = 100}), .calls = whole({times(3, step)})};
  Run other = run;
  other.start = {.global_step = 2, .global_batch = 5};
  BOOST_TEST(text_of(replay_on(other, record(run))) ==
             "step 0, initialize: the bus is at step 2, batch 5");
  // A trace whose steps go on where the bus takes none.
  Reading reading{std::string{header} + line("initialize") + line("batch_start") +
                  line("batch_end") + line("batch_start", 1) + line("batch_end", 1) +
                  line("finalize", 2)};
  BOOST_TEST(text_of(takt::replay(reading.trace)) ==
             "step 1, batch_start: the bus is at step 0, batch 1\n"
             "step 2, finalize: the bus is at step 0, batch 2");
}

BOOST_AUTO_TEST_CASE(recorded_losses_and_layers_reach_the_state) {
  const Calls calls = whole({{{BusCall::calibration_epoch_start},
                              {.call = BusCall::sequential_epoch_end, .layers = {"fc1", "fc2"}},
                              {BusCall::calibration_epoch_end},
                              {BusCall::batch_start},
                              {BusCall::loss_calculated, 0.25},
                              {BusCall::loss_calculated, std::numeric_limits<double>::infinity()},
                              {BusCall::batch_end}}});
  const Trace trace = record({.calls = calls});
  Lines seen;
  ProbedBus on;
  three(on);
  on.bus.connect(LOSS_CALCULATED, [&](const Event&, const State& state) {
    seen.push_back(std::to_string(state.loss.value()));
  });
  on.bus.connect(SEQUENTIAL_EPOCH_END, [&](const Event&, const State& state) {
    for (const std::string& layer : state.layers) seen.push_back(layer);
  });
  Reading reading{trace};
  BOOST_TEST(takt::replay(on.bus, reading.trace).equal());
  BOOST_TEST(seen == (Lines{"fc1", "fc2", "0.250000", "inf"}), per_element());
}

// ---- What can't be replayed

BOOST_AUTO_TEST_CASE(a_call_that_the_bus_does_not_accept_is_an_error_with_its_line) {
  Reading reading{std::string{header} + line("initialize") + line("batch_start") +
                  line("batch_start")};
  check_error([&] { (void)takt::replay(reading.trace); },
              "run.jsonl:4: batch_start() was called while a batch is open; it accepts "
              "loss_calculated(), batch_end(), optim_pre_step(), abort_batch()");
  Trace trace = record({.calls = whole({batch})});
  std::swap(trace.entries[1], trace.entries[2]);
  ProbedBus on;
  three(on);
  check_error([&] { (void)takt::replay(on.bus, trace); },
              "trace, entry 2: loss_calculated() was called while no batch is open; it accepts "
              "finalize(), batch_start(), calibration_epoch_start()");
}

BOOST_AUTO_TEST_CASE(an_order_that_the_policy_forbids_is_an_error) {
  const Calls twice = joined({forward, backward, backward, {{BusCall::batch_end}}});
  const Trace trace =
      record({.options = {.order = OrderPolicy::several_steps}, .calls = whole({twice})});
  ProbedBus on;
  three(on);
  check_error([&] { (void)takt::replay(on.bus, trace); },
              "trace, entry 6: optim_pre_step() was called while a batch is open whose optimizer "
              "step is taken; it accepts batch_end(), abort_batch()");
}

BOOST_AUTO_TEST_CASE(a_bus_that_is_initialized_is_refused) {
  const Trace trace = record({});
  EventBus bus;
  bus.initialize();
  try {
    (void)takt::replay(bus, trace);
    BOOST_ERROR("no error");
  } catch (const takt::LifecycleError& error) {
    BOOST_TEST(error.what() ==
               "a trace was replayed on a bus that is initialized already; the trace does that");
  }
}

BOOST_AUTO_TEST_CASE(a_torn_trace_replays_what_is_there) {
  const Trace trace = record({});
  std::string file = file_of(trace);
  file.resize(file.size() - 20);
  Reading reading{file};
  const TraceComparison comparison = takt::replay(reading.trace);
  BOOST_TEST(comparison.equal());
  BOOST_TEST(comparison.torn);
  BOOST_TEST(comparison.entries == static_cast<std::int64_t>(trace.entries.size()) - 1);
  Reading whole_one{trace};
  BOOST_TEST(!takt::replay(whole_one.trace).torn);
}

BOOST_AUTO_TEST_CASE(a_trace_of_nothing_is_equal) {
  Reading reading{std::string{header}};
  BOOST_TEST(text_of(takt::replay(reading.trace)) == "equal in 0 events");
  Reading one{std::string{header} + line("initialize")};
  BOOST_TEST(text_of(takt::replay(one.trace)) == "equal in 1 event");
}

// ---- Recipes, and how it is called

BOOST_AUTO_TEST_CASE(with_a_recipe_it_says_what_would_run) {
  const auto recipe = [](const std::string& end) {
    return takt::Recipe::from_string("- EpochRangeModifier: {start: 0, end: " + end + "}\n");
  };
  Trace trace;
  {
    EventBus bus{{.steps_per_epoch = 2}};
    bus.apply(recipe("2"));
    const takt::TraceRecorder recorder{bus, trace};
    make(bus, whole({times(8, step)}));
  }
  Reading same{trace};
  BOOST_TEST(text_of(takt::replay(same.trace, recipe("2"))) == "equal in 42 events");
  Reading other{trace};
  BOOST_TEST(
      text_of(takt::replay(other.trace, recipe("1"), {.most = 2})) ==
      "step 2, batch_end: on_end of EpochRangeModifier ran, the trace says it did not\n"
      "step 3, batch_start: on_event of EpochRangeModifier did not run, the trace says it did");
}

BOOST_AUTO_TEST_CASE(options_may_be_left_out_or_written_in_place) {
  const Trace trace = record({});
  const std::string equal = "equal in 32 events";
  const auto reading = [&](const auto& replays) {
    Reading from{trace};
    BOOST_TEST(text_of(replays(from.trace)) == equal);
  };
  reading([](takt::TraceReader& from) { return takt::replay(from); });
  reading([](takt::TraceReader& from) { return takt::replay(from, {.most = 3}); });
  reading([](takt::TraceReader& from) {
    ProbedBus on;
    three(on);
    return takt::replay(on.bus, from, {.most = 3});
  });
  ProbedBus on;
  three(on);
  BOOST_TEST(text_of(takt::replay(on.bus, trace, {.most = 3})) == equal);
  const takt::Recipe recipe = takt::Recipe::from_string("- EpochRangeModifier: {end: 1}");
  Reading with_recipe{trace};
  BOOST_TEST(!takt::replay(with_recipe.trace, recipe, {.most = 3}).equal());
}

BOOST_AUTO_TEST_SUITE_END()
