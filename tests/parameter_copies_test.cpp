// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/parameter_copies.hpp>
#include <vector>

#include "vector_model.hpp"

namespace {

using takt::ParameterCopies;
using Values = std::vector<float>;

const std::vector<std::size_t> first_and_last{0, 2};

struct Copied {
  VectorModel model{{{.name = "a", .shape = {2}, .values = {1, 2}},
                     {.name = "b", .shape = {1}, .values = {3}},
                     {.name = "c", .shape = {1}, .values = {4}}}};
  ParameterCopies copies{model, first_and_last};

  /// In storage of its own, as a tensor library may have it.
  void set(const Values& a, const Values& b, const Values& c) {
    model[0].values = Values(a);
    model[1].values = Values(b);
    model[2].values = Values(c);
  }
};

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(parameter_copies, Copied)

BOOST_AUTO_TEST_CASE(they_begin_with_the_values_of_the_chosen_parameters) {
  set({0, 0}, {0}, {0});
  copies.put(model);
  TAKT_CHECK_VALUES(model[0].values, 1, 2);
  TAKT_CHECK_VALUES(model[1].values, 0);
  TAKT_CHECK_VALUES(model[2].values, 4);
}

BOOST_AUTO_TEST_CASE(what_is_put_stays) {
  for (int i = 0; i < 2; ++i) {
    set({0, 0}, {0}, {0});
    copies.put(model);
    TAKT_CHECK_VALUES(model[0].values, 1, 2);
  }
}

BOOST_AUTO_TEST_CASE(what_is_taken_replaces_them) {
  set({5, 6}, {7}, {8});
  copies.take(model);
  TAKT_CHECK_VALUES(model[0].values, 5, 6);
  set({0, 0}, {0}, {0});
  copies.put(model);
  TAKT_CHECK_VALUES(model[0].values, 5, 6);
  TAKT_CHECK_VALUES(model[2].values, 8);
}

BOOST_AUTO_TEST_CASE(exchanged_twice_all_is_as_before) {
  set({5, 6}, {7}, {8});
  copies.exchange(model);
  TAKT_CHECK_VALUES(model[0].values, 1, 2);
  TAKT_CHECK_VALUES(model[1].values, 7);
  TAKT_CHECK_VALUES(model[2].values, 4);
  copies.exchange(model);
  TAKT_CHECK_VALUES(model[0].values, 5, 6);
  TAKT_CHECK_VALUES(model[2].values, 8);
}

BOOST_AUTO_TEST_CASE(blended_they_keep_their_share) {
  set({5, -6}, {7}, {4});
  copies.blend(model, 0.75);
  TAKT_CHECK_VALUES(model[0].values, 5, -6);
  copies.put(model);
  TAKT_CHECK_VALUES(model[0].values, 2, 0);
  TAKT_CHECK_VALUES(model[2].values, 4);
}

BOOST_AUTO_TEST_CASE(of_no_parameter_they_change_nothing) {
  ParameterCopies none;
  BOOST_TEST(none.empty());
  BOOST_TEST(!copies.empty());
  none.take(model);
  none.blend(model, 0.5);
  none.exchange(model);
  none.put(model);
  TAKT_CHECK_VALUES(model[0].values, 1, 2);
}

BOOST_AUTO_TEST_CASE(a_changed_size_is_told_by_name_before_anything_is_changed) {
  set({5, 6}, {7}, {8, 9});
  const std::vector<std::function<void()>> calls{
      [&] { copies.take(model); }, [&] { copies.put(model); }, [&] { copies.exchange(model); },
      [&] { copies.blend(model, 0.5); }};
  for (const auto& call : calls) {
    BOOST_CHECK_EXCEPTION(call(), takt::InvalidModifier, [](const takt::InvalidModifier& error) {
      const std::string expected =
          "parameter 'c': it has 2 values, but 1 when it was copied; a parameter keeps its shape";
      return error.what() == expected;
    });
    TAKT_CHECK_VALUES(model[0].values, 5, 6);
  }
  set({0, 0}, {0}, {0});
  copies.put(model);
  TAKT_CHECK_VALUES(model[0].values, 1, 2);
}

BOOST_AUTO_TEST_CASE(blended_with_any_finite_weights_they_stay_between_the_two) {
  BOOST_TEST(rc::check("a blend", [] {
    const double share = *rc::gen::inRange(0, 1'000'001) / 1e6;
    constexpr float largest = std::numeric_limits<float>::max();
    const auto any = rc::gen::oneOf(rc::gen::map(rc::gen::inRange(-999'999, 1'000'000),
                                                 [](int n) { return largest / 1e6F * float(n); }),
                                    rc::gen::map(rc::gen::inRange(-999'999, 1'000'000),
                                                 [](int n) { return float(n) * 1e-42F; }));
    const float old = *any;
    const float value = *rc::gen::oneOf(rc::gen::just(old), any);
    Copied copied;
    copied.set({old, old}, {0}, {old});
    copied.copies.take(copied.model);
    copied.set({value, old}, {0}, {value});
    copied.copies.blend(copied.model, share);
    copied.copies.put(copied.model);
    const float blend = copied.model[0].values[0];
    RC_ASSERT(blend >= std::min(old, value));
    RC_ASSERT(blend <= std::max(old, value));
    RC_ASSERT(copied.model[0].values[1] == old);
    if (share == 0.0) RC_ASSERT(blend == value);
    if (share == 1.0) RC_ASSERT(blend == old);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
