// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <takt/modifiers/substituted_weights.hpp>
#include <takt/state.hpp>
#include <utility>
#include <vector>

#include "vector_model.hpp"

namespace {

using takt::Model;
using takt::State;
using takt::SubstitutedWeights;
using takt::Substitution;
using Positions = std::vector<std::size_t>;

/// Puts 10 times the weight and a number of its own in the place of each of its weights.
class Tenfold final : public takt::WeightSubstitute {
 public:
  Tenfold(float own, Positions positions) : own_{own}, positions_{std::move(positions)} {}

  [[nodiscard]] std::span<const std::size_t> positions() const noexcept override {
    return positions_;
  }
  void put_in(Model& model, Substitution how) override {
    if (puts_in_fail) throw std::runtime_error{"no room"};
    last = how;
    kept_.clear();
    for (const std::size_t i : positions_) {
      float& value = model.parameter(i).values[0];
      kept_.push_back(value);
      value = 10.0F * value + own_;
    }
  }
  void take_out(Model& model) override {
    if (takes_out_fail) throw std::runtime_error{"stuck"};
    for (std::size_t k = 0; k < positions_.size(); ++k) {
      model.parameter(positions_[k]).values[0] = kept_[k];
    }
  }

  bool puts_in_fail = false;
  bool takes_out_fail = false;
  Substitution last{};

 private:
  float own_;
  Positions positions_;
  std::vector<float> kept_;
};

struct Substituted {
  float weight(std::size_t i = 0) { return model[i].values[0]; }

