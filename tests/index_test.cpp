// SPDX-License-Identifier: BSL-1.0
#include "index.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::detail::first_step_at;
using takt::detail::index_of;
using takt::detail::index_tolerance;
using takt::detail::last_step_at;
using takt::detail::max_step;
using takt::detail::on_grid;
using takt::test::nudged;
using Step = std::optional<std::int64_t>;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// What the two searches look for, by definition.
bool is_first_step_at(const Step& step, double index, std::int64_t steps) {
  if (!step) return index_of(max_step, steps) < index;
  return index_of(*step, steps) >= index && (*step == 0 || index_of(*step - 1, steps) < index);
}

bool is_last_step_at(const Step& step, double index, std::int64_t steps) {
  if (!step) return index < 0.0;
  return index_of(*step, steps) <= index &&
         (*step == max_step || index_of(*step + 1, steps) > index);
}

struct Place {
  double index = 0.0;
  std::int64_t steps = 1;
};

[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const Place& place) {
  return out << std::hexfloat << place.index << std::defaultfloat << " at " << place.steps;
}

/// Indices at, beside and between steps.
rc::Gen<Place> any_place() {
  using Drawn = std::tuple<std::int64_t, std::int64_t, int, bool>;
  return rc::gen::map(
      rc::gen::tuple(
          takt::test::whole_of_any_size(63),
          rc::gen::oneOf(takt::test::whole_of_any_size(20), takt::test::whole_of_any_size(62)),
          takt::test::evenly(-3, 3), rc::gen::arbitrary<bool>()),
      [](const Drawn& drawn) {
        const auto [step, others, ulps, between] = drawn;
        const std::int64_t steps = others + 1;
        const double index = nudged(index_of(step, steps), ulps);
        return Place{between ? index + 0.3 / static_cast<double>(steps) : index, steps};
      });
}

}  // namespace

// The C library has a function of the suite's name in the global namespace.
namespace takt::test {

BOOST_AUTO_TEST_SUITE(index)

BOOST_AUTO_TEST_CASE(the_index_of_a_step_is_its_share_of_the_steps) {
  BOOST_TEST(index_of(250, 100) == 2.5);
  BOOST_TEST(index_of(29, 100) == 0.29);
  BOOST_TEST(index_of(7, 1) == 7.0);
  BOOST_TEST(index_of(0, max_step) == 0.0);
}

BOOST_AUTO_TEST_CASE(the_tolerance_of_a_small_index_is_a_ten_billionth) {
  for (const double index : {0.0, -0.0, 5e-324, 1e-300, 0.1, 1.0, 1000.0, 0x1p16}) {
    BOOST_TEST(index_tolerance(index) == 1e-10);
  }
}

BOOST_AUTO_TEST_CASE(the_tolerance_of_a_large_index_is_four_units_in_its_last_place) {
  for (int exponent = 17; exponent < 1023; ++exponent) {
    for (const double significand : {1.0, 1.25, 1.9999}) {
      const double index = std::ldexp(significand, exponent);
      const double ulp = std::nextafter(index, infinity) - index;
      BOOST_TEST(index_tolerance(index) == 4.0 * ulp);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_multiple_of_the_update_is_on_its_grid) {
  BOOST_TEST(on_grid(0.0, 0.7));
  BOOST_TEST(on_grid(2.1, 0.7));
  BOOST_TEST(on_grid(0.3, 0.1));
  BOOST_TEST(!on_grid(2.2, 0.7));
}

BOOST_AUTO_TEST_CASE(the_grid_is_met_from_either_side) {
  BOOST_TEST(on_grid(6.0 + 0.9e-10, 2.0));
  BOOST_TEST(on_grid(6.0 - 0.9e-10, 2.0));
  BOOST_TEST(!on_grid(6.0 + 1.1e-10, 2.0));
  BOOST_TEST(!on_grid(6.0 - 1.1e-10, 2.0));
}

BOOST_AUTO_TEST_CASE(every_index_is_on_the_grid_of_a_zero_update) {
  BOOST_TEST(on_grid(0.37, 0.0));
  BOOST_TEST(on_grid(0.37, -0.0));
}

BOOST_AUTO_TEST_CASE(index_zero_alone_is_on_the_grid_of_an_infinite_update) {
  BOOST_TEST(on_grid(0.0, infinity));
  BOOST_TEST(!on_grid(5e-324, infinity));
  BOOST_TEST(!on_grid(1e300, infinity));
}

BOOST_AUTO_TEST_CASE(the_first_step_at_an_index_is_the_one_that_reaches_it) {
  BOOST_TEST((first_step_at(2.5, 100) == 250));
  BOOST_TEST((first_step_at(2.501, 100) == 251));
  BOOST_TEST((first_step_at(0.29, 100) == 29));
  BOOST_TEST((first_step_at(nudged(0.29, 1), 100) == 30));
}

BOOST_AUTO_TEST_CASE(the_last_step_at_an_index_is_the_one_that_does_not_pass_it) {
  BOOST_TEST((last_step_at(2.5, 100) == 250));
  BOOST_TEST((last_step_at(2.509, 100) == 250));
  BOOST_TEST((last_step_at(0.29, 100) == 29));
  BOOST_TEST((last_step_at(nudged(0.29, -1), 100) == 28));
}

BOOST_AUTO_TEST_CASE(a_negative_index_is_reached_at_step_zero_and_has_no_last_step) {
  for (const double index : {-1.0, -5e-324, -infinity}) {
    BOOST_TEST((first_step_at(index, 10) == 0));
    BOOST_TEST((last_step_at(index, 10) == std::nullopt));
  }
}

BOOST_AUTO_TEST_CASE(an_index_beyond_all_steps_is_not_reached_and_passes_none) {
  for (const double index : {0x1p64, 1e300, infinity}) {
    BOOST_TEST((first_step_at(index, 1) == std::nullopt));
    BOOST_TEST((last_step_at(index, 1) == max_step));
  }
  BOOST_TEST((first_step_at(0x1p61, 10) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_first_step_at_any_index_is_what_its_definition_says) {
  BOOST_TEST(rc::check("first_step_at", [] {
    for (const Place& place : *rc::gen::container<std::vector<Place>>(30, any_place())) {
      RC_ASSERT(
          is_first_step_at(first_step_at(place.index, place.steps), place.index, place.steps));
    }
  }));
}

BOOST_AUTO_TEST_CASE(the_last_step_at_any_index_is_what_its_definition_says) {
  BOOST_TEST(rc::check("last_step_at", [] {
    for (const Place& place : *rc::gen::container<std::vector<Place>>(30, any_place())) {
      RC_ASSERT(is_last_step_at(last_step_at(place.index, place.steps), place.index, place.steps));
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace takt::test
