// SPDX-License-Identifier: BSL-1.0
// Recorders as objects, and the streams that they write to: how much at a time, and what happens
// when it fails.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <ios>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "probe.hpp"
#include "takt/trace_recorder.hpp"
#include "told_trace.hpp"
#include "trace_cases.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::LifecycleError;
using takt::State;
using takt::Trace;
using takt::TraceError;
using takt::TraceRecorder;
using takt::test::lines_of;
using takt::test::told;
using takt::test::trace_in;
using takt::test::written;
using enum takt::EventType;

/// Takes so many bytes, and keeps them as they came at each flush.
class Sink final : public std::streambuf {
 public:
  explicit Sink(std::size_t room) : room_{room} {}

  [[nodiscard]] const std::string& text() const { return text_; }
  /// How long it was at each flush.
  [[nodiscard]] const std::vector<std::size_t>& flushes() const { return flushes_; }

 private:
  int_type overflow(int_type c) override {
    if (text_.size() == room_) return traits_type::eof();
    text_ += traits_type::to_char_type(c);
    return c;
  }
  int sync() override {
    flushes_.push_back(text_.size());
    return 0;
  }

  std::size_t room_;
  std::string text_;
  std::vector<std::size_t> flushes_;
};

/// What a handler was told.
struct Told {
  Lines lines;
  void by(TraceRecorder& recorder) {
    recorder.on_error([this](const TraceError& error) { lines.push_back(error.what()); });
  }
};

constexpr std::size_t any_room = std::size_t{1} << 30U;

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_recorder_output)

// ---- Recorders ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_bus_that_is_initialized_can_not_be_recorded_any_more) {
  EventBus bus;
  Trace trace;
  trace.entries.resize(3);
  std::ostringstream out;
  const auto is_refused = [&] {
    BOOST_CHECK_THROW((TraceRecorder{bus, out}), LifecycleError);
    BOOST_CHECK_THROW((TraceRecorder{bus, trace}), LifecycleError);
  };
  bus.connect(INITIALIZE, [&](const Event&, const State&) { is_refused(); });
  bus.initialize();
  is_refused();
  bus.finalize();
  is_refused();
  BOOST_TEST(trace.entries.size() == 3U);
  BOOST_TEST(out.str().empty());
}

BOOST_AUTO_TEST_CASE(what_was_in_a_trace_is_dropped) {
  EventBus bus;
  Trace trace;
  trace.header.modifiers = {{.name = "old"}};
  trace.added.resize(2);
  trace.entries.resize(3);
  const TraceRecorder recorder{bus, trace};
  BOOST_TEST(trace.header.modifiers.empty());
  BOOST_TEST(trace.added.empty());
  BOOST_TEST(trace.entries.empty());
}

BOOST_AUTO_TEST_CASE(a_recorder_may_be_destroyed_before_the_bus) {
  ProbedBus run;
  Trace whole;
  Trace part;
  const TraceRecorder first{run.bus, whole};
  {
    const TraceRecorder recorder{run.bus, part};
    run.bus.initialize();
    run.batch();
  }
  run.batch();
  run.bus.finalize();
  BOOST_TEST(told(part).size() == 3U);
  BOOST_TEST(told(whole).size() == 6U);
}

BOOST_AUTO_TEST_CASE(a_bus_may_be_destroyed_before_its_recorders) {
  Trace trace;
  std::ostringstream out;
  auto run = std::make_unique<ProbedBus>();
  TraceRecorder in_memory{run->bus, trace};
  TraceRecorder as_text{run->bus, out};
  run->bus.initialize();
  run->batch();
  run.reset();
  BOOST_TEST(in_memory.entries() == 3);
  as_text.flush();
  as_text.close();
  BOOST_TEST(written(takt::test::trace_in(out.str()), false) == written(trace, false));
}

