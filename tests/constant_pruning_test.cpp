// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "vector_model.hpp"

namespace {

using takt::ConstantPruningModifier;
using takt::ConstantPruningSettings;
using Values = std::vector<float>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// A bus and a model whose optimizer adds 1 to every weight.
struct Training {
  Training() { bus.state().set(model); }

  void hold(ConstantPruningSettings settings) {
    bus.emplace<ConstantPruningModifier>(std::move(settings));
    bus.initialize();
  }
  void move_weights() {
    for (VectorParameter& parameter : model.parameters) {
      for (float& value : parameter.values) value += 1.0F;
    }
  }
  void step() {
    for (VectorParameter& parameter : model.parameters) {
      parameter.gradients.assign(parameter.values.size(), 1.0F);
    }
    bus.batch([&](takt::Batch& batch) {
      batch.step([&] {
        gradients_seen = model[0].gradients;
        move_weights();
      });
    });
  }

  VectorModel model{{{.name = "fc.weight", .shape = {2, 3}, .values = {0, 5, 0, -1, 2, -0.0F}},
                     {.name = "fc.bias", .shape = {2}, .values = {0, 3}}}};
  takt::EventBus bus;
  Values gradients_seen;
};

template <class E, class Call>
bool nests(const Call& call) {
  try {
    call();
  } catch (const takt::ModifierError& error) {
    try {
      std::rethrow_if_nested(error);
    } catch (const E&) {
      return true;
    }
  }
  return false;
}

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(constant_pruning, Training)

BOOST_AUTO_TEST_CASE(weights_that_are_zero_stay_zero) {
  hold({});
  step();
  TAKT_CHECK_VALUES(model[0].values, 0, 6, 0, 0, 3, 0);
  step();
  TAKT_CHECK_VALUES(model[0].values, 0, 7, 0, 1, 4, 0);
}

BOOST_AUTO_TEST_CASE(the_optimizer_sees_no_gradient_of_what_is_zero) {
  hold({});
  step();
  TAKT_CHECK_VALUES(gradients_seen, 0, 1, 0, 1, 1, 0);
}

BOOST_AUTO_TEST_CASE(the_zeros_are_those_of_the_start) {
  hold({.cadence = {.start = 2}});
  step();  // the first zeros move away, and -1 becomes one
  TAKT_CHECK_VALUES(model[0].values, 1, 6, 1, 0, 3, 1);
  step();
  model[0].values[4] = 0.0F;
  step();
  step();
  TAKT_CHECK_VALUES(model[0].values, 4, 9, 4, 3, 0, 4);
}

BOOST_AUTO_TEST_CASE(after_the_end_weights_move_again) {
  hold({.cadence = {.end = 1}});
  step();
  step();
  TAKT_CHECK_VALUES(model[0].values, 0, 7, 0, 1, 4, 0);
  step();
  TAKT_CHECK_VALUES(model[0].values, 1, 8, 1, 2, 5, 1);
}

BOOST_AUTO_TEST_CASE(a_zero_that_becomes_nan_is_zero_again) {
  hold({});
  bus.batch(
      [&](takt::Batch& batch) { batch.step([&] { model[0].values = Values(6, not_a_number); }); });
  BOOST_TEST(model[0].values[0] == 0.0F);
  BOOST_TEST(model[0].values[1] != model[0].values[1]);
}

BOOST_AUTO_TEST_CASE(biases_are_held_only_when_they_are_named) {
  hold({});
  step();
  TAKT_CHECK_VALUES(model[1].values, 1, 4);
}

BOOST_AUTO_TEST_CASE(targets_choose_and_ignore_leaves_out) {
  hold({.targets = {"re:fc"}, .ignore = {"fc.weight"}});
  step();
  TAKT_CHECK_VALUES(model[0].values, 1, 6, 1, 0, 3, 1);
  TAKT_CHECK_VALUES(model[1].values, 0, 4);
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_leaves_the_zeros_held) {
  hold({});
  const auto failing_step = [&](takt::Batch& batch) {
    batch.step([&] {
      move_weights();
      throw std::runtime_error{"out of memory"};
    });
  };
  BOOST_CHECK_THROW(bus.batch(failing_step), std::runtime_error);
  TAKT_CHECK_VALUES(model[0].values, 0, 6, 0, 0, 3, 0);
}

BOOST_AUTO_TEST_CASE(targets_that_match_nothing_are_told_before_training_starts) {
  BOOST_TEST(nests<takt::TargetError>([&] { hold({.cadence = {.start = 5}, .targets = {"fc"}}); }));
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_told_before_training_starts) {
  takt::EventBus empty;
  empty.emplace<ConstantPruningModifier>(ConstantPruningSettings{.cadence = {.start = 5}});
  BOOST_TEST(nests<takt::MissingState>([&] { empty.initialize(); }));
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  BOOST_CHECK_THROW((ConstantPruningModifier{{.name = ""}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((ConstantPruningModifier{{.cadence = {.start = 2, .end = 1}}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(exactly_the_first_zeros_are_held_through_any_steps) {
  BOOST_TEST(rc::check("held zeros", [] {
    Training training;
    Values& values = training.model[0].values;
    for (float& value : values) value = static_cast<float>(*rc::gen::inRange(-2, 3));
    const Values first = values;
    training.hold({});
    const int steps = *rc::gen::inRange(1, 6);
    for (int i = 0; i < steps; ++i) {
      training.bus.batch([&](takt::Batch& batch) {
        batch.step([&] {
          for (float& value : values) value = static_cast<float>(*rc::gen::inRange(1, 9));
        });
      });
      for (std::size_t w = 0; w < values.size(); ++w) {
        RC_ASSERT((values[w] == 0.0F) == (first[w] == 0.0F));
      }
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
