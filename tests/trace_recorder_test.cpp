// SPDX-License-Identifier: BSL-1.0
// What a recorder writes down of a run.
#include "takt/trace_recorder.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "probe.hpp"
#include "told_trace.hpp"
#include "trace_cases.hpp"

namespace {

using boost::test_tools::per_element;
using takt::At;
using takt::Cadence;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::EventSet;
using takt::EventType;
using takt::Interests;
using takt::LifecycleError;
using takt::ModifierError;
using takt::State;
using takt::Trace;
using takt::TraceEntry;
using takt::TraceRecorder;
using takt::test::same;
using takt::test::told;
using takt::test::written;
using enum takt::EventType;

/// A bus with probes that is recorded, as text and in memory.
struct RecordedBus : ProbedBus {
  explicit RecordedBus(const Event& start = {}, takt::BusOptions options = {})
      : ProbedBus{start, options} {}

  /// What was told so far; both recorders agree on it.
  Lines told_lines() {
    text_recorder.flush();
    const Trace read = takt::test::trace_in(text.str());
    BOOST_TEST(written(read, false) == written(in_memory, false));
    BOOST_TEST(text_recorder.entries() == static_cast<std::int64_t>(read.entries.size()));
    BOOST_TEST(memory_recorder.entries() == text_recorder.entries());
    return told(in_memory);
  }
  /// The last of them.
  Lines last(std::size_t count) {
    Lines lines = told_lines();
    BOOST_TEST_REQUIRE(lines.size() >= count);
    return {lines.end() - static_cast<std::ptrdiff_t>(count), lines.end()};
  }

