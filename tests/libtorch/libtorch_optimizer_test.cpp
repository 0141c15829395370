// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/error.hpp>
#include <takt/libtorch.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "torch.hpp"

namespace {

using takt::libtorch::Optimizer;
using takt::test::has;
using takt::test::message_of;
using torch::optim::OptimizerParamGroup;
using torch::optim::SGD;
using torch::optim::SGDOptions;

OptimizerParamGroup group(double rate) {
  return OptimizerParamGroup{{torch::ones({1}, torch::requires_grad())},
                             std::make_unique<SGDOptions>(rate)};
}

SGD sgd(const std::vector<double>& rates) {
  std::vector<OptimizerParamGroup> groups;
  for (const double rate : rates) groups.push_back(group(rate));
  return SGD{std::move(groups), SGDOptions{0.5}};
}

void check_rates(const Optimizer& optimizer, const std::vector<double>& expected) {
  BOOST_REQUIRE(optimizer.group_count() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(optimizer.learning_rate(i) == expected[i], boost::test_tools::tolerance(1e-14));
  }
}

/// One optimizer of a kind, set and asked.
template <class Kind, class Options>
void check_kind() {
  Kind optimizer{{torch::ones({1}, torch::requires_grad())}, Options{0.25}};
  Optimizer rates{optimizer};
  BOOST_TEST(rates.learning_rate() == 0.25);
  rates.set_learning_rate(0.125);
  BOOST_TEST(rates.learning_rate() == 0.125);
  BOOST_TEST(static_cast<const Options&>(optimizer.param_groups()[0].options()).lr() == 0.125);
}

BOOST_AUTO_TEST_SUITE(libtorch_optimizer)

BOOST_AUTO_TEST_CASE(serves_every_optimizer_of_libtorch) {
  using namespace torch::optim;
  check_kind<SGD, SGDOptions>();
  check_kind<Adam, AdamOptions>();
  check_kind<AdamW, AdamWOptions>();
  check_kind<Adagrad, AdagradOptions>();
  check_kind<RMSprop, RMSpropOptions>();
  check_kind<LBFGS, LBFGSOptions>();
}

BOOST_AUTO_TEST_CASE(the_learning_rate_is_that_of_the_first_group) {
  SGD optimizer = sgd({0.1, 0.01});
  const Optimizer rates{optimizer};
  BOOST_TEST(rates.learning_rate() == 0.1);
  check_rates(rates, {0.1, 0.01});
}

BOOST_AUTO_TEST_CASE(setting_it_keeps_the_ratios_of_the_groups) {
  SGD optimizer = sgd({0.1, 0.01, 0.3, 0.0});
  Optimizer rates{optimizer};
  rates.set_learning_rate(0.05);
  BOOST_TEST(rates.learning_rate() == 0.05);
  check_rates(rates, {0.05, 0.005, 0.15, 0.0});
}

BOOST_AUTO_TEST_CASE(the_ratios_come_back_after_a_rate_of_zero) {
  SGD optimizer = sgd({0.1, 0.01});
  Optimizer rates{optimizer};
  rates.set_learning_rate(0.0);
  check_rates(rates, {0.0, 0.0});
  rates.set_learning_rate(0.2);
  check_rates(rates, {0.2, 0.02});
}

BOOST_AUTO_TEST_CASE(a_group_can_be_set_by_itself_until_all_are_set) {
  SGD optimizer = sgd({0.1, 0.01});
  Optimizer rates{optimizer};
  rates.set_learning_rate(1, 0.7);
  check_rates(rates, {0.1, 0.7});
  rates.set_learning_rate(0.2);
  check_rates(rates, {0.2, 0.02});
  rates.set_learning_rate(0, 0.4);
  check_rates(rates, {0.4, 0.02});
}

BOOST_AUTO_TEST_CASE(groups_that_were_all_at_zero_get_the_same_rate) {
  SGD optimizer = sgd({0.0, 0.0});
  Optimizer rates{optimizer};
  rates.set_learning_rate(0.1);
  check_rates(rates, {0.1, 0.1});
}

BOOST_AUTO_TEST_CASE(a_first_group_at_zero_before_others_is_refused) {
  SGD optimizer = sgd({0.0, 0.1});
  const std::string message = message_of<takt::InvalidModel>([&] { Optimizer{optimizer}; });
  BOOST_TEST(has(message, "no ratio to keep"));
  BOOST_TEST(has(message, "0.1"));
}

BOOST_AUTO_TEST_CASE(an_optimizer_without_groups_is_refused) {
  SGD optimizer{std::vector<OptimizerParamGroup>{}, SGDOptions{0.1}};
  BOOST_CHECK_THROW(Optimizer{optimizer}, takt::InvalidModel);
}

BOOST_AUTO_TEST_CASE(a_group_that_is_added_later_keeps_its_ratio_of_then) {
  SGD optimizer = sgd({0.1});
  Optimizer rates{optimizer};
  rates.set_learning_rate(0.2);
  optimizer.add_param_group(group(0.05));
  rates.set_learning_rate(0.4);
  check_rates(rates, {0.4, 0.1});
  rates.set_learning_rate(0.2);
  check_rates(rates, {0.2, 0.05});
}

BOOST_AUTO_TEST_CASE(a_group_that_is_added_while_the_first_is_at_zero_is_refused_and_nothing_set) {
  SGD optimizer = sgd({0.1});
  Optimizer rates{optimizer};
  rates.set_learning_rate(0.0);
  optimizer.add_param_group(group(0.05));
  BOOST_CHECK_THROW(rates.set_learning_rate(0.4), takt::InvalidModel);
  check_rates(rates, {0.0, 0.05});
  rates.set_learning_rate(0, 0.1);
  rates.set_learning_rate(0.4);
  check_rates(rates, {0.4, 0.2});
}

BOOST_AUTO_TEST_CASE(of_several_groups_that_are_added_the_ratios_are_found_all_or_none) {
  SGD optimizer = sgd({0.1});
  Optimizer rates{optimizer};
  rates.set_learning_rate(0.0);
  optimizer.add_param_group(group(0.0));
  optimizer.add_param_group(group(0.05));
  BOOST_CHECK_THROW(rates.set_learning_rate(0.4), takt::InvalidModel);
  rates.set_learning_rate(0, 0.1);
  rates.set_learning_rate(0.4);
  check_rates(rates, {0.4, 0.0, 0.2});
}

BOOST_AUTO_TEST_CASE(a_rate_that_is_no_rate_is_refused_and_changes_nothing) {
  SGD optimizer = sgd({0.1, 0.01});
  Optimizer rates{optimizer};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double rate : {-0.1, nan, infinity}) {
    BOOST_CHECK_THROW(rates.set_learning_rate(rate), std::invalid_argument);
    BOOST_CHECK_THROW(rates.set_learning_rate(1, rate), std::invalid_argument);
  }
  BOOST_TEST(has(message_of<std::invalid_argument>([&] { rates.set_learning_rate(-0.5); }),
                 "a learning rate of -0.5"));
  check_rates(rates, {0.1, 0.01});
}

