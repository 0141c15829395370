// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/set_learning_rate.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

namespace {

using takt::SetLearningRateModifier;
using takt::SetLearningRateSettings;

using Rates = std::vector<double>;

class CountingOptimizer final : public takt::Optimizer {
 public:
  double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override {
    rate = value;
    ++sets;
  }
  double rate = -1.0;
  int sets = 0;
};

/// A bus with an optimizer; `run` returns the rate that each step was taken with.
struct Loop {
  explicit Loop(takt::Event start = {}) : bus{start} {
    bus.state().set<takt::Optimizer>(optimizer);
  }

  Rates run(int steps) {
    Rates rates;
    for (int i = 0; i < steps; ++i) {
      bus.batch([&](takt::Batch& batch) { batch.step([&] { rates.push_back(optimizer.rate); }); });
    }
    return rates;
  }

  CountingOptimizer optimizer;
  takt::EventBus bus;
};

void check_refused(std::optional<double> rate, const std::string& word) {
  BOOST_CHECK_EXCEPTION((SetLearningRateModifier{{.name = "mine", .learning_rate = rate}}),
                        takt::InvalidModifier, [&](const takt::InvalidModifier& error) {
                          const std::string message = error.what();
                          BOOST_TEST_MESSAGE(message);
                          return message.find("\"mine\"") != std::string::npos &&
                                 message.find(word) != std::string::npos;
                        });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(set_learning_rate)

BOOST_AUTO_TEST_CASE(the_rate_is_set_once_at_the_start_of_the_window) {
  Loop loop;
  loop.bus.emplace<SetLearningRateModifier>(
      SetLearningRateSettings{.cadence = {.start = 2}, .learning_rate = 0.3});
  loop.bus.initialize();
  BOOST_TEST(loop.run(4) == (Rates{-1, -1, 0.3, 0.3}), boost::test_tools::per_element());
  loop.optimizer.rate = 0.5;
  BOOST_TEST(loop.run(2) == (Rates{0.5, 0.5}), boost::test_tools::per_element());
  BOOST_TEST(loop.optimizer.sets == 1);
}

BOOST_AUTO_TEST_CASE(an_unset_start_is_the_first_batch) {
  Loop loop;
  loop.bus.emplace<SetLearningRateModifier>(SetLearningRateSettings{.learning_rate = 0.0});
  loop.bus.initialize();
  BOOST_TEST(loop.optimizer.sets == 0);
  BOOST_TEST(loop.run(1) == Rates{0.0}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_that_starts_later_takes_over_and_another_modifier_goes_on_from_there) {
  Loop loop{{.steps_per_epoch = 2}};
  loop.bus.emplace<SetLearningRateModifier>(
      SetLearningRateSettings{.name = "second", .cadence = {.start = 1}, .learning_rate = 0.2});
  loop.bus.emplace<SetLearningRateModifier>(
      SetLearningRateSettings{.name = "first", .learning_rate = 0.4});
  loop.bus.emplace<takt::LearningRateModifier>(
      takt::LearningRateSettings{.cadence = {.start = 2}, .learning_rate = 0.1});
  loop.bus.initialize();
  BOOST_TEST(loop.run(6) == (Rates{0.4, 0.4, 0.2, 0.2, 0.1, 0.1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_end_of_the_window_leaves_the_rate_as_it_is) {
  Loop loop;
  loop.bus.emplace<SetLearningRateModifier>(
      SetLearningRateSettings{.cadence = {.end = 1}, .learning_rate = 0.3});
  loop.bus.initialize();
  BOOST_TEST(loop.run(4) == (Rates{0.3, 0.3, 0.3, 0.3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(
    a_run_resumed_inside_the_window_sets_the_rate_again_and_one_behind_it_does_not) {
  const SetLearningRateSettings settings{.cadence = {.start = 2, .end = 8}, .learning_rate = 0.3};
  for (const auto& [step, rate] : {std::pair{1, -1.0}, {5, 0.3}, {9, -1.0}}) {
    Loop loop{{.global_step = step}};
    loop.bus.emplace<SetLearningRateModifier>(settings);
    loop.bus.initialize();
    BOOST_TEST(loop.run(1) == Rates{rate}, "resumed at " << step);
  }
}

BOOST_AUTO_TEST_CASE(whatever_the_window_the_rate_is_set_once_and_only_in_it) {
  BOOST_TEST(rc::check("at the first step at or after start, if it is not after end", [] {
    const int start = *rc::gen::inRange(0, 12);
    const int end = start + *rc::gen::inRange(0, 12);
    const int from = *rc::gen::inRange(0, 12);
    const int first = std::max(start, from);
    Loop loop{{.global_step = from}};
    loop.bus.emplace<SetLearningRateModifier>(
        SetLearningRateSettings{.cadence = {.start = start, .end = end}, .learning_rate = 0.3});
    loop.bus.initialize();
    const Rates rates = loop.run(24);
    RC_ASSERT(loop.optimizer.sets == (first <= end ? 1 : 0));
    for (int i = 0; i < 24; ++i) {
      const bool is_set = first <= end && from + i >= first;
      RC_ASSERT(rates[static_cast<std::size_t>(i)] == (is_set ? 0.3 : -1.0));
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_state_without_an_optimizer_is_an_error_that_names_it) {
  takt::EventBus bus;
  bus.emplace<SetLearningRateModifier>(SetLearningRateSettings{.learning_rate = 0.1});
  bus.initialize();
  try {
    bus.batch_start();
    BOOST_FAIL("no error");
  } catch (const takt::ModifierError& error) {
    BOOST_CHECK_THROW(std::rethrow_if_nested(error), takt::MissingState);
    BOOST_TEST(error.hook() == "on_start");
    BOOST_TEST((std::string{error.what()}.find("Optimizer") != std::string::npos));
  }
}

BOOST_AUTO_TEST_CASE(a_rate_that_is_missing_or_no_rate_is_refused) {
  check_refused(std::nullopt, "learning_rate is not set");
  check_refused(-0.1, "learning_rate is -0.1");
  check_refused(std::nan(""), "learning_rate is nan");
  check_refused(std::numeric_limits<double>::infinity(), "learning_rate is inf");
  BOOST_CHECK_THROW(
      (SetLearningRateModifier{{.cadence = {.start = 2, .end = 1}, .learning_rate = 1}}),
      takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it_with_the_names_that_sparseml_has) {
  Loop loop;
  loop.bus.add(takt::Registry::builtin().make(
      "SetLearningRateModifier",
      {{"name", "drop"}, {"start_epoch", 1}, {"learning_rate", 0.25}, {"constant_logging", true}}));
  BOOST_TEST(loop.bus.modifiers().front()->name() == "drop");
  loop.bus.initialize();
  BOOST_TEST(loop.run(3) == (Rates{-1, 0.25, 0.25}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_registry_refuses_it_without_a_rate_and_with_one_below_0) {
  const auto refused = [](const takt::SettingValue::Map& settings) {
    try {
      (void)takt::Registry::builtin().make("SetLearningRateModifier", settings);
    } catch (const takt::SettingError& error) {
      return error.setting();
    }
    return std::string{"nothing"};
  };
  BOOST_TEST(refused({}) == "learning_rate");
  BOOST_TEST(refused({{"learning_rate", -1}}) == "learning_rate");
  BOOST_TEST(refused({{"learning_rate", 1}, {"schedule", "step"}}) == "schedule");
}

BOOST_AUTO_TEST_SUITE_END()
