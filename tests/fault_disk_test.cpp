// SPDX-License-Identifier: BSL-1.0
// Disks that are full at any byte, and folders that can't be written: traces and metrics say so
// once, the run goes on or stops as configured, and what was written stays whole.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "metrics_cases.hpp"
#include "small_disk.hpp"
#include "told_trace.hpp"

namespace {

using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::MetricsFormat;
using takt::MetricsSettings;
using takt::ModifierError;
using takt::TraceError;
using takt::TraceRecorder;
using takt::test::has;
using takt::test::SmallDisk;
using takt::test::metrics::Files;
using takt::test::metrics::Loop;
using takt::test::metrics::milliseconds;
using enum takt::EventType;
using Lines = std::vector<std::string>;

constexpr std::array policies{ErrorPolicy::propagate, ErrorPolicy::collect,
                              ErrorPolicy::quarantine};
const std::string old_text = "what an earlier run has left\n";

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Names of files in folders that nobody can write to, root included.
Lines unwritable(const Files& files, const std::string& name) {
  (void)files.file("file", "");
  return {files.name("none/" + name), files.name("file/" + name), "/proc/none/" + name};
}

// ---- Traces -------------------------------------------------------------------------------------

/// A run, written after each batch. Returns how often its modifier ran.
int record(const std::string& file, int& told) {
  int updates = 0;
  EventBus bus;
  bus.on(
      {BATCH_END}, {}, [&] { ++updates; }, "counter");
  TraceRecorder recorder{bus, file};
  recorder.on_error([&](const TraceError& error) {
    ++told;
    BOOST_TEST(has(error.what(), "can't be written any more; the disk may be full"), error.what());
  });
  bus.initialize();
  for (int i = 0; i < 4; ++i) {
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
    try {
      recorder.flush();
    } catch (const TraceError&) {
      BOOST_TEST(told == 1);
    }
  }
  bus.finalize();
  try {
    recorder.close();
  } catch (const TraceError&) {
    BOOST_TEST(told == 1);
  }
  return updates;
}

Lines told_in(const std::string& text) {
  std::istringstream in{text};
  return takt::test::told(takt::read_trace(in));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fault_disk)

BOOST_AUTO_TEST_CASE(a_trace_on_a_disk_of_any_size_has_whole_lines_and_the_run_goes_on) {
  const Files files;
  const std::string name = files.name("run.jsonl");
  int told = 0;
  (void)record(name, told);
  BOOST_TEST_REQUIRE(told == 0);
  const std::string whole = files.text("run.jsonl");
  const Lines expected = told_in(whole);
  bool kept_the_old = false;
  bool has_a_part = false;
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    BOOST_TEST_CONTEXT("a disk of " << size) {
      (void)files.file("run.jsonl", old_text);
      told = 0;
      int updates = 0;
      {
        const SmallDisk disk{size};
        updates = record(name, told);
      }
      BOOST_TEST(updates == 4);
      const std::string text = files.text("run.jsonl");
      BOOST_TEST(!files.has("run.jsonl.new"));
      BOOST_TEST(text.ends_with('\n'));
      if (text == old_text) {
        kept_the_old = true;
        BOOST_TEST(told == 1);
        continue;
      }
      const Lines entries = told_in(text);
      BOOST_TEST(std::equal(entries.begin(), entries.end(), expected.begin()));
      // Times have as many digits as they have, so a disk of nearly that size may be enough.
      BOOST_TEST(told == (entries.size() < expected.size() ? 1 : 0));
      has_a_part |= entries.size() < expected.size();
    }
  }
  BOOST_TEST(kept_the_old);
  BOOST_TEST(has_a_part);
}

BOOST_AUTO_TEST_CASE(a_trace_that_can_not_be_begun_leaves_the_bus_to_another) {
  const Files files;
  EventBus bus;
  for (const std::string& name : unwritable(files, "run.jsonl")) {
    const std::string said = takt::test::message_of<TraceError>([&] {
      (void)TraceRecorder{bus, name};
    });
    BOOST_TEST(has(said, name + ".new can't be written: "), said);
  }
  TraceRecorder recorder{bus, files.name("run.jsonl")};
  bus.initialize();
  bus.finalize();
  BOOST_CHECK_NO_THROW(recorder.close());
  BOOST_TEST(told_in(files.text("run.jsonl")).size() == 2U);
}

// ---- Metrics ------------------------------------------------------------------------------------

