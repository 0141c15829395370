// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/ema.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "vector_model.hpp"

namespace {

using takt::EMAModifier;
using takt::EMASettings;
using takt::test::has;
using takt::test::nested;
using Values = std::vector<float>;

/// A bus and a model whose steps set the first number of its weight.
struct Training {
  explicit Training(takt::BusOptions options = {}) : bus{{}, options} { bus.state().set(model); }

  void average(EMASettings settings) {
    ema = bus.emplace<EMAModifier>(std::move(settings));
    bus.initialize();
  }
  void step_to(float weight) {
    bus.batch([&](takt::Batch& batch) { batch.step([&] { move_to(weight); }); });
  }
  /// In storage of its own each time, as a tensor library may have it.
  void move_to(float weight) {
    Values moved = model[0].values;
    moved[0] = weight;
    model[0].values = moved;
  }
  float averaged() {
    float value = 0.0F;
    ema->with_averages(model, [&] { value = weight(); });
    return value;
  }
  float weight() { return model[0].values[0]; }

  VectorModel model{{{.name = "fc.weight", .shape = {1, 2}, .values = {1, 8}, .kind = "Linear"},
                     {.name = "fc.bias", .shape = {1}, .values = {5}, .kind = "Linear"}}};
  takt::EventBus bus;
  std::shared_ptr<EMAModifier> ema;
};

void check_decay_refused(double decay, const std::string& word) {
  BOOST_CHECK_EXCEPTION((EMAModifier{{.name = "mine", .decay = decay}}), takt::InvalidModifier,
                        [&](const takt::InvalidModifier& error) {
                          return has(error.what(), "\"mine\"") && has(error.what(), word);
                        });
}

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(ema, Training)

BOOST_AUTO_TEST_CASE(the_average_begins_with_the_weights_and_follows_them_by_its_formula) {
  average({.decay = 0.75});
  step_to(2);
  BOOST_TEST(averaged() == 1.25F);  // 3/4 * 1 + 1/4 * 2
  step_to(4);
  BOOST_TEST(averaged() == 1.9375F);  // 3/4 * 1.25 + 1/4 * 4
  step_to(-8);
  BOOST_TEST(averaged() == -0.546875F);  // 3/4 * 1.9375 - 1/4 * 8
  BOOST_TEST(ema->updates() == 3);
  BOOST_TEST(weight() == -8.0F);
}

BOOST_AUTO_TEST_CASE(the_decay_is_0_999_unless_another_is_set) {
  average({});
  step_to(1001);
  BOOST_TEST(averaged() == 2.0F);
}

BOOST_AUTO_TEST_CASE(a_decay_of_0_is_the_weights_and_one_of_1_the_first_ones) {
  average({.decay = 0});
  step_to(1e-20F);
  BOOST_TEST(averaged() == 1e-20F);
  Training other;
  other.average({.decay = 1});
  other.step_to(3);
  BOOST_TEST(other.averaged() == 1.0F);
}

BOOST_AUTO_TEST_CASE(a_warm_up_keeps_less_at_first) {
  average({.decay = 0.2, .warm_up = true});
  BOOST_TEST(ema->next_decay() == 1.0 / 10.0);
  step_to(2);
  BOOST_TEST(averaged() == 1.9F);  // 0.1 * 1 + 0.9 * 2
  BOOST_TEST(ema->next_decay() == 2.0 / 11.0);
  step_to(13);
  BOOST_TEST(averaged() == static_cast<float>(2.0 / 11.0 * double{1.9F} + 9.0 / 11.0 * 13.0));
  BOOST_TEST(ema->next_decay() == 0.2);  // 3 / 12 is more
}

BOOST_AUTO_TEST_CASE(without_a_warm_up_the_decay_is_always_the_same) {
  average({.decay = 0.9});
  BOOST_TEST(ema->next_decay() == 0.9);
  step_to(2);
  BOOST_TEST(ema->next_decay() == 0.9);
}

BOOST_AUTO_TEST_CASE(weights_are_averaged_where_the_cadence_is_due) {
  average({.cadence = {.start = 1, .end = 3, .update = 2}, .decay = 0.5});
  step_to(3);  // step 0: before the window, which opens at 3
  step_to(5);  // 1: not due
  BOOST_TEST(averaged() == 3.0F);
  step_to(7);  // 2: due
  BOOST_TEST(averaged() == 5.0F);
  step_to(90);   // 3: not due; the window closes
  step_to(100);  // 4: behind it
  BOOST_TEST(averaged() == 5.0F);
  BOOST_TEST(ema->updates() == 1);
}

BOOST_AUTO_TEST_CASE(a_batch_without_a_step_is_not_averaged) {
  average({.decay = 0.5});
  bus.batch([&](takt::Batch&) { move_to(9); });
  BOOST_TEST(averaged() == 1.0F);
}

BOOST_AUTO_TEST_CASE(all_parameters_are_averaged_unless_targets_choose) {
  average({.decay = 0.5});
  bus.batch([&](takt::Batch& batch) {
    batch.step([&] {
      model[0].values = {3, 10};
      model[1].values = {7};
    });
  });
  ema->apply(model);
  TAKT_CHECK_VALUES(model[0].values, 2, 9);
  TAKT_CHECK_VALUES(model[1].values, 6);
}

BOOST_AUTO_TEST_CASE(targets_choose_and_ignore_leaves_out) {
  average({.targets = {"Linear"}, .ignore = {"fc.weight"}, .decay = 0.5});
  bus.batch([&](takt::Batch& batch) {
    batch.step([&] {
      model[0].values = {3, 10};
      model[1].values = {7};
    });
  });
  ema->apply(model);
  TAKT_CHECK_VALUES(model[0].values, 3, 10);
  TAKT_CHECK_VALUES(model[1].values, 6);
}

BOOST_AUTO_TEST_CASE(apply_puts_the_averages_into_the_model_and_restore_takes_them_out) {
  average({.decay = 0.5});
  step_to(3);
  BOOST_TEST(!ema->applied());
  ema->apply(model);
  BOOST_TEST(ema->applied());
  BOOST_TEST(weight() == 2.0F);
  ema->restore(model);
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
  step_to(6);
  BOOST_TEST(averaged() == 4.0F);
}

BOOST_AUTO_TEST_CASE(apply_twice_is_an_error_and_restore_twice_is_none) {
  average({.decay = 0.5});
  step_to(3);
  ema->restore(model);
  BOOST_TEST(weight() == 3.0F);
  ema->apply(model);
  BOOST_CHECK_THROW(ema->apply(model), takt::LifecycleError);
  BOOST_TEST(weight() == 2.0F);
  ema->restore(model);
  ema->restore(model);
  BOOST_TEST(weight() == 3.0F);
}

BOOST_AUTO_TEST_CASE(averages_of_two_decays_may_be_taken_out_in_any_order) {
  const auto other = bus.emplace<EMAModifier>(EMASettings{.name = "other", .decay = 0.25});
  average({.decay = 0.5});
  step_to(5);
  ema->apply(model);
  BOOST_TEST(weight() == 3.0F);
  other->apply(model);
  BOOST_TEST(weight() == 4.0F);
  ema->restore(model);
  BOOST_TEST(weight() == 4.0F);
  other->restore(model);
  BOOST_TEST(weight() == 5.0F);
  BOOST_TEST(averaged() == 3.0F);
}

BOOST_AUTO_TEST_CASE(before_the_window_opens_there_is_nothing_to_apply) {
  average({.cadence = {.start = 1}});
  step_to(3);
  BOOST_CHECK_THROW(ema->apply(model), takt::LifecycleError);
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
  bus.batch_start();
  ema->apply(model);
  BOOST_TEST(weight() == 3.0F);
}

BOOST_AUTO_TEST_CASE(the_trained_weights_are_back_after_a_callable_that_throws) {
  average({.decay = 0.5});
  step_to(3);
  const auto evaluate = [&] {
    BOOST_TEST(weight() == 2.0F);
    throw std::runtime_error{"no data"};
  };
  BOOST_CHECK_THROW(ema->with_averages(model, evaluate), std::runtime_error);
  BOOST_TEST(weight() == 3.0F);
  BOOST_TEST(averaged() == 2.0F);
}

BOOST_AUTO_TEST_CASE(a_batch_that_starts_with_the_averages_gets_the_trained_weights_and_an_error) {
  average({.decay = 0.5});
  step_to(3);
  ema->apply(model);
  const std::string error =
      nested<takt::LifecycleError>([&] { bus.batch([](takt::Batch&) { BOOST_FAIL("it ran"); }); });
  BOOST_TEST(has(error, "at batch_start"), error);
  BOOST_TEST(has(error, "Call restore"), error);
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
  step_to(6);
  BOOST_TEST(averaged() == 4.0F);
}

BOOST_AUTO_TEST_CASE(the_trained_weights_are_back_before_the_error_is_told) {
  average({.decay = 0.5});
  step_to(3);
  ema->apply(model);
  BOOST_TEST(nested<takt::LifecycleError>([&] { bus.batch_start(); }) != "");
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);  // the batch is open, and may go on
}

