// SPDX-License-Identifier: BSL-1.0
// Early stopping in a run that is cut and resumed.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <ostream>
#include <set>
#include <string>
#include <takt/modifiers/early_stopping.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "resumed_run.hpp"

namespace {

using takt::EarlyStoppingModifier;
using takt::EarlyStoppingSettings;
using takt::test::check_cuts;
using takt::test::CutRun;

/// The digits 0 to 9 are losses, or, with a metric, values of it.
takt::test::Setup with(const EarlyStoppingSettings& settings) {
  return [=](CutRun& run) {
    run.add<EarlyStoppingModifier>(settings, [](std::ostream& out, auto& stopping) {
      out << stopping.best().value_or(-1.0) << ' ' << stopping.best_step().value_or(-1);
    });
    for (char digit = '0'; digit <= '9'; ++digit) {
      run.also[digit] = [&run, value = digit - '0', monitor = settings.monitor] {
        if (monitor == "loss") return run.bus->loss_calculated(value);
        run.bus->state().metrics[monitor] = value;
      };
    }
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(early_stopping_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_it_stops_and_saves_where_it_would_have) {
  check_cuts(with({.patience = 3, .min_delta = 1, .save_best = true}),
             "is5pPes4pPes3pPas3pPes7es3pPes4pPas2e2s9pPes4pPes1pPef");
}

BOOST_AUTO_TEST_CASE(cut_anywhere_its_reason_names_the_same_step) {
  CutRun run;
  with({.patience = 2})(run);
  (void)takt::test::seen_in(run, "is5pPes3pPes4pPes4pPe", {6, 12, 17});
  BOOST_TEST(run.bus->state().control.stop_reason() ==
             "EarlyStoppingModifier: no improvement of loss over 3 in 2 checks; best at step 1");
}

BOOST_AUTO_TEST_CASE(cut_anywhere_a_missing_metric_is_waited_for_as_long) {
  check_cuts(with({.monitor = "accuracy", .mode = takt::MonitorMode::max, .patience = 2}),
             "ispPespPespPespPe4spPe3spPespPef");
}

BOOST_AUTO_TEST_CASE(one_that_has_asked_does_not_ask_the_resumed_run_again) {
  CutRun run;
  with({.patience = 1, .threshold = 0.5})(run);
  (void)takt::test::seen_in(run, "is5pPes6pPe", {});
  BOOST_TEST(run.bus->state().control.stop_requested());

  CutRun resumed{run.bus->now()};
  EarlyStoppingModifier fresh{{.patience = 1, .threshold = 0.5}};
  takt::test::load(fresh, takt::Phase::active, run.states().front(), resumed.bus->state(),
                   resumed.bus->now());
  resumed.bus->state().loss = 0.0;
  fresh.on_update(resumed.bus->state(), takt::Event{.type = takt::EventType::OPTIM_POST_STEP});
  fresh.on_update(resumed.bus->state(), takt::Event{.type = takt::EventType::BATCH_END});
  BOOST_TEST(fresh.best().value() == 0.0);
  BOOST_TEST(!resumed.bus->state().control.stop_requested());
}

BOOST_AUTO_TEST_CASE(any_cuts_of_any_run_change_nothing) {
  BOOST_TEST(rc::check("a run that is cut is the one that is not", [] {
    const takt::test::Setup setup =
        with({.cadence = {.start = *rc::gen::element(0.0, 1.0),
                          .end = *rc::gen::element(5.0, 99.0),
                          .update = *rc::gen::element(0.0, 2.0)},
              .monitor = *rc::gen::element<std::string>("loss", "accuracy"),
              .mode = *rc::gen::element(takt::MonitorMode::min, takt::MonitorMode::max),
              .patience = *rc::gen::inRange(1, 4),
              .save_best = true});
    std::string calls = "i";
    const auto part = rc::gen::element<std::string>("s5pPe", "s4pPe", "s3pPe", "s5pPa", "spPe", "6",
                                                    "s", "2", "p", "P", "e", "a");
    for (const auto& more : *rc::gen::container<std::vector<std::string>>(part)) calls += more;
    const auto cuts =
        *rc::gen::container<std::set<std::size_t>>(rc::gen::inRange<std::size_t>(1, 60));
    RC_ASSERT(takt::test::difference(setup, calls + "f", cuts) == "");
  }));
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  takt::test::check_bytes(with({.patience = 2}), "is5pPes6pP", "es7pPes8pPef");
  takt::test::check_bytes(with({.monitor = "accuracy", .patience = 2}), "ispPe", "spPespPef");
}

BOOST_AUTO_TEST_SUITE_END()
