// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/held_masks.hpp>
#include <vector>

#include "saved_state.hpp"
#include "vector_model.hpp"

namespace {

using takt::Event;
using takt::EventType;
using takt::HeldMasks;
using Values = std::vector<float>;

const std::vector<std::size_t> both{0, 1};

struct TwoLayers {
  VectorModel model{
      {{.name = "a.weight", .shape = {2, 2}, .values = {4, 1, 3, 2}, .gradients = {1, 1, 1, 1}},
       {.name = "b.weight", .shape = {2, 2}, .values = {0, 6, 0, 5}}}};
  HeldMasks masks{model, both, takt::MaskStructure{}};

  void hold(EventType type) { masks.hold(model, Event{.type = type}); }
};

template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const takt::InvalidModifier& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(held_masks, TwoLayers)

BOOST_AUTO_TEST_CASE(each_parameter_is_pruned_by_itself) {
  masks.prune(model, 0.5);
  TAKT_CHECK_VALUES(model[0].values, 4, 0, 3, 0);
  TAKT_CHECK_VALUES(model[1].values, 0, 6, 0, 5);
}

BOOST_AUTO_TEST_CASE(gradients_are_masked_before_the_step_and_weights_after_it) {
  masks.prune(model, 0.5);
  model[0].values = {9, 9, 9, 9};
  hold(EventType::OPTIM_PRE_STEP);
  TAKT_CHECK_VALUES(model[0].gradients, 1, 0, 1, 0);
  TAKT_CHECK_VALUES(model[0].values, 9, 9, 9, 9);
  model[0].gradients = {7, 7, 7, 7};
  hold(EventType::OPTIM_POST_STEP);
  TAKT_CHECK_VALUES(model[0].gradients, 7, 7, 7, 7);
  TAKT_CHECK_VALUES(model[0].values, 9, 0, 9, 0);
}

BOOST_AUTO_TEST_CASE(other_events_change_nothing) {
  masks.prune(model, 0.5);
  model[0].values = {9, 9, 9, 9};
  for (const EventType type : takt::EventSet::all()) {
    if (!HeldMasks::events().contains(type)) hold(type);
  }
  TAKT_CHECK_VALUES(model[0].values, 9, 9, 9, 9);
  TAKT_CHECK_VALUES(model[0].gradients, 1, 1, 1, 1);
}

BOOST_AUTO_TEST_CASE(the_zeros_of_now_are_held) {
  masks = HeldMasks::of_zeros(model, both);
  model[0].values = model[1].values = {9, 9, 9, 9};
  hold(EventType::OPTIM_POST_STEP);
  TAKT_CHECK_VALUES(model[0].values, 9, 9, 9, 9);
  TAKT_CHECK_VALUES(model[1].values, 0, 9, 0, 9);
}

BOOST_AUTO_TEST_CASE(weights_that_have_moved_in_memory_are_found) {
  masks.prune(model, 0.5);
  Values elsewhere{9, 9, 9, 9};
  model[0].values.swap(elsewhere);
  hold(EventType::OPTIM_POST_STEP);
  TAKT_CHECK_VALUES(model[0].values, 9, 0, 9, 0);
  TAKT_CHECK_VALUES(elsewhere, 4, 0, 3, 0);
}

BOOST_AUTO_TEST_CASE(a_structure_that_does_not_fit_names_the_parameter) {
  model[1].shape = {4};
  const std::string message = refusal([&] {
    HeldMasks{model, both, {.kind = takt::MaskStructure::Kind::channel}};
  });
  BOOST_TEST(contains(message, "'b.weight'"), message);
  BOOST_TEST(contains(message, "channel"), message);
}

BOOST_AUTO_TEST_CASE(a_shape_at_odds_with_the_values_names_the_parameter) {
  model[1].shape = {2, 3};
  const std::string message = refusal([&] { HeldMasks{model, both, {}}; });
  BOOST_TEST(contains(message, "'b.weight'"), message);
  BOOST_TEST(contains(message, "6 weights, but it has 4 values"), message);
}

BOOST_AUTO_TEST_CASE(a_parameter_that_changed_its_size_is_refused_before_any_is_changed) {
  model[1].values.resize(3);
  const std::string message = refusal([&] { masks.prune(model, 0.5); });
  BOOST_TEST(contains(message, "'b.weight'"), message);
  TAKT_CHECK_VALUES(model[0].values, 4, 1, 3, 2);
  BOOST_TEST(contains(refusal([&] { hold(EventType::OPTIM_POST_STEP); }), "'b.weight'"));
  model[0].gradients.resize(5);
  BOOST_TEST(contains(refusal([&] { hold(EventType::OPTIM_PRE_STEP); }), "'a.weight'"));
}

BOOST_AUTO_TEST_CASE(after_an_abort_weights_are_masked_and_nothing_is_thrown) {
  takt::State state;
  masks.prune(model, 0.5);
  masks.hold_after_abort(state);  // no model: nothing to do
  state.set(model);
  model[0].values = {9, 9, 9, 9};
  masks.hold_after_abort(state);
  TAKT_CHECK_VALUES(model[0].values, 9, 0, 9, 0);
  model[0].values.clear();
  masks.hold_after_abort(state);
}

BOOST_AUTO_TEST_CASE(saved_and_loaded_they_hold_the_same_weights) {
  masks.prune(model, 0.5);
  std::stringstream bytes;
  takt::detail::StateWriter write{bytes, "masks"};
  masks.save(write);
  model[0].values = {4, 1, 3, 2};
  HeldMasks loaded{model, both, takt::MaskStructure{}};
  takt::detail::StateReader read{bytes, "masks"};
  loaded.load(read, model);
  TAKT_CHECK_VALUES(model[0].values, 4, 1, 3, 2);
  loaded.hold(model, Event{.type = EventType::OPTIM_POST_STEP});
  TAKT_CHECK_VALUES(model[0].values, 4, 0, 3, 0);
  TAKT_CHECK_VALUES(model[1].values, 0, 6, 0, 5);
}

BOOST_AUTO_TEST_SUITE_END()
