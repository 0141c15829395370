// SPDX-License-Identifier: BSL-1.0
#include "last_due_step.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <optional>

namespace {

using takt::Cadence;
using takt::Event;
using takt::detail::is_last_due_step;
using takt::detail::last_due_step_before;

std::optional<std::int64_t> before(const Cadence& cadence, std::int64_t step,
                                   std::optional<std::int64_t> steps_per_epoch = std::nullopt) {
  return last_due_step_before(cadence,
                              Event{.steps_per_epoch = steps_per_epoch, .global_step = step});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(last_due_step)

BOOST_AUTO_TEST_CASE(the_last_due_step_lies_before_the_event) {
  const Cadence cadence{.start = 1.0, .end = 3.0, .update = 0.5};
  BOOST_TEST((before(cadence, 100, 10) == 30));
  BOOST_TEST((before(cadence, 30, 10) == 25));
  BOOST_TEST((before(cadence, 26, 10) == 25));
  BOOST_TEST((before(cadence, 25, 10) == 20));
  BOOST_TEST((before(cadence, 11, 10) == 10));
}

BOOST_AUTO_TEST_CASE(before_the_window_nothing_was_due) {
  const Cadence cadence{.start = 1.0, .end = 3.0, .update = 0.5};
  BOOST_TEST(!before(cadence, 10, 10));
  BOOST_TEST(!before(cadence, 0, 10));
  BOOST_TEST(!before({}, 0));
}

BOOST_AUTO_TEST_CASE(the_step_after_which_nothing_is_due_is_the_last) {
  const Cadence cadence{.end = 10.0, .update = 4.0};
  BOOST_TEST(!is_last_due_step(cadence, Event{.global_step = 7}));
  BOOST_TEST(is_last_due_step(cadence, Event{.global_step = 8}));
  BOOST_TEST(is_last_due_step(cadence, Event{.global_step = 9}));
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  BOOST_TEST(!is_last_due_step({}, Event{.global_step = most - 1}));
  BOOST_TEST(is_last_due_step({}, Event{.global_step = most}));
}

BOOST_AUTO_TEST_CASE(both_agree_with_stepping_through_should_update) {
  BOOST_TEST(rc::check("last due step", [] {
    const auto eighths = [] { return *rc::gen::inRange(0, 80) / 8.0; };
    Cadence cadence{.start = eighths(), .update = eighths() / 4.0};
    cadence.end = *cadence.start + eighths();
    Event event{.steps_per_epoch = *rc::gen::inRange(1, 12)};
    const std::int64_t now = *rc::gen::inRange(0, 150);
    std::optional<std::int64_t> expected;
    bool later = false;
    for (event.global_step = 0; event.global_step < 300; ++event.global_step) {
      if (!cadence.should_update(event)) continue;
      if (event.global_step < now) expected = event.global_step;
      later = later || event.global_step > now;
    }
    event.global_step = now;
    RC_ASSERT(last_due_step_before(cadence, event) == expected);
    RC_ASSERT(is_last_due_step(cadence, event) == !later);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
