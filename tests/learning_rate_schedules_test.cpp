// SPDX-License-Identifier: BSL-1.0
// Every schedule of the learning rate against values that are computed by hand.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

namespace {

using takt::LearningRateModifier;
using takt::LearningRateSettings;

using Rates = std::vector<double>;

class OptimizerStub final : public takt::Optimizer {
 public:
  double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override { rate = value; }
  double rate = -1.0;
};

/// The rate that each of so many steps is taken with.
Rates rates_of(const LearningRateSettings& settings, int steps, takt::Event start = {}) {
  OptimizerStub optimizer;
  takt::EventBus bus{start};
  bus.state().set<takt::Optimizer>(optimizer);
  bus.emplace<LearningRateModifier>(settings);
  bus.initialize();
  Rates rates;
  for (int i = 0; i < steps; ++i) {
    bus.batch([&](takt::Batch& batch) { batch.step([&] { rates.push_back(optimizer.rate); }); });
  }
  return rates;
}

/// The schedule's rates at the indices 0, 0.5, 1, ..., one for each that is expected.
void check_halves(const LearningRateSettings& settings, const Rates& expected) {
  const LearningRateModifier modifier{settings};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double index = static_cast<double>(i) / 2.0;
    BOOST_TEST_CONTEXT(settings.schedule << " at " << index) {
      BOOST_TEST(modifier.learning_rate_at(index) == expected[i],
                 boost::test_tools::tolerance(1e-14));
    }
  }
}

void check_rates(const Rates& got, const Rates& expected) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST(got[i] == expected[i], boost::test_tools::tolerance(1e-14));
  }
}

/// That the constructor refuses the settings with a message in which each of `words` occurs.
void check_refused(const LearningRateSettings& settings, const std::vector<std::string>& words) {
  BOOST_CHECK_EXCEPTION(LearningRateModifier{settings}, takt::InvalidModifier, [&](const auto& e) {
    const std::string message = e.what();
    return std::ranges::all_of(words, [&](const std::string& word) {
      const bool found = message.find(word) != std::string::npos;
      if (!found) BOOST_TEST_MESSAGE("no \"" << word << "\" in: " << message);
      return found;
    });
  });
}

LearningRateSettings multi_step(std::vector<double> milestones) {
  return {.schedule = "multi_step",
          .learning_rate = 8,
          .gamma = 0.5,
          .milestones = std::move(milestones)};
}

