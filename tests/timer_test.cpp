// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <takt/modifiers/timer.hpp>
#include <takt/takt.hpp>
#include <utility>

namespace {

using takt::PhaseTime;
using takt::TimerModifier;
using takt::TimerPhase;
using takt::TimerSettings;
using takt::TimerSummary;

/// A loop in which time passes only where a test says so.
struct Loop {
  explicit Loop(TimerSettings settings = {}, takt::Event start = {}, takt::BusOptions options = {})
      : bus{start, options} {
    if (settings.stream == &std::cerr) settings.stream = &out;
    settings.clock = [this] {
      ++readings;
      return time;
    };
    timer = bus.emplace<TimerModifier>(std::move(settings));
    bus.initialize();
  }

  void start(std::int64_t after) {
    time += after;
    bus.batch_start();
  }
  void loss(std::int64_t after) {
    time += after;
    bus.loss_calculated(1.0);
  }
  void step(std::int64_t before, std::int64_t takes) {
    time += before;
    bus.optim_pre_step();
    time += takes;
    bus.optim_post_step();
  }
  void end(std::int64_t after) {
    time += after;
    bus.batch_end();
  }
  /// A batch with all five phases.
  void batch(std::int64_t data, std::int64_t forward, std::int64_t backward, std::int64_t optimizer,
             std::int64_t rest) {
    start(data);
    loss(forward);
    step(backward, optimizer);
    end(rest);
  }
  [[nodiscard]] PhaseTime operator[](TimerPhase phase) const { return timer->summary()[phase]; }

  std::ostringstream out;
  std::int64_t time = 1000;
  int readings = 0;
  takt::EventBus bus;
  std::shared_ptr<TimerModifier> timer;
};

class BrokenBuffer final : public std::streambuf {
 protected:
  int_type overflow(int_type) override { throw std::runtime_error{"the disk is full"}; }
};

}  // namespace

namespace takt {
static std::ostream& operator<<(std::ostream& out, const PhaseTime& time) {
  return out << time.count << " times " << time.nanoseconds << " ns";
}
}  // namespace takt

BOOST_AUTO_TEST_SUITE(timer)

BOOST_AUTO_TEST_CASE(a_phase_is_written_by_its_name) {
  std::ostringstream out;
  out << TimerPhase::data << ' ' << TimerPhase::rest;
  BOOST_TEST(out.str() == "data rest");
}

BOOST_AUTO_TEST_CASE(the_time_of_a_batch_is_told_by_its_phases) {
  Loop loop;
  loop.batch(7, 10, 20, 30, 5);
  loop.batch(4, 11, 22, 33, 6);
  BOOST_TEST(loop.timer->summary().batches == 2);
  BOOST_TEST(loop[TimerPhase::data] == (PhaseTime{1, 4}));  // none before the first
  BOOST_TEST(loop[TimerPhase::forward] == (PhaseTime{2, 21}));
  BOOST_TEST(loop[TimerPhase::backward] == (PhaseTime{2, 42}));
  BOOST_TEST(loop[TimerPhase::optimizer] == (PhaseTime{2, 63}));
  BOOST_TEST(loop[TimerPhase::rest] == (PhaseTime{2, 11}));
  BOOST_TEST(loop.timer->summary().nanoseconds() == 141);
}

BOOST_AUTO_TEST_CASE(means_and_shares_are_those_of_the_sums) {
  Loop loop;
  loop.batch(0, 1'000'000'000, 0, 3'000'000'000, 0);
  loop.batch(0, 1'000'000'000, 0, 5'000'000'000, 0);
  BOOST_TEST(loop[TimerPhase::optimizer].mean_seconds() == 4.0);
  BOOST_TEST(loop.timer->summary().share(TimerPhase::optimizer) == 0.8);
  BOOST_TEST(loop.timer->summary().share(TimerPhase::data) == 0.0);
  BOOST_TEST(TimerSummary{}.share(TimerPhase::rest) == 0.0);
  BOOST_TEST(PhaseTime{}.mean_seconds() == 0.0);
}

BOOST_AUTO_TEST_CASE(a_batch_without_a_step_has_its_backward_up_to_its_end) {
  Loop loop;
  loop.start(0);
  loop.loss(10);
  loop.end(20);
  BOOST_TEST(loop[TimerPhase::backward] == (PhaseTime{1, 20}));
  BOOST_TEST(loop[TimerPhase::rest] == (PhaseTime{}));
}