namespace {

constexpr int steps = 6;

/// What came of a run.
struct Outcome {
  int thrown = 0;       // ModifierErrors
  int quarantined = 0;  // of which the handler was told
  std::int64_t batches = 0;
  std::size_t in_quarantine = 0;
};

/// A run, written after each step; a metric comes late, for which a table is written anew.
Outcome train(const MetricsSettings& settings, ErrorPolicy errors, std::int64_t first) {
  Outcome outcome;
  Loop loop{settings, {.global_step = first, .global_batch = first}, {.errors = errors}};
  loop.bus.on_error([&](const ModifierError&) { ++outcome.quarantined; });
  const auto call = [&](const std::function<void()>& made) {
    try {
      made();
    } catch (const ModifierError&) {
      ++outcome.thrown;
    }
  };
  for (int i = 0; i < steps; ++i) {
    loop.time += milliseconds{1000};
    if (i == steps / 2) loop.metrics()["late"] = 7;
    call([&] { loop.step(0.5); });
  }
  call([&] { loop.bus.finalize(); });
  outcome.batches = loop.bus.now().global_batch - first;
  outcome.in_quarantine = loop.bus.quarantined().size();
  return outcome;
}

struct FileCase {
  std::string name{};
  bool append = false;
};

const std::vector<FileCase> file_cases{
    {"m.csv", false}, {"m.csv", true}, {"m.jsonl", false}, {"m.jsonl", true}};

/// What is there before: with `append` the rows of two steps.
std::string before(const FileCase& c) {
  if (!c.append) return old_text;
  if (has(c.name, "csv")) return "step,batch,loss\n0,0,1\n1,1,1\n";
  return "{\"step\":0,\"batch\":0,\"loss\":1.0}\n{\"step\":1,\"batch\":1,\"loss\":1.0}\n";
}

/// Whether the lines are the first of `all`: in a table the header may still be the narrow one, and
/// its rows as long.
bool are_first_of(const Lines& lines, const Lines& all) {
  if (lines.size() > all.size()) return false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_whole =
        lines[i] == all[i] || lines[i] + ',' == all[i] || lines[i] + ",late" == all[i];
    if (!is_whole) return false;
  }
  return true;
}

}  // namespace

BOOST_AUTO_TEST_CASE(metrics_on_a_disk_of_any_size_are_whole_rows_and_are_told_of_once) {
  const Files files;
  for (const FileCase& c : file_cases) {
    const std::int64_t first = c.append ? 2 : 0;
    const MetricsSettings settings{.file = files.name(c.name), .append = c.append};
    (void)files.file(c.name, before(c));
    (void)train(settings, ErrorPolicy::propagate, first);
    const std::string whole = files.text(c.name);
    BOOST_TEST_REQUIRE(has(whole, "late"));
    for (const ErrorPolicy policy : policies) {
      const std::size_t by = policy == ErrorPolicy::propagate ? 2 : 17;
      for (std::size_t size = 0; size < whole.size() + by; size += by) {
        BOOST_TEST_CONTEXT(c.name << ", append " << c.append << ", a disk of " << size
                                  << ", policy " << static_cast<int>(policy)) {
          (void)files.file(c.name, before(c));
          const Outcome outcome = [&] {
            const SmallDisk disk{size};
            return train(settings, policy, first);
          }();
          const bool failed = size < whole.size();
          const bool quarantines = policy == ErrorPolicy::quarantine;
          BOOST_TEST(outcome.thrown == (failed && !quarantines ? 1 : 0));
          BOOST_TEST(outcome.quarantined == (failed && quarantines ? 1 : 0));
          BOOST_TEST(outcome.in_quarantine == (failed && quarantines ? 1U : 0U));
          BOOST_TEST(outcome.batches == steps);
          BOOST_TEST(!files.has(c.name + ".new"));
          const std::string text = files.text(c.name);
          const bool is_whole =
              text.ends_with('\n') && are_first_of(lines_of(text), lines_of(whole));
          const bool is_as_before = text == before(c);
          BOOST_TEST((is_whole || is_as_before), text);
          if (!failed) BOOST_TEST(text == whole);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(metrics_that_can_not_be_begun_are_told_of_once_and_the_run_goes_on) {
  const Files files;
  for (const std::string& name : unwritable(files, "m.csv")) {
    for (const ErrorPolicy policy : policies) {
      EventBus bus{{}, {.errors = policy}};
      int told = 0;
      bus.on_error([&](const ModifierError& error) {
        ++told;
        BOOST_TEST(has(error.what(), name), error.what());
      });
      bus.emplace<takt::MetricsModifier>(MetricsSettings{.file = name});
      try {
        bus.initialize();
      } catch (const ModifierError& error) {
        ++told;
        BOOST_TEST(has(error.what(), name), error.what());
      }
      BOOST_TEST(told == 1);
      for (int i = 0; i < 3; ++i) {
        BOOST_CHECK_NO_THROW(bus.batch([](takt::Batch& batch) { batch.step([] {}); }));
      }
      BOOST_CHECK_NO_THROW(bus.finalize());
      BOOST_TEST(told == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_table_that_can_not_be_written_anew_in_its_folder_stays_as_it_was) {
  for (const ErrorPolicy policy : policies) {
    const Files files;
    Outcome outcome;
    Loop loop{{.file = files.name("m.csv")}, {}, {.errors = policy}};
    loop.bus.on_error([&](const ModifierError&) { ++outcome.quarantined; });
    loop.step(0.5);
    loop.time += milliseconds{1000};
    loop.step(0.5);
    const std::string text = files.text("m.csv");
    BOOST_TEST(lines_of(text).size() == 3U);
    std::filesystem::create_directory(files / "m.csv.new");  // where the new one would be
    loop.metrics()["late"] = 7;
    for (int i = 0; i < 3; ++i) {
      loop.time += milliseconds{1000};
      try {
        loop.step(0.5);
      } catch (const ModifierError&) {
        ++outcome.thrown;
      }
    }
    BOOST_CHECK_NO_THROW(loop.bus.finalize());
    BOOST_TEST(outcome.thrown == (policy == ErrorPolicy::quarantine ? 0 : 1));
    BOOST_TEST(outcome.quarantined == (policy == ErrorPolicy::quarantine ? 1 : 0));
    BOOST_TEST(files.text("m.csv") == text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
