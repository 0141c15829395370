// SPDX-License-Identifier: BSL-1.0
// A run that is killed leaves a trace that can be read.
#include <boost/test/unit_test.hpp>

#if !defined(__unix__) && !defined(__APPLE__)

BOOST_AUTO_TEST_SUITE(trace_killed)

BOOST_AUTO_TEST_CASE(nothing_is_killed_on_this_system) {
  BOOST_TEST_MESSAGE("there is no fork here");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "scratch_folder.hpp"
#include "takt/trace_recorder.hpp"
#include "trace_cases.hpp"

namespace {

using takt::Cadence;
using takt::Event;
using takt::EventBus;
using takt::State;
using takt::Trace;
using takt::TraceEntry;
using takt::TraceReader;
using takt::TraceRecorder;
using enum takt::EventType;

constexpr int kills = 200;
constexpr int batches = 300;

/// Counts events where another process sees it.
class SharedCount {
 public:
  SharedCount()
      : memory_{mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0)} {
    if (memory_ == MAP_FAILED) throw std::bad_alloc{};
    count_ = new (memory_) Count{0};
  }
  ~SharedCount() { munmap(memory_, sizeof(Count)); }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;

  void add_one() noexcept { count_->fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] int value() const noexcept { return count_->load(std::memory_order_relaxed); }
  void reset() noexcept { count_->store(0, std::memory_order_relaxed); }

 private:
  using Count = std::atomic<int>;
  static_assert(Count::is_always_lock_free);
  void* memory_;
  Count* count_ = nullptr;
};

/// A run of several hundred kilobytes whose lines have from 50 to some thousand bytes; always the
/// same one but for its times. Counts its events, INITIALIZE first, and calls `after` with the
/// count.
template <class After>
void record_a_run(const std::filesystem::path& file, SharedCount& count, After&& after) {
  EventBus bus{Event{.steps_per_epoch = 37}};
  TraceRecorder recorder{bus, file};
  for (int i = 0; i < 12; ++i) {
    const std::string name = "modifier " + std::string(static_cast<std::size_t>(i * i), '+') + "é";
    bus.on(
        BATCH_START | OPTIM_POST_STEP, {.start = 0.1 * i, .update = 0.17 * i}, [] {}, name);
  }
  const auto call = [&](auto&& make_it) {
    make_it();
    count.add_one();
    after(count.value());
  };
  call([&] { bus.initialize(); });
  for (int i = 0; i < batches; ++i) {
    call([&] { bus.batch_start(); });
    call([&] { bus.loss_calculated(1.0 / (i + 3)); });
    call([&] { bus.optim_pre_step(); });
    call([&] { bus.optim_post_step(); });
    call([&] { bus.batch_end(); });
    if (i % 10 != 9) continue;
    call([&] { bus.calibration_epoch_start(); });
    call([&] {
      const auto length = static_cast<std::size_t>(i * 7919 % 6000);
      bus.sequential_epoch_end({"fc", std::string(length, 'x')});
    });
    call([&] { bus.calibration_epoch_end(); });
  }
  call([&] { bus.finalize(); });
}

/// A process that records the run to a file, as far as a number of events, and then waits. So it
/// does not get to its end before it is killed, however the system shares out its time.
class Child {
 public:
  Child(const std::filesystem::path& file, SharedCount& count, int stop_at) {
    int ends[2] = {};
    BOOST_TEST_REQUIRE(pipe(ends) == 0);
    process_ = fork();
    BOOST_TEST_REQUIRE(process_ >= 0);
    if (process_ == 0) {
      close(ends[1]);
      live(file, count, stop_at, ends[0]);
    }
    close(ends[0]);
    hold_ = ends[1];
  }
  ~Child() {
    if (!gone_) kill_it();
    close(hold_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Returns once it has counted so far; false when it is gone before that.
  [[nodiscard]] bool reaches(int events, const SharedCount& count) {
    while (count.value() < events) {
      if (waitpid(process_, nullptr, WNOHANG) != 0) {
        gone_ = true;
        return false;
      }
      std::this_thread::yield();
    }
    return true;
  }

  /// Whether it was the signal that ended it.
  bool kill_it() {
    kill(process_, SIGKILL);
    int status = 0;
    gone_ = waitpid(process_, &status, 0) == process_;
    return gone_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  [[noreturn]] static void live(const std::filesystem::path& file, SharedCount& count, int stop_at,
                                int parent) {
    const auto wait = [parent] {
      char none = 0;
      (void)!read(parent, &none, 1);  // until it is killed, or the parent is gone
      _exit(2);
    };
    try {
      record_a_run(file, count, [&](int events) {
        if (events == stop_at) wait();
      });
    } catch (...) {
      _exit(1);
    }
    wait();
    std::abort();
  }

  pid_t process_ = -1;
  int hold_ = -1;
  bool gone_ = false;
};

void forget_times(TraceEntry& entry) {
  entry.nanoseconds = 0;
  for (takt::HookRun& run : entry.hooks) run.nanoseconds = 0;
}

/// A whole run, and how long its file was behind the header and each of the entries.
struct WholeRun {
  Trace trace;
  std::vector<std::int64_t> ends;
};

WholeRun whole_run(const std::filesystem::path& file, SharedCount& count) {
  record_a_run(file, count, [](int) {});
  TraceReader reader{file};
  WholeRun run;
  run.trace.header = reader.header();
  run.ends.push_back(reader.bytes());
  for (TraceEntry entry; reader.next(entry);) {
    forget_times(entry);
    run.trace.entries.push_back(entry);
    run.ends.push_back(reader.bytes());
  }
  return run;
}

struct Remains {
  std::size_t entries = 0;
  bool torn = false;
};

/// What is left of a run in a file; all of it is as it was in the whole one.
Remains remains_in(const std::filesystem::path& file, const WholeRun& whole) {
  TraceReader reader{file};
  BOOST_TEST_REQUIRE(takt::test::same(reader.header(), whole.trace.header));
  Remains remains;
  for (TraceEntry entry; reader.next(entry); ++remains.entries) {
    forget_times(entry);
    BOOST_TEST_REQUIRE(takt::test::same(entry, whole.trace.entries.at(remains.entries)));
  }
  remains.torn = reader.torn();
  return remains;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_killed)

BOOST_AUTO_TEST_CASE(a_run_that_is_killed_leaves_the_beginning_of_its_trace) {
  constexpr std::int64_t gathered = std::int64_t{1} << 16U;  // before it is written
  const takt::test::ScratchFolder folder;
  SharedCount count;
  const WholeRun whole = whole_run(folder.path() / "whole.jsonl", count);
  const auto events = static_cast<std::size_t>(count.value());
  BOOST_TEST_REQUIRE(whole.trace.entries.size() == events);
  BOOST_TEST(whole.ends.back() > 3 * gathered);

  std::mt19937 random{20'240'229};  // NOLINT(cert-msc51-cpp): the same kills each time
  int torn = 0;
  int unfinished = 0;
  for (int i = 0; i < kills; ++i) {
    const auto file = folder.path() / "killed.jsonl";
    std::filesystem::remove(file);
    count.reset();
    const auto moment = std::uniform_int_distribution<std::size_t>{1, events}(random);
    const int more = std::uniform_int_distribution<int>{0, 60}(random);
    {
      Child child{file, count, static_cast<int>(moment) + more};
      BOOST_TEST_REQUIRE(child.reaches(static_cast<int>(moment), count));
      BOOST_TEST_REQUIRE(child.kill_it());
    }
    BOOST_TEST_REQUIRE(!std::filesystem::exists(file.string() + ".new"));
    const Remains remains = remains_in(file, whole);
    // All that was counted is there, but for what was gathered and not yet written. Times differ,
    // and so do the lengths of lines, a little.
    const std::int64_t lost = whole.ends.at(moment) - whole.ends.at(remains.entries);
    BOOST_TEST_REQUIRE(lost <= gathered + gathered / 8);
    torn += remains.torn ? 1 : 0;
    unfinished += remains.entries < events ? 1 : 0;
  }
  BOOST_TEST(unfinished > kills / 2);
  BOOST_TEST_MESSAGE(torn << " of " << kills << " traces end in a torn line");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_off_behind_its_header_is_the_beginning_of_its_trace) {
  const takt::test::ScratchFolder folder;
  SharedCount count;
  const auto file = folder.path() / "run.jsonl";
  const WholeRun whole = whole_run(file, count);
  std::mt19937 random{29};  // NOLINT(cert-msc51-cpp): the same cuts each time
  int torn = 0;
  for (std::int64_t left = whole.ends.back(); left >= whole.ends.front();) {
    std::filesystem::resize_file(file, static_cast<std::uintmax_t>(left));
    const Remains remains = remains_in(file, whole);
    const std::int64_t kept = whole.ends.at(remains.entries);
    BOOST_TEST_REQUIRE(kept <= left + 1);  // a line may count without its newline
    BOOST_TEST_REQUIRE(remains.torn == (kept < left));
    torn += remains.torn ? 1 : 0;
    left -= std::uniform_int_distribution<std::int64_t>{1, 20'000}(random);
  }
  BOOST_TEST(torn > 10);
}

BOOST_AUTO_TEST_SUITE_END()

#endif
