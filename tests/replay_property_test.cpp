// SPDX-License-Identifier: BSL-1.0
// Random runs, recorded and replayed.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <sstream>
#include <string>

#include "scripted_run.hpp"
#include "takt/replay.hpp"

namespace {

using takt::Trace;
using takt::TraceComparison;
using takt::TraceReader;
using takt::test::evenly;
using takt::test::scripted::any_scripted_run;
using takt::test::scripted::record;
using takt::test::scripted::record_text;
using takt::test::scripted::RunKinds;
using takt::test::scripted::ScriptedRun;
using takt::test::scripted::Stage;

std::string text_of(const TraceComparison& comparison) {
  std::ostringstream out;
  out << comparison;
  return out.str();
}

std::string text_of(const Trace& trace) {
  std::ostringstream out;
  write_trace(trace, out, false);
  return out.str();
}

std::string equal_in(std::size_t entries) {
  return "equal in " + std::to_string(entries) + (entries == 1 ? " event" : " events");
}

TraceComparison replay_text(const std::string& text) {
  std::istringstream in{text};
  TraceReader reader{in};
  return takt::replay(reader);
}

/// What ran, as text: the lines of a trace, without what its modifiers are like.
std::string hooks_of(Trace trace) {
  for (takt::TracedModifier& modifier : trace.header.modifiers) modifier = {.name = modifier.name};
  for (takt::TracedModifier& modifier : trace.added) modifier = {.name = modifier.name};
  return text_of(trace);
}

/// Another cadence for one of its modifiers, or another deed in the midst of it.
ScriptedRun changed_a_little(ScriptedRun run) {
  if (*evenly(0, 1) == 0) {
    auto& script = run.scripts[*evenly<std::size_t>(0, run.scripts.size() - 1)];
    script.cadence = takt::test::scripted::any_cadence(run.start);
  } else {
    const auto where =
        *evenly<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(run.deeds.size() - 1));
    run.deeds.erase(run.deeds.begin() + where, run.deeds.end());
  }
  return run;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replay_property)

BOOST_AUTO_TEST_CASE(a_run_in_memory_and_one_in_a_file_are_the_same_trace) {
  BOOST_TEST(rc::check("memory and file", [] {
    const ScriptedRun run = any_scripted_run();
    RC_LOG() << run;
    std::istringstream file{record_text(run)};
    RC_ASSERT(text_of(takt::read_trace(file)) == text_of(record(run)));
  }));
}

BOOST_AUTO_TEST_CASE(a_recorded_run_replays_on_stand_ins) {
  BOOST_TEST(rc::check("stand-ins", [] {
    const ScriptedRun run = any_scripted_run();
    RC_LOG() << run;
    const Trace trace = record(run);
    RC_ASSERT(text_of(replay_text(record_text(run))) == equal_in(trace.entries.size()));
  }));
}

BOOST_AUTO_TEST_CASE(a_recorded_run_replays_on_the_same_modifiers) {
  BOOST_TEST(rc::check("the same modifiers", [] {
    const ScriptedRun run = any_scripted_run({.loop_adds = false});
    RC_LOG() << run;
    const Trace trace = record(run);
    Stage again{run};
    RC_ASSERT(text_of(takt::replay(again.bus, trace)) == equal_in(trace.entries.size()));
  }));
}

BOOST_AUTO_TEST_CASE(another_cadence_is_told_exactly_when_something_else_runs) {
  int equal = 0;
  int unequal = 0;
  BOOST_TEST(rc::check("one modifier changed", [&] {
    const ScriptedRun run = any_scripted_run({.loop_adds = false});
    ScriptedRun changed = run;
    auto& script = changed.scripts[*evenly<std::size_t>(0, run.scripts.size() - 1)];
    script.cadence = takt::test::scripted::any_cadence(run.start);
    RC_LOG() << run << "\nand then " << changed;
    const Trace trace = record(run);
    const bool same = hooks_of(trace) == hooks_of(record(changed));
    Stage again{changed};
    const TraceComparison comparison = takt::replay(again.bus, trace);
    RC_LOG() << comparison;
    RC_ASSERT(comparison.equal() == same);
    RC_ASSERT(comparison.differences.empty() == same);
    RC_ASSERT(comparison.differing <= comparison.entries);
    ++(same ? equal : unequal);
  }));
  // Both happen, and not once in a while.
  BOOST_TEST(equal * 20 > unequal);
  BOOST_TEST(unequal * 20 > equal);
}

BOOST_AUTO_TEST_CASE(two_recordings_of_a_run_do_not_differ) {
  BOOST_TEST(rc::check("diff of equals", [] {
    const ScriptedRun run = any_scripted_run();
    RC_LOG() << run;
    const Trace trace = record(run);
    RC_ASSERT(text_of(takt::diff(trace, record(run))) == equal_in(trace.entries.size()));
  }));
}

BOOST_AUTO_TEST_CASE(traces_in_memory_and_in_files_differ_in_the_same_things) {
  BOOST_TEST(rc::check("diff in memory and from files", [] {
    const ScriptedRun run = any_scripted_run();
    const ScriptedRun other = *evenly(0, 2) == 0 ? any_scripted_run() : changed_a_little(run);
    RC_LOG() << run << "\nand " << other;
    std::istringstream first{record_text(run)};
    std::istringstream second{record_text(other)};
    TraceReader a{first, "the first"};
    TraceReader b{second, "the second"};
    const TraceComparison streamed = takt::diff(a, b);
    const TraceComparison held = takt::diff(record(run), record(other));
    RC_ASSERT(text_of(streamed) == text_of(held));
    RC_ASSERT(streamed.entries == held.entries);
    RC_ASSERT(streamed.differing == held.differing);
    RC_ASSERT(streamed.differing <= streamed.entries);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
