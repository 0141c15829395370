// SPDX-License-Identifier: BSL-1.0
// Zeros that are held in a run that is cut and resumed.
#include <boost/test/unit_test.hpp>
#include <string>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/takt.hpp>

#include "error_text.hpp"
#include "resumed_run.hpp"

namespace {

using takt::ConstantPruningModifier;
using takt::ConstantPruningSettings;
using takt::test::CutRun;
using takt::test::has;

/// Z makes some weights zero, and others not.
takt::test::Setup with(const ConstantPruningSettings& settings) {
  return [=](CutRun& run) {
    run.add<ConstantPruningModifier>(settings);
    run.also['Z'] = [&run, turn = 0]() mutable {
      ++turn;
      run.model[0].values = {0, 1, 0, 4, -0.0F, 6, 7, static_cast<float>(turn % 2)};
    };
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(constant_pruning_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_the_same_weights_are_held) {
  takt::test::check_cuts(with({.cadence = {.start = 1, .end = 3}}),
                         "islpPeZslpPeslpPaZslpPesZlpPeslepPeZslpPeslpPef");
  takt::test::check_cuts(with({.targets = {"fc.weight", "fc.bias"}}), "iZslpPeZcqslpPeqCslpPef");
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  takt::test::check_bytes(with({}), "iZslpPeslp", "PeslpPef");
  takt::test::check_bytes(with({.cadence = {.start = 2}}), "iZslpPe", "slpPeslpPef");
}

BOOST_AUTO_TEST_CASE(masks_for_another_model_are_refused_by_the_name_of_the_parameter) {
  CutRun run;
  with({.targets = {"fc.weight", "fc.bias"}})(run);
  for (const char letter : std::string{"iZslpPe"}) run.call(letter);
  run.model[1].shape = {3};
  run.model[1].values = {1, 2, 3};
  ConstantPruningModifier fresh{{.targets = {"fc.weight", "fc.bias"}}};
  const std::string error = takt::test::message_of<takt::CheckpointError>([&] {
    takt::test::load(fresh, takt::Phase::active, run.states().front(), run.bus->state(),
                     run.bus->now());
  });
  BOOST_TEST(has(error, "'fc.bias': a mask of 2 weights was saved, but there are 3"), error);
}

BOOST_AUTO_TEST_CASE(the_state_of_before_its_window_opened_takes_the_masks_away) {
  CutRun run;
  with({})(run);
  run.call('i');
  const std::string before = run.states().front();
  for (const char letter : std::string{"Zs"}) run.call(letter);
  auto& holding = run.modifier<ConstantPruningModifier>();
  takt::test::load(holding, takt::Phase::initialized, before, run.bus->state(), run.bus->now());
  run.model[0].values.assign(8, 1.0F);
  holding.on_event(run.bus->state(), takt::Event{.type = takt::EventType::OPTIM_POST_STEP});
  BOOST_TEST(run.model[0].zeros() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
