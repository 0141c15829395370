// SPDX-License-Identifier: BSL-1.0
// Runs that are recorded, cut, and resumed: the trace is that of the run that was never cut.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "call_letters.hpp"
#include "saved_run.hpp"
#include "scratch_folder.hpp"
#include "takt/trace_recorder.hpp"
#include "trace_cases.hpp"

namespace {

namespace fs = std::filesystem;
using takt::Event;
using takt::EventBus;
using takt::State;
using takt::Trace;
using takt::TraceError;
using takt::TraceRecorder;
using takt::test::Built;
using takt::test::Counter;
using takt::test::has;
using takt::test::make_call;
using takt::test::SavedRun;
using takt::test::ScratchFolder;

std::string text_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Without its times.
std::string trace_in(const fs::path& file) {
  return takt::test::written(takt::read_trace(file), false);
}

void append(const fs::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary | std::ios::app} << text;
}

/// A child that comes at INITIALIZE, before the others, and modifiers that start, end, come and go.
Built lively() {
  return {.fill = [](SavedRun& run) {
    run.add("every")->at_initialize = [&run](State&, const Event&) {
      run.bus.add(std::make_shared<Counter>("child"), -1);
    };
    run.add("window", {.start = 0.5, .end = 1.5, .update = 0.5});
    // One comes, and goes again, within a call.
    run.add("host")->at_update = [&run](State&, const Event& event) {
      if (event.global_step != 3) return;
      const auto guest = std::make_shared<Counter>("guest");
      guest->at_initialize = [&run](State&, const Event&) { run.bus.remove("guest"); };
      run.bus.add(guest);
    };
  }};
}

constexpr std::array calls{'s', 'l', 'p', 'P', 'e', 's', 'l', 'a', 'c', 's', 'e', 'q', 'C', 's',
                           'p', 'P', 'e', 's', 'p', 'P', 'e', 's', 'p', 'P', 'e', 's', 'e', 'f'};

void make(EventBus& bus, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) make_call(bus, calls.at(i));
}

/// The calls up to a number of them, recorded to a file; saved before one of them.
std::string recorded(const Built& built, const fs::path& file, std::size_t cut, std::size_t last) {
  const auto run = built.make();
  TraceRecorder recorder{run->bus, file};
  run->bus.initialize();
  make(run->bus, 0, cut);
  std::string bytes = run->saved();
  make(run->bus, cut, last);
  recorder.close();
  return bytes;
}

/// What is told of a recording that fails, while the run goes on to its end.
std::vector<std::string> told_of(const Built& built, const fs::path& file, const std::string& bytes,
                                 std::size_t cut) {
  const auto run = built.make();
  std::vector<std::string> told;
  TraceRecorder recorder{run->bus, file};
  recorder.on_error([&](const TraceError& error) { told.push_back(error.what()); });
  run->load(bytes);
  make(run->bus, cut, calls.size());
  BOOST_TEST(run->bus.now().global_batch == 6);
  if (told.empty()) {
    recorder.close();
  } else {
    BOOST_CHECK_THROW(recorder.close(), TraceError);
  }
  return told;
}

constexpr std::size_t middle = 15;  // in an optimizer step

