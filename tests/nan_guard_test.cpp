// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "vector_model.hpp"

namespace {

using takt::NanGuardModifier;
using takt::NanGuardSettings;
using takt::test::has;
using takt::test::nested;
using Values = std::vector<float>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinite = std::numeric_limits<float>::infinity();

/// What one batch of the loop comes to.
struct Course {
  double loss = 0.5;
  Values gradients{1, 1};
  float weight = 0.0F;  // what the optimizer does to the first one, besides its gradient
};

/// A bus and a model whose optimizer adds each gradient to its weight.
struct Training {
  Training() { bus.state().set(model); }

  void guard(NanGuardSettings settings) {
    nans = bus.emplace<NanGuardModifier>(std::move(settings));
    bus.initialize();
  }
  void move_weights() {
    for (VectorParameter& parameter : model.parameters) {
      for (std::size_t i = 0; i < parameter.gradients.size(); ++i) {
        parameter.values[i] += parameter.gradients[i];
      }
    }
  }
  void train(const Course& course = {}) {
    bus.batch([&](takt::Batch& batch) {
      batch.loss(course.loss);
      model[0].gradients = course.gradients;
      batch.step([&] {
        move_weights();
        model[0].values[0] += course.weight;
      });
    });
  }
  [[nodiscard]] bool stops() const { return bus.state().control.stop_requested(); }
  [[nodiscard]] std::string reason() const { return bus.state().control.stop_reason(); }

