// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/parameter_copies.hpp>
#include <vector>

#include "error_text.hpp"
#include "saved_state.hpp"
#include "vector_model.hpp"

namespace {

using takt::ParameterCopies;
using takt::test::has;
using takt::test::message_of;
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
  [[nodiscard]] std::string saved() const {
    std::ostringstream out;
    takt::detail::StateWriter write{out, "copies"};
    copies.save(write);
    return out.str();
  }
  ParameterCopies loaded(const std::string& bytes, const std::vector<std::size_t>& positions) {
    std::istringstream in{bytes};
    takt::detail::StateReader read{in, "copies"};
    return ParameterCopies::load(read, model, positions);
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

BOOST_AUTO_TEST_CASE(saved_and_loaded_they_are_the_same) {
  set({5, std::numeric_limits<float>::denorm_min()}, {0}, {-0.0F});
  copies.take(model);
  const std::string bytes = saved();
  set({0, 0}, {0}, {0});
  copies = loaded(bytes, first_and_last);
  BOOST_TEST(saved() == bytes);
  copies.put(model);
  TAKT_CHECK_VALUES(model[0].values, 5, std::numeric_limits<float>::denorm_min());
  BOOST_TEST(std::signbit(model[2].values[0]));
  copies = {};
  BOOST_TEST(loaded(saved(), {}).empty());
}

BOOST_AUTO_TEST_CASE(copies_of_other_parameters_are_refused_by_name) {
  const std::string bytes = saved();
  const auto error = [&](const std::vector<std::size_t>& positions) {
    return message_of<takt::CheckpointError>([&] { (void)loaded(bytes, positions); });
  };
  BOOST_TEST(has(error({0}), "copies of 2 parameters, but the model has 1 to copy"), error({0}));
  BOOST_TEST(has(error({}), "has 0 to copy"), error({}));
  BOOST_TEST(has(error({0, 1}), "'b' is number 1 of the model"), error({0, 1}));
  model[2].values = {1, 2};
  const std::string size = error(first_and_last);
  BOOST_TEST(has(size, "'c'"), size);
  BOOST_TEST(has(size, "has 2 values, but the copy is of number 2 and has 1"), size);
}

BOOST_AUTO_TEST_CASE(copies_that_end_early_are_refused) {
  const std::string bytes = saved();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    BOOST_CHECK_THROW((void)loaded(bytes.substr(0, length), first_and_last), takt::CheckpointError);
  }
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
