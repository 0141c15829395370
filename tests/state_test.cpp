// SPDX-License-Identifier: BSL-1.0
#include "takt/state.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "takt/error.hpp"

namespace {

struct Sampler {
  int temperature = 0;
};

struct Tokenizer {
  int vocabulary = 0;
};

class SomeModel : public takt::Model {
 public:
  [[nodiscard]] std::size_t parameter_count() const override { return 0; }
  [[nodiscard]] takt::Parameter parameter(std::size_t) override { return {}; }
};

class OtherModel : public SomeModel {};

/// A model whose `Model` is not at the beginning of the object.
class LateModel : public Sampler, public SomeModel {};

class SomeOptimizer : public takt::Optimizer {
 public:
  [[nodiscard]] double learning_rate() const override { return rate_; }
  void set_learning_rate(double rate) override { rate_ = rate; }

 private:
  double rate_ = 0.1;
};

template <class T>
concept can_be_set = requires(takt::State& state) {
  state.set(std::declval<T>());
};

static_assert(can_be_set<Sampler&>);
static_assert(!can_be_set<Sampler>, "a temporary would dangle");
static_assert(!can_be_set<Sampler&&>);
static_assert(!can_be_set<const Sampler>);

std::string message_of_missing(const takt::State& state) {
  try {
    (void)state.get<Sampler>();
  } catch (const takt::MissingState& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state)

BOOST_AUTO_TEST_CASE(an_object_that_was_set_is_found_by_its_type) {
  takt::State state;
  Sampler sampler;
  state.set(sampler);
  BOOST_TEST(state.find<Sampler>() == &sampler);
  BOOST_TEST(&state.get<Sampler>() == &sampler);
}

BOOST_AUTO_TEST_CASE(what_is_found_can_be_changed) {
  takt::State state;
  Sampler sampler;
  state.set(sampler);
  state.get<Sampler>().temperature = 3;
  BOOST_TEST(sampler.temperature == 3);
}

BOOST_AUTO_TEST_CASE(an_object_is_not_found_by_another_type) {
  takt::State state;
  Sampler sampler;
  state.set(sampler);
  BOOST_TEST(state.find<Tokenizer>() == nullptr);
}

BOOST_AUTO_TEST_CASE(objects_of_several_types_live_side_by_side) {
  takt::State state;
  Sampler sampler;
  Tokenizer tokenizer;
  state.set(sampler);
  state.set(tokenizer);
  BOOST_TEST(state.find<Sampler>() == &sampler);
  BOOST_TEST(state.find<Tokenizer>() == &tokenizer);
}

BOOST_AUTO_TEST_CASE(a_second_object_of_a_type_replaces_the_first) {
  takt::State state;
  Sampler first;
  Sampler second;
  state.set(first);
  state.set(second);
  BOOST_TEST(state.find<Sampler>() == &second);
}

BOOST_AUTO_TEST_CASE(finding_what_is_not_there_gives_null) {
  const takt::State state;
  BOOST_TEST(state.find<Sampler>() == nullptr);
}

BOOST_AUTO_TEST_CASE(getting_what_is_not_there_names_its_type) {
  BOOST_CHECK_THROW((void)takt::State{}.get<Sampler>(), takt::MissingState);
  BOOST_TEST(message_of_missing(takt::State{}).find("Sampler") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(getting_what_is_not_there_names_what_is) {
  takt::State state;
  Tokenizer tokenizer;
  SomeOptimizer optimizer;
  state.set(tokenizer);
  state.set(optimizer);
  const std::string message = message_of_missing(state);
  BOOST_TEST(message.find("Tokenizer") != std::string::npos);
  BOOST_TEST(message.find("SomeOptimizer") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_owned_object_lives_as_long_as_the_state) {
  std::weak_ptr<Sampler> watched;
  {
    takt::State state;
    auto sampler = std::make_shared<Sampler>();
    watched = sampler;
    state.own(std::move(sampler));
    BOOST_TEST(!watched.expired());
    BOOST_TEST(state.find<Sampler>() == watched.lock().get());
  }
  BOOST_TEST(watched.expired());
}

BOOST_AUTO_TEST_CASE(an_owned_object_is_shared_with_its_other_owners) {
  const auto sampler = std::make_shared<Sampler>();
  {
    takt::State state;
    state.own(sampler);
  }
  BOOST_TEST(sampler.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(replacing_an_owned_object_lets_it_go) {
  takt::State state;
  auto first = std::make_shared<SomeModel>();
  const std::weak_ptr<SomeModel> watched = first;
  state.own(std::move(first));
  SomeModel second;
  state.set(second);
  BOOST_TEST(watched.expired());
  BOOST_TEST(state.find<takt::Model>() == &second);
}

BOOST_AUTO_TEST_CASE(owning_null_unregisters_the_type) {
  takt::State state;
  auto sampler = std::make_shared<Sampler>();
  const std::weak_ptr<Sampler> watched = sampler;
  state.own(std::move(sampler));
  state.own(std::shared_ptr<Sampler>{});
  BOOST_TEST(state.find<Sampler>() == nullptr);
  BOOST_TEST(watched.expired());
}

BOOST_AUTO_TEST_CASE(owning_null_unregisters_an_object_that_was_set) {
  takt::State state;
  Sampler sampler;
  state.set(sampler);
  state.own(std::shared_ptr<Sampler>{});
  BOOST_TEST(state.find<Sampler>() == nullptr);
}

BOOST_AUTO_TEST_CASE(owning_null_of_an_unknown_type_changes_nothing) {
  takt::State state;
  SomeModel model;
  state.set(model);
  state.own(std::shared_ptr<OtherModel>{});
  state.own(std::shared_ptr<Sampler>{});
  BOOST_TEST(state.find<SomeModel>() == &model);
  BOOST_TEST(state.find<takt::Model>() == &model);
}

BOOST_AUTO_TEST_CASE(a_model_is_found_under_its_own_type_and_as_a_model) {
  takt::State state;
  SomeModel model;
  state.set(model);
  BOOST_TEST(&state.get<SomeModel>() == &model);
  BOOST_TEST(&state.get<takt::Model>() == &model);
}

BOOST_AUTO_TEST_CASE(an_optimizer_is_found_under_its_own_type_and_as_an_optimizer) {
  takt::State state;
  state.own(std::make_shared<SomeOptimizer>());
  state.get<takt::Optimizer>().set_learning_rate(0.5);
  BOOST_TEST(state.get<SomeOptimizer>().learning_rate() == 0.5);
}

BOOST_AUTO_TEST_CASE(an_object_is_not_found_under_a_base_that_is_neither_model_nor_optimizer) {
  takt::State state;
  OtherModel model;
  state.set(model);
  BOOST_TEST(state.find<SomeModel>() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_model_that_is_not_its_first_base_is_found_at_its_place) {
  takt::State state;
  LateModel model;
  state.set(model);
  BOOST_TEST(state.find<takt::Model>() == static_cast<takt::Model*>(&model));
  BOOST_TEST(state.find<LateModel>() == &model);
}

BOOST_AUTO_TEST_CASE(a_model_can_be_set_by_its_base) {
  takt::State state;
  SomeModel model;
  takt::Model& base = model;
  state.set(base);
  BOOST_TEST(state.find<takt::Model>() == &base);
  BOOST_TEST(state.find<SomeModel>() == nullptr);
}

BOOST_AUTO_TEST_CASE(the_model_is_the_one_that_was_set_last) {
  takt::State state;
  SomeModel first;
  OtherModel second;
  state.set(first);
  state.set(second);
  BOOST_TEST(state.find<takt::Model>() == &second);
  BOOST_TEST(state.find<SomeModel>() == &first);
}

BOOST_AUTO_TEST_CASE(owning_null_unregisters_the_model_as_a_model_too) {
  takt::State state;
  state.own(std::make_shared<SomeModel>());
  state.own(std::make_shared<SomeOptimizer>());
  state.own(std::shared_ptr<SomeModel>{});
  BOOST_TEST(state.find<SomeModel>() == nullptr);
  BOOST_TEST(state.find<takt::Model>() == nullptr);
  BOOST_TEST(state.find<takt::Optimizer>() != nullptr);
  state.own(std::shared_ptr<SomeOptimizer>{});
  BOOST_TEST(state.find<takt::Optimizer>() == nullptr);
}

BOOST_AUTO_TEST_CASE(owning_null_leaves_a_model_of_another_type) {
  takt::State state;
  SomeModel first;
  OtherModel second;
  state.set(first);
  state.set(second);
  state.own(std::shared_ptr<SomeModel>{});
  BOOST_TEST(state.find<takt::Model>() == &second);
}

BOOST_AUTO_TEST_CASE(owning_no_model_leaves_the_object_under_its_own_type) {
  takt::State state;
  SomeModel model;
  state.set(model);
  state.own(std::shared_ptr<takt::Model>{});
  BOOST_TEST(state.find<takt::Model>() == nullptr);
  BOOST_TEST(state.find<SomeModel>() == &model);
}

BOOST_AUTO_TEST_CASE(a_new_state_knows_no_loss_metrics_layers_or_requests) {
  takt::State state;
  BOOST_TEST(!state.loss.has_value());
  BOOST_TEST(state.metrics.empty());
  BOOST_TEST(state.layers.empty());
  BOOST_TEST(!state.control.stop_requested());
}

BOOST_AUTO_TEST_SUITE_END()
