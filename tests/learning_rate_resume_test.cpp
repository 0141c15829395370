// SPDX-License-Identifier: BSL-1.0
// Learning rates in a run that is cut and resumed.
#include <boost/test/unit_test.hpp>
#include <memory>
#include <ostream>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/set_learning_rate.hpp>
#include <takt/takt.hpp>

#include "resumed_run.hpp"

namespace {

using takt::LearningRateModifier;
using takt::SetLearningRateModifier;
using takt::test::check_cuts;
using takt::test::CutRun;

struct Rate final : takt::Optimizer {
  [[nodiscard]] double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override { rate = value; }
  double rate = 0.25;
};

/// R is a rate that the loop sets by itself. The optimizer is the loop's, and so is what it has.
template <class Kind, class Settings>
takt::test::Setup with(const Settings& settings) {
  return [=](CutRun& run) {
    const auto optimizer = std::make_shared<Rate>();
    run.set(optimizer);
    run.add<Kind>(settings);
    run.sights.push_back([optimizer](std::ostream& out) { out << optimizer->rate; });
    run.also['R'] = [optimizer] { optimizer->rate /= 3; };
  };
}

constexpr const char* batches = "islpPeslRpPesRlpPaslpPesleRslpPeslpPesRlpPeslpPef";

}  // namespace

BOOST_AUTO_TEST_SUITE(learning_rate_resume)

BOOST_AUTO_TEST_CASE(cut_anywhere_a_schedule_sets_the_same_rates) {
  for (const double update : {0.0, 2.0}) {
    check_cuts(with<LearningRateModifier>(
                   takt::LearningRateSettings{.cadence = {.start = 1, .end = 5, .update = update},
                                              .schedule = "cosine",
                                              .learning_rate = 0.5}),
               batches);
  }
  check_cuts(with<LearningRateModifier>(takt::LearningRateSettings{.cadence = {.update = 3},
                                                                   .schedule = "step",
                                                                   .learning_rate = 0.5,
                                                                   .gamma = 0.1,
                                                                   .step_size = 2}),
             batches);
}

BOOST_AUTO_TEST_CASE(cut_anywhere_a_rate_that_was_set_once_is_not_set_again) {
  check_cuts(with<SetLearningRateModifier>(
                 takt::SetLearningRateSettings{.cadence = {.start = 2}, .learning_rate = 0.5}),
             batches);
}

BOOST_AUTO_TEST_SUITE_END()
