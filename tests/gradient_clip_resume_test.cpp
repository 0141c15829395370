// SPDX-License-Identifier: BSL-1.0
// Gradients that are bounded in a run that is cut and resumed.
#include <boost/test/unit_test.hpp>
#include <ostream>
#include <takt/modifiers/gradient_clip.hpp>
#include <takt/takt.hpp>

#include "resumed_run.hpp"

namespace {

using takt::GradientClipModifier;
using takt::GradientClipSettings;

takt::test::Setup with(const GradientClipSettings& settings) {
  return [=](takt::test::CutRun& run) {
    run.add<GradientClipModifier>(settings,
                                  [](std::ostream& out, auto& clip) { out << clip.last_norm(); });
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gradient_clip_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_the_same_gradients_are_bounded) {
  takt::test::check_cuts(with({.cadence = {.start = 1, .end = 4, .update = 2}, .max_norm = 0.5}),
                         "islpPeslpPeslpPaslpPesleslpPeslpPeslpPef");
  takt::test::check_cuts(with({.targets = {"fc.bias"}, .max_value = 0.125}), "islpPecslpPeCslpPef");
}

BOOST_AUTO_TEST_CASE(bytes_of_something_else_are_refused_or_lead_nowhere_bad) {
  takt::test::check_bytes(with({.max_norm = 0.5}), "islpPes", "lpPef");
}

BOOST_AUTO_TEST_SUITE_END()