/// Resumes in a file that is not the run's, and expects to be told so once.
void check_left(const std::string& bytes, const fs::path& file, const std::string& words,
                const Built& built = lively()) {
  const bool was_there = fs::exists(file);
  const std::string before = text_of(file);
  const auto told = told_of(built, file, bytes, middle);
  BOOST_TEST_REQUIRE(told.size() == 1U, words);
  BOOST_TEST(has(told[0], words), told[0]);
  BOOST_TEST(has(told[0], file.string()), told[0]);
  BOOST_TEST(fs::exists(file) == was_there);
  BOOST_TEST((text_of(file) == before));
  BOOST_TEST(!fs::exists(file.string() + ".new"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_resume)

BOOST_AUTO_TEST_CASE(cut_before_any_call_the_trace_is_that_of_the_uncut_run) {
  const ScratchFolder folder;
  const Built built = lively();
  (void)recorded(built, folder / "whole", 0, calls.size());
  const std::string whole = trace_in(folder / "whole");
  for (std::size_t cut = 0; cut < calls.size(); ++cut) {
    // Killed at once, and after more lines that come again.
    for (const std::size_t last : {cut, cut + (calls.size() - cut) / 2, calls.size() - 1}) {
      const fs::path file = folder / "cut";
      const std::string bytes = recorded(built, file, cut, std::max(cut, last));
      BOOST_TEST(told_of(built, file, bytes, cut).empty());
      BOOST_TEST(trace_in(file) == whole, "cut before call " << cut);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_torn_last_line_is_dropped_with_all_that_comes_again) {
  const ScratchFolder folder;
  const Built built = lively();
  const fs::path file = folder / "run";
  const std::string bytes = recorded(built, file, middle, calls.size());
  const std::string whole = trace_in(file);
  for (const char* const torn : {"{\"call\":\"batch_st", "{", "\n\n", "no JSON at all\n"}) {
    (void)recorded(built, file, middle, middle + 2);
    append(file, torn);
    BOOST_TEST(told_of(built, file, bytes, middle).empty(), torn);
    BOOST_TEST(trace_in(file) == whole, torn);
  }
}

BOOST_AUTO_TEST_CASE(a_run_is_resumed_again_and_again) {
  const ScratchFolder folder;
  const Built built = lively();
  const fs::path file = folder / "run";
  std::string bytes = recorded(built, file, 0, calls.size());
  const std::string whole = trace_in(file);
  for (std::size_t i = 0; i + 1 < calls.size(); ++i) {
    const auto run = built.make();
    TraceRecorder recorder{run->bus, file};
    run->load(bytes);
    make(run->bus, i, i + 1);
    bytes = run->saved();
    recorder.close();
  }
  BOOST_TEST(told_of(built, file, bytes, calls.size() - 1).empty());
  BOOST_TEST(trace_in(file) == whole);
}

BOOST_AUTO_TEST_CASE(times_go_on_behind_those_of_before) {
  const ScratchFolder folder;
  const Built built = lively();
  const fs::path file = folder / "run";
  const std::string bytes = recorded(built, file, middle, middle + 3);
  BOOST_TEST(told_of(built, file, bytes, middle).empty());
  std::int64_t before = 0;
  for (const takt::TraceEntry& entry : takt::read_trace(file).entries) {
    BOOST_TEST(entry.nanoseconds >= before);
    before = entry.nanoseconds;
  }
}

BOOST_AUTO_TEST_CASE(entries_are_counted_from_the_beginning_of_the_run) {
  const ScratchFolder folder;
  const Built built = lively();
  const fs::path file = folder / "run";
  const std::string bytes = recorded(built, file, middle, calls.size());
  const auto run = built.make();
  TraceRecorder recorder{run->bus, file};
  run->load(bytes);
  make(run->bus, middle, calls.size());
  recorder.close();
  BOOST_TEST(recorder.entries() ==
             static_cast<std::int64_t>(takt::read_trace(file).entries.size()));
}

BOOST_AUTO_TEST_CASE(until_the_run_is_resumed_its_file_is_not_touched) {
  const ScratchFolder folder;
  const fs::path file = folder / "run";
  const std::string bytes = recorded(lively(), file, middle, calls.size());
  const std::string before = text_of(file);
  {
    const auto run = lively().make();
    const TraceRecorder recorder{run->bus, file};
    BOOST_CHECK_THROW(run->load(bytes.substr(0, 100)), takt::CheckpointError);
    BOOST_TEST((text_of(file) == before));
  }
  BOOST_TEST((text_of(file) == before));
  BOOST_TEST(!fs::exists(folder / "run.new"));
}

BOOST_AUTO_TEST_CASE(after_a_checkpoint_that_is_refused_the_recording_begins_anew) {
  const ScratchFolder folder;
  const Built built = lively();
  const fs::path file = folder / "run";
  const std::string bytes = recorded(built, file, middle, calls.size());
  const std::string whole = trace_in(file);
  const auto run = built.make();
  TraceRecorder recorder{run->bus, file};
  run->counters[1]->instead_of_load = [](std::istream&) { throw std::runtime_error("x"); };
  BOOST_CHECK_THROW(run->load(bytes), takt::CheckpointError);
  run->bus.initialize();
  make(run->bus, 0, calls.size());
  recorder.close();
  BOOST_TEST(trace_in(file) == whole);
}

// ---- Files that the run can't go on in ----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_is_missing_is_told_and_none_is_made) {
  const ScratchFolder folder;
  const std::string bytes = recorded(lively(), folder / "run", middle, middle);
  check_left(bytes, folder / "missing", "can't be read");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_too_short_is_left_as_it_is) {
  const ScratchFolder folder;
  const fs::path file = folder / "run";
  const std::string bytes = recorded(lively(), file, middle, middle);
  const std::string text = text_of(file);
  const std::size_t last_line = text.rfind('\n', text.size() - 2) + 1;
  (void)folder.file("run", text.substr(0, last_line));
  check_left(bytes, file, "entries, and the run is resumed behind");
  (void)folder.file("run", text.substr(0, text.size() - 5));
  check_left(bytes, file, "entries, and the run is resumed behind");
  (void)folder.file("run", text.substr(0, text.size() - 1));
  check_left(bytes, file, "has lost the end of its line");
  (void)folder.file("run", "");
  check_left(bytes, file, "is empty");
  (void)folder.file("run", "not a trace\n");
  check_left(bytes, file, "run:1");
}

BOOST_AUTO_TEST_CASE(the_file_of_another_run_is_left_as_it_is) {
  const ScratchFolder folder;
  const std::string bytes = recorded(lively(), folder / "run", middle, middle);
  const fs::path other = folder / "other";
  {
    const auto run = lively().make();
    TraceRecorder recorder{run->bus, other};
    run->bus.initialize();
    run->batches(20);
  }
  check_left(bytes, other, "it is the trace of another run than the one that is resumed");
  (void)recorded({.start = {.steps_per_epoch = 5}, .fill = lively().fill}, other, middle,
                 calls.size());
  check_left(bytes, other, "it is the trace of another run than the one that is resumed");
}

BOOST_AUTO_TEST_CASE(saved_without_a_recorder_the_file_is_left_as_it_is) {
  const ScratchFolder folder;
  const fs::path file = folder / "run";
  (void)recorded(lively(), file, middle, calls.size());
  const auto run = lively().make();
  run->bus.initialize();
  make(run->bus, 0, middle);
  const std::string bytes = run->saved();
  check_left(bytes, file, "the checkpoint was saved on a bus that was not recorded");
  // A stream takes what comes; but that is not counted from the beginning, in the next checkpoint.
  const auto other = lively().make();
  std::ostringstream out;
  TraceRecorder recorder{other->bus, out};
  other->load(bytes);
  BOOST_TEST(recorder.entries() == 0);
  check_left(other->saved(), file, "the checkpoint was saved on a bus that was not recorded");
}

// ---- Several, and other places ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(two_recorders_go_on_and_one_that_cant_does_not_keep_the_other) {
  const ScratchFolder folder;
  const Built built = lively();
  const auto two = [&](const std::string* bytes, std::size_t first, std::size_t last) {
    const auto run = built.make();
    TraceRecorder one{run->bus, folder / "one"};
    TraceRecorder other{run->bus, folder / "other"};
    if (bytes == nullptr) {
      run->bus.initialize();
    } else {
      run->load(*bytes);
    }
    make(run->bus, first, middle);
    std::string saved = first < middle ? run->saved() : std::string{};
    make(run->bus, std::max(first, middle), last);
    return saved;
  };
  const std::string bytes = two(nullptr, 0, calls.size());
  const std::string whole = trace_in(folder / "one");
  BOOST_TEST(trace_in(folder / "other") == whole);
  (void)two(&bytes, middle, calls.size());
  BOOST_TEST(trace_in(folder / "one") == whole);
  BOOST_TEST(trace_in(folder / "other") == whole);
  fs::remove(folder / "one");
  (void)two(&bytes, middle, calls.size());
  BOOST_TEST(!fs::exists(folder / "one"));
  BOOST_TEST(trace_in(folder / "other") == whole);
}

BOOST_AUTO_TEST_CASE(a_stream_gets_the_lines_that_come_from_then_on) {
  const ScratchFolder folder;
  const Built built = lively();
  const std::string bytes = recorded(built, folder / "run", middle, middle);
  const std::string before = trace_in(folder / "run");
  (void)recorded(built, folder / "whole", 0, calls.size());
  const auto run = built.make();
  std::ostringstream out;
  TraceRecorder recorder{run->bus, out};
  run->load(bytes);
  make(run->bus, middle, calls.size());
  recorder.close();
  append(folder / "run", out.str());  // whoever has the stream knows what came before
  BOOST_TEST(trace_in(folder / "run") == trace_in(folder / "whole"));
}

BOOST_AUTO_TEST_CASE(a_trace_in_memory_gets_the_bus_as_it_is_and_what_comes_from_then_on) {
  const ScratchFolder folder;
  const Built built = lively();
  const std::string bytes = recorded(built, folder / "run", middle, calls.size());
  const Trace whole = takt::read_trace(folder / "run");
  const auto run = built.make();
  Trace trace;
  TraceRecorder recorder{run->bus, trace};
  run->load(bytes);
  const std::int64_t before = recorder.entries();
  make(run->bus, middle, calls.size());
  BOOST_TEST(trace.header.start.global_batch == run->bus.now().global_batch - 4);
  BOOST_TEST(trace.header.modifiers.size() == 4U);
  BOOST_TEST(trace.header.modifiers[0].name == "child");
  BOOST_TEST_REQUIRE(trace.entries.size() + static_cast<std::size_t>(before) ==
                     whole.entries.size());
  for (std::size_t i = 0; i < trace.entries.size(); ++i) {
    const takt::TraceEntry& now = trace.entries[i];
    const takt::TraceEntry& then = whole.entries[i + static_cast<std::size_t>(before)];
    BOOST_TEST((now.kind == then.kind && now.batch == then.batch));
    BOOST_TEST((now.kind != takt::TraceKind::call || now.call == then.call));
    BOOST_TEST_REQUIRE(now.hooks.size() == then.hooks.size());
    for (std::size_t hook = 0; hook < now.hooks.size(); ++hook) {
      BOOST_TEST(trace.modifier(now.hooks[hook].modifier).name ==
                 whole.modifier(then.hooks[hook].modifier).name);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
