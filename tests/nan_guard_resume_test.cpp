// SPDX-License-Identifier: BSL-1.0
// Numbers that are not finite in a run that is cut and resumed.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <limits>
#include <ostream>
#include <set>
#include <string>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "error_text.hpp"
#include "resumed_run.hpp"

namespace {

using takt::NanGuardModifier;
using takt::NanGuardSettings;
using takt::test::check_cuts;
using takt::test::CutRun;
using takt::test::has;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// L, G and W are l, p and P with a loss, a gradient and a weight that are NaN.
takt::test::Setup with(const NanGuardSettings& settings) {
  return [=](CutRun& run) {
    run.add<NanGuardModifier>(settings, [](std::ostream& out, auto& guard) {
      out << guard.bad_batches() << ' ' << guard.bad_batches_in_a_row();
    });
    run.also['L'] = [&run] { run.bus->loss_calculated(not_a_number); };
    run.also['G'] = [&run] {
      run.model[1].gradients = {1.0F, static_cast<float>(not_a_number)};
      run.bus->optim_pre_step();
    };
    run.also['W'] = [&run] {
      run.model[0].values[5] = static_cast<float>(not_a_number);
      run.bus->optim_post_step();
    };
  };
}

constexpr const char* bad_batches =
    "islpPesLGPeslGPeslpPesLpPaslpWesLleslpPeslGWeslLpWasLGWeslpPeslpWeslpPef";

}  // namespace

BOOST_AUTO_TEST_SUITE(nan_guard_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_it_stops_where_it_would_have) {
  check_cuts(with({.watch = {"loss"}, .patience = 3}), "isLesLpPesleslaslesLesLasLesLeslef");
  check_cuts(with({.watch = {"loss", "gradients", "weights"}, .patience = 2}), bad_batches);
  check_cuts(with({.patience = 4}), bad_batches);
}

BOOST_AUTO_TEST_CASE(cut_anywhere_it_skips_what_it_would_have) {
  check_cuts(with({.action = "skip", .patience = 3}), bad_batches);
  check_cuts(with({.cadence = {.start = 1, .end = 4, .update = 2}, .action = "skip"}), bad_batches);
  check_cuts(with({.watch = {"loss", "weights"}, .action = "skip"}), bad_batches);
}

BOOST_AUTO_TEST_CASE(cut_anywhere_it_puts_the_same_weights_back) {
  check_cuts(with({.action = "restore", .patience = 4}), bad_batches);
  check_cuts(with({.cadence = {.start = 1, .end = 6, .update = 3}, .action = "restore"}),
             bad_batches);
  check_cuts(with({.targets = {"fc.weight"}, .action = "restore"}), bad_batches);
}

BOOST_AUTO_TEST_CASE(any_cuts_of_any_run_change_nothing) {
  BOOST_TEST(rc::check("a run that is cut is the one that is not", [] {
    const takt::test::Setup setup =
        with({.cadence = {.start = *rc::gen::element(0.0, 1.0),
                          .end = *rc::gen::element(3.0, 99.0),
                          .update = *rc::gen::element(0.0, 2.0)},
              .action = *rc::gen::element<std::string>("stop", "skip", "restore"),
              .patience = *rc::gen::inRange(1, 4)});
    std::string calls = "i";
    const auto part = rc::gen::element<std::string>("slpPe", "sLpPe", "slGPe", "slpWe", "slpPa",
                                                    "s", "l", "L", "p", "G", "P", "W", "e", "a");
    for (const auto& more : *rc::gen::container<std::vector<std::string>>(part)) calls += more;
    const auto cuts =
        *rc::gen::container<std::set<std::size_t>>(rc::gen::inRange<std::size_t>(1, 60));
    RC_ASSERT(takt::test::difference(setup, calls + "f", cuts) == "");
  }));
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  takt::test::check_bytes(with({.action = "restore", .patience = 3}), "isLGPesL", "pPeslpWef");
  takt::test::check_bytes(with({}), "i", "slpPef");
}

BOOST_AUTO_TEST_CASE(good_weights_of_another_model_are_refused_by_the_name_of_the_parameter) {
  CutRun run;
  with({.action = "restore"})(run);
  for (const char letter : std::string{"islpPe"}) run.call(letter);
  run.model[0].values.resize(9);
  NanGuardModifier fresh{{.action = "restore"}};
  const std::string error = takt::test::message_of<takt::CheckpointError>([&] {
    takt::test::load(fresh, takt::Phase::active, run.states().front(), run.bus->state(),
                     run.bus->now());
  });
  BOOST_TEST(has(error, "'fc.weight' is number 0 of the model and has 9 values"), error);
}

BOOST_AUTO_TEST_SUITE_END()
