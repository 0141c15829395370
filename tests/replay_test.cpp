// SPDX-License-Identifier: BSL-1.0
#include "takt/replay.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "probe.hpp"
#include "recorded_run.hpp"
#include "takt/error.hpp"
#include "takt/recipe.hpp"
#include "takt/trace_recorder.hpp"

namespace {

using boost::test_tools::per_element;
using takt::BusCall;
using takt::BusOptions;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::EventSet;
using takt::OrderPolicy;
using takt::SequenceCall;
using takt::State;
using takt::Trace;
using takt::TraceComparison;
using takt::TraceReader;
using takt::TraceRecorder;
using namespace takt::test::runs;
using enum takt::EventType;

/// On the same modifiers and on stand-ins, from memory and from a file, it replays as it was.
void check_replays(const Run& run) {
  const Trace trace = record(run);
  const std::string equal = "equal in " + std::to_string(trace.entries.size()) + " events";
  BOOST_TEST(text_of(replay_on(run, trace)) == equal);

  ProbedBus on{run.start, run.options};
  run.fill(on);
  Reading for_bus{trace};
  BOOST_TEST(text_of(takt::replay(on.bus, for_bus.trace)) == equal);

  Reading for_stand_ins{trace};
  BOOST_TEST(text_of(takt::replay(for_stand_ins.trace)) == equal);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replay)

// ---- Sequences

BOOST_AUTO_TEST_CASE(a_sequence_makes_its_calls) {
  const takt::Sequence sequence{.start = {.global_step = 4, .global_batch = 4},
                                .calls = whole({step, batch, aborted_batch})};
  ProbedBus on{sequence.start};
  on.add("log", {}, {.every = EventSet::all()});
  takt::replay(on.bus, sequence);
  BOOST_TEST(on.take() == (Lines{"log on_initialize initialize 4", "log on_start batch_start 4",
                                 "log on_event batch_start 4", "log on_event loss_calculated 4",
                                 "log on_event optim_pre_step 4", "log on_event optim_post_step 4",
                                 "log on_event batch_end 4", "log on_event batch_start 5",
                                 "log on_event loss_calculated 5", "log on_event batch_end 5",
                                 "log on_event batch_start 5", "log on_event loss_calculated 5",
                                 "log on_event optim_pre_step 5", "log on_event optim_post_step 5",
                                 "log on_abort none 5", "log on_end finalize 5",
                                 "log on_finalize finalize 5"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_sequence_has_losses_and_layers) {
  EventBus bus;
  takt::replay(bus, {.calls = {{BusCall::initialize},
                               {BusCall::calibration_epoch_start},
                               {.call = BusCall::sequential_epoch_end, .layers = {"fc1", "fc2"}},
                               {BusCall::batch_start},
                               {BusCall::loss_calculated, 0.25}}});
  BOOST_TEST(bus.state().loss.value() == 0.25);
  BOOST_TEST(bus.state().layers == (Lines{"fc1", "fc2"}), per_element());
  bus.state().loss = 0.75;
  takt::replay(bus, {.calls = {{BusCall::loss_calculated}}});
  BOOST_TEST(bus.state().loss.value() == 0.75);
}

BOOST_AUTO_TEST_CASE(what_the_bus_throws_at_a_sequence_passes_on) {
  EventBus bus;
  BOOST_CHECK_THROW(takt::replay(bus, {.calls = batch}), takt::LifecycleError);
  ProbedBus broken;
  broken.add("clip")->breaks("on_initialize");
  BOOST_CHECK_THROW(takt::replay(broken.bus, {.calls = whole({})}), takt::ModifierError);
}

BOOST_AUTO_TEST_CASE(a_call_of_a_sequence_prints_well) {
  const auto text = [](const SequenceCall& call) {
    std::ostringstream out;
    out << call;
    return out.str();
  };
  BOOST_TEST(text({BusCall::abort_batch}) == "abort_batch");
  BOOST_TEST(text({BusCall::loss_calculated, 0.5}) == "loss_calculated 0.5");
  BOOST_TEST(text({.call = BusCall::sequential_epoch_end, .layers = {"fc1", "fc2"}}) ==
             "sequential_epoch_end fc1 fc2");
  BOOST_TEST(
      (SequenceCall{BusCall::loss_calculated, 0.5} == SequenceCall{BusCall::loss_calculated, 0.5}));
  BOOST_TEST(!(SequenceCall{BusCall::loss_calculated, 0.5} ==
               SequenceCall{BusCall::loss_calculated, 0.25}));
}

// ---- Runs that replay as they were

BOOST_AUTO_TEST_CASE(a_run_replays) { check_replays({}); }

BOOST_AUTO_TEST_CASE(a_run_by_epochs_replays) {
  check_replays({.start = {.steps_per_epoch = 3}, .calls = whole({times(14, step)})});
}

BOOST_AUTO_TEST_CASE(accumulation_replays) {
  const Calls accumulated = joined({batch, batch, step});
  check_replays({.start = {.batches_per_step = 3}, .calls = whole({times(6, accumulated)})});
  // And the pairs of calls that emit nothing, which the trace does not have.
  for (const std::int64_t invocations : {1, 2, 3}) {
    check_replays({.start = {.invocations_per_step = invocations},
                   .calls = whole({times(14, step), batch, times(5, step)})});
  }
}

BOOST_AUTO_TEST_CASE(a_resumed_run_replays) {
  check_replays({.start = {.invocations_per_step = 2, .global_step = 3, .global_batch = 7},
                 .calls = whole({times(8, step)})});
}

BOOST_AUTO_TEST_CASE(aborted_batches_replay) {
  check_replays({.calls = whole({step, aborted_batch, times(3, step), times(2, aborted_batch),
                                 joined({forward, {{BusCall::abort_batch}}}), times(2, step)})});
  check_replays({.start = {.invocations_per_step = 3},
                 .calls = whole({step, aborted_batch, times(3, step), aborted_batch, times(5, step),
                                 times(2, aborted_batch), times(9, step)})});
}

BOOST_AUTO_TEST_CASE(calibration_replays) {
  const Calls layers{{.call = BusCall::sequential_epoch_end, .layers = {"fc1"}}};
  const Calls begun = joined({{{BusCall::calibration_epoch_start}}, batch, layers, step});
  check_replays({.calls = whole({begun,
                                 {{BusCall::calibration_epoch_end}},
                                 times(3, step),
                                 begun,
                                 aborted_batch,
                                 {{BusCall::abort_calibration_epoch}},
                                 step})});
}

BOOST_AUTO_TEST_CASE(several_steps_in_a_batch_replay) {
  const Calls two = joined(
      {forward, backward, {{BusCall::loss_calculated, 0.1}}, backward, {{BusCall::batch_end}}});
  for (const std::int64_t invocations : {1, 2, 3}) {
    check_replays({.start = {.invocations_per_step = invocations},
                   .options = {.order = OrderPolicy::several_steps},
                   .calls = whole({times(3, two), step, times(3, two)})});
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_was_cut_off_replays) {
  check_replays({.calls = joined({{{BusCall::initialize}}, times(3, step), forward})});
}

BOOST_AUTO_TEST_CASE(errors_replay) {
  for (const auto errors :
       {ErrorPolicy::propagate, ErrorPolicy::collect, ErrorPolicy::quarantine}) {
    for (const char* const hook :
         {"on_initialize", "on_start", "on_event", "on_update", "on_end", "on_finalize"}) {
      const auto fill = [hook](ProbedBus& on) { three(on)[1]->breaks(hook); };
      BOOST_TEST_CONTEXT(hook << " under policy " << static_cast<int>(errors)) {
        check_replays({.options = {.errors = errors}, .fill = fill});
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(modifiers_that_hooks_add_and_remove_replay) {
  for (const char* const hook : {"on_initialize", "on_start", "on_event", "on_update", "on_end",
                                 "on_abort", "on_finalize"}) {
    const auto fill = [hook](ProbedBus& on) {
      const Probes probes = three(on);
      probes[1]->then[hook] = [&on](State&, const Event& event) {
        // One that stands before it and one that stands behind it, and itself, one after the other.
        const char* const leaves = event.global_step < 2 ? "clip" : "log";
        if (!on.bus.remove(leaves)) on.bus.remove("prune");
        try {
          on.add("more", {}, {.due = BATCH_END, .every = BATCH_START});
        } catch (const std::logic_error&) {  // is there, or too late
        }
      };
    };
    BOOST_TEST_CONTEXT(hook) {
      check_replays(
          {.fill = fill, .calls = whole({times(3, step), aborted_batch, times(3, step)})});
    }
  }
}

BOOST_AUTO_TEST_CASE(modifiers_that_other_threads_add_and_remove_replay) {
  const auto fill = [](ProbedBus& on) {
    const Probes probes = three(on);
    probes[1]->then["on_update"] = [&on](State&, const Event& event) {
      std::thread{[&] {
        on.bus.remove("log");
        if (event.global_step == 2) on.add("more", {}, {.due = BATCH_END});
      }}.join();
    };
  };
  check_replays({.fill = fill});
}

BOOST_AUTO_TEST_CASE(what_a_modifier_throws_that_is_removed_in_finalize_replays) {
  for (const char* const hook : {"on_end", "on_finalize"}) {
    check_replays({.fill = [hook](ProbedBus& on) {
      const Probes probes = three(on);
      probes[0]->then["on_finalize"] = [&on](State&, const Event&) { on.bus.remove("log"); };
      probes[2]->breaks(hook);
    }});
  }
}

BOOST_AUTO_TEST_CASE(an_observer_s_removals_replay_on_stand_ins) {
  for (const takt::EventType type : EventSet::all()) {
    for (const takt::At at : {takt::At::before, takt::At::after}) {
      const auto fill = [type, at](ProbedBus& on) {
        three(on);
        on.bus.connect(
            type,
            [&on](const Event&, const State&) {
              on.bus.remove("log");
              on.bus.remove("prune");
            },
            at);
      };
      const Trace trace = record({.fill = fill});
      Reading reading{trace};
      BOOST_TEST_CONTEXT(type << (at == takt::At::before ? " before" : " after")) {
        BOOST_TEST(takt::replay(reading.trace).equal());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_another_thread_removes_before_an_exception_aborts_a_batch_replays) {
  Trace trace;
  ProbedBus on;
  three(on);
  const TraceRecorder recorder{on.bus, trace};
  on.bus.initialize();
  on.step(2);
  const auto fail = [&] {
    on.bus.batch([&](takt::Batch&) {
      std::thread{[&] { on.bus.remove("log"); }}.join();
      throw std::runtime_error("out of memory");
    });
  };
  BOOST_CHECK_THROW(on.bus.calibration_epoch(fail), std::runtime_error);
  on.step(2);
  Reading reading{trace};
  BOOST_TEST(text_of(takt::replay(reading.trace)) ==
             "equal in " + std::to_string(trace.entries.size()) + " events");
}

BOOST_AUTO_TEST_CASE(a_modifier_that_the_loop_adds_replays_on_stand_ins_and_is_missed_on_a_bus) {
  Trace trace;
  ProbedBus on;
  three(on);
  const TraceRecorder recorder{on.bus, trace};
  on.begin();
  on.step(2);
  on.add("late", {}, {.due = BATCH_END}, -1);
  on.step();
  on.bus.remove("log");
  on.bus.remove("late");
  on.step();
  on.bus.finalize();

  Reading reading{trace};
  BOOST_TEST(takt::replay(reading.trace).equal());
  BOOST_TEST(text_of(replay_on({}, trace)) ==
             "step 2, adding late: late joins in the trace, and not here\n"
             "step 2, batch_start: on_start of late did not run, the trace says it did\n"
             "step 2, batch_end: late did not run, the trace says it did\n"
             "step 3, removing late: late leaves in the trace, and is not here");
}

BOOST_AUTO_TEST_SUITE_END()