  VectorModel model{{{.name = "fc.weight", .shape = {1, 2}, .values = {1, 8}, .kind = "Linear"},
                     {.name = "fc.bias", .shape = {1}, .values = {5}, .kind = "Linear"}}};
  takt::EventBus bus;
  std::shared_ptr<NanGuardModifier> nans;
};

constexpr double lost = std::numeric_limits<double>::quiet_NaN();

void check_refused(NanGuardSettings settings, const std::string& word) {
  settings.name = "mine";
  BOOST_CHECK_EXCEPTION(NanGuardModifier{settings}, takt::InvalidModifier,
                        [&](const takt::InvalidModifier& error) {
                          return has(error.what(), "\"mine\"") && has(error.what(), word);
                        });
}

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(nan_guard, Training)

BOOST_AUTO_TEST_CASE(while_all_is_finite_nothing_happens) {
  for (const char* const action : {"stop", "skip", "restore"}) {
    Training training;
    training.guard({.watch = {"loss", "gradients", "weights"}, .action = action, .patience = 1});
    training.train({.gradients = {std::numeric_limits<float>::max(), 1e-45F}});
    training.train({.loss = -1e300, .gradients = {}});
    BOOST_TEST(!training.stops(), action);
    TAKT_CHECK_VALUES(training.model[0].values, std::numeric_limits<float>::max(), 8);
    BOOST_TEST(training.nans->bad_batches() == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_bad_loss_stops_and_the_reason_says_where) {
  guard({});
  train();
  BOOST_TEST(!stops());
  train({.loss = lost});
  BOOST_TEST(reason() == "NanGuardModifier: the loss is nan at step 1, batch 1");
}

BOOST_AUTO_TEST_CASE(a_bad_gradient_stops_and_the_reason_names_its_parameter) {
  guard({.name = "watchdog"});
  train();
  bus.batch([](takt::Batch&) {});
  train({.gradients = {1, -infinite}});
  BOOST_TEST(reason() ==
             "watchdog: gradient 1 of parameter 'fc.weight' is -inf at step 1, batch 2");
}

BOOST_AUTO_TEST_CASE(a_bad_weight_stops_when_weights_are_watched) {
  guard({.watch = {"weights"}});
  train({.loss = lost});
  BOOST_TEST(!stops());
  train({.weight = not_a_number});
  BOOST_TEST(reason() ==
             "NanGuardModifier: weight 0 of parameter 'fc.weight' is nan at step 1, batch 1");
}

BOOST_AUTO_TEST_CASE(only_what_is_watched_is_looked_at) {
  guard({.watch = {"gradients"}});
  train({.loss = lost, .weight = infinite});
  BOOST_TEST(!stops());
  Training of_loss;
  of_loss.guard({.watch = {"loss"}});
  of_loss.train({.gradients = {not_a_number, 0}});
  BOOST_TEST(!of_loss.stops());
  of_loss.train({.loss = infinite});
  BOOST_TEST(of_loss.stops());
}

BOOST_AUTO_TEST_CASE(gradients_are_not_looked_at_when_only_weights_are_watched) {
  guard({.watch = {"weights"}});
  model[0].gradients = {not_a_number, 1};
  bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  BOOST_TEST(!stops());
}

BOOST_AUTO_TEST_CASE(stop_changes_nothing) {
  guard({});
  train({.loss = lost, .gradients = {3, infinite}});
  TAKT_CHECK_VALUES(model[0].gradients, 3, infinite);
  TAKT_CHECK_VALUES(model[0].values, 4, infinite);
}

BOOST_AUTO_TEST_CASE(skip_zeroes_all_gradients_when_one_is_bad) {
  guard({.action = "skip"});
  model[1].gradients = {1};
  train({.gradients = {3, not_a_number}});
  TAKT_CHECK_VALUES(model[0].values, 1, 8);
  TAKT_CHECK_VALUES(model[1].values, 5);
  train();
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
  BOOST_TEST(!stops());
  BOOST_TEST(nans->bad_batches() == 1);
}

BOOST_AUTO_TEST_CASE(skip_zeroes_the_gradients_of_a_bad_loss) {
  guard({.action = "skip"});
  train({.loss = infinite});
  TAKT_CHECK_VALUES(model[0].values, 1, 8);
  train();
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
}

BOOST_AUTO_TEST_CASE(a_bad_loss_counts_until_the_step_that_its_gradients_go_into) {
  guard({.action = "skip"});
  bus.batch([](takt::Batch& batch) { batch.loss(lost); });
  bus.batch([](takt::Batch& batch) { batch.loss(0.5); });
  train();
  TAKT_CHECK_VALUES(model[0].values, 1, 8);
  train();
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
}

BOOST_AUTO_TEST_CASE(skip_does_not_hold_back_what_else_moves_weights) {
  guard({.action = "skip"});
  train({.loss = lost, .weight = 0.5F});  // momentum, or weight decay
  TAKT_CHECK_VALUES(model[0].values, 1.5, 8);
}

BOOST_AUTO_TEST_CASE(skip_stops_when_weights_are_bad) {
  guard({.watch = {"weights"}, .action = "skip", .patience = 9});
  train({.weight = infinite});
  BOOST_TEST(has(reason(), "weight 0 of parameter 'fc.weight' is inf"), reason());
}

BOOST_AUTO_TEST_CASE(restore_puts_bad_weights_back_to_those_of_the_last_good_step) {
  guard({.action = "restore"});
  train();
  train({.weight = not_a_number});
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
  BOOST_TEST(!stops());
  train();
  train({.weight = infinite});
  TAKT_CHECK_VALUES(model[0].values, 3, 10);
  BOOST_TEST(nans->bad_batches() == 2);
}

BOOST_AUTO_TEST_CASE(restore_before_any_good_step_is_to_where_the_window_opened) {
  guard({.cadence = {.start = 1}, .action = "restore"});
  train();
  train({.weight = not_a_number});
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
}

BOOST_AUTO_TEST_CASE(restore_zeroes_bad_gradients_and_puts_weights_back_before_the_step) {
  guard({.action = "restore"});
  train();
  model[0].values[1] = infinite;  // as some other code may leave it
  train({.gradients = {not_a_number, 1}});
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
  model[0].values[1] = 100;
  train({.loss = lost});
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
}

BOOST_AUTO_TEST_CASE(restore_has_the_weights_back_after_an_aborted_batch) {
  guard({.action = "restore"});
  train();
  const auto failing_step = [&](takt::Batch& batch) {
    batch.step([&] {
      model[0].values = {not_a_number, 1};
      throw std::runtime_error{"out of memory"};
    });
  };
  BOOST_CHECK_THROW(bus.batch(failing_step), std::runtime_error);
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
}

BOOST_AUTO_TEST_CASE(restore_leaves_finite_weights_of_an_aborted_batch_alone) {
  guard({.action = "restore"});
  train();
  bus.batch_start();
  model[0].values = {3, 4};
  bus.abort_batch();
  TAKT_CHECK_VALUES(model[0].values, 3, 4);
}

BOOST_AUTO_TEST_CASE(restore_refuses_to_begin_with_bad_weights) {
  guard({.action = "restore"});
  model[0].values[1] = not_a_number;
  const std::string error = nested<takt::InvalidModifier>([&] { train(); });
  BOOST_TEST(has(error, "weight 1 of parameter 'fc.weight' is nan"), error);
}

BOOST_AUTO_TEST_CASE(a_parameter_that_changes_its_size_is_named) {
  guard({.action = "restore"});
  const std::string error = nested<takt::InvalidModifier>([&] {
    bus.batch([&](takt::Batch& batch) { batch.step([&] { model[0].values = {1, 2, 3}; }); });
  });
  BOOST_TEST(has(error, "'fc.weight'"), error);
}

BOOST_AUTO_TEST_CASE(parameters_that_are_ignored_are_not_guarded) {
  guard({.targets = {"re:fc"},
         .ignore = {"fc.weight"},
         .watch = {"gradients", "weights"},
         .action = "restore"});
  model[1].gradients = {1};
  train({.gradients = {not_a_number, 1}});
  TAKT_CHECK_VALUES(model[1].values, 6);
  model[1].gradients = {infinite};
  train({.gradients = {0, 2}});
  BOOST_TEST(model[0].values[1] == 11.0F);
  TAKT_CHECK_VALUES(model[1].values, 6);
  BOOST_TEST(nans->bad_batches() == 1);
}

BOOST_AUTO_TEST_CASE(patience_is_for_bad_batches_in_a_row) {
  guard({.action = "skip", .patience = 3});
  for (int i = 0; i < 2; ++i) train({.loss = lost});
  BOOST_TEST(nans->bad_batches_in_a_row() == 2);
  train();
  BOOST_TEST(nans->bad_batches_in_a_row() == 0);
  for (int i = 0; i < 2; ++i) train({.loss = lost});
  BOOST_TEST(!stops());
  train({.gradients = {not_a_number, 0}});
  BOOST_TEST(reason() ==
             "NanGuardModifier: gradient 0 of parameter 'fc.weight' is nan at step 5, batch 5, the "
             "last of 3 bad batches in a row");
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
}

BOOST_AUTO_TEST_CASE(stop_may_be_patient_too_and_skip_may_stop_with_good_weights) {
  guard({.patience = 2});
  train({.loss = lost});
  BOOST_TEST(!stops());
  train({.loss = lost});
  BOOST_TEST(stops());
  Training other;
  other.guard({.action = "skip", .patience = 1});
  other.train({.gradients = {not_a_number, 0}});
  BOOST_TEST(other.stops());
  TAKT_CHECK_VALUES(other.model[0].values, 1, 8);
}

BOOST_AUTO_TEST_CASE(a_batch_is_bad_once_however_much_in_it_is) {
  guard({.watch = {"loss", "gradients", "weights"}, .action = "restore", .patience = 2});
  train({.loss = lost, .gradients = {not_a_number, infinite}, .weight = not_a_number});
  BOOST_TEST(nans->bad_batches() == 1);
  BOOST_TEST(!stops());
}

BOOST_AUTO_TEST_CASE(bad_batches_count_each_when_another_modifier_breaks_at_their_ends) {
  bus.on({takt::EventType::BATCH_END}, {}, [] { throw std::runtime_error{"no disk"}; });
  guard({.action = "skip"});
  for (int i = 0; i < 3; ++i) BOOST_CHECK_THROW(train({.loss = lost}), takt::ModifierError);
  BOOST_TEST(nans->bad_batches() == 3);
  BOOST_TEST(nans->bad_batches_in_a_row() == 3);
}

BOOST_AUTO_TEST_CASE(a_good_batch_counts_when_another_modifier_breaks_at_its_end) {
  bus.on({takt::EventType::BATCH_END}, {}, [] { throw std::runtime_error{"no disk"}; });
  guard({.action = "skip"});
  BOOST_CHECK_THROW(train({.loss = lost}), takt::ModifierError);
  BOOST_TEST(nans->bad_batches_in_a_row() == 1);
  BOOST_CHECK_THROW(train(), takt::ModifierError);
  BOOST_TEST(nans->bad_batches() == 1);
  BOOST_TEST(nans->bad_batches_in_a_row() == 0);
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_does_not_count) {
  guard({.action = "skip", .patience = 2});
  train({.loss = lost});
  bus.batch_start();
  bus.loss_calculated(lost);
  BOOST_TEST(stops());  // what was asked for stays
  Training other;
  other.guard({.action = "skip", .patience = 3});
  other.train({.loss = lost});
  for (int i = 0; i < 5; ++i) {
    other.bus.batch_start();
    other.bus.loss_calculated(lost);
    other.bus.abort_batch();
  }
  BOOST_TEST(other.nans->bad_batches() == 1);
  BOOST_TEST(other.nans->bad_batches_in_a_row() == 1);
  other.train();
  TAKT_CHECK_VALUES(other.model[0].values, 2, 9);
  BOOST_TEST(!other.stops());
}

BOOST_AUTO_TEST_CASE(a_bad_loss_of_before_is_not_forgotten_with_an_aborted_batch) {
  guard({.action = "skip"});
  bus.batch([](takt::Batch& batch) { batch.loss(lost); });
  bus.batch_start();
  bus.abort_batch();
  train();
  TAKT_CHECK_VALUES(model[0].values, 1, 8);
}

BOOST_AUTO_TEST_CASE(batches_are_watched_where_the_cadence_is_due) {
  guard({.cadence = {.start = 1, .end = 3, .update = 2}, .action = "skip"});
  for (int i = 0; i < 5; ++i) train({.loss = lost});
  BOOST_TEST(nans->bad_batches() == 1);
  TAKT_CHECK_VALUES(model[0].values, 5, 12);
}

BOOST_AUTO_TEST_CASE(the_loss_alone_is_watched_without_a_model) {
  takt::EventBus empty;
  empty.emplace<NanGuardModifier>(NanGuardSettings{.watch = {"loss"}});
  empty.initialize();
  empty.batch([](takt::Batch& batch) {
    batch.loss(lost);
    batch.step([] {});
  });
  BOOST_TEST(empty.state().control.stop_requested());
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_told_before_training_starts) {
  const NanGuardSettings skips{.watch = {"loss"}, .action = "skip"};
  for (const NanGuardSettings& settings : {NanGuardSettings{}, skips}) {
    takt::EventBus empty;
    empty.emplace<NanGuardModifier>(settings);
    BOOST_TEST(nested<takt::MissingState>([&] { empty.initialize(); }) != "");
  }
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_are_told_before_training_starts) {
  const std::string error =
      nested<takt::TargetError>([&] { guard({.cadence = {.start = 5}, .targets = {"conv"}}); });
  BOOST_TEST(has(error, "fc.weight"), error);
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  check_refused({.action = "pray"}, "unknown action \"pray\"; the actions are stop, skip");
  check_refused({.watch = {}}, "watch is empty");
  check_refused({.watch = {"loss", "lrs"}}, "watch has \"lrs\"");
  check_refused({.patience = 0}, "patience is 0; it is 1 or more");
  BOOST_CHECK_THROW((NanGuardModifier{{.name = ""}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((NanGuardModifier{{.cadence = {.start = 2, .end = 1}}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it_and_refuses_what_is_out_of_range) {
  const auto& registry = takt::Registry::builtin();
  const auto made = registry.make("NanGuardModifier", {{"name", "watchdog"},
                                                       {"end", 9},
                                                       {"watch", "weights"},
                                                       {"action", "restore"},
                                                       {"patience", 5}});
  BOOST_TEST(made->name() == "watchdog");
  BOOST_TEST((made->cadence() == takt::Cadence{.end = 9}));
  const auto refused = [&](const takt::SettingValue::Map& settings) {
    try {
      (void)registry.make("NanGuardModifier", settings);
    } catch (const takt::SettingError& error) {
      return error.setting();
    }
    return std::string{""};
  };
  BOOST_TEST(refused({{"action", "pray"}}) == "action");
  BOOST_TEST(refused({{"watch", "lrs"}}) == "watch");
  BOOST_TEST(refused({{"patience", 0}}) == "patience");
}

BOOST_AUTO_TEST_CASE(whatever_goes_wrong_restored_weights_are_those_of_the_good_steps) {
  BOOST_TEST(rc::check("restored weights are finite, and only good steps move them", [] {
    const int patience = *rc::gen::inRange(1, 5);
    Training training;
    training.guard({.action = "restore", .patience = patience});
    Values expected = training.model[0].values;
    int in_a_row = 0;
    bool stops = false;
    const int steps = *rc::gen::inRange(1, 30);
    for (int i = 0; i < steps; ++i) {
      Course course{.gradients = {static_cast<float>(*rc::gen::inRange(-9, 10)), 2}};
      const float bad = *rc::gen::element(not_a_number, infinite, -infinite);
      const int wrong = *rc::gen::inRange(0, 7);
      if (wrong == 0) course.loss = double{bad};
      if (wrong == 1) course.gradients[1] = bad;
      if (wrong == 2) course.weight = bad;
      if (wrong > 2) {
        expected[0] += course.gradients[0];
        expected[1] += course.gradients[1];
      }
      in_a_row = wrong > 2 ? 0 : in_a_row + 1;
      stops = stops || in_a_row >= patience;
      training.train(course);
      RC_ASSERT(training.model[0].values == expected);
      RC_ASSERT(training.nans->bad_batches_in_a_row() == in_a_row);
      RC_ASSERT(training.stops() == stops);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