  std::ostringstream text;
  Trace in_memory;
  TraceRecorder text_recorder{bus, text};
  TraceRecorder memory_recorder{bus, in_memory};
};

/// Waits for a thread.
template <class Work>
void on_another_thread(Work work) {
  std::thread{work}.join();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_recorder)

// ---- A run --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_event_is_recorded_with_the_hooks_that_ran) {
  RecordedBus run;
  run.add("prune", {.start = 1.0, .end = 2.0, .update = 2.0},
          {.due = OPTIM_POST_STEP, .every = BATCH_START});
  run.add("log", {}, {.due = LOSS_CALCULATED});
  run.bus.initialize();
  for (int i = 0; i < 3; ++i) {
    run.bus.batch([&](takt::Batch& batch) {
      batch.loss(0.5 * i);
      batch.step([] {});
    });
  }
  run.bus.finalize();
  BOOST_TEST(
      run.told_lines() ==
          (Lines{"initialize 0/0: prune.on_initialize log.on_initialize",
                 "batch_start 0/0: log.on_start", "loss_calculated 0/0 loss 0: log.on_update",
                 "optim_pre_step 0/0", "optim_post_step 0/0", "batch_end 0/0",
                 "batch_start 1/1: prune.on_start prune.on_event",
                 "loss_calculated 1/1 loss 0.5: log.on_update", "optim_pre_step 1/1",
                 "optim_post_step 1/1", "batch_end 1/1", "batch_start 2/2: prune.on_event",
                 "loss_calculated 2/2 loss 1: log.on_update", "optim_pre_step 2/2",
                 "optim_post_step 2/2: prune.on_update", "batch_end 2/2: prune.on_end",
                 "finalize 3/3: prune.on_finalize log.on_end "
                 "log.on_finalize"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(the_header_has_the_start_the_options_and_the_modifiers_as_they_run) {
  const Event start{.steps_per_epoch = 44,
                    .batches_per_step = 2,
                    .invocations_per_step = 3,
                    .global_step = 7,
                    .global_batch = 15};
  RecordedBus run{start, {takt::OrderPolicy::several_steps, ErrorPolicy::quarantine}};
  const Cadence cadence{.start = 0.5, .end = 3.0, .update = 0.25};
  const Interests interests{.due = BATCH_START | BATCH_END, .every = LOSS_CALCULATED};
  run.add("second", cadence, interests, 1);
  run.add("first", {}, {}, -3);
  run.add("gone");
  run.bus.remove("gone");
  run.bus.initialize();
  (void)run.told_lines();
  BOOST_TEST((run.in_memory.header.start == start));
  BOOST_TEST((run.in_memory.header.options.order == takt::OrderPolicy::several_steps));
  BOOST_TEST((run.in_memory.header.options.errors == ErrorPolicy::quarantine));
  BOOST_TEST(same(run.in_memory.header.modifiers,
                  {{.name = "first", .group = -3},
                   {.name = "second", .cadence = cadence, .interests = interests, .group = 1}}));
  BOOST_TEST(run.last(1) == (Lines{"initialize 7/15: first.on_initialize second.on_initialize"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_bus_with_nothing_on_it_is_recorded_too) {
  RecordedBus run;
  run.bus.initialize();
  run.batch();
  run.bus.finalize();
  BOOST_TEST(run.told_lines() ==
                 (Lines{"initialize 0/0", "batch_start 0/0", "batch_end 0/0", "finalize 0/1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(times_go_on_and_hooks_take_theirs) {
  RecordedBus run;
  run.add("slow", {}, {.due = BATCH_END})->then["on_update"] = [](State&, const Event&) {
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::microseconds{2}) continue;
  };
  run.bus.initialize();
  run.step(20);
  std::int64_t before = 0;
  for (const TraceEntry& entry : run.in_memory.entries) {
    BOOST_TEST(entry.nanoseconds >= before);
    before = entry.nanoseconds;
    for (const takt::HookRun& hook : entry.hooks) {
      if (hook.hook == takt::Hook::on_update) BOOST_TEST(hook.nanoseconds >= 2000);
      before += hook.nanoseconds;
    }
  }
  BOOST_TEST(before >= 40'000);
}

BOOST_AUTO_TEST_CASE(pairs_of_optimizer_calls_that_emit_nothing_are_not_recorded) {
  RecordedBus run{Event{.invocations_per_step = 2}};
  run.add("a", {}, {.due = OPTIM_PRE_STEP});
  run.bus.initialize();
  run.step(2);
  BOOST_TEST(run.last(6) ==
                 (Lines{"batch_start 0/0: a.on_start", "batch_end 0/0", "batch_start 0/1",
                        "optim_pre_step 0/1: a.on_update", "optim_post_step 0/1", "batch_end 0/1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(losses_are_those_that_the_state_has) {
  RecordedBus run;
  run.bus.initialize();
  run.bus.batch_start();
  run.bus.emit(LOSS_CALCULATED);
  run.bus.loss_calculated(-0.25);
  run.bus.emit(LOSS_CALCULATED);
  run.bus.batch_end();
  run.bus.batch_start();
  run.bus.emit(LOSS_CALCULATED);
  BOOST_TEST(
      run.told_lines() == (Lines{"initialize 0/0", "batch_start 0/0", "loss_calculated 0/0",
                                 "loss_calculated 0/0 loss -0.25", "loss_calculated 0/0 loss -0.25",
                                 "batch_end 0/0", "batch_start 0/1", "loss_calculated 0/1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(calibration_epochs_are_recorded_with_their_layers) {
  RecordedBus run;
  run.add("a", {}, {.due = SEQUENTIAL_EPOCH_END, .every = CALIBRATION_EPOCH_END});
  run.bus.initialize();
  run.bus.calibration_epoch([&] {
    run.batch();
    run.bus.sequential_epoch_end();
    run.bus.sequential_epoch_end({"fc1", "fc2"});
  });
  BOOST_TEST(run.last(6) == (Lines{"calibration_epoch_start 0/0: a.on_start", "batch_start 0/0",
                                   "batch_end 0/0", "sequential_epoch_end 0/1: a.on_update",
                                   "sequential_epoch_end 0/1 layer fc1 layer fc2: a.on_update",
                                   "calibration_epoch_end 0/1: a.on_event"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(callables_are_recorded_by_their_names) {
  RecordedBus run;
  run.bus.on(
      INITIALIZE | BATCH_END | FINALIZE, {.update = 2.0}, [](const Event&) {}, "save");
  run.bus.on(BATCH_START, {}, [](const Event&) {});
  run.bus.initialize();
  run.step();
  run.bus.finalize();
  const Lines lines = run.told_lines();
  BOOST_TEST(lines.front() == "initialize 0/0: save.on_initialize callable 1.on_initialize");
  BOOST_TEST(lines.at(1) ==
             "batch_start 0/0: save.on_start callable 1.on_start callable 1.on_update");
  BOOST_TEST(lines.at(4) == "batch_end 0/0: save.on_update");
  BOOST_TEST(lines.back() ==
             "finalize 1/1: save.on_end save.on_finalize callable 1.on_end callable 1.on_finalize");
}

BOOST_AUTO_TEST_CASE(observers_change_nothing_in_what_is_recorded) {
  const auto lines_with = [](bool observed) {
    RecordedBus run;
    run.add("a", {.update = 2.0}, {.due = BATCH_END, .every = OPTIM_PRE_STEP});
    if (observed) {
      for (const EventType type : EventSet::all()) {
        run.bus.connect(
            type, [](const Event&, const State&) {}, At::before);
        run.bus.connect(type, [](const Event&, const State&) {});
      }
    }
    run.bus.initialize();
    run.step(3);
    run.bus.calibration_epoch([] {});
    run.bus.finalize();
    return run.told_lines();
  };
  BOOST_TEST(lines_with(true) == lines_with(false), per_element());
  BOOST_TEST(lines_with(true).size() == 16U);
}

BOOST_AUTO_TEST_CASE(an_observer_that_throws_changes_nothing_in_what_is_recorded) {
  RecordedBus run;
  run.add("a", {}, {.due = BATCH_START});
  run.bus.connect(
      BATCH_START, [](const Event&, const State&) { throw std::runtime_error{"seen"}; },
      At::before);
  run.bus.connect(BATCH_END, [](const Event&, const State&) { throw std::runtime_error{"seen"}; });
  run.bus.initialize();
  BOOST_CHECK_THROW(run.bus.batch_start(), std::runtime_error);
  BOOST_CHECK_THROW(run.bus.batch_end(), std::runtime_error);
  BOOST_TEST(run.last(2) == (Lines{"batch_start 0/0: a.on_start a.on_update", "batch_end 0/0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_call_that_is_refused_is_not_recorded) {
  RecordedBus run;
  BOOST_CHECK_THROW(run.bus.batch_start(), LifecycleError);
  run.bus.initialize();
  BOOST_CHECK_THROW(run.bus.batch_end(), LifecycleError);
  BOOST_CHECK_THROW(run.bus.abort_batch(), LifecycleError);
  BOOST_CHECK_THROW(run.bus.loss_calculated(1.0), LifecycleError);
  BOOST_TEST(run.told_lines() == (Lines{"initialize 0/0"}), per_element());
}

// ---- Aborts -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(batches_that_are_aborted_are_recorded_with_their_hooks) {
  RecordedBus run;
  run.add("a", {}, {.due = BATCH_START});
  run.add("later", {.start = 5.0}, {.due = BATCH_START});
  run.bus.initialize();
  run.bus.batch_start();
  run.bus.abort_batch();
  BOOST_CHECK_THROW(run.bus.batch([](takt::Batch& batch) {
    batch.step([] {});
    throw std::runtime_error{"loop"};
  }),
                    std::runtime_error);
  run.step();
  BOOST_TEST(run.told_lines() ==
                 (Lines{"initialize 0/0: a.on_initialize later.on_initialize",
                        "batch_start 0/0: a.on_start a.on_update", "abort_batch 0/0: a.on_abort",
                        "batch_start 0/0: a.on_update", "optim_pre_step 0/0", "optim_post_step 0/0",
                        "abort_batch 0/0: a.on_abort", "batch_start 0/0: a.on_update",
                        "optim_pre_step 0/0", "optim_post_step 0/0", "batch_end 0/0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_batch_is_aborted_without_any_modifier_too) {
  RecordedBus run;
  run.bus.initialize();
  run.bus.batch_start();
  run.bus.abort_batch();
  BOOST_TEST(run.last(2) == (Lines{"batch_start 0/0", "abort_batch 0/0"}), per_element());
}

BOOST_AUTO_TEST_CASE(calibration_epochs_that_are_aborted_are_recorded) {
  RecordedBus run;
  run.add("a", {}, {.due = CALIBRATION_EPOCH_START});
  run.bus.initialize();
  run.bus.calibration_epoch_start();
  run.bus.abort_calibration_epoch();
  BOOST_CHECK_THROW(run.bus.calibration_epoch([&] {
    run.bus.batch_start();
    throw std::runtime_error{"loop"};
  }),
                    std::runtime_error);
  BOOST_TEST(run.last(6) == (Lines{"calibration_epoch_start 0/0: a.on_start a.on_update",
                                   "abort_calibration_epoch 0/0",
                                   "calibration_epoch_start 0/0: a.on_update", "batch_start 0/0",
                                   "abort_batch 0/0: a.on_abort", "abort_calibration_epoch 0/0"}),
             per_element());
}

// ---- What hooks throw ---------------------------------------------------------------------------

struct Trio : RecordedBus {
  explicit Trio(ErrorPolicy policy) : RecordedBus{{}, {.errors = policy}} {
    for (const char* const name : {"a", "b", "c"}) {
      probes.push_back(add(name, {.end = 0.0}, {.due = BATCH_START, .every = BATCH_START}));
    }
    bus.initialize();
  }
  std::vector<std::shared_ptr<Probe>> probes;
};

BOOST_AUTO_TEST_CASE(under_propagate_what_is_skipped_is_not_recorded) {
  Trio run{ErrorPolicy::propagate};
  run.probes[1]->breaks("on_event");
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.last(1) == (Lines{"batch_start 0/0: a.on_start a.on_event a.on_update b.on_start "
                                   "b.on_event(b broke on_event) c.on_start"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(under_propagate_who_misses_the_end_of_a_batch_is_recorded_with_an_abort) {
  RecordedBus run;
  run.bus.on(
      {BATCH_END}, {}, [] { throw std::runtime_error{"no disk"}; }, "save");
  run.bus.on(
      {BATCH_END}, {}, [] {}, "log");
  run.bus.initialize();
  run.bus.batch_start();
  BOOST_CHECK_THROW(run.bus.batch_end(), ModifierError);
  BOOST_TEST(run.told_lines().back() == "batch_end 0/0: save.on_update(no disk) log.on_abort");
}

BOOST_AUTO_TEST_CASE(under_collect_all_errors_are_recorded) {
  Trio run{ErrorPolicy::collect};
  run.probes[0]->breaks("on_update");
  run.probes[1]->breaks("on_start");
  run.probes[2]->breaks("on_end");
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  BOOST_CHECK_THROW(run.bus.batch_end(), ModifierError);
  const Lines lines = run.told_lines();
  BOOST_TEST(lines.at(1) ==
             "batch_start 0/0: a.on_start a.on_event a.on_update(a broke on_update) "
             "b.on_start(b broke on_start) c.on_start c.on_event c.on_update");
  BOOST_TEST(lines.back() == "batch_end 0/0: a.on_end c.on_end(c broke on_end)");
}

BOOST_AUTO_TEST_CASE(under_quarantine_the_last_hooks_follow_what_was_thrown) {
  Trio run{ErrorPolicy::quarantine};
  run.probes[1]->breaks("on_update");
  run.probes[1]->then["on_end"] = [](State&, const Event&) { throw 7; };
  run.step();
  run.bus.finalize();
  BOOST_TEST(
      run.told_lines() ==
          (Lines{"initialize 0/0: a.on_initialize b.on_initialize c.on_initialize",
                 "batch_start 0/0: a.on_start a.on_event a.on_update b.on_start b.on_event "
                 "b.on_update(b broke on_update) b.on_abort "
                 "b.on_end(an exception that is not a std::exception) "
                 "c.on_start c.on_event c.on_update",
                 "optim_pre_step 0/0", "optim_post_step 0/0", "batch_end 0/0: a.on_end c.on_end",
                 "finalize 1/1: a.on_finalize c.on_finalize"}),
      per_element());
}

// ---- Additions and removals ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(modifiers_that_join_and_leave_between_emissions_have_lines_of_their_own) {
  RecordedBus run;
  run.bus.initialize();
  run.step();
  run.add("late", {.update = 3.0}, {.due = BATCH_START, .every = BATCH_END}, 4);
  run.step();
  run.bus.remove("late");
  run.step();
  BOOST_TEST(same(run.in_memory.added, {{.name = "late",
                                         .cadence = {.update = 3.0},
                                         .interests = {BATCH_START, BATCH_END},
                                         .group = 4}}));
  const Lines lines = run.told_lines();
  BOOST_TEST(lines.at(5) == "+late 1/1: late.on_initialize");
  BOOST_TEST(lines.at(6) == "batch_start 1/1: late.on_start");
  BOOST_TEST(lines.at(9) == "batch_end 1/1: late.on_event");
  BOOST_TEST(lines.at(10) == "-late 2/2: late.on_end late.on_finalize");
  BOOST_TEST(lines.at(11) == "batch_start 2/2");
}

BOOST_AUTO_TEST_CASE(a_name_may_come_back) {
  RecordedBus run;
  const auto same_one = run.add("m");
  run.bus.initialize();
  for (int i = 0; i < 2; ++i) {
    run.bus.remove("m");
    run.bus.add(same_one);
    run.bus.remove("m");
    run.add("m", {}, {}, i);
  }
  run.bus.finalize();
  BOOST_TEST(run.told_lines() == (Lines{"initialize 0/0: m.on_initialize", "-m 0/0: m.on_finalize",
                                        "+m 0/0: m.on_initialize", "-m 0/0: m.on_finalize",
                                        "+m 0/0: m.on_initialize", "-m 0/0: m.on_finalize",
                                        "+m 0/0: m.on_initialize", "-m 0/0: m.on_finalize",
                                        "+m 0/0: m.on_initialize", "finalize 0/0: m.on_finalize"}),
             per_element());
  BOOST_TEST(run.in_memory.added.size() == 4U);
}

BOOST_AUTO_TEST_CASE(what_a_hook_adds_and_removes_comes_after_its_event) {
  RecordedBus run;
  const auto a = run.add("a", {}, {.due = BATCH_END});
  run.add("b", {}, {.due = BATCH_END});
  a->then["on_update"] = [&](State&, const Event& event) {
    if (event.global_step != 0) return;
    run.bus.remove("b");
    run.add("c", {}, {.due = BATCH_END});
    run.bus.remove("a");
  };
  run.bus.initialize();
  run.step(2);
  BOOST_TEST(run.last(8) == (Lines{"batch_end 0/0: a.on_update", "-b 1/1: b.on_end b.on_finalize",
                                   "+c 1/1: c.on_initialize", "-a 1/1: a.on_end a.on_finalize",
                                   "batch_start 1/1: c.on_start", "optim_pre_step 1/1",
                                   "optim_post_step 1/1", "batch_end 1/1: c.on_update"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(what_another_thread_adds_and_removes_comes_before_the_next_call) {
  RecordedBus run;
  run.add("a", {}, {.due = BATCH_START});
  run.bus.initialize();
  on_another_thread([&] {
    run.add("b", {}, {.due = BATCH_START});
    run.bus.remove("a");
    run.add("never");
    run.bus.remove("never");
  });
  run.bus.batch_start();
  BOOST_TEST(run.last(3) == (Lines{"+b 0/0: b.on_initialize", "-a 0/0: a.on_finalize",
                                   "batch_start 0/0: b.on_start b.on_update"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(one_that_leaves_before_initialize_reaches_it_leaves_in_the_trace_too) {
  RecordedBus run;
  const auto a = run.add("a");
  run.add("b");
  a->then["on_initialize"] = [&](State&, const Event&) {
    run.bus.remove("b");
    run.add("b", {}, {.due = BATCH_START}, 1);
  };
  run.bus.initialize();
  run.bus.batch_start();
  BOOST_TEST(run.told_lines() ==
                 (Lines{"initialize 0/0: a.on_initialize", "-b 0/0", "+b 0/0: b.on_initialize",
                        "batch_start 0/0: a.on_start b.on_start b.on_update"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(one_that_finalize_did_not_reach_leaves_after_it) {
  RecordedBus run;
  const auto a = run.add("a");
  run.add("b");
  a->then["on_finalize"] = [&](State&, const Event&) { run.bus.remove("b"); };
  run.bus.initialize();
  run.bus.finalize();
  // Without a flush: after FINALIZE nothing waits.
  BOOST_TEST(takt::test::lines_of(run.text.str()).size() == 4U);
  BOOST_TEST(run.last(2) == (Lines{"finalize 0/0: a.on_finalize", "-b 0/0: b.on_finalize"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_can_not_be_initialized_joins_with_its_error) {
  RecordedBus run;
  run.bus.initialize();
  const auto broken = run.make("late");
  broken->breaks("on_initialize");
  BOOST_CHECK_THROW(run.bus.add(broken), ModifierError);
  BOOST_TEST(run.last(1) == (Lines{"+late 0/0: late.on_initialize(late broke on_initialize)"}),
             per_element());
}

BOOST_AUTO_TEST_SUITE_END()
