// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <takt/modifiers/gradient_clip.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "vector_model.hpp"

namespace {

using takt::GradientClipModifier;
using takt::GradientClipSettings;
using takt::test::has;
using takt::test::nested;
using Values = std::vector<float>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinite = std::numeric_limits<float>::infinity();

/// A bus and a model of two parameters with the gradients of each step.
struct Training {
  Training() { bus.state().set(model); }

  void bound(GradientClipSettings settings) {
    clip = bus.emplace<GradientClipModifier>(std::move(settings));
    bus.initialize();
  }
  /// A step; the gradients that the optimizer sees are then the model's.
  void step(Values first, Values second) {
    model[0].gradients = std::move(first);
    model[1].gradients = std::move(second);
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }

  VectorModel model{{{.name = "fc.weight", .shape = {1, 2}, .values = {1, 8}, .kind = "Linear"},
                     {.name = "fc.bias", .shape = {1}, .values = {5}, .kind = "Linear"}}};
  takt::EventBus bus;
  std::shared_ptr<GradientClipModifier> clip;
};

void check_refused(std::optional<double> norm, std::optional<double> value,
                   const std::string& word) {
  BOOST_CHECK_EXCEPTION(
      (GradientClipModifier{{.name = "mine", .max_norm = norm, .max_value = value}}),
      takt::InvalidModifier, [&](const takt::InvalidModifier& error) {
        return has(error.what(), "\"mine\"") && has(error.what(), word);
      });
}

double norm_of(const VectorModel& model) {
  double sum = 0.0;
  for (const VectorParameter& parameter : model.parameters) {
    for (const float number : parameter.gradients) sum += double{number} * double{number};
  }
  return std::sqrt(sum);
}

rc::Gen<Values> any_gradients(std::size_t count) {
  return rc::gen::container<Values>(
      count, rc::gen::map(rc::gen::pair(rc::gen::inRange(-1000, 1001), rc::gen::inRange(-30, 30)),
                          [](const std::pair<int, int>& number) {
                            return std::ldexp(static_cast<float>(number.first), number.second);
                          }));
}

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(gradient_clip, Training)

BOOST_AUTO_TEST_CASE(gradients_of_too_large_a_norm_are_scaled_together) {
  bound({.max_norm = 3.5});
  step({2, -3}, {6});  // the norm is 7
  const double factor = 3.5 / (7.0 + 1e-6);
  TAKT_CHECK_VALUES(model[0].gradients, static_cast<float>(2 * factor),
                    static_cast<float>(-3 * factor));
  TAKT_CHECK_VALUES(model[1].gradients, static_cast<float>(6 * factor));
  BOOST_TEST(norm_of(model) <= 3.5);
  BOOST_TEST(norm_of(model) > 3.49999);
}

BOOST_AUTO_TEST_CASE(a_norm_that_is_no_more_than_max_norm_changes_nothing) {
  bound({.max_norm = 7});
  step({2, -3}, {6});
  TAKT_CHECK_VALUES(model[0].gradients, 2, -3);
  TAKT_CHECK_VALUES(model[1].gradients, 6);
}

BOOST_AUTO_TEST_CASE(each_number_is_moved_within_max_value) {
  bound({.max_value = 2.5});
  step({2, -3}, {6});
  TAKT_CHECK_VALUES(model[0].gradients, 2, -2.5);
  TAKT_CHECK_VALUES(model[1].gradients, 2.5);
}

BOOST_AUTO_TEST_CASE(with_both_bounds_the_norm_comes_first) {
  bound({.max_norm = 3.5, .max_value = 1.25});
  step({2, -3}, {6});  // scaled: 1, -1.5, 3
  const double factor = 3.5 / (7.0 + 1e-6);
  TAKT_CHECK_VALUES(model[0].gradients, static_cast<float>(2 * factor), -1.25);
  TAKT_CHECK_VALUES(model[1].gradients, 1.25);
}

BOOST_AUTO_TEST_CASE(the_norm_before_is_told_and_is_a_metric) {
  bound({.max_norm = 1});
  BOOST_TEST(clip->last_norm() == 0.0);
  BOOST_TEST(!bus.state().metrics.contains("gradient_norm"));
  step({2, -3}, {6});
  BOOST_TEST(clip->last_norm() == 7.0);
  BOOST_TEST(bus.state().metrics.at("gradient_norm") == 7.0);
  step({0, 0.5}, {0});
  BOOST_TEST(clip->last_norm() == 0.5);
  BOOST_TEST(bus.state().metrics.at("gradient_norm") == 0.5);
}

BOOST_AUTO_TEST_CASE(the_norm_is_told_with_max_value_alone_too) {
  bound({.max_value = 1});
  step({2, -3}, {6});
  BOOST_TEST(clip->last_norm() == 7.0);
  BOOST_TEST(bus.state().metrics.at("gradient_norm") == 7.0);
}

BOOST_AUTO_TEST_CASE(the_largest_floats_have_a_finite_norm) {
  bound({.max_norm = 1});
  constexpr float largest = std::numeric_limits<float>::max();
  step({largest, -largest}, {largest});
  BOOST_TEST(std::isfinite(clip->last_norm()));
  BOOST_TEST(model[0].gradients[0] == 0.57735F, boost::test_tools::tolerance(1e-5F));
}

BOOST_AUTO_TEST_CASE(many_small_gradients_count_next_to_a_large_one) {
  constexpr std::size_t count = 1'000'003;
  model[0].values.assign(count, 0.0F);
  bound({.max_norm = 1});
  step(Values(count, 1e-4F), {4096});  // in float their squares would be lost
  BOOST_TEST(clip->last_norm() == std::hypot(4096.0, double{1e-4F} * std::sqrt(double{count})),
             boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(a_norm_that_is_not_finite_changes_nothing_and_is_told) {
  bound({.max_norm = 1, .max_value = 1});
  step({2, infinite}, {6});
  TAKT_CHECK_VALUES(model[0].gradients, 2, infinite);
  TAKT_CHECK_VALUES(model[1].gradients, 6);
  BOOST_TEST(std::isinf(clip->last_norm()));
  step({2, not_a_number}, {6});
  BOOST_TEST(model[0].gradients[0] == 2.0F);
  BOOST_TEST(std::isnan(model[0].gradients[1]));
  TAKT_CHECK_VALUES(model[1].gradients, 6);
  BOOST_TEST(std::isnan(bus.state().metrics.at("gradient_norm")));
}

BOOST_AUTO_TEST_CASE(a_norm_of_zero_changes_nothing) {
  bound({.max_norm = 1, .max_value = 1});
  step({0, -0.0F}, {0});
  TAKT_CHECK_VALUES(model[0].gradients, 0, 0);
  BOOST_TEST(std::signbit(model[0].gradients[1]));
  BOOST_TEST(clip->last_norm() == 0.0);
}

BOOST_AUTO_TEST_CASE(parameters_without_gradients_are_left_out) {
  bound({.max_norm = 2.5, .max_value = 9});
  step({}, {-5});
  BOOST_TEST(clip->last_norm() == 5.0);
  BOOST_TEST(model[1].gradients[0] == -2.5F, boost::test_tools::tolerance(1e-6F));
  step({}, {});
  BOOST_TEST(clip->last_norm() == 0.0);
}

BOOST_AUTO_TEST_CASE(targets_choose_and_ignore_leaves_out) {
  bound({.targets = {"Linear"}, .ignore = {"fc.bias"}, .max_norm = 0.5});
  step({3, -4}, {6});
  BOOST_TEST(clip->last_norm() == 5.0);
  BOOST_TEST(model[0].gradients[0] == 0.3F, boost::test_tools::tolerance(1e-6F));
  TAKT_CHECK_VALUES(model[1].gradients, 6);
}

BOOST_AUTO_TEST_CASE(gradients_are_bounded_before_the_step_where_the_cadence_is_due) {
  bound({.cadence = {.start = 1, .end = 3, .update = 2}, .max_value = 1});
  Values seen;
  for (int i = 0; i < 5; ++i) {
    model[0].gradients = {5, 0};
    bus.batch(
        [&](takt::Batch& batch) { batch.step([&] { seen.push_back(model[0].gradients[0]); }); });
  }
  TAKT_CHECK_VALUES(seen, 5, 5, 1, 5, 5);
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_are_told_before_training_starts) {
  const std::string error = nested<takt::TargetError>(
      [&] { bound({.cadence = {.start = 5}, .targets = {"conv"}, .max_norm = 1}); });
  BOOST_TEST(has(error, "fc.weight"), error);
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_told_before_training_starts) {
  takt::EventBus empty;
  empty.emplace<GradientClipModifier>(GradientClipSettings{.max_norm = 1});
  BOOST_TEST(nested<takt::MissingState>([&] { empty.initialize(); }) != "");
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  check_refused({}, {}, "neither max_norm nor max_value is set");
  check_refused(0.0, {}, "max_norm is 0; it is a number, more than 0");
  check_refused(-1.0, 1.0, "max_norm is -1");
  check_refused(1.0, -2.0, "max_value is -2");
  check_refused(std::nan(""), {}, "max_norm is nan");
  check_refused({}, std::numeric_limits<double>::infinity(), "max_value is inf");
  BOOST_CHECK_THROW((GradientClipModifier{{.name = "", .max_norm = 1}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((GradientClipModifier{{.cadence = {.start = 2, .end = 1}, .max_norm = 1}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it_and_refuses_a_bound_of_0) {
  const auto& registry = takt::Registry::builtin();
  const auto made = registry.make("GradientClipModifier", {{"name", "bounds"},
                                                           {"update", 2},
                                                           {"targets", "fc.bias"},
                                                           {"max_norm", 0.5},
                                                           {"max_value", 0.25}});
  BOOST_TEST(made->name() == "bounds");
  BOOST_TEST((made->cadence() == takt::Cadence{.update = 2}));
  for (const char* const bound : {"max_norm", "max_value"}) {
    BOOST_CHECK_EXCEPTION(
        (void)registry.make("GradientClipModifier", {{bound, 0}}), takt::SettingError,
        [&](const takt::SettingError& error) { return error.setting() == bound; });
  }
  BOOST_CHECK_THROW((void)registry.make("GradientClipModifier", {{"update", 2}}),
                    takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(whatever_the_gradients_both_bounds_hold_and_no_sign_changes) {
  BOOST_TEST(rc::check("bounded gradients", [] {
    const double max_norm = std::ldexp(*rc::gen::inRange(1, 1000), *rc::gen::inRange(-12, 12));
    const double max_value = std::ldexp(*rc::gen::inRange(1, 1000), *rc::gen::inRange(-12, 12));
    const Values first = *any_gradients(static_cast<std::size_t>(*rc::gen::inRange(0, 40)));
    const Values second = *any_gradients(static_cast<std::size_t>(*rc::gen::inRange(0, 3)));
    const bool by_norm = *rc::gen::arbitrary<bool>();
    const bool by_value = !by_norm || *rc::gen::arbitrary<bool>();
    Training training;
    training.model[0].gradients = first;
    training.model[1].gradients = second;
    const double norm = norm_of(training.model);
    GradientClipSettings settings;
    if (by_norm) settings.max_norm = max_norm;
    if (by_value) settings.max_value = max_value;
    training.bound(settings);
    training.step(first, second);

    const double told = training.clip->last_norm();
    RC_ASSERT(std::abs(told - norm) <= 1e-14 * norm);
    if (by_norm) RC_ASSERT(norm_of(training.model) <= std::min(max_norm, norm) * (1 + 1e-6));
    const Values& bounded = training.model[0].gradients;
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (by_value) RC_ASSERT(std::abs(bounded[i]) <= static_cast<float>(max_value));
      RC_ASSERT(std::abs(bounded[i]) <= std::abs(first[i]));
      RC_ASSERT(std::signbit(bounded[i]) == std::signbit(first[i]));
      const bool kept = (!by_norm || told <= max_norm) &&
                        (!by_value || std::abs(first[i]) <= static_cast<float>(max_value));
      if (kept) RC_ASSERT(bounded[i] == first[i]);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
