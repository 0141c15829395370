// SPDX-License-Identifier: BSL-1.0
// Averages in a run that is cut and resumed.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <takt/modifiers/ema.hpp>
#include <takt/takt.hpp>

#include "error_text.hpp"
#include "resumed_run.hpp"

namespace {

using takt::EMAModifier;
using takt::EMASettings;
using takt::test::check_bytes;
using takt::test::check_cuts;
using takt::test::CutRun;
using takt::test::has;
using takt::test::load;
using takt::test::message_of;

/// A and R put the averages of the first one into the model and take them out, B and S those of the
/// second.
void see(std::ostream& out, EMAModifier& ema) {
  out << ema.updates() << ' ' << ema.next_decay() << ' ' << ema.applied();
}

takt::test::Setup with(const EMASettings& first, const std::optional<EMASettings>& second = {}) {
  return [=](CutRun& run) {
    run.add<EMAModifier>(first, see);
    run.also['A'] = [&run] { run.modifier<EMAModifier>().apply(run.model); };
    run.also['R'] = [&run] { run.modifier<EMAModifier>().restore(run.model); };
    if (!second) return;
    run.add<EMAModifier>(*second, see);
    run.also['B'] = [&run] { run.modifier<EMAModifier>(1).apply(run.model); };
    run.also['S'] = [&run] { run.modifier<EMAModifier>(1).restore(run.model); };
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ema_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_the_averages_are_those_of_the_uncut_run) {
  check_cuts(with({.cadence = {.start = 1, .end = 3}, .decay = 0.5}),
             "islpPeARslpPeARslpPAReslpPaARslpPeARslpPeARfAR");
}

BOOST_AUTO_TEST_CASE(cut_anywhere_a_warm_up_goes_on) {
  check_cuts(with({.targets = {"fc.weight"}, .decay = 0.9, .warm_up = true}),
             "islpPeslpPeslpPeslpPeARf");
}

BOOST_AUTO_TEST_CASE(averages_that_are_in_the_model_are_so_when_resumed) {
  const takt::test::Setup setup = with({.cadence = {.end = 2}, .decay = 0.25});
  check_cuts(setup, "islpPeARAslpPeRslApPPelsAaslpPeAslpPef");
  check_cuts(setup, "islpPeslpPeslpPeAfAR");
}

BOOST_AUTO_TEST_CASE(averages_over_others_are_taken_out_in_their_order_when_resumed) {
  const takt::test::Setup setup =
      with({.decay = 0.25}, EMASettings{.name = "slow", .targets = {"fc.weight"}, .decay = 0.75});
  check_cuts(setup, "islpPeslpPeABRSBARSABSRBASRslpPef");
}

BOOST_AUTO_TEST_CASE(whatever_is_called_any_cuts_change_nothing) {
  BOOST_TEST(rc::check("a run that is cut is the one that is not", [] {
    const auto settings = [](std::string name) {
      return EMASettings{.name = std::move(name),
                         .cadence = {.start = *rc::gen::element(0.0, 1.0, 2.0),
                                     .end = *rc::gen::element(3.0, 100.0),
                                     .update = *rc::gen::element(0.0, 2.0)},
                         .decay = *rc::gen::element(0.5, 0.9),
                         .warm_up = *rc::gen::arbitrary<bool>()};
    };
    const takt::test::Setup setup = with(settings("one"), settings("two"));
    std::string calls = "i";
    const auto part = rc::gen::element<std::string>("slpPe", "slpPe", "slpPa", "s", "l", "p", "P",
                                                    "e", "c", "C", "A", "R", "B", "S");
    for (const auto& more : *rc::gen::container<std::vector<std::string>>(part)) calls += more;
    const auto cuts =
        *rc::gen::container<std::set<std::size_t>>(rc::gen::inRange<std::size_t>(1, 60));
    const std::string found = takt::test::difference(setup, calls + "fAR", cuts);
    RC_ASSERT(found == "");
  }));
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  const takt::test::Setup setup = with({.decay = 0.5});
  check_bytes(setup, "islpPeA", "RslpPeARf");
  check_bytes(setup, "i", "slpPeARf");
}

BOOST_AUTO_TEST_CASE(averages_of_another_model_are_refused_by_the_name_of_the_parameter) {
  CutRun run;
  with({})(run);
  for (const char letter : std::string{"islpPe"}) run.call(letter);
  EMAModifier fresh{{}};
  run.model[1].values = {1, 2, 3};
  const std::string error = message_of<takt::CheckpointError>([&] {
    load(fresh, takt::Phase::active, run.states().front(), run.bus->state(), run.bus->now());
  });
  BOOST_TEST(has(error, "'fc.bias'"), error);
  BOOST_TEST(has(error, "has 3 values, but the copy is of number 1 and has 2"), error);
  EMAModifier other{{.targets = {"fc.weight"}}};
  BOOST_CHECK_THROW(
      load(other, takt::Phase::active, run.states().front(), run.bus->state(), run.bus->now()),
      takt::CheckpointError);
}

BOOST_AUTO_TEST_CASE(an_open_window_without_averages_is_refused) {
  CutRun run;
  with({})(run);
  run.call('i');
  EMAModifier fresh{{}};
  BOOST_CHECK_THROW(
      load(fresh, takt::Phase::active, run.states().front(), run.bus->state(), run.bus->now()),
      takt::CheckpointError);
}

BOOST_AUTO_TEST_CASE(the_state_of_before_a_window_opened_takes_averages_away) {
  CutRun run;
  with({})(run);
  run.call('i');
  const std::string before = run.states().front();
  for (const char letter : std::string{"slpPeA"}) run.call(letter);
  auto& ema = run.modifier<EMAModifier>();
  load(ema, takt::Phase::initialized, before, run.bus->state(), run.bus->now());
  BOOST_TEST(!ema.applied());
  BOOST_TEST(ema.updates() == 0);
  BOOST_CHECK_THROW(ema.apply(run.model), takt::LifecycleError);
  ema.on_start(run.bus->state(), run.bus->now());
  BOOST_TEST(!ema.applied());
}

BOOST_AUTO_TEST_SUITE_END()
