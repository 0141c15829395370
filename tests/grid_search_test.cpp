// SPDX-License-Identifier: BSL-1.0
// Where the rounding of the index decides: steps whose exact index is just outside the tolerance.
#include "grid_search.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "cadence_cases.hpp"
#include "index.hpp"

namespace {

using takt::detail::GridSearch;
using takt::detail::index_of;
using takt::detail::max_step;
using takt::detail::on_grid;
using takt::test::evenly;
using takt::test::whole_of_any_size;
using Step = std::optional<std::int64_t>;

/// An update close to P / (Q steps), and a step close to where its multiples, which drift away from
/// those of P, come to the edge of the tolerance.
struct Drift {
  double update = 1.0;
  std::int64_t steps = 1;
  std::int64_t from = 0;

  [[nodiscard]] Step searched(std::int64_t last) const {
    return GridSearch{update, steps}.next(from, last);
  }
  [[nodiscard]] bool due(std::int64_t step) const { return on_grid(index_of(step, steps), update); }
  [[nodiscard]] Step stepped(std::int64_t last) const {
    for (std::int64_t step = from; step < last; ++step) {
      if (due(step)) return step;
    }
    return due(last) ? Step{last} : std::nullopt;
  }
};

std::ostream& operator<<(std::ostream& out, const Drift& drift) {
  return out << std::hexfloat << drift.update << std::defaultfloat << " at " << drift.steps
             << " steps from " << drift.from;
}

Drift any_drift() {
  Drift drift;
  drift.steps = 1 + *whole_of_any_size(*evenly(0, 2) == 0 ? 45 : 12);
  const auto p = static_cast<double>(*evenly(1, 256));
  const double of_index = p / static_cast<double>(drift.steps);
  const double near = of_index / *evenly(1, 64);
  const int ulps = *evenly(-40, 40);
  const double share = std::ldexp(1.0 + 0.001 * *evenly(0, 1000), -*evenly(20, 52));
  drift.update =
      std::max(2e-10, *evenly(0, 1) == 0 ? takt::test::nudged(near, ulps) : near * (1.0 + share));
  const double off = std::abs(drift.update / near - 1.0) + 0x1p-60;
  const auto step_near = [](double step) {
    const double closely = 1.0 - std::ldexp(1.0, -*evenly(2, 40));
    return step < 0x1p61 ? static_cast<std::int64_t>(step * closely) : *whole_of_any_size(61);
  };
  switch (*evenly(0, 2)) {
    case 0:  // the least tolerance
      drift.from = step_near(1e-10 * static_cast<double>(drift.steps) / off);
      break;
    case 1:  // once around
      drift.from = step_near(p / off / *evenly(1, 4));
      break;
    default:
      drift.from = *whole_of_any_size(63);
  }
  return drift;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grid_search)

BOOST_AUTO_TEST_CASE(a_search_passes_more_near_misses_than_could_be_looked_at) {
  const Drift once_around{.update = 0.025641025641025942, .steps = 390, .from = 7'897'541};
  const Step due = once_around.searched(max_step);
  BOOST_TEST((due == 80'654'686'831'021));
  BOOST_TEST(once_around.due(*due));
}

BOOST_AUTO_TEST_CASE(near_misses_on_both_sides_of_the_grid_are_passed_in_turn) {
  for (const Drift& drift : {Drift{6.0000000000000053, 937, 11'625'695'235},
                             Drift{0.0058593750000000052, 958, 138'663'816}}) {
    const Step due = drift.searched(max_step);
    BOOST_TEST_REQUIRE(due.has_value());
    BOOST_TEST(drift.due(*due));
    const Drift shortly_before{drift.update, drift.steps, *due - 100'000};
    BOOST_TEST((shortly_before.stepped(*due) == due));
  }
}

BOOST_AUTO_TEST_CASE(an_update_beyond_the_last_step_is_never_due) {
  BOOST_TEST((GridSearch{3.9e18, 3}.next(90, max_step) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(steps_that_a_double_cannot_tell_apart_are_due_together) {
  const std::int64_t beyond = std::int64_t{1} << 56;
  for (std::int64_t from = beyond - 40; from < beyond + 40; ++from) {
    const Drift drift{.update = 24.0, .steps = 1, .from = from};
    BOOST_TEST((drift.searched(from + 100) == drift.stepped(from + 100)));
  }
}

BOOST_AUTO_TEST_CASE(where_rounding_decides_the_search_agrees_with_stepping) {
  BOOST_TEST(rc::check("GridSearch::next at the edge of the tolerance", [] {
    for (int i = 0; i < 40; ++i) {
      const Drift drift = any_drift();
      const std::int64_t last = std::min(drift.from, max_step - 2000) + 2000;
      const Step found = drift.searched(last);
      if (found != drift.stepped(last)) RC_LOG() << drift;
      RC_ASSERT(found == drift.stepped(last));
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