BOOST_AUTO_TEST_CASE(there_is_no_group_past_the_last) {
  SGD optimizer = sgd({0.1});
  Optimizer rates{optimizer};
  BOOST_CHECK_THROW((void)rates.learning_rate(1), std::out_of_range);
  BOOST_CHECK_THROW(rates.set_learning_rate(1, 0.1), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_rate_that_is_set_past_it_is_seen) {
  SGD optimizer = sgd({0.1});
  Optimizer rates{optimizer};
  static_cast<SGDOptions&>(optimizer.param_groups()[0].options()).lr(0.7);
  BOOST_TEST(rates.learning_rate() == 0.7);
}

BOOST_AUTO_TEST_CASE(a_scheduled_rate_is_that_of_the_next_step_in_each_group) {
  SGD optimizer = sgd({0.1, 0.01});
  Optimizer rates{optimizer};
  takt::EventBus bus;
  bus.state().set(rates);
  bus.emplace<takt::LearningRateModifier>(takt::LearningRateSettings{
      .cadence = {.end = 2}, .schedule = "linear_warmup", .learning_rate = 1.0});
  bus.initialize();
  for (int step = 0; step < 2; ++step) {
    bus.batch([&](takt::Batch& batch) {
      for (const OptimizerParamGroup& each : optimizer.param_groups()) {
        each.params()[0].mutable_grad() = torch::ones({1});
      }
      batch.step([&] { optimizer.step(); });
    });
  }
  // No step at rate 0; then one at 0.5 and 0.05.
  BOOST_TEST(optimizer.param_groups()[0].params()[0].item<float>() == 0.5F);
  BOOST_TEST(optimizer.param_groups()[1].params()[0].item<float>() == 0.95F);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