  State state;
  VectorModel model{{{.name = "a", .values = {1}}, {.name = "b", .values = {2}}}};
  std::shared_ptr<SubstitutedWeights> weights = SubstitutedWeights::of(state);
  Tenfold two{2, {0}};
  Tenfold three{3, {0, 1}};
  Tenfold four{4, {1}};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(substituted_weights, Substituted)

BOOST_AUTO_TEST_CASE(a_state_has_one_list) {
  BOOST_TEST(SubstitutedWeights::of(state) == weights);
  BOOST_TEST(state.find<SubstitutedWeights>() == weights.get());
  State other;
  BOOST_TEST(SubstitutedWeights::of(other) != weights);
}

BOOST_AUTO_TEST_CASE(one_is_in_from_put_in_to_take_out) {
  BOOST_TEST(!weights->contains(two));
  weights->put_in(two, model);
  BOOST_TEST(weights->contains(two));
  BOOST_TEST(weight() == 12.0F);
  BOOST_TEST((two.last == Substitution::anew));
  weights->take_out(two, model);
  BOOST_TEST(!weights->contains(two));
  BOOST_TEST(weight() == 1.0F);
  weights->take_out(two, model);
  BOOST_TEST(weight() == 1.0F);
}

BOOST_AUTO_TEST_CASE(one_that_is_under_another_is_taken_out_from_under_it) {
  weights->put_in(two, model);
  weights->put_in(three, model);
  BOOST_TEST(weight() == 123.0F);
  weights->take_out(two, model);
  BOOST_TEST(weight() == 13.0F);
  weights->take_out(three, model);
  BOOST_TEST(weight() == 1.0F);
  BOOST_TEST(weight(1) == 2.0F);
}

BOOST_AUTO_TEST_CASE(one_that_shares_no_parameter_with_those_over_it_leaves_them_alone) {
  weights->put_in(two, model);
  weights->put_in(four, model);
  four.puts_in_fail = four.takes_out_fail = true;
  weights->take_out(two, model);
  BOOST_TEST(weight() == 1.0F);
  BOOST_TEST(weight(1) == 24.0F);
}

BOOST_AUTO_TEST_CASE(without_runs_on_trained_weights_and_puts_all_in_again_in_order) {
  weights->put_in(two, model);
  weights->put_in(three, model);
  weights->without(model, [&] {
    BOOST_TEST(weight() == 1.0F);
    BOOST_TEST(weight(1) == 2.0F);
    model[0].values[0] = 5.0F;
  });
  BOOST_TEST(weight() == 523.0F);
  BOOST_TEST((three.last == Substitution::held));
  weights->take_out(three, model);
  weights->take_out(two, model);
  BOOST_TEST(weight() == 5.0F);
}

BOOST_AUTO_TEST_CASE(without_says_how_they_are_put_in_again) {
  weights->put_in(two, model);
  weights->without(
      model, [] {}, Substitution::held);
  BOOST_TEST((two.last == Substitution::held));
  takt::with_trained_weights(
      state, model, [] {}, Substitution::anew);
  BOOST_TEST((two.last == Substitution::anew));
}

BOOST_AUTO_TEST_CASE(without_in_without_runs_as_it_is) {
  weights->put_in(two, model);
  weights->without(model, [&] {
    weights->without(model, [&] { BOOST_TEST(weight() == 1.0F); });
    BOOST_TEST(weight() == 1.0F);
  });
  BOOST_TEST(weight() == 12.0F);
}

BOOST_AUTO_TEST_CASE(what_is_put_in_and_taken_out_meanwhile_is_under_the_others) {
  weights->put_in(two, model);
  weights->without(model, [&] {
    weights->put_in(three, model);
    BOOST_TEST(weight() == 13.0F);
    weights->without(model, [&] { BOOST_TEST(weight() == 1.0F); });
    BOOST_TEST(weight() == 13.0F);
  });
  BOOST_TEST(weight() == 132.0F);
  weights->without(model, [&] { weights->take_out(two, model); });
  BOOST_TEST(weight() == 13.0F);
  weights->take_out(three, model);
  BOOST_TEST(weight() == 1.0F);
}

BOOST_AUTO_TEST_CASE(a_callable_that_throws_leaves_all_in) {
  weights->put_in(two, model);
  const auto fail = [&] {
    model[0].values[0] = 7.0F;
    throw std::logic_error{"no"};
  };
  BOOST_CHECK_THROW(weights->without(model, fail), std::logic_error);
  BOOST_TEST(weight() == 72.0F);
}

BOOST_AUTO_TEST_CASE(one_that_can_not_be_put_in_is_not_in) {
  two.puts_in_fail = true;
  BOOST_CHECK_THROW(weights->put_in(two, model), std::runtime_error);
  BOOST_TEST(!weights->contains(two));
  BOOST_TEST(weight() == 1.0F);
}

BOOST_AUTO_TEST_CASE(one_that_can_not_be_put_in_again_is_out_with_those_over_it) {
  weights->put_in(two, model);
  weights->put_in(three, model);
  BOOST_CHECK_THROW(weights->without(model, [&] { two.puts_in_fail = true; }), std::runtime_error);
  BOOST_TEST(!weights->contains(two));
  BOOST_TEST(!weights->contains(three));
  BOOST_TEST(weight() == 1.0F);
  BOOST_TEST(weight(1) == 2.0F);
}

BOOST_AUTO_TEST_CASE(a_callable_that_throws_is_told_rather_than_who_can_not_be_put_in_again) {
  weights->put_in(two, model);
  const auto fail = [&] {
    two.puts_in_fail = true;
    throw std::logic_error{"first"};
  };
  BOOST_CHECK_THROW(weights->without(model, fail), std::logic_error);
  BOOST_TEST(!weights->contains(two));
  BOOST_TEST(weight() == 1.0F);
}

BOOST_AUTO_TEST_CASE(one_that_can_not_be_taken_out_stays_in_with_all_others) {
  weights->put_in(two, model);
  weights->put_in(three, model);
  two.takes_out_fail = true;
  BOOST_CHECK_THROW(weights->without(model, [] { BOOST_FAIL("it ran"); }), std::runtime_error);
  BOOST_TEST(weight() == 123.0F);
  BOOST_CHECK_THROW(weights->take_out(two, model), std::runtime_error);
  BOOST_TEST(weight() == 123.0F);
  two.takes_out_fail = false;
  weights->take_out(two, model);
  BOOST_TEST(weight() == 13.0F);
}

BOOST_AUTO_TEST_CASE(one_that_is_forgotten_leaves_the_model_as_it_is) {
  weights->put_in(two, model);
  weights->forget(two);
  weights->forget(two);
  BOOST_TEST(!weights->contains(two));
  BOOST_TEST(weight() == 12.0F);
  weights->without(model, [&] { BOOST_TEST(weight() == 12.0F); });
}

BOOST_AUTO_TEST_CASE(where_nobody_ever_substituted_a_callable_just_runs) {
  State empty;
  bool ran = false;
  takt::with_trained_weights(empty, model, [&] { ran = true; });
  BOOST_TEST(ran);
  BOOST_TEST(empty.find<SubstitutedWeights>() == nullptr);
}

BOOST_AUTO_TEST_CASE(in_whatever_order_they_come_and_go_the_model_is_made_of_those_that_are_in) {
  BOOST_TEST(rc::check("weight = w with the numbers of those in, in order", [] {
    Substituted run;
    std::array<Tenfold, 4> all{Tenfold{1, {0}}, Tenfold{2, {0, 1}}, Tenfold{3, {1}},
                               Tenfold{4, {0}}};
    std::vector<std::size_t> in;
    for (int left = *rc::gen::inRange(1, 20); left > 0; --left) {
      const auto which = *rc::gen::inRange<std::size_t>(0, all.size());
      const auto found = std::ranges::find(in, which);
      if (found == in.end()) {
        run.weights->put_in(all.at(which), run.model);
        in.push_back(which);
      } else {
        run.weights->take_out(all.at(which), run.model);
        in.erase(found);
      }
      for (std::size_t i = 0; i < 2; ++i) {
        float expected = i == 0 ? 1.0F : 2.0F;
        run.weights->without(run.model, [&] { RC_ASSERT(run.weight(i) == expected); });
        for (const std::size_t k : in) {
          if (std::ranges::find(all.at(k).positions(), i) == all.at(k).positions().end()) continue;
          expected = 10.0F * expected + static_cast<float>(k + 1);
        }
        RC_ASSERT(run.weight(i) == expected);
      }
    }
  }));
}

// ---- For a checkpoint ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_place_is_how_many_are_under_it) {
  weights->put_in(two, model);
  weights->put_in(three, model);
  weights->put_in(four, model);
  weights->take_out(two, model);
  BOOST_TEST(!weights->place(two).has_value());
  BOOST_TEST(weights->place(three).value() == 0U);
  BOOST_TEST(weights->place(four).value() == 1U);
}

BOOST_AUTO_TEST_CASE(one_that_takes_its_place_leaves_the_model_as_it_is) {
  weights->take_place(two, 0);
  BOOST_TEST(weights->contains(two));
  BOOST_TEST(weight() == 1.0F);
}

BOOST_AUTO_TEST_CASE(one_that_takes_no_place_is_not_in) {
  weights->put_in(two, model);
  weights->take_place(two, std::nullopt);
  BOOST_TEST(!weights->contains(two));
  BOOST_TEST(weight() == 12.0F);
  weights->without(model, [&] { BOOST_TEST(weight() == 12.0F); });
}

BOOST_AUTO_TEST_CASE(those_that_take_their_places_are_taken_out_and_put_in_in_that_order) {
  weights->put_in(two, model);
  weights->put_in(three, model);
  weights->take_place(three, 1);
  weights->take_place(two, 0);
  weights->without(model, [&] { BOOST_TEST(weight() == 1.0F); });
  BOOST_TEST(weight() == 123.0F);
  weights->take_out(two, model);
  BOOST_TEST(weight() == 13.0F);
}

BOOST_AUTO_TEST_CASE(one_that_is_put_in_later_is_over_those_that_took_a_place) {
  weights->put_in(two, model);
  weights->take_place(two, std::numeric_limits<std::uint64_t>::max());
  weights->put_in(three, model);
  BOOST_TEST(weights->place(two).value() == 0U);
  BOOST_TEST(weights->place(three).value() == 1U);
  weights->take_out(two, model);
  BOOST_TEST(weight() == 13.0F);
}

BOOST_AUTO_TEST_CASE(one_that_was_put_in_is_over_those_that_take_a_place) {
  weights->put_in(three, model);
  weights->take_place(two, 5);
  BOOST_TEST(weights->place(two).value() == 0U);
  BOOST_TEST(weights->place(three).value() == 1U);
}

BOOST_AUTO_TEST_CASE(places_of_a_checkpoint_count_whatever_was_in_before) {
  weights->put_in(three, model);
  weights->put_in(two, model);
  weights->put_in(four, model);
  weights->take_place(two, 0);
  weights->take_place(three, 1);
  weights->take_place(four, std::nullopt);
  BOOST_TEST(weights->place(two).value() == 0U);
  BOOST_TEST(weights->place(three).value() == 1U);
  BOOST_TEST(!weights->contains(four));
}

BOOST_AUTO_TEST_CASE(any_places_in_any_order_make_a_list_sorted_by_them) {
  BOOST_TEST(rc::check("who is over whom is as the places say, and none is lost", [] {
    Substituted run;
    std::array<Tenfold*, 3> all{&run.two, &run.three, &run.four};
    for (int room = 0; room < 3; ++room) (void)SubstitutedWeights::of(run.state);
    for (Tenfold* const each : *rc::gen::container<std::vector<Tenfold*>>(
             rc::gen::elementOf(std::vector<Tenfold*>{all.begin(), all.end()}))) {
      run.weights->contains(*each) ? run.weights->forget(*each)
                                   : run.weights->put_in(*each, run.model);
    }
    std::array<std::optional<std::uint64_t>, 3> places{};
    std::vector<std::size_t> order{0, 1, 2};
    for (std::size_t i = *rc::gen::inRange<std::size_t>(0, 6); i > 0; --i) {
      std::ranges::next_permutation(order);
    }
    for (const std::size_t k : order) {
      places.at(k) = *rc::gen::element<std::optional<std::uint64_t>>(
          std::nullopt, 0U, 1U, 2U, std::numeric_limits<std::uint64_t>::max());
      run.weights->take_place(*all.at(k), places.at(k));
    }
    std::uint64_t in = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const auto place = run.weights->place(*all.at(k));
      RC_ASSERT(place.has_value() == places.at(k).has_value());
      if (!place) continue;
      ++in;
      for (std::size_t j = 0; j < 3; ++j) {
        if (places.at(j) && *places.at(j) < *places.at(k)) {
          RC_ASSERT(run.weights->place(*all.at(j)).value() < *place);
        }
      }
    }
    for (std::size_t k = 0; k < 3; ++k) {
      if (const auto place = run.weights->place(*all.at(k))) RC_ASSERT(*place < in);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
