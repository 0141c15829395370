// SPDX-License-Identifier: BSL-1.0
#include "update_marks.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::StepRuns;
using takt::detail::TimeScale;
using takt::detail::UpdateMark;
using takt::detail::UpdateMarks;
using takt::test::evenly;

bool covers(const std::vector<UpdateMark>& marks, double at) {
  return std::ranges::any_of(
      marks, [at](const UpdateMark& mark) { return mark.from - 1e-9 <= at && at <= mark.to; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(update_marks)

BOOST_AUTO_TEST_CASE(updates_far_from_each_other_have_marks_of_their_own) {
  const UpdateMarks marks = takt::detail::update_marks({{0, 10, 100}}, {0, 1000, 1}, 500, 4);
  BOOST_TEST(marks.merged.empty());
  BOOST_TEST_REQUIRE(marks.clear.size() == 10U);
  BOOST_TEST(marks.clear[0].from == 0.0);
  BOOST_TEST(marks.clear[3].from == 150.0);
  BOOST_TEST(marks.clear[3].to - marks.clear[3].from > 1.0);
}

BOOST_AUTO_TEST_CASE(updates_close_to_each_other_are_merged) {
  const UpdateMarks marks = takt::detail::update_marks({{100, 101, 2}}, {0, 1000, 1}, 500, 4);
  BOOST_TEST(marks.clear.empty());
  BOOST_TEST_REQUIRE(marks.merged.size() == 1U);
  BOOST_TEST(marks.merged[0].from == 50.0);
  BOOST_TEST(marks.merged[0].to == 150.5);
}

BOOST_AUTO_TEST_CASE(a_long_run_of_updates_is_not_stepped_through) {
  constexpr std::int64_t steps = std::int64_t{1} << 40;
  const UpdateMarks marks = takt::detail::update_marks({{0, steps / 2, 2}}, {0, steps, 1}, 500, 4);
  BOOST_TEST(marks.clear.empty());
  BOOST_TEST(marks.merged.size() == 1U);
}

BOOST_AUTO_TEST_CASE(updates_at_every_step_are_one_clear_mark) {
  const UpdateMarks marks = takt::detail::update_marks({{100, 200, 1}}, {0, 1000, 1}, 500, 4);
  BOOST_TEST(marks.merged.empty());
  BOOST_TEST_REQUIRE(marks.clear.size() == 1U);
  BOOST_TEST(marks.clear[0].from == 50.0);
  BOOST_TEST(marks.clear[0].to == 150.0);
}

BOOST_AUTO_TEST_CASE(a_wide_step_is_a_wide_mark) {
  const UpdateMarks marks = takt::detail::update_marks({{1, 2, 2}}, {0, 5, 1}, 500, 4);
  BOOST_TEST_REQUIRE(marks.clear.size() == 2U);
  BOOST_TEST(marks.clear[1].from == 300.0);
  BOOST_TEST(marks.clear[1].to == 400.0);
}

BOOST_AUTO_TEST_CASE(a_mark_at_the_end_of_a_long_run_is_within_the_line) {
  const UpdateMarks marks = takt::detail::update_marks({{999'999}}, {0, 1'000'000, 1}, 500, 4);
  BOOST_TEST(marks.clear.at(0).to <= 500.0);
  BOOST_TEST(marks.clear.at(0).from < 499.0);
}

BOOST_AUTO_TEST_CASE(marks_are_few_and_have_all_updates) {
  BOOST_TEST(rc::check("irregular updates", [] {
    const std::int64_t first = *evenly<std::int64_t>(0, 20);
    const TimeScale scale{first, first + *evenly<std::int64_t>(1, 3000), 1};
    const std::int64_t far = *evenly<std::int64_t>(1, 40);
    StepRuns runs;
    std::int64_t stride = 1;
    for (std::int64_t step = 0; step < 3000; step += stride) {
      runs.add(step);
      if (*evenly(0, 4) == 0) stride = *evenly<std::int64_t>(1, far);
    }
    const UpdateMarks marks = takt::detail::update_marks(runs.runs(), scale, 500, 5);
    const std::size_t count = marks.clear.size() + marks.merged.size();
    RC_ASSERT(count <= 202U);
    for (const takt::StepRun& run : runs.runs()) {
      for (std::int64_t i = 0; i < run.count; ++i) {
        const std::int64_t step = run.first + i * run.stride;
        if (!scale.has(step)) continue;
        const double at = 500.0 * scale.fraction(step);
        RC_ASSERT(covers(marks.clear, at) || covers(marks.merged, at));
      }
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