LearningRateSettings restarts(double period) {
  return {
      .schedule = "cosine_restarts", .learning_rate = 0.9, .final_lr = 0.1, .step_size = period};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(learning_rate_schedules)

BOOST_AUTO_TEST_CASE(the_seven_schedules_are_these) {
  const std::vector<std::string> names = LearningRateModifier::schedules();
  BOOST_TEST(names == (std::vector<std::string>{"constant", "step", "exponential", "multi_step",
                                                "cosine", "cosine_restarts", "linear_warmup"}),
             boost::test_tools::per_element());
  for (const std::string& name : names) {
    BOOST_CHECK_NO_THROW((LearningRateModifier{
        {.cadence = {.end = 2},
         .schedule = name,
         .learning_rate = 1,
         .gamma = 0.5,
         .step_size = 1,
         .milestones = name == "multi_step" ? std::vector<double>{1} : std::vector<double>{}}}));
  }
}

BOOST_AUTO_TEST_CASE(constant_is_the_rate_everywhere) {
  check_halves({.cadence = {.start = 1, .end = 2}, .schedule = "constant", .learning_rate = 0.3},
               {0.3, 0.3, 0.3, 0.3, 0.3, 0.3});
}

// torch.optim.lr_scheduler.StepLR: lr * gamma^(epoch // step_size).
BOOST_AUTO_TEST_CASE(step_is_a_factor_for_each_step_size_that_has_passed) {
  check_halves({.schedule = "step", .learning_rate = 8, .gamma = 0.5, .step_size = 1},
               {8, 8, 4, 4, 2, 2, 1});
  check_halves({.cadence = {.start = 1},
                .schedule = "step",
                .learning_rate = 8,
                .gamma = 0.25,
                .step_size = 1.5},
               {8, 8, 8, 8, 8, 2, 2, 2, 0.5});
}

// torch.optim.lr_scheduler.ExponentialLR: lr * gamma^epoch; 8 * 0.25^(1/2) = 4.
BOOST_AUTO_TEST_CASE(exponential_is_a_power_of_what_has_passed) {
  check_halves({.schedule = "exponential", .learning_rate = 8, .gamma = 0.25},
               {8, 4, 2, 1, 0.5, 0.25});
}

// Half a period of the cosine: 0.1 + 0.4 * (1 + cos(pi t)), with t = 0, 1/4, 1/2, 3/4, 1, whose
// cosines are 1, 1/sqrt(2), 0, -1/sqrt(2), -1.
BOOST_AUTO_TEST_CASE(cosine_is_half_a_period_from_start_to_end) {
  const double high = 0.5 + 0.2 * std::numbers::sqrt2;
  const double low = 0.5 - 0.2 * std::numbers::sqrt2;
  check_halves({.cadence = {.start = 1, .end = 3},
                .schedule = "cosine",
                .learning_rate = 0.9,
                .final_lr = 0.1},
               {0.9, 0.9, 0.9, high, 0.5, low, 0.1, 0.1});
}

BOOST_AUTO_TEST_CASE(linear_warmup_is_a_line_from_start_to_end) {
  check_halves({.cadence = {.start = 0.5, .end = 2.5},
                .schedule = "linear_warmup",
                .learning_rate = 0.9,
                .init_lr = 0.1},
               {0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9});
}

// torch.optim.lr_scheduler.MultiStepLR: lr * gamma^(how many milestones are at most the epoch).
BOOST_AUTO_TEST_CASE(multi_step_falls_at_each_milestone) {
  check_halves(multi_step({1, 1.5, 4}), {8, 8, 4, 2, 2, 2, 2, 2, 1, 1});
}

BOOST_AUTO_TEST_CASE(multi_step_runs_on_a_bus_in_steps_and_in_epochs) {
  check_rates(rates_of(multi_step({1, 3}), 5), {8, 4, 4, 2, 2});
  check_rates(rates_of(multi_step({0.5, 1}), 5, {.steps_per_epoch = 2}), {8, 4, 2, 2, 2});
}

BOOST_AUTO_TEST_CASE(multi_step_counts_the_milestones_before_its_window_too) {
  LearningRateSettings settings = multi_step({1, 2, 4});
  settings.cadence = {.start = 2, .end = 3};
  check_rates(rates_of(settings, 6), {-1, -1, 2, 2, 2, 2});
  const LearningRateModifier modifier{settings};
  BOOST_TEST(modifier.learning_rate_at(0) == 2.0);  // as at its start
  BOOST_TEST(modifier.learning_rate_at(9) == 2.0);  // as at its end
}

BOOST_AUTO_TEST_CASE(a_milestone_a_rounding_error_away_is_reached) {
  const LearningRateModifier modifier{multi_step({0.3})};
  BOOST_TEST(modifier.learning_rate_at(0.1 + 0.2) == 4.0);
  BOOST_TEST(modifier.learning_rate_at(std::nextafter(0.3, 0.0)) == 4.0);
  BOOST_TEST(modifier.learning_rate_at(0.3 - 1e-6) == 8.0);
}

BOOST_AUTO_TEST_CASE(multi_step_falls_once_for_each_milestone_at_or_before_an_index) {
  BOOST_TEST(rc::check("whole steps, any epoch length", [] {
    const auto steps_per_epoch = *rc::gen::inRange<std::int64_t>(1, 2000);
    auto steps =
        *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 100'000));
    steps.push_back(*rc::gen::inRange<std::int64_t>(0, 100'000));
    std::ranges::sort(steps);
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
    const auto index = [&](std::int64_t step) {
      return static_cast<double>(step) / static_cast<double>(steps_per_epoch);
    };
    LearningRateSettings settings = multi_step({});
    settings.gamma = 0.999;
    for (const std::int64_t step : steps) settings.milestones.push_back(index(step));
    const LearningRateModifier modifier{settings};
    const auto at =
        *rc::gen::oneOf(rc::gen::elementOf(steps), rc::gen::inRange<std::int64_t>(0, 100'000));
    const auto reached =
        std::ranges::count_if(steps, [&](std::int64_t step) { return step <= at; });
    const double falls = std::log(modifier.learning_rate_at(index(at)) / 8.0) / std::log(0.999);
    RC_ASSERT(std::round(falls) == static_cast<double>(reached));
  }));
}

// Loshchilov and Hutter, 2017, arXiv:1608.03983, equation 5, with T_i = 2 and T_cur = 0, 1/2, 1,
// 3/2; at the restart the rate is the highest one again.
BOOST_AUTO_TEST_CASE(cosine_restarts_begins_a_period_again_and_again) {
  const double high = 0.5 + 0.2 * std::numbers::sqrt2;
  const double low = 0.5 - 0.2 * std::numbers::sqrt2;
  check_halves(restarts(2), {0.9, high, 0.5, low, 0.9, high, 0.5, low, 0.9, high});
  LearningRateSettings later = restarts(2);
  later.cadence.start = 0.5;
  check_halves(later, {0.9, 0.9, high, 0.5, low, 0.9, high});
}

BOOST_AUTO_TEST_CASE(cosine_restarts_runs_on_a_bus_in_steps_and_in_epochs) {
  check_rates(rates_of(restarts(2), 5), {0.9, 0.5, 0.9, 0.5, 0.9});
  check_rates(rates_of(restarts(0.5), 5, {.steps_per_epoch = 4}), {0.9, 0.5, 0.9, 0.5, 0.9});
}

BOOST_AUTO_TEST_CASE(cosine_restarts_holds_its_rate_after_the_window) {
  LearningRateSettings settings = restarts(4);
  settings.cadence.end = 2;
  check_rates(rates_of(settings, 5), {0.9, 0.5 + 0.2 * std::numbers::sqrt2, 0.5, 0.5, 0.5});
}

BOOST_AUTO_TEST_CASE(cosine_restarts_has_no_need_of_an_end) {
  BOOST_CHECK_NO_THROW(LearningRateModifier{restarts(2)});
  LearningRateSettings endless = restarts(2);
  endless.cadence.end = std::numeric_limits<double>::infinity();
  BOOST_CHECK_NO_THROW(LearningRateModifier{endless});
}

BOOST_AUTO_TEST_CASE(a_restart_is_never_missed_by_a_rounding_error) {
  BOOST_TEST(rc::check("at each whole period the rate is the highest, exactly", [] {
    const auto steps_per_epoch = *rc::gen::inRange<std::int64_t>(1, 2000);
    const auto period = *rc::gen::inRange<std::int64_t>(1, 5000);
    const auto first = *rc::gen::inRange<std::int64_t>(0, 5000);
    const auto number = *rc::gen::inRange<std::int64_t>(0, 1000);
    const auto index = [&](std::int64_t step) {
      return static_cast<double>(step) / static_cast<double>(steps_per_epoch);
    };
    LearningRateSettings settings = restarts(index(period));
    settings.cadence.start = index(first);
    const LearningRateModifier modifier{settings};
    const std::int64_t restart = first + number * period;
    RC_ASSERT(std::abs(modifier.learning_rate_at(index(restart)) - 0.9) < 1e-14);
    if (period > 1) {  // and just before it nearly the lowest of the period
      const double share = static_cast<double>(period - 1) / static_cast<double>(period);
      const double before = 0.5 + 0.4 * std::cos(std::numbers::pi * share);
      RC_ASSERT(std::abs(modifier.learning_rate_at(index(restart + period - 1)) - before) < 1e-9);
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_period_of_cosine_restarts_is_a_cosine_of_its_length) {
  BOOST_TEST(rc::check("in the first period the two are the same", [] {
    const double start = *rc::gen::inRange(0, 1000) * 0.01;
    const double period = *rc::gen::inRange(1, 1000) * 0.01;
    LearningRateSettings again = restarts(period);
    again.cadence.start = start;
    LearningRateSettings once = again;
    once.schedule = "cosine";
    once.cadence.end = start + period;
    const double index = start + period * *rc::gen::inRange(0, 99) * 0.01;
    const double difference = LearningRateModifier{again}.learning_rate_at(index) -
                              LearningRateModifier{once}.learning_rate_at(index);
    RC_ASSERT(std::abs(difference) < 1e-10);
  }));
}

BOOST_AUTO_TEST_CASE(multi_step_needs_gamma_and_milestones) {
  LearningRateSettings settings = multi_step({1});
  settings.gamma.reset();
  check_refused(settings, {"multi_step", "needs", "gamma"});
  check_refused(multi_step({}), {"multi_step", "needs milestones"});
}

BOOST_AUTO_TEST_CASE(milestones_are_numbers_that_increase) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  check_refused(multi_step({1, 3, 3}), {"milestones[2] is 3", "increase"});
  check_refused(multi_step({2, 1}), {"milestones[1] is 1", "increase"});
  check_refused(multi_step({1, infinity}), {"milestones[1] is inf"});
  check_refused(multi_step({std::nan("")}), {"milestones[0] is nan"});
  BOOST_CHECK_NO_THROW(LearningRateModifier{multi_step({-1, 0, 1e9})});
}

BOOST_AUTO_TEST_CASE(other_schedules_have_no_milestones) {
  for (const std::string& schedule : LearningRateModifier::schedules()) {
    if (schedule == "multi_step") continue;
    LearningRateSettings settings = multi_step({1});
    settings.schedule = schedule;
    settings.cadence.end = 2;
    settings.step_size = 1;
    check_refused(settings, {schedule, "no milestones", "multi_step"});
  }
}

BOOST_AUTO_TEST_CASE(cosine_restarts_needs_a_step_size) {
  LearningRateSettings settings = restarts(2);
  settings.step_size.reset();
  check_refused(settings, {"cosine_restarts", "needs", "step_size"});
  check_refused(restarts(0), {"step_size is 0", "more than 0"});
}

BOOST_AUTO_TEST_SUITE_END()