BOOST_AUTO_TEST_CASE(a_step_of_the_averages_does_not_begin) {
  average({.decay = 0.5});
  step_to(3);
  const std::string error = nested<takt::LifecycleError>([&] {
    bus.batch([&](takt::Batch& batch) {
      ema->apply(model);
      batch.step([] { BOOST_FAIL("it ran"); });
    });
  });
  BOOST_TEST(has(error, "at optim_pre_step"), error);
  BOOST_TEST(weight() == 3.0F);
}

BOOST_AUTO_TEST_CASE(averages_are_not_averaged_with_themselves) {
  average({.decay = 0.5});
  step_to(3);
  const std::string error = nested<takt::LifecycleError>(
      [&] { bus.batch([&](takt::Batch& batch) { batch.step([&] { ema->apply(model); }); }); });
  BOOST_TEST(has(error, "at optim_post_step"), error);
  BOOST_TEST(weight() == 3.0F);
  BOOST_TEST(averaged() == 2.0F);
  BOOST_TEST(ema->updates() == 1);
}

BOOST_AUTO_TEST_CASE(under_quarantine_training_goes_on_with_the_trained_weights) {
  Training other{{.errors = takt::ErrorPolicy::quarantine}};
  other.average({.decay = 0.5});
  other.step_to(3);
  other.ema->apply(other.model);
  other.bus.batch([&](takt::Batch&) { BOOST_TEST(other.weight() == 3.0F); });
  BOOST_TEST(other.bus.quarantined().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_leaves_the_trained_weights) {
  average({.decay = 0.5});
  step_to(3);
  bus.batch_start();
  ema->apply(model);
  bus.abort_batch();
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_window_leaves_the_trained_weights) {
  average({.cadence = {.end = 0}, .decay = 0.5});
  bus.batch([&](takt::Batch& batch) {
    batch.step([&] { move_to(3); });
    ema->apply(model);
  });
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
  BOOST_TEST(averaged() == 2.0F);
}

BOOST_AUTO_TEST_CASE(finalize_leaves_the_trained_weights_and_the_averages_to_be_applied) {
  average({.decay = 0.5});
  step_to(3);
  ema->apply(model);
  bus.finalize();
  BOOST_TEST(weight() == 3.0F);
  ema->apply(model);
  BOOST_TEST(weight() == 2.0F);
}

BOOST_AUTO_TEST_CASE(finalize_after_the_window_leaves_the_trained_weights) {
  average({.cadence = {.end = 0}, .decay = 0.5});
  step_to(3);
  ema->apply(model);
  bus.finalize();
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
}

BOOST_AUTO_TEST_CASE(on_another_bus_the_averages_begin_anew) {
  average({.decay = 0.5});
  step_to(3);
  bus.finalize();
  ema->apply(model);  // to be tuned from there
  BOOST_REQUIRE(bus.remove("EMAModifier"));
  Training next;
  next.ema = ema;
  next.bus.add(ema);
  next.bus.initialize();
  next.step_to(9);
  BOOST_TEST(next.averaged() == 5.0F);
  BOOST_TEST(ema->updates() == 1);
}

BOOST_AUTO_TEST_CASE(a_parameter_that_changes_its_size_is_named_and_nothing_is_changed) {
  average({.decay = 0.5});
  step_to(3);
  model[1].values = {1, 2};
  BOOST_CHECK_EXCEPTION(ema->apply(model), takt::InvalidModifier,
                        [](const takt::InvalidModifier& error) {
                          return has(error.what(), "'fc.bias'") && has(error.what(), "2 values");
                        });
  BOOST_TEST(!ema->applied());
  BOOST_TEST(weight() == 3.0F);
  BOOST_TEST(has(nested<takt::InvalidModifier>([&] { step_to(5); }), "'fc.bias'"));
  model[1].values = {5};
  BOOST_TEST(averaged() == 2.0F);
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_are_told_before_training_starts) {
  const std::string error =
      nested<takt::TargetError>([&] { average({.cadence = {.start = 5}, .targets = {"conv"}}); });
  BOOST_TEST(has(error, "fc.weight"), error);
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_told_before_training_starts) {
  takt::EventBus empty;
  empty.emplace<EMAModifier>(EMASettings{.cadence = {.start = 5}});
  BOOST_TEST(nested<takt::MissingState>([&] { empty.initialize(); }) != "");
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  check_decay_refused(-0.1, "decay is -0.1; it is a number, 0 to 1");
  check_decay_refused(1.5, "decay is 1.5");
  check_decay_refused(std::nan(""), "decay is nan");
  check_decay_refused(std::numeric_limits<double>::infinity(), "decay is inf");
  BOOST_CHECK_THROW((EMAModifier{{.name = ""}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((EMAModifier{{.cadence = {.start = 2, .end = 1}}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it_and_refuses_a_decay_above_1) {
  const auto& registry = takt::Registry::builtin();
  const auto made = registry.make("EMAModifier", {{"name", "teacher"},
                                                  {"start", 2},
                                                  {"targets", "fc.bias"},
                                                  {"decay", 0.5},
                                                  {"warm_up", true}});
  BOOST_TEST(made->name() == "teacher");
  BOOST_TEST((made->cadence() == takt::Cadence{.start = 2}));
  BOOST_TEST(std::dynamic_pointer_cast<EMAModifier>(made)->next_decay() == 0.1);
  BOOST_CHECK_EXCEPTION((void)registry.make("EMAModifier", {{"decay", 2}}), takt::SettingError,
                        [](const takt::SettingError& error) { return error.setting() == "decay"; });
}

BOOST_AUTO_TEST_CASE(through_any_weights_the_average_is_that_of_the_formula_and_in_their_range) {
  BOOST_TEST(rc::check("average = d * average + (1 - d) * weight", [] {
    const double decay = *rc::gen::inRange(0, 1001) / 1000.0;
    const bool warm_up = *rc::gen::arbitrary<bool>();
    const auto any_weight = rc::gen::map(rc::gen::inRange(-1'000'000, 1'000'000),
                                         [](int n) { return static_cast<float>(n) / 997.0F; });
    Training training;
    training.move_to(*any_weight);
    float before = training.weight();
    float least = before;
    float most = before;
    training.average({.decay = decay, .warm_up = warm_up});
    const int steps = *rc::gen::inRange(1, 20);
    for (int n = 0; n < steps; ++n) {
      const float weight = *any_weight;
      const double d = warm_up ? std::min(decay, (1.0 + n) / (10.0 + n)) : decay;
      const double expected = d * double{before} + (1.0 - d) * double{weight};
      least = std::min(least, weight);
      most = std::max(most, weight);
      training.step_to(weight);
      RC_ASSERT(std::abs(training.averaged() - expected) <=
                4e-7 * std::max(std::abs(before), std::abs(weight)));
      RC_ASSERT(training.averaged() >= least);
      RC_ASSERT(training.averaged() <= most);
      RC_ASSERT(training.weight() == weight);
      RC_ASSERT(training.model[0].values[1] == 8.0F);
      before = training.averaged();
    }
  }));
}

BOOST_AUTO_TEST_CASE(whatever_is_called_in_whatever_order_only_trained_weights_are_trained) {
  BOOST_TEST(rc::check("the model has its averages from apply until the next of the others", [] {
    Training training;
    training.average({.decay = 0.5});
    training.step_to(1);
    float trained = 1.0F;
    bool applied = false;
    const int calls = *rc::gen::inRange(1, 30);
    for (int i = 0; i < calls; ++i) {
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          if (applied) {
            RC_ASSERT_THROWS_AS(training.ema->apply(training.model), takt::LifecycleError);
          } else {
            training.ema->apply(training.model);
          }
          applied = true;
          break;
        case 1:
          training.ema->restore(training.model);
          applied = false;
          break;
        case 2:
          if (applied) {
            RC_ASSERT_THROWS_AS(training.step_to(0.0F), takt::ModifierError);
          } else {
            trained += 1.0F;
            training.step_to(trained);
          }
          applied = false;
          break;
        default:
          if (applied) break;
          training.bus.batch_start();
          training.ema->apply(training.model);
          training.bus.abort_batch();
      }
      RC_ASSERT(training.ema->applied() == applied);
      if (!applied) RC_ASSERT(training.weight() == trained);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
