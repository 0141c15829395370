// SPDX-License-Identifier: BSL-1.0
#include "due_steps.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "cadence_cases.hpp"
#include "grid_search.hpp"
#include "index.hpp"

namespace {

using takt::Cadence;
using takt::detail::DueSteps;
using takt::detail::GridSearch;
using takt::detail::index_of;
using takt::detail::max_step;
using takt::detail::on_grid;
using takt::test::nudged;
using takt::test::Question;
using Step = std::optional<std::int64_t>;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The first step of [from, last] on the grid, asked one by one.
Step stepped(double update, std::int64_t steps, std::int64_t from, std::int64_t last) {
  for (std::int64_t step = from; step <= last; ++step) {
    if (on_grid(index_of(step, steps), update)) return step;
  }
  return std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(due_steps)

BOOST_AUTO_TEST_CASE(an_open_window_holds_every_step) {
  const DueSteps due{Cadence{}, 10};
  BOOST_TEST(due.first() == 0);
  BOOST_TEST(due.last() == max_step);
  BOOST_TEST(!due.last_is_end());
}

BOOST_AUTO_TEST_CASE(a_window_reaches_from_the_first_step_inside_to_the_last) {
  const DueSteps due{Cadence{.start = 0.25, .end = 2.55}, 10};
  BOOST_TEST(due.first() == 3);
  BOOST_TEST(due.last() == 25);
}

BOOST_AUTO_TEST_CASE(both_ends_of_a_window_belong_to_it) {
  const DueSteps due{Cadence{.start = 0.3, .end = 2.5}, 10};
  BOOST_TEST(due.first() == 3);
  BOOST_TEST(due.last() == 25);
}

BOOST_AUTO_TEST_CASE(the_last_step_is_the_end_when_its_index_is) {
  BOOST_TEST((DueSteps{Cadence{.end = 2.5}, 10}.last_is_end()));
  BOOST_TEST(!(DueSteps{Cadence{.end = 2.55}, 10}.last_is_end()));
  BOOST_TEST(!(DueSteps{Cadence{.end = nudged(2.5, 1)}, 10}.last_is_end()));
  BOOST_TEST((DueSteps{Cadence{.end = 0.0}, 10}.last_is_end()));
  BOOST_TEST(!(DueSteps{Cadence{.end = infinity}, 10}.last_is_end()));
  BOOST_TEST(!(DueSteps{Cadence{.end = -1.0}, 10}.last_is_end()));
}

BOOST_AUTO_TEST_CASE(a_window_may_close_at_the_first_of_the_steps_that_share_its_end) {
  BOOST_TEST((DueSteps{Cadence{.end = 2.5}, 10}.closing()) == 25);
  BOOST_TEST((DueSteps{Cadence{.end = 2.55}, 10}.closing()) == 25);
  BOOST_TEST((DueSteps{Cadence{}, 10}.closing()) == max_step);
  const DueSteps shared{Cadence{.end = 0x1p60}, 1};
  BOOST_TEST(shared.closing() == (std::int64_t{1} << 60) - 64);
  BOOST_TEST(shared.last() == (std::int64_t{1} << 60) + 128);
}

BOOST_AUTO_TEST_CASE(a_window_without_steps_ends_before_it_starts) {
  for (const Cadence& cadence :
       {Cadence{.start = 0.31, .end = 0.39}, Cadence{.end = -1.0}, Cadence{.start = 1e300},
        Cadence{.start = 0x1p63}, Cadence{.start = 1e300, .end = infinity}}) {
    const DueSteps due{cadence, 10};
    BOOST_TEST(due.first() > due.last());
    BOOST_TEST((due.next(0) == std::nullopt));
    BOOST_TEST((due.next(max_step) == std::nullopt));
  }
}

BOOST_AUTO_TEST_CASE(every_step_is_due_without_an_update_and_with_one_of_a_step_or_a_part_of_it) {
  for (const Cadence& cadence :
       {Cadence{}, Cadence{.update = 0.0}, Cadence{.update = 1e-12}, Cadence{.update = 0.1},
        Cadence{.update = 0.05}, Cadence{.update = nudged(0.1, 1)}}) {
    BOOST_TEST((DueSteps{cadence, 10}.every_step(0)));
    BOOST_TEST((DueSteps{cadence, 10}.every_step(123'456'789)));
  }
}

BOOST_AUTO_TEST_CASE(not_every_step_is_due_with_an_update_of_more_than_a_step) {
  for (const double update : {0.2, 0.15, 1.0, 0.1000001, infinity}) {
    BOOST_TEST(!(DueSteps{Cadence{.update = update}, 10}.every_step(0)));
  }
}

BOOST_AUTO_TEST_CASE(where_every_step_is_said_to_be_due_every_step_is) {
  BOOST_TEST(rc::check("every_step", [] {
    const auto questions =
        *rc::gen::container<std::vector<Question>>(20, takt::test::any_question());
    for (Question question : questions) {
      question.cadence.start.reset();
      question.cadence.end.reset();
      const DueSteps due{question.cadence, question.steps()};
      if (!due.every_step(0)) continue;
      for (int bits = 0; bits < 50; ++bits) {
        const std::int64_t step = std::int64_t{1} << bits;
        RC_ASSERT(question.due(step - 1));
        RC_ASSERT(question.due(step + question.from % step));
      }
    }
  }));
}

BOOST_AUTO_TEST_CASE(an_update_of_whole_steps_is_due_at_their_multiples) {
  const DueSteps due{Cadence{.start = 0.5, .end = 3.0, .update = 0.3}, 7};
  BOOST_TEST((due.next(0) == 21));
  BOOST_TEST((due.next(21) == 21));
  BOOST_TEST((due.next(22) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(an_update_that_follows_no_period_is_searched) {
  const double update = 0.7390851332151607;
  const DueSteps due{Cadence{.update = update}, 100};
  std::int64_t from = 1;
  for (int i = 0; i < 3; ++i) {
    const Step next = due.next(from);
    BOOST_TEST_REQUIRE(next.has_value());
    BOOST_TEST(on_grid(index_of(*next, 100), update));
    from = *next + 1;
  }
}

BOOST_AUTO_TEST_CASE(an_update_beyond_the_largest_index_is_due_near_zero_only) {
  for (const double update : {0x1p64, 1e300, infinity}) {
    const DueSteps due{Cadence{.update = update}, 10};
    BOOST_TEST((due.next(0) == 0));
    BOOST_TEST((due.next(1) == std::nullopt));
  }
}

BOOST_AUTO_TEST_CASE(steps_of_less_than_the_tolerance_are_due_beside_zero_too) {
  // 2^40 steps in an epoch: the first hundred of them lie within 1e-10 of index 0.
  const std::int64_t steps = std::int64_t{1} << 40;
  BOOST_TEST((DueSteps{Cadence{.update = 1e300}, steps}.next(100) == 100));
  BOOST_TEST((DueSteps{Cadence{.update = 1e300}, steps}.next(120) == std::nullopt));
  BOOST_TEST((DueSteps{Cadence{.update = infinity}, steps}.next(1) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_step_at_which_a_period_gives_way_to_rounding_is_not_skipped) {
  // An update of 1 / (3 x 1000) epochs and 7 steps: periodic at first, searched far out.
  const Cadence cadence{.update = 7.0 / 3000.0};
  const DueSteps due{cadence, 1000};
  for (const std::int64_t third : {std::int64_t{1} << 46, (std::int64_t{1} << 48) / 3}) {
    for (std::int64_t from = third - 20; from < third + 20; ++from) {
      BOOST_TEST((due.next(from) == stepped(*cadence.update, 1000, from, from + 100)));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_grid_search_stops_at_the_last_step) {
  BOOST_TEST((GridSearch{2.5, 10}.next(1, 25) == 25));
  BOOST_TEST((GridSearch{2.5, 10}.next(1, 24) == std::nullopt));
  BOOST_TEST((GridSearch{2.5, 10}.next(26, 25) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_grid_search_reaches_the_last_step_there_is) {
  BOOST_TEST((GridSearch{1.0, 1}.next(max_step, max_step) == max_step));
  BOOST_TEST((GridSearch{0x1p63, 1}.next(max_step - 3000, max_step) ==
              stepped(0x1p63, 1, max_step - 3000, max_step - 1)));
}

BOOST_AUTO_TEST_CASE(the_grid_search_alone_agrees_with_stepping) {
  // `DueSteps` answers most natural updates without a search; here it does all of the work.
  BOOST_TEST(rc::check("GridSearch::next", [] {
    constexpr std::int64_t length = 1000;
    const auto questions =
        *rc::gen::container<std::vector<Question>>(20, takt::test::any_question());
    for (const Question& question : questions) {
      const double update = question.cadence.update.value_or(1.0);
      if (update < 2e-10 || update >= 0x1p64) continue;
      const std::int64_t last = std::min(question.from, max_step - length) + length - 1;
      const Step expected = stepped(update, question.steps(), question.from, last);
      RC_ASSERT((GridSearch{update, question.steps()}.next(question.from, last)) == expected);
    }
  }));
}

BOOST_AUTO_TEST_CASE(the_count_and_the_last_of_some_steps_agree_with_stepping) {
  BOOST_TEST(rc::check("DueSteps::count and last_until", [] {
    constexpr std::int64_t length = 300;
    const auto questions =
        *rc::gen::container<std::vector<Question>>(20, takt::test::any_question());
    for (const Question& question : questions) {
      const std::int64_t from = std::min(question.from, max_step - length);
      const std::int64_t to = from + length - 1;
      std::int64_t count = 0;
      Step last;
      for (std::int64_t step = from; step <= to; ++step) {
        if (!question.due(step)) continue;
        ++count;
        last = step;
      }
      const DueSteps due{question.cadence, question.steps()};
      RC_ASSERT(due.count(from, to) == count);
      const Step said = due.last_until(to);
      RC_ASSERT((last ? said == last : !said || (*said < from && question.due(*said))));
      RC_ASSERT(due.count(to, from) == 0);
    }
  }));
}

BOOST_AUTO_TEST_CASE(runs_have_the_due_steps_one_after_the_other) {
  BOOST_TEST(rc::check("next_run", [] {
    const Question question = *takt::test::any_question();
    const DueSteps due{question.cadence, question.steps()};
    const std::int64_t to = std::min(question.from, max_step - 3000) + 3000;
    Step wanted = due.next(question.from);
    std::int64_t from = question.from;
    while (const auto run = due.next_run(from, to)) {
      RC_ASSERT(run->count >= 1);
      RC_ASSERT(run->last() <= to);
      for (std::int64_t i = 0; i < run->count; ++i) {
        RC_ASSERT(wanted == run->first + i * run->stride);
        wanted = *wanted < max_step ? due.next(*wanted + 1) : std::nullopt;
      }
      if (run->last() == max_step) break;
      from = run->last() + 1;
    }
    RC_ASSERT(!wanted || *wanted > to);
  }));
}

BOOST_AUTO_TEST_CASE(a_run_of_due_steps_goes_as_far_as_their_period) {
  using takt::StepRun;
  const DueSteps every{Cadence{.end = 1e9}, 1};
  BOOST_TEST((every.next_run(7, max_step) == StepRun{7, 1'000'000'000 - 6, 1}));
  const DueSteps third{Cadence{.update = 1.0 / 3.0}, 300};
  BOOST_TEST((third.next_run(1, 399) == StepRun{100, 3, 100}));
  BOOST_TEST((third.next_run(1, 100) == StepRun{100, 1, 1}));
  BOOST_TEST(!third.next_run(1, 99));
  constexpr std::int64_t edge = std::int64_t{1} << 48;
  const DueSteps irregular{Cadence{.update = 1.0 / 3.0}, 3};
  BOOST_TEST((irregular.next_run(edge - 5, edge + 5) == StepRun{edge - 5, 5, 1}));
  BOOST_TEST((irregular.next_run(edge, edge + 5) == StepRun{edge, 1, 1}));
}

BOOST_AUTO_TEST_CASE(beyond_the_period_due_steps_are_counted_one_by_one) {
  // At 3 steps an epoch, a third of an epoch is due at every step up to 2^48 and after it.
  const DueSteps due{Cadence{.update = 1.0 / 3.0}, 3};
  constexpr std::int64_t edge = std::int64_t{1} << 48;
  BOOST_TEST(due.count(edge - 100, edge + 99) == 200);
  BOOST_TEST(due.count(0, edge - 1) == edge);
}

BOOST_AUTO_TEST_CASE(an_update_a_few_units_in_the_last_place_off_a_period_is_due_far_away) {
  // Of the multiples of 109 none is due; the first step beside one that drifts into the tolerance
  // is.
  const Cadence cadence{.update = 0x1.5bb6a118b9061p-2};
  const DueSteps due{cadence, 321};
  const Step next = due.next(1'434'324'557);
  BOOST_TEST_REQUIRE(next.has_value());
  BOOST_TEST(on_grid(index_of(*next, 321), *cadence.update));
  for (std::int64_t multiple = *next / 109 - 1000; multiple <= *next / 109; ++multiple) {
    for (std::int64_t step = multiple * 109 - 1; step <= multiple * 109 + 1 && step < *next;
         ++step) {
      BOOST_TEST(!on_grid(index_of(step, 321), *cadence.update));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