BOOST_AUTO_TEST_CASE(a_recorder_that_is_moved_goes_on) {
  ProbedBus run;
  Trace trace;
  std::ostringstream out;
  TraceRecorder first{run.bus, trace};
  run.bus.initialize();
  TraceRecorder second{std::move(first)};
  run.bus.batch_start();
  BOOST_TEST(second.entries() == 2);
  ProbedBus other;
  TraceRecorder third{other.bus, out};
  other.bus.initialize();
  third = std::move(second);
  // What the third had gathered is written, and it records the other bus no more.
  BOOST_TEST(takt::test::lines_of(out.str()).size() == 2U);
  other.batch();
  run.bus.batch_end();
  BOOST_TEST(third.entries() == 3);
  BOOST_TEST(takt::test::lines_of(out.str()).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_recorder_that_is_closed_records_no_more_and_may_be_closed_again) {
  ProbedBus run;
  std::ostringstream out;
  TraceRecorder recorder{run.bus, out};
  run.bus.initialize();
  run.batch();
  recorder.close();
  BOOST_TEST(takt::test::trace_in(out.str()).entries.size() == 3U);
  run.batch();
  out.setstate(std::ios::badbit);  // which is nothing to it any more
  recorder.close();
  BOOST_TEST(recorder.entries() == 3);
  BOOST_TEST(takt::test::trace_in(out.str()).entries.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_recorder_may_be_closed_by_a_hook_of_the_bus) {
  ProbedBus run;
  Trace whole;
  Trace part;
  std::optional<TraceRecorder> closed{std::in_place, run.bus, part};
  const TraceRecorder goes_on{run.bus, whole};
  run.add("a", {}, {.due = BATCH_END})->then["on_update"] = [&](State&, const Event&) {
    closed.reset();
  };
  run.add("b", {}, {.due = BATCH_END});
  run.bus.initialize();
  run.batch();
  run.bus.finalize();
  BOOST_TEST(told(part).size() == 2U);
  BOOST_TEST(told(whole).at(2) == "batch_end 0/0: a.on_update b.on_update");
  BOOST_TEST(told(whole).size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_recorder_of_a_run_that_never_begins_writes_nothing) {
  std::ostringstream out;
  {
    EventBus bus;
    TraceRecorder recorder{bus, out};
    recorder.flush();
    recorder.close();
  }
  BOOST_TEST(out.str().empty());
}

// ---- Streams ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(lines_are_gathered_and_written_whole) {
  Sink sink{any_room};
  std::ostream out{&sink};
  ProbedBus run;
  run.add(std::string(300, 'n'), {}, {.due = BATCH_START});
  {
    TraceRecorder recorder{run.bus, out};
    run.bus.initialize();
    BOOST_TEST(sink.flushes().size() == 1U);  // the header, at once
    BOOST_TEST(lines_of(sink.text()).size() == 1U);
    const std::size_t header = sink.text().size();
    for (int i = 0; i < 10'000 && sink.flushes().size() < 4; ++i) run.step();
    BOOST_TEST_REQUIRE(sink.flushes().size() >= 4U);
    for (std::size_t i = 1; i < 4; ++i) {
      const std::size_t from = i == 1 ? header : sink.flushes()[i - 1];
      BOOST_TEST(sink.text().at(sink.flushes()[i] - 1) == '\n');
      BOOST_TEST(sink.flushes()[i] - from <= (std::size_t{1} << 16U) + 1000);
    }
  }
  BOOST_TEST(trace_in(sink.text()).entries.size() > 100U);
}

BOOST_AUTO_TEST_CASE(everything_is_written_once_the_run_is_finalized) {
  Sink sink{any_room};
  std::ostream out{&sink};
  ProbedBus run;
  const TraceRecorder recorder{run.bus, out};
  run.bus.initialize();
  run.batch();
  run.bus.finalize();
  BOOST_TEST(trace_in(sink.text()).entries.size() == 4U);
  BOOST_TEST(sink.flushes().back() == sink.text().size());
}

BOOST_AUTO_TEST_CASE(a_flush_writes_what_was_gathered) {
  std::ostringstream out;
  ProbedBus run;
  TraceRecorder recorder{run.bus, out};
  run.bus.initialize();
  run.bus.batch_start();
  recorder.flush();
  BOOST_TEST(trace_in(out.str()).entries.size() == 2U);
  run.bus.batch_end();
  recorder.flush();
  recorder.flush();
  BOOST_TEST(trace_in(out.str()).entries.size() == 3U);
}

BOOST_AUTO_TEST_CASE(when_a_stream_fails_the_run_goes_on_and_the_handler_is_told_once) {
  Sink sink{3000};
  std::ostream out{&sink};
  ProbedBus run;
  TraceRecorder recorder{run.bus, out};
  Told told_of;
  told_of.by(recorder);
  run.bus.initialize();
  BOOST_CHECK_THROW(
      {
        for (int i = 0; i < 100; ++i) {
          run.step();
          recorder.flush();
        }
      },
      TraceError);
  const std::int64_t entries = recorder.entries();
  run.step(3);
  run.bus.finalize();
  BOOST_TEST(recorder.entries() == entries);
  BOOST_TEST(told_of.lines == (Lines{"trace can't be written any more; the disk may be full"}),
             boost::test_tools::per_element());
  BOOST_CHECK_THROW(recorder.flush(), TraceError);
  BOOST_CHECK_THROW(recorder.close(), TraceError);
  recorder.close();
  BOOST_TEST(told_of.lines.size() == 1U);
  BOOST_TEST(sink.text().size() == 3000U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_fails_in_the_run_is_noticed_in_it) {
  Sink sink{1000};
  std::ostream out{&sink};
  ProbedBus run;
  TraceRecorder recorder{run.bus, out};
  Told told_of;
  told_of.by(recorder);
  run.bus.initialize();
  while (told_of.lines.empty() && recorder.entries() < 10'000) run.step();
  BOOST_TEST(told_of.lines.size() == 1U);
  BOOST_TEST(recorder.entries() < 10'000);
}

BOOST_AUTO_TEST_CASE(a_stream_that_fails_at_the_header_ends_the_recording) {
  Sink sink{10};
  std::ostream out{&sink};
  ProbedBus run;
  TraceRecorder recorder{run.bus, out};
  Told told_of;
  told_of.by(recorder);
  run.add("a", {}, {.due = BATCH_START});
  run.bus.initialize();
  run.step();
  run.bus.finalize();
  BOOST_TEST(recorder.entries() == 0);
  BOOST_TEST(told_of.lines.size() == 1U);
  BOOST_TEST(run.take("a on_update").size() == 1U);
  BOOST_CHECK_THROW(recorder.close(), TraceError);
}

BOOST_AUTO_TEST_CASE(a_stream_that_throws_is_one_that_fails) {
  Sink sink{300};
  std::ostream out{&sink};
  out.exceptions(std::ios::badbit | std::ios::failbit);
  ProbedBus run;
  {
    TraceRecorder recorder{run.bus, out};
    Told told_of;
    told_of.by(recorder);
    run.bus.initialize();
    run.step();
    BOOST_CHECK_THROW(recorder.close(), TraceError);
    BOOST_TEST(told_of.lines.size() == 1U);
  }
  // And nobody is told when it is destroyed.
  Sink smaller{300};
  std::ostream other{&smaller};
  other.exceptions(std::ios::badbit | std::ios::failbit);
  ProbedBus second;
  {
    const TraceRecorder recorder{second.bus, other};
    second.bus.initialize();
    second.step();
  }
  BOOST_TEST(smaller.text().size() == 300U);
}

BOOST_AUTO_TEST_CASE(a_recorder_that_is_destroyed_tells_the_handler_and_throws_nothing) {
  Told told_of;
  for (const bool has_handler : {false, true}) {
    Sink sink{300};
    std::ostream out{&sink};
    ProbedBus run;
    TraceRecorder recorder{run.bus, out};
    if (has_handler) told_of.by(recorder);
    run.bus.initialize();
    run.step();
  }
  BOOST_TEST(told_of.lines.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_handler_throws_is_dropped) {
  Sink sink{10};
  std::ostream out{&sink};
  ProbedBus run;
  TraceRecorder recorder{run.bus, out};
  recorder.on_error([](const TraceError&) { throw std::runtime_error{"handler"}; });
  BOOST_CHECK_NO_THROW(run.bus.initialize());
  BOOST_CHECK_THROW(recorder.close(), TraceError);
}

BOOST_AUTO_TEST_CASE(recorders_that_fail_leave_the_others_alone) {
  ProbedBus run;
  Sink none{0};
  std::ostream fails{&none};
  std::vector<Trace> traces(3);
  std::vector<TraceRecorder> recorders;
  for (Trace& trace : traces) {
    recorders.emplace_back(run.bus, fails);
    recorders.emplace_back(run.bus, trace);
  }
  run.add("a", {}, {.due = BATCH_START});
  run.bus.initialize();
  run.batch();
  run.bus.finalize();
  for (const Trace& trace : traces) {
    BOOST_TEST(told(trace) == (Lines{"initialize 0/0: a.on_initialize",
                                     "batch_start 0/0: a.on_start a.on_update", "batch_end 0/0",
                                     "finalize 0/1: a.on_end a.on_finalize"}),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_SUITE_END()
