// SPDX-License-Identifier: BSL-1.0
#include "time_scale.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::StepRun;
using takt::detail::round_ticks;
using takt::detail::steps_by_cell;
using takt::detail::TimeScale;
using takt::test::evenly;

using Numbers = std::vector<std::int64_t>;

TimeScale any_scale() {
  const std::int64_t first = *evenly<std::int64_t>(0, 50);
  return {first, first + *evenly<std::int64_t>(0, 80), *evenly<std::int64_t>(1, 60)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(time_scale)

BOOST_AUTO_TEST_CASE(steps_and_cells_belong_together) {
  BOOST_TEST(rc::check("steps to cells and back", [] {
    const TimeScale scale = any_scale();
    std::int64_t cell = 0;
    for (std::int64_t step = scale.first(); step <= scale.last(); ++step) {
      RC_ASSERT(scale.first_cell(step) >= cell);
      RC_ASSERT(scale.first_cell(step) <= cell + 1);
      for (cell = scale.first_cell(step); cell <= scale.last_cell(step); ++cell) {
        RC_ASSERT(scale.first_step(cell) <= step);
        RC_ASSERT(step <= scale.last_step(cell));
      }
      --cell;
    }
    RC_ASSERT(cell == scale.cells() - 1);
    RC_ASSERT(scale.first_step(0) == scale.first());
    RC_ASSERT(scale.last_step(scale.cells() - 1) == scale.last());
  }));
}

BOOST_AUTO_TEST_CASE(the_longest_run_has_its_cells) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  const TimeScale scale{0, largest, 100};
  BOOST_TEST(scale.first_cell(largest - 1) == 99);
  BOOST_TEST(scale.last_step(99) == largest - 1);
  BOOST_TEST(steps_by_cell({{0, largest, 1}}, scale).at(99) ==
             largest - 1 - scale.first_step(99) + 1);
}

BOOST_AUTO_TEST_CASE(a_scale_has_a_step_even_where_the_run_has_none) {
  const TimeScale scale{5, 5, 3};
  BOOST_TEST(scale.has(5));
  BOOST_TEST(!scale.has(6));
  BOOST_TEST(scale.first_cell(5) == 0);
  BOOST_TEST(scale.last_cell(5) == 2);
}

BOOST_AUTO_TEST_CASE(the_part_of_a_run_has_the_steps_that_are_on_the_scale) {
  const TimeScale scale{10, 20, 5};
  BOOST_TEST((scale.part_of({4, 10, 3}) == StepRun{10, 4, 3}));
  BOOST_TEST((scale.part_of({12, 2, 5}) == StepRun{12, 2, 5}));
  BOOST_TEST(scale.part_of({0, 3, 4}).count == 0);
  BOOST_TEST(scale.part_of({20, 3, 4}).count == 0);
}

BOOST_AUTO_TEST_CASE(the_steps_of_a_cell_are_counted_as_if_one_by_one) {
  BOOST_TEST(rc::check("counts of cells", [] {
    const TimeScale scale = any_scale();
    takt::StepRuns runs;
    Numbers wanted(static_cast<std::size_t>(scale.cells()));
    for (std::int64_t step = *evenly<std::int64_t>(0, 60); step < 160;
         step += *evenly<std::int64_t>(1, 3)) {
      runs.add(step);
      if (!scale.has(step)) continue;
      for (std::int64_t cell = scale.first_cell(step); cell <= scale.last_cell(step); ++cell) {
        ++wanted[static_cast<std::size_t>(cell)];
      }
    }
    RC_ASSERT(steps_by_cell(runs.runs(), scale) == wanted);
  }));
}

BOOST_AUTO_TEST_CASE(ticks_are_at_round_numbers) {
  BOOST_TEST(round_ticks(0, 1759, 10) == (Numbers{0, 200, 400, 600, 800, 1000, 1200, 1400, 1600}),
             boost::test_tools::per_element());
  BOOST_TEST(round_ticks(0, 3, 10) == (Numbers{0, 1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(round_ticks(1'000'001, 1'000'120, 3) == (Numbers{1'000'050, 1'000'100}),
             boost::test_tools::per_element());
  BOOST_TEST(round_ticks(7, 6, 3).empty());
}

BOOST_AUTO_TEST_CASE(there_are_no_more_ticks_than_asked_for) {
  BOOST_TEST(rc::check("few ticks", [] {
    const std::int64_t first = *takt::test::whole_of_any_size(62);
    const std::int64_t last = first + *takt::test::whole_of_any_size(62);
    const std::int64_t most = *evenly<std::int64_t>(1, 20);
    const Numbers ticks = round_ticks(first, last, most);
    RC_ASSERT(static_cast<std::int64_t>(ticks.size()) <= most);
    for (const std::int64_t tick : ticks) RC_ASSERT(first <= tick && tick <= last);
    for (std::size_t i = 2; i < ticks.size(); ++i) {
      RC_ASSERT(ticks[i] - ticks[i - 1] == ticks[1] - ticks[0]);
    }
    // An interval is at most 2.5 times as long as the one before it, which gives more than asked.
    if (last - first >= most) RC_ASSERT(ticks.size() + 1 >= static_cast<std::size_t>(most) / 3);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