BOOST_AUTO_TEST_CASE(what_comes_without_a_loss_is_rest) {
  Loop loop;
  loop.start(0);
  loop.step(10, 20);
  loop.end(5);
  loop.start(0);
  loop.end(7);
  BOOST_TEST(loop[TimerPhase::rest] == (PhaseTime{3, 22}));
  BOOST_TEST(loop[TimerPhase::forward] == (PhaseTime{}));
  BOOST_TEST(loop[TimerPhase::backward] == (PhaseTime{}));
}

BOOST_AUTO_TEST_CASE(losses_and_steps_may_repeat) {
  Loop loop{{}, {}, {.order = takt::OrderPolicy::several_steps}};
  loop.start(0);
  loop.loss(1);
  loop.loss(2);
  loop.step(10, 100);
  loop.loss(4);
  loop.step(20, 200);
  loop.end(1000);
  BOOST_TEST(loop[TimerPhase::forward] == (PhaseTime{3, 7}));
  BOOST_TEST(loop[TimerPhase::backward] == (PhaseTime{2, 30}));
  BOOST_TEST(loop[TimerPhase::optimizer] == (PhaseTime{2, 300}));
  BOOST_TEST(loop[TimerPhase::rest] == (PhaseTime{1, 1000}));
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_aborted_counts_nowhere) {
  Loop loop;
  loop.batch(0, 1, 2, 3, 4);
  const TimerSummary before = loop.timer->summary();
  loop.start(50);
  loop.loss(60);
  loop.step(70, 80);
  loop.bus.abort_batch();
  BOOST_TEST((loop.timer->summary() == before));
  loop.batch(90, 1, 2, 3, 4);
  BOOST_TEST(loop.timer->summary().batches == 2);
  BOOST_TEST(loop[TimerPhase::data] == (PhaseTime{}));
  BOOST_TEST(loop.timer->summary().nanoseconds() == 20);
}

BOOST_AUTO_TEST_CASE(only_the_window_is_measured) {
  Loop loop{{.cadence = {.start = 1, .end = 2}}};
  for (int i = 0; i < 5; ++i) loop.batch(1, 1, 1, 1, 1);
  BOOST_TEST(loop.timer->summary().batches == 2);
  BOOST_TEST(loop[TimerPhase::data] == (PhaseTime{1, 1}));
  BOOST_TEST(loop.readings == 10);
}

BOOST_AUTO_TEST_CASE(the_clock_is_read_once_for_each_event) {
  Loop loop;
  for (int i = 0; i < 3; ++i) loop.batch(1, 1, 1, 1, 1);
  BOOST_TEST(loop.readings == 15);
  loop.bus.finalize();
  BOOST_TEST(loop.readings == 15);
}

BOOST_AUTO_TEST_CASE(a_clock_that_goes_back_adds_nothing) {
  Loop loop;
  loop.start(0);
  loop.loss(-500);
  loop.end(5);
  BOOST_TEST(loop[TimerPhase::forward] == (PhaseTime{1, 0}));
  BOOST_TEST(loop[TimerPhase::backward] == (PhaseTime{1, 5}));
}

BOOST_AUTO_TEST_CASE(metrics_are_the_means_since_they_were_last_put_there) {
  constexpr std::int64_t second = 1'000'000'000;
  Loop loop{{.cadence = {.update = 2}}};
  std::map<std::string, double>& metrics = loop.bus.state().metrics;
  loop.batch(0, second, second, second, second);
  BOOST_TEST(metrics.size() == 5U);
  BOOST_TEST(metrics.at("time/forward") == 1.0);
  BOOST_TEST(metrics.at("time/data") == 0.0);
  loop.batch(second, 3 * second, 0, 0, 0);
  BOOST_TEST(metrics.at("time/forward") == 1.0);  // not due
  loop.batch(2 * second, 5 * second, 2 * second, 4 * second, 6 * second);
  BOOST_TEST(metrics.at("time/data") == 1.5);
  BOOST_TEST(metrics.at("time/forward") == 4.0);
  BOOST_TEST(metrics.at("time/backward") == 1.0);
  BOOST_TEST(metrics.at("time/optimizer") == 2.0);
  BOOST_TEST(metrics.at("time/rest") == 3.0);
}

