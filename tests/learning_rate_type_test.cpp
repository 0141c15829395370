// SPDX-License-Identifier: BSL-1.0
// How recipes write the learning rate: takt's settings, and SparseML's for the same schedules.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <numbers>
#include <string>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/takt.hpp>
#include <vector>

namespace {

using takt::LearningRateModifier;
using takt::Registry;
using takt::SettingValue;

using Map = SettingValue::Map;
using List = SettingValue::List;
using Rates = std::vector<double>;

std::shared_ptr<LearningRateModifier> made(const std::string& type, const Map& settings) {
  const auto modifier =
      std::dynamic_pointer_cast<LearningRateModifier>(Registry::builtin().make(type, settings));
  BOOST_REQUIRE(modifier);
  return modifier;
}

/// The rates at the indices 0, 1, 2, ..., one for each that is expected.
void check_rates(const std::string& type, const Map& settings, const Rates& expected) {
  const auto modifier = made(type, settings);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST_CONTEXT(takt::to_string(SettingValue{settings}) << " at " << i) {
      BOOST_TEST(modifier->learning_rate_at(static_cast<double>(i)) == expected[i],
                 boost::test_tools::tolerance(1e-14));
    }
  }
}

/// That the settings are refused: a `SettingError` about `setting`, or with an empty one any
/// `InvalidModifier`, with a message in which each of `words` occurs.
void check_refused(const std::string& type, const Map& settings, const std::string& setting,
                   const std::vector<std::string>& words) {
  try {
    (void)Registry::builtin().make(type, settings);
    BOOST_ERROR("not refused, expected: " << words.front());
  } catch (const takt::InvalidModifier& error) {
    const auto* const about = dynamic_cast<const takt::SettingError*>(&error);
    BOOST_TEST((about == nullptr ? std::string{} : about->setting()) == setting, error.what());
    const std::string message = error.what();
    for (const std::string& word : words) {
      BOOST_TEST((message.find(word) != std::string::npos),
                 "no \"" << word << "\" in: " << message);
    }
  }
}

const std::string rate_type = "LearningRateModifier";
const std::string function_type = "LearningRateFunctionModifier";

