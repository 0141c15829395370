// SPDX-License-Identifier: BSL-1.0
// Magnitude pruning in a run that is cut and resumed.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <ostream>
#include <set>
#include <string>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "error_text.hpp"
#include "resumed_run.hpp"

namespace {

using takt::MagnitudePruningModifier;
using takt::MagnitudePruningSettings;
using takt::test::CutRun;
using takt::test::has;

/// M moves the weights, as a loop may at any time.
takt::test::Setup with(const MagnitudePruningSettings& settings) {
  return [=](CutRun& run) {
    run.add<MagnitudePruningModifier>(
        settings, [](std::ostream& out, auto& pruning) { out << pruning.sparsity(); });
    run.also['M'] = [&run] {
      for (VectorParameter& parameter : run.model.parameters) {
        for (float& value : parameter.values) value = 1.0F - value;
      }
    };
  };
}

MagnitudePruningSettings rising(const std::string& structure) {
  return {.cadence = {.start = 1, .end = 5, .update = 2},
          .init_sparsity = 0.25,
          .final_sparsity = structure == "3:4" ? 0.25 : 0.5,
          .mask_structure = structure};
}

constexpr const char* batches = "islpPeslpPesMlpPaslpPeslpMPesleslpPeslpPeMslpPef";

/// What loading the state of one modifier, active, into another says.
std::string refusal(const MagnitudePruningSettings& from, const MagnitudePruningSettings& to,
                    std::size_t more_columns = 0) {
  CutRun run;
  with(from)(run);
  for (const char letter : std::string{"islpPeslpPeslpPe"}) run.call(letter);
  run.model[0].shape[1] += static_cast<std::int64_t>(more_columns);
  run.model[0].values.resize(2 * static_cast<std::size_t>(run.model[0].shape[1]));
  MagnitudePruningModifier fresh{to};
  return takt::test::message_of<takt::CheckpointError>([&] {
    takt::test::load(fresh, takt::Phase::active, run.states().front(), run.bus->state(),
                     run.bus->now());
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(magnitude_pruning_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_the_same_weights_are_pruned) {
  for (const char* const structure :
       {"unstructured", "2:4", "3:4", "channel", "filter", "block_1,2", "block_2,1"}) {
    BOOST_TEST_CONTEXT(structure) { takt::test::check_cuts(with(rising(structure)), batches); }
  }
}

BOOST_AUTO_TEST_CASE(cut_after_its_end_it_holds_on_if_it_was_to) {
  MagnitudePruningSettings settings = rising("unstructured");
  settings.leave_enabled = true;
  settings.targets = {"fc.weight", "fc.bias"};
  takt::test::check_cuts(with(settings), batches);
}

BOOST_AUTO_TEST_CASE(cut_in_a_calibration_epoch_the_same_weights_are_pruned) {
  takt::test::check_cuts(with({.cadence = {.start = 0, .end = 2}, .final_sparsity = 0.5}),
                         "icqMqslpPeslpPeCMslpPecqCMcqaCslpPef");
}

BOOST_AUTO_TEST_CASE(any_cuts_of_any_run_change_nothing) {
  BOOST_TEST(rc::check("a run that is cut is the one that is not", [] {
    const takt::test::Setup setup =
        with({.cadence = {.start = *rc::gen::element(0.0, 1.0, 2.5),
                          .end = *rc::gen::element(4.0, 5.5),
                          .update = *rc::gen::element(0.0, 0.5, 3.0)},
              .targets = {"fc.weight", *rc::gen::element<std::string>("fc.weight", "fc.bias")},
              .init_sparsity = 0.1,
              .final_sparsity = 0.8,
              .leave_enabled = *rc::gen::arbitrary<bool>()});
    std::string calls = "i";
    const auto part = rc::gen::element<std::string>("slpPe", "slpPe", "slpPe", "slpPa", "s", "l",
                                                    "p", "P", "e", "a", "c", "C", "M");
    for (const auto& more : *rc::gen::container<std::vector<std::string>>(part)) calls += more;
    const auto cuts =
        *rc::gen::container<std::set<std::size_t>>(rc::gen::inRange<std::size_t>(1, 60));
    RC_ASSERT(takt::test::difference(setup, calls + "f", cuts) == "");
  }));
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  for (const char* const structure : {"unstructured", "2:4", "block_1,2"}) {
    BOOST_TEST_CONTEXT(structure) {
      takt::test::check_bytes(with(rising(structure)), "islpPeslpPeslp", "PeslpPeslpPef");
    }
  }
  takt::test::check_bytes(with(rising("channel")), "islpPe", "slpPeslpPeslpPef");
}

BOOST_AUTO_TEST_CASE(masks_for_another_model_are_refused_by_the_name_of_the_parameter) {
  const std::string size = refusal(rising("unstructured"), rising("unstructured"), 1);
  BOOST_TEST(has(size, "'fc.weight': a mask of 8 weights was saved, but there are 10"), size);
  MagnitudePruningSettings all = rising("unstructured");
  all.targets = {"fc.weight", "fc.bias"};
  const std::string count = refusal(all, rising("unstructured"));
  BOOST_TEST(has(count, "masks of 2 parameters, but the model has 1 to mask"), count);
  MagnitudePruningSettings bias = rising("unstructured");
  bias.targets = {"fc.bias"};
  const std::string position = refusal(rising("unstructured"), bias);
  BOOST_TEST(has(position, "'fc.bias' is number 1 of the model, but the mask is of number 0"),
             position);
}

BOOST_AUTO_TEST_CASE(masks_that_another_structure_made_are_refused) {
  const std::string error = refusal(rising("channel"), rising("block_1,2"));
  BOOST_TEST(has(error, "'fc.weight': a mask was saved that prunes units in part"), error);
  BOOST_TEST(has(error, "same mask structure"), error);
}

BOOST_AUTO_TEST_CASE(the_state_of_before_its_window_opened_takes_the_masks_away) {
  CutRun run;
  with({.cadence = {.end = 9}, .init_sparsity = 0.5, .final_sparsity = 0.5})(run);
  run.call('i');
  const std::string before = run.states().front();
  for (const char letter : std::string{"slpPe"}) run.call(letter);
  BOOST_TEST(run.model[0].zeros() == 4);
  auto& pruning = run.modifier<MagnitudePruningModifier>();
  takt::test::load(pruning, takt::Phase::initialized, before, run.bus->state(), run.bus->now());
  BOOST_TEST(pruning.sparsity() == 0.0);
  run.call('M');
  pruning.on_event(run.bus->state(), takt::Event{.type = takt::EventType::OPTIM_POST_STEP});
  BOOST_TEST(run.model[0].zeros() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
