// SPDX-License-Identifier: BSL-1.0
// Times in a run that is cut and resumed.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <sstream>
#include <string_view>
#include <takt/modifiers/timer.hpp>
#include <takt/takt.hpp>

#include "resumed_run.hpp"

namespace {

using takt::TimerModifier;
using takt::TimerPhase;
using takt::TimerSettings;

/// A clock that goes on by `tick` with each reading.
struct Timed {
  explicit Timed(TimerSettings settings = {}) {
    settings.stream = &out;
    settings.clock = [this] { return time += tick; };
    run.add<TimerModifier>(settings);
  }

  void call(std::string_view letters) { (void)takt::test::seen_in(run, letters, {}); }
  [[nodiscard]] const takt::TimerSummary& summary() {
    return run.modifier<TimerModifier>().summary();
  }
  [[nodiscard]] bool measured(TimerPhase phase, std::int64_t count, std::int64_t nanoseconds) {
    return summary()[phase] == takt::PhaseTime{count, nanoseconds};
  }

  std::ostringstream out;
  std::int64_t time = 0;
  std::int64_t tick = 10;
  takt::test::CutRun run;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(timer_resume)

BOOST_AUTO_TEST_CASE(cut_between_two_batches_the_time_between_them_is_left_out) {
  Timed timed;
  timed.call("islpPeslpPe");
  timed.run.cut();
  timed.time = -7000;  // of another machine
  timed.tick = 30;
  timed.call("slpPe");
  BOOST_TEST(timed.summary().batches == 3);
  BOOST_TEST(timed.measured(TimerPhase::data, 1, 10));
  BOOST_TEST(timed.measured(TimerPhase::forward, 3, 50));
  BOOST_TEST(timed.measured(TimerPhase::backward, 3, 50));
  BOOST_TEST(timed.measured(TimerPhase::optimizer, 3, 50));
  BOOST_TEST(timed.measured(TimerPhase::rest, 3, 50));
}

BOOST_AUTO_TEST_CASE(cut_in_a_batch_the_batch_is_left_out) {
  for (const std::string_view open : {"s", "sl", "slp", "slpP"}) {
    Timed timed;
    timed.call("islpPe");
    timed.call(open);
    timed.run.cut();
    timed.call(std::string_view{"slpPe"}.substr(open.size()));
    BOOST_TEST(timed.summary().batches == 1);
    timed.call("slpPe");
    BOOST_TEST(timed.summary().batches == 2);
    BOOST_TEST(timed.measured(TimerPhase::data, 0, 0));
    BOOST_TEST(timed.measured(TimerPhase::forward, 2, 20));
    BOOST_TEST(timed.measured(TimerPhase::rest, 2, 20));
  }
}

BOOST_AUTO_TEST_CASE(the_metrics_are_means_since_the_last_ones_across_a_cut) {
  Timed timed{{.cadence = {.update = 2}}};
  timed.call("islpPeslpPe");
  timed.run.cut();
  timed.tick = 30;
  timed.call("slpPe");
  for (const char* const phase : {"time/forward", "time/backward", "time/optimizer", "time/rest"}) {
    BOOST_TEST(timed.run.bus->state().metrics[phase] == 20e-9, phase);
  }
  BOOST_TEST(timed.run.bus->state().metrics["time/data"] == 10e-9);
}

BOOST_AUTO_TEST_CASE(the_state_of_before_its_window_opened_takes_all_times_away) {
  Timed timed;
  timed.call("i");
  const std::string before = timed.run.states().front();
  timed.call("slpPesl");
  auto& timer = timed.run.modifier<TimerModifier>();
  takt::test::load(timer, takt::Phase::initialized, before, timed.run.bus->state(),
                   timed.run.bus->now());
  BOOST_TEST((timer.summary() == takt::TimerSummary{}));
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  takt::test::check_bytes(
      [](takt::test::CutRun& run) {
        run.add<TimerModifier>(TimerSettings{.clock = [] { return std::int64_t{7}; }});
      },
      "islpPeslp", "PeslpPef");
}

BOOST_AUTO_TEST_SUITE_END()
