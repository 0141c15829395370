// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <takt/modifiers/epoch_range.hpp>
#include <takt/takt.hpp>

#include "resumed_run.hpp"

namespace {

using takt::EpochRangeModifier;
using takt::EpochRangeSettings;

/// A bus whose loop asks after every batch whether to stop.
struct Loop {
  explicit Loop(const EpochRangeSettings& settings, takt::Event start = {}) : bus{start} {
    bus.emplace<EpochRangeModifier>(settings);
    bus.initialize();
  }

  [[nodiscard]] bool stops() { return bus.state().control.stop_requested(); }

  /// Steps until it is asked to stop, at most `most`.
  int steps(int most = 1000) {
    int taken = 0;
    while (taken < most && !stops()) {
      bus.batch([](takt::Batch& batch) { batch.step([] {}); });
      ++taken;
    }
    return taken;
  }

  takt::EventBus bus;
};

bool is_refused(const EpochRangeSettings& settings, const std::string& word) {
  try {
    const EpochRangeModifier modifier{settings};
  } catch (const takt::InvalidModifier& error) {
    const std::string message = error.what();
    BOOST_TEST_MESSAGE(message);
    return message.find('"' + settings.name + '"') != std::string::npos &&
           message.find(word) != std::string::npos;
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(epoch_range)

BOOST_AUTO_TEST_CASE(training_stops_when_its_last_epoch_is_complete) {
  Loop loop{{.cadence = {.end = 3}}, {.steps_per_epoch = 4}};
  BOOST_TEST(loop.steps() == 12);
  BOOST_TEST(loop.bus.now().current_index() == 3.0);
}

BOOST_AUTO_TEST_CASE(without_epochs_it_counts_steps) {
  BOOST_TEST(Loop{{.cadence = {.end = 5}}}.steps() == 5);
}

BOOST_AUTO_TEST_CASE(an_end_between_two_steps_is_passed_by_the_step_that_covers_it) {
  BOOST_TEST((Loop{{.cadence = {.end = 2.5}}}.steps()) == 3);
  BOOST_TEST((Loop{{.cadence = {.end = 0.3}}, {.steps_per_epoch = 4}}.steps()) == 2);
}

// 3 of 10 steps are 0.3 epochs, 3 * 0.1 is a hair more.
BOOST_AUTO_TEST_CASE(an_end_that_is_a_rounding_error_above_a_step_is_that_step) {
  BOOST_TEST((Loop{{.cadence = {.end = 3 * 0.1}}, {.steps_per_epoch = 10}}.steps()) == 3);
}

BOOST_AUTO_TEST_CASE(the_reason_names_the_modifier_and_the_end) {
  Loop loop{{.name = "ten epochs", .cadence = {.end = 10}}};
  loop.steps(9);
  BOOST_TEST(!loop.stops());
  loop.steps();
  BOOST_TEST(loop.bus.state().control.stop_reason() == "ten epochs: training ends at 10");
}

BOOST_AUTO_TEST_CASE(the_request_comes_at_batch_end_and_not_before) {
  Loop loop{{.cadence = {.end = 1}}};
  loop.bus.batch_start();
  loop.bus.loss_calculated(1.0);
  loop.bus.optim_pre_step();
  loop.bus.optim_post_step();
  BOOST_TEST(!loop.stops());
  loop.bus.batch_end();
  BOOST_TEST(loop.stops());
}

BOOST_AUTO_TEST_CASE(batches_without_a_step_bring_the_end_no_nearer) {
  Loop loop{{.cadence = {.end = 2}}};
  BOOST_TEST(loop.steps(1) == 1);
  for (int i = 0; i < 5; ++i) loop.bus.batch([](takt::Batch&) {});
  BOOST_TEST(!loop.stops());
  BOOST_TEST(loop.steps() == 1);
}

BOOST_AUTO_TEST_CASE(a_step_of_a_batch_that_was_aborted_does_not_count) {
  Loop loop{{.cadence = {.end = 1}}};
  loop.bus.batch_start();
  loop.bus.optim_pre_step();
  loop.bus.optim_post_step();
  loop.bus.abort_batch();
  loop.bus.batch([](takt::Batch&) {});
  BOOST_TEST(!loop.stops());
  BOOST_TEST(loop.steps() == 1);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_stops_at_the_same_step) {
  BOOST_TEST((Loop{{.cadence = {.end = 3}}, {.steps_per_epoch = 4, .global_step = 9}}.steps()) ==
             3);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_resumed_at_its_end_or_past_it_takes_no_step) {
  for (const std::int64_t step : {12, 13, 20}) {
    BOOST_TEST(
        (Loop{{.cadence = {.end = 3}}, {.steps_per_epoch = 4, .global_step = step}}.steps()) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_start_makes_no_difference_to_the_end) {
  BOOST_TEST((Loop{{.cadence = {.start = 2, .end = 4}}}.steps()) == 4);
  BOOST_TEST((Loop{{.cadence = {.start = 2, .end = 4, .update = 3}}}.steps()) == 4);
}

BOOST_AUTO_TEST_CASE(any_end_is_met_by_the_first_batch_that_reaches_it) {
  BOOST_TEST(rc::check("as many steps as fill the range", [] {
    const auto steps_per_epoch = *rc::gen::inRange<std::int64_t>(1, 12);
    const auto end_step = *rc::gen::inRange<std::int64_t>(1, 60);
    const auto first = *rc::gen::inRange<std::int64_t>(0, end_step);
    const double end = static_cast<double>(end_step) / static_cast<double>(steps_per_epoch);
    Loop loop{{.cadence = {.end = end}},
              {.steps_per_epoch = steps_per_epoch, .global_step = first}};
    RC_ASSERT(loop.steps() == static_cast<int>(end_step - first));
  }));
}

BOOST_AUTO_TEST_CASE(an_end_that_is_missing_or_infinite_is_refused) {
  BOOST_TEST(is_refused({.name = "range"}, "end is not set"));
  BOOST_TEST(is_refused({.cadence = {.end = std::numeric_limits<double>::infinity()}}, "end"));
  BOOST_CHECK_THROW((EpochRangeModifier{{.cadence = {.start = 2, .end = 1}}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it_with_the_names_that_sparseml_has) {
  takt::EventBus bus{{.steps_per_epoch = 2}};
  bus.add(takt::Registry::builtin().make("EpochRangeModifier",
                                         {{"start_epoch", 0}, {"end_epoch", 1.5}}));
  BOOST_TEST(bus.modifiers().front()->name() == "EpochRangeModifier");
  bus.initialize();
  int steps = 0;
  for (; steps < 10 && !bus.state().control.stop_requested(); ++steps) {
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }
  BOOST_TEST(steps == 3);
  BOOST_CHECK_THROW((void)takt::Registry::builtin().make("EpochRangeModifier"),
                    takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(cut_anywhere_a_run_stops_where_it_would_have) {
  const auto setup = [](double start) {
    return [=](takt::test::CutRun& run) {
      run.add<EpochRangeModifier>(EpochRangeSettings{.cadence = {.start = start, .end = 3}});
    };
  };
  takt::test::check_cuts(setup(0), "islpPeslpPaslpPeslpPaslpeslesPeslpPef");
  takt::test::check_cuts(setup(2), "islpPeslpPecslpPeCslpPef");
  takt::test::check_bytes(setup(0), "islpPeslpPeslpP", "ef");
}

BOOST_AUTO_TEST_SUITE_END()
