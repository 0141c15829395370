// SPDX-License-Identifier: BSL-1.0
#include "takt/step_runs.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "cadence_cases.hpp"

namespace {

using takt::StepRun;
using takt::StepRuns;
using takt::test::evenly;

using Steps = std::vector<std::int64_t>;
using Runs = std::vector<StepRun>;

StepRuns runs_of(const Steps& steps) {
  StepRuns runs;
  for (const std::int64_t step : steps) runs.add(step);
  return runs;
}

Steps steps_of(const Runs& runs) {
  Steps steps;
  for (const StepRun& run : runs) {
    for (std::int64_t i = 0; i < run.count; ++i) steps.push_back(run.first + i * run.stride);
  }
  return steps;
}

/// Steps that often keep their distance.
Steps any_steps() {
  Steps steps;
  std::int64_t step = *evenly<std::int64_t>(0, 100);
  std::int64_t stride = 1;
  const int count = *evenly(0, 40);
  for (int i = 0; i < count; ++i) {
    if (*evenly(0, 3) == 0) stride = *evenly<std::int64_t>(1, 5);
    steps.push_back(step);
    step += stride;
  }
  return steps;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(step_runs)

BOOST_AUTO_TEST_CASE(no_steps_are_no_runs) {
  BOOST_TEST(StepRuns{}.runs().empty());
  BOOST_TEST(StepRuns{}.count() == 0);
}

BOOST_AUTO_TEST_CASE(steps_at_regular_intervals_are_one_run) {
  BOOST_TEST((runs_of({0, 22, 44, 66}).runs() == Runs{{0, 4, 22}}));
  BOOST_TEST((runs_of({7, 8, 9}).runs() == Runs{{7, 3, 1}}));
}

BOOST_AUTO_TEST_CASE(two_steps_are_a_run_and_one_left_over_has_a_stride_of_1) {
  BOOST_TEST((runs_of({5}).runs() == Runs{{5, 1, 1}}));
  BOOST_TEST((runs_of({5, 100}).runs() == Runs{{5, 2, 95}}));
  BOOST_TEST((runs_of({5, 100, 101}).runs() == Runs{{5, 2, 95}, {101, 1, 1}}));
  BOOST_TEST((runs_of({0, 2, 3, 4, 5}).runs() == Runs{{0, 2, 2}, {3, 3, 1}}));
}

BOOST_AUTO_TEST_CASE(a_step_that_was_passed_is_ignored) {
  const StepRuns runs = runs_of({4, 8, 8, 3, 12});
  BOOST_TEST((runs.runs() == Runs{{4, 3, 4}}));
  BOOST_TEST(runs.count() == 3);
}

BOOST_AUTO_TEST_CASE(a_run_ends_at_its_last_step) {
  BOOST_TEST((StepRun{.first = 4, .count = 3, .stride = 5}.last()) == 14);
  BOOST_TEST((StepRun{.first = 4}.last()) == 4);
}

BOOST_AUTO_TEST_CASE(runs_have_the_steps_that_they_were_made_of) {
  BOOST_TEST(rc::check("steps to runs and back", [] {
    const Steps steps = any_steps();
    const StepRuns runs = runs_of(steps);
    RC_ASSERT(steps_of(runs.runs()) == steps);
    RC_ASSERT(runs.count() == static_cast<std::int64_t>(steps.size()));
    for (const StepRun& run : runs.runs()) RC_ASSERT(run.count > 1 || run.stride == 1);
  }));
}

BOOST_AUTO_TEST_CASE(adding_a_run_is_adding_its_steps) {
  BOOST_TEST(rc::check("runs added at once", [] {
    StepRuns at_once;
    StepRuns singly;
    std::int64_t from = 0;
    const int count = *evenly(1, 6);
    for (int i = 0; i < count; ++i) {
      // Sometimes from before the end of the last.
      const StepRun run{.first = from + *evenly<std::int64_t>(0, 4),
                        .count = *evenly<std::int64_t>(1, 9),
                        .stride = *evenly<std::int64_t>(1, 4)};
      at_once.add(run);
      for (const std::int64_t step : steps_of({run})) singly.add(step);
      from = run.last() - 2;
    }
    RC_ASSERT(at_once.runs() == singly.runs());
    RC_ASSERT(at_once.count() == singly.count());
  }));
}

BOOST_AUTO_TEST_CASE(a_run_of_any_length_is_added_at_once) {
  constexpr std::int64_t count = std::int64_t{1} << 40;
  StepRuns runs;
  runs.add(std::int64_t{3});
  runs.add(StepRun{.first = 10, .count = count, .stride = 2});
  BOOST_TEST((runs.runs() == Runs{{3, 2, 7}, {12, count - 1, 2}}));
  BOOST_TEST(runs.count() == count + 1);
}

BOOST_AUTO_TEST_SUITE_END()