BOOST_AUTO_TEST_CASE(metrics_that_the_loop_cleared_are_put_there_again) {
  Loop loop;
  loop.batch(0, 1, 1, 1, 1);
  loop.bus.state().metrics.clear();
  loop.batch(0, 1, 1, 1, 1);
  BOOST_TEST(loop.bus.state().metrics.size() == 5U);
}

BOOST_AUTO_TEST_CASE(a_table_is_written_at_the_end_when_asked_for) {
  constexpr std::int64_t ms = 1'000'000;
  Loop loop{{.name = "time", .print = true}};
  loop.batch(0, 10 * ms, 20 * ms, 1 * ms, 500);
  loop.batch(9 * ms, 10 * ms, 20 * ms, 1 * ms, 500);
  BOOST_TEST(loop.out.str().empty());
  loop.bus.finalize();
  BOOST_TEST(loop.out.str() ==
             "time: 2 batches in 71 ms\n"
             "phase        mean  total  share  count\n"
             "data         9 ms   9 ms  12.7%      1\n"
             "forward     10 ms  20 ms  28.2%      2\n"
             "backward    20 ms  40 ms  56.3%      2\n"
             "optimizer    1 ms   2 ms   2.8%      2\n"
             "rest       500 ns   1 µs   0.0%      2\n");
}

BOOST_AUTO_TEST_CASE(nothing_is_written_without_being_asked_or_without_a_batch) {
  Loop silent;
  silent.batch(1, 1, 1, 1, 1);
  silent.bus.finalize();
  BOOST_TEST(silent.out.str().empty());
  Loop empty{{.print = true}};
  empty.bus.finalize();
  BOOST_TEST(empty.out.str().empty());
}

BOOST_AUTO_TEST_CASE(a_stream_that_throws_ends_nothing) {
  BrokenBuffer broken;
  std::ostream out{&broken};
  out.exceptions(std::ios::badbit);
  Loop loop{{.print = true, .stream = &out}};
  loop.batch(1, 1, 1, 1, 1);
  BOOST_CHECK_NO_THROW(loop.bus.finalize());
}

BOOST_AUTO_TEST_CASE(every_nanosecond_of_the_window_is_in_one_phase) {
  BOOST_TEST(rc::check("the sum of the phases is the time from first to last event", [] {
    Loop loop{{.cadence = {.update = 3}}, {}, {.order = takt::OrderPolicy::several_steps}};
    const auto passes = [] { return *rc::gen::inRange<std::int64_t>(0, 1'000'000); };
    const int batches = *rc::gen::inRange(1, 10);
    std::int64_t first = 0;
    for (int i = 0; i < batches; ++i) {
      loop.start(passes());
      if (i == 0) first = loop.time;
      for (int rounds = *rc::gen::inRange(0, 3); rounds > 0; --rounds) {
        if (*rc::gen::arbitrary<bool>()) loop.loss(passes());
        if (*rc::gen::arbitrary<bool>()) loop.step(passes(), passes());
      }
      loop.end(passes());
    }
    const TimerSummary& summary = loop.timer->summary();
    RC_ASSERT(summary.batches == batches);
    RC_ASSERT(summary.nanoseconds() == loop.time - first);
    std::int64_t counts = 0;
    for (const PhaseTime& phase : summary.phases) counts += phase.count;
    RC_ASSERT(counts == loop.readings - 1);
  }));
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_null_is_refused) {
  BOOST_CHECK_THROW((TimerModifier{{.stream = nullptr}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((TimerModifier{{.cadence = {.update = -1}}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it_and_the_usual_clock_goes_on) {
  takt::EventBus bus;
  const auto timer = std::dynamic_pointer_cast<TimerModifier>(
      takt::Registry::builtin().make("TimerModifier", {{"print", false}, {"update", 10}}));
  BOOST_REQUIRE(timer != nullptr);
  bus.add(timer);
  bus.initialize();
  for (int i = 0; i < 3; ++i) bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  BOOST_TEST(timer->summary().batches == 3);
  BOOST_TEST(timer->summary().nanoseconds() > 0);
}

BOOST_AUTO_TEST_SUITE_END()