/// SparseML's lr_class with its arguments, at an init_lr of 8.
Map lr_class(const std::string& name, const Map& arguments) {
  return {{"lr_class", name}, {"init_lr", 8}, {"lr_kwargs", arguments}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(learning_rate_type)

BOOST_AUTO_TEST_CASE(every_setting_of_takt_reaches_its_schedule) {
  check_rates(rate_type, {{"learning_rate", 0.3}}, {0.3, 0.3});
  check_rates(
      rate_type,
      {{"schedule", "step"}, {"learning_rate", 8}, {"gamma", 0.5}, {"step_size", 2}, {"start", 1}},
      {8, 8, 8, 4, 4, 2});
  check_rates(rate_type, {{"schedule", "exponential"}, {"learning_rate", 8}, {"gamma", 0.25}},
              {8, 2, 0.5});
  check_rates(rate_type,
              {{"schedule", "multi_step"},
               {"learning_rate", 8},
               {"gamma", 0.5},
               {"milestones", List{1, 3}}},
              {8, 4, 4, 2});
  check_rates(
      rate_type,
      {{"schedule", "cosine"}, {"learning_rate", 0.9}, {"final_lr", 0.1}, {"start", 0}, {"end", 2}},
      {0.9, 0.5, 0.1, 0.1});
  check_rates(rate_type,
              {{"schedule", "cosine_restarts"},
               {"learning_rate", 0.9},
               {"final_lr", 0.1},
               {"step_size", 2}},
              {0.9, 0.5, 0.9, 0.5});
  check_rates(rate_type,
              {{"schedule", "linear_warmup"}, {"learning_rate", 0.9}, {"init_lr", 0.1}, {"end", 2}},
              {0.1, 0.5, 0.9, 0.9});
}

BOOST_AUTO_TEST_CASE(the_name_and_the_cadence_reach_the_modifier) {
  const auto modifier =
      made(rate_type,
           {{"learning_rate", 1}, {"name", "rate"}, {"start", 1}, {"end", 9}, {"update", 0.5}});
  BOOST_TEST(modifier->name() == "rate");
  BOOST_TEST((modifier->cadence() == takt::Cadence{.start = 1, .end = 9, .update = 0.5}));
  BOOST_TEST(made(rate_type, {{"learning_rate", 1}})->name() == "LearningRateModifier");
  BOOST_TEST(made(function_type, {{"init_lr", 1}, {"final_lr", 0}, {"end", 1}})->name() ==
             "LearningRateFunctionModifier");
}

BOOST_AUTO_TEST_CASE(the_rate_is_required_where_no_lr_class_brings_it) {
  check_refused(rate_type, {}, "", {"learning_rate is not set"});
  check_refused(rate_type, {{"init_lr", 0.1}}, "", {"learning_rate is not set"});
}

BOOST_AUTO_TEST_CASE(a_setting_of_another_type_or_out_of_its_range_is_refused_by_name) {
  check_refused(rate_type, {{"learning_rate", "fast"}}, "learning_rate", {"number"});
  check_refused(rate_type, {{"learning_rate", -1}}, "learning_rate", {"0 or more"});
  check_refused(rate_type, {{"learning_rate", 1}, {"schedule", "cosin"}}, "schedule",
                {"cosine_restarts", "multi_step"});
  check_refused(rate_type, {{"learning_rate", 1}, {"gamma", 0}}, "gamma", {"more than 0"});
  check_refused(rate_type, {{"learning_rate", 1}, {"step_size", 0}}, "step_size", {"more than 0"});
  check_refused(rate_type, {{"learning_rate", 1}, {"init_lr", -1}}, "init_lr", {"0 or more"});
  check_refused(rate_type, {{"learning_rate", 1}, {"final_lr", -1}}, "final_lr", {"0 or more"});
  check_refused(rate_type, {{"learning_rate", 1}, {"milestones", List{"a"}}}, "milestones",
                {"number"});
  check_refused(rate_type, {{"learning_rate", 1}, {"gama", 0.5}}, "gama", {"\"gamma\""});
}

// The schedules of PyTorch that SparseML's LearningRateModifier takes as lr_class; its
// ExponentialLR is stepped once per epoch.
BOOST_AUTO_TEST_CASE(exponential_lr_falls_once_per_epoch) {
  const Map settings = lr_class("ExponentialLR", {{"gamma", 0.5}});
  check_rates(rate_type, settings, {8, 4, 2, 1});
  BOOST_TEST(made(rate_type, settings)->learning_rate_at(1.9) == 4.0);
}

BOOST_AUTO_TEST_CASE(step_lr_falls_at_each_step_size) {
  check_rates(rate_type, lr_class("StepLR", {{"gamma", 0.5}, {"step_size", 2}}), {8, 8, 4, 4, 2});
}

BOOST_AUTO_TEST_CASE(multi_step_lr_falls_at_its_milestones) {
  check_rates(rate_type, lr_class("MultiStepLR", {{"gamma", 0.5}, {"milestones", List{1, 3}}}),
              {8, 4, 4, 2, 2});
}

BOOST_AUTO_TEST_CASE(cosine_annealing_warm_restarts_begins_again_with_each_cycle) {
  check_rates(rate_type,
              lr_class("CosineAnnealingWarmRestarts", {{"lr_min", 2}, {"cycle_epochs", 2}}),
              {8, 5, 8, 5});
  const double third = 4.0 + 4.0 * 0.5;  // 8 / 2 * (1 + cos(pi / 3))
  check_rates(rate_type, lr_class("CosineAnnealingWarmRestarts", {{"cycle_epochs", 3}}),
              {8, third, 8 - third, 8});
}

BOOST_AUTO_TEST_CASE(the_start_counts_for_an_lr_class_too) {
  Map settings = lr_class("ExponentialLR", {{"gamma", 0.5}});
  settings.push_back({"start_epoch", 2});
  settings.push_back({"end_epoch", -1});
  check_rates(rate_type, settings, {8, 8, 8, 4, 2});
  BOOST_TEST((made(rate_type, settings)->cadence() == takt::Cadence{.start = 2}));
}

BOOST_AUTO_TEST_CASE(an_lr_class_lacks_what_its_schedule_needs) {
  check_refused(rate_type, lr_class("ExponentialLR", {}), "", {"needs", "gamma"});
  check_refused(rate_type, lr_class("StepLR", {{"gamma", 0.5}}), "", {"needs", "step_size"});
  check_refused(rate_type, lr_class("MultiStepLR", {{"gamma", 0.5}}), "", {"needs milestones"});
  check_refused(rate_type, lr_class("CosineAnnealingWarmRestarts", {}), "",
                {"needs", "cycle_epochs"});
}

BOOST_AUTO_TEST_CASE(an_lr_class_needs_its_init_lr_and_lr_kwargs_need_an_lr_class) {
  check_refused(rate_type, {{"lr_class", "ExponentialLR"}, {"lr_kwargs", {{"gamma", 0.5}}}}, "",
                {"init_lr is not set"});
  check_refused(rate_type, {{"learning_rate", 1}, {"lr_kwargs", {{"gamma", 0.5}}}}, "",
                {"lr_kwargs comes with lr_class"});
}

BOOST_AUTO_TEST_CASE(an_unknown_lr_class_is_refused_with_those_there_are) {
  check_refused(rate_type, lr_class("OneCycleLR", {}), "lr_class",
                {"ExponentialLR", "StepLR", "MultiStepLR", "CosineAnnealingWarmRestarts"});
}

BOOST_AUTO_TEST_CASE(an_unknown_argument_of_lr_class_is_refused_with_those_there_are) {
  check_refused(rate_type, lr_class("StepLR", {{"gama", 0.5}}), "lr_kwargs",
                {"has no \"gama\"", "gamma", "step_size", "milestones", "lr_min", "cycle_epochs"});
  check_refused(rate_type, lr_class("StepLR", {{"gamma", "half"}}), "lr_kwargs", {"number"});
  check_refused(rate_type, {{"lr_class", "StepLR"}, {"init_lr", 1}, {"lr_kwargs", 3}}, "lr_kwargs",
                {"map"});
}

BOOST_AUTO_TEST_CASE(an_lr_class_beside_a_schedule_of_takt_is_refused) {
  Map twice = lr_class("StepLR", {{"gamma", 0.5}, {"step_size", 1}});
  twice.push_back({"learning_rate", 0.1});
  check_refused(rate_type, twice, "", {"lr_class", "learning_rate"});
  twice.back() = {"schedule", "cosine"};
  check_refused(rate_type, twice, "", {"lr_class", "schedule"});
}

BOOST_AUTO_TEST_CASE(what_sparseml_logs_makes_no_difference) {
  for (const char* const type : {"LearningRateModifier", "SetLearningRateModifier"}) {
    for (const char* const name : {"log_types", "constant_logging"}) {
      for (const SettingValue& value : List{SettingValue{}, "__ALL__", true, List{"python"}}) {
        BOOST_CHECK_NO_THROW(
            (void)Registry::builtin().make(type, {{"learning_rate", 0.1}, {name, value}}));
      }
    }
  }
  BOOST_CHECK_NO_THROW((void)made(
      function_type, {{"lr_func", "constant"}, {"init_lr", 0.1}, {"constant_logging", false}}));
}

// SparseML's LearningRateFunctionModifier goes from init_lr to final_lr.
BOOST_AUTO_TEST_CASE(the_linear_function_goes_up_and_down) {
  check_rates(function_type,
              {{"lr_func", "linear"}, {"init_lr", 1}, {"final_lr", 4}, {"start", 1}, {"end", 4}},
              {1, 1, 2, 3, 4, 4});
  check_rates(function_type, {{"init_lr", 4}, {"final_lr", 0}, {"end_epoch", 2}}, {4, 2, 0, 0});
  check_rates(function_type,
              {{"init_lr", 4}, {"final_lr", 0}, {"end_epoch", 2}, {"lr_func", "linear"}},
              {4, 2, 0, 0});
}

BOOST_AUTO_TEST_CASE(the_cosine_function_falls_or_rises_along_half_a_period) {
  check_rates(
      function_type,
      {{"lr_func", "cosine"}, {"init_lr", 0.9}, {"final_lr", 0.1}, {"start", 0}, {"end", 4}},
      {0.9, 0.5 + 0.2 * std::numbers::sqrt2, 0.5, 0.5 - 0.2 * std::numbers::sqrt2, 0.1});
  check_rates(function_type, {{"lr_func", "cosine"}, {"init_lr", 1}, {"final_lr", 3}, {"end", 2}},
              {1, 2, 3});
  check_rates(function_type, {{"lr_func", "cosine"}, {"init_lr", 1}, {"end", 2}}, {1, 0.5, 0});
}

BOOST_AUTO_TEST_CASE(the_constant_function_stays_at_its_first_rate) {
  check_rates(function_type, {{"lr_func", "constant"}, {"init_lr", 0.3}, {"final_lr", 0.1}},
              {0.3, 0.3});
}

BOOST_AUTO_TEST_CASE(a_function_needs_its_rates_and_an_end) {
  check_refused(function_type, {{"final_lr", 1}, {"end", 1}}, "init_lr", {"needs init_lr"});
  check_refused(function_type, {{"init_lr", 1}, {"end", 1}}, "", {"final_lr is not set"});
  check_refused(function_type, {{"init_lr", 1}, {"final_lr", 1}}, "", {"end"});
  check_refused(function_type, {{"init_lr", 1}, {"final_lr", -1}, {"end", 1}}, "final_lr",
                {"0 or more"});
}

BOOST_AUTO_TEST_CASE(a_function_that_takt_lacks_is_refused_with_those_there_are) {
  check_refused(function_type,
                {{"lr_func", "cyclic_linear"}, {"init_lr", 1}, {"final_lr", 0}, {"end", 1}},
                "lr_func", {"linear", "cosine", "constant"});
  BOOST_CHECK_NO_THROW((void)made(
      function_type, {{"init_lr", 1}, {"final_lr", 0}, {"end", 1}, {"cycle_epochs", 1}}));
}

BOOST_AUTO_TEST_SUITE_END()
