// SPDX-License-Identifier: BSL-1.0
#include "window_words.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>

#include "takt/cadence.hpp"
#include "takt/event.hpp"

namespace {

using takt::Cadence;
using takt::Event;

std::string epochs(const Cadence& cadence) { return takt::detail::window_words(cadence, true); }
std::string steps(const Cadence& cadence) { return takt::detail::window_words(cadence, false); }

std::string due(const Cadence& cadence, const Event& start = {.steps_per_epoch = 44}) {
  return takt::detail::step_words(cadence, start);
}

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_SUITE(window_words)

BOOST_AUTO_TEST_CASE(a_cadence_without_bounds_is_its_rate) {
  BOOST_TEST(epochs({}) == "at every step");
  BOOST_TEST(epochs({.update = 0}) == "at every step");
  BOOST_TEST(epochs({.update = 1}) == "every epoch");
  BOOST_TEST(epochs({.update = 0.5}) == "every 0.5 epochs");
  BOOST_TEST(steps({.update = 1}) == "every step");
  BOOST_TEST(steps({.update = 100}) == "every 100 steps");
}

BOOST_AUTO_TEST_CASE(a_window_is_told_by_the_bounds_that_it_has) {
  BOOST_TEST(epochs({.start = 4, .end = 28, .update = 0.5}) ==
             "from epoch 4 to 28, every 0.5 epochs");
  BOOST_TEST(epochs({.start = 28}) == "from epoch 28 on, at every step");
  BOOST_TEST(epochs({.end = 40}) == "until epoch 40, at every step");
  BOOST_TEST(steps({.start = 1.5, .end = 3}) == "from step 1.5 to 3, at every step");
}

BOOST_AUTO_TEST_CASE(a_start_at_or_before_the_beginning_and_an_infinite_end_bound_nothing) {
  BOOST_TEST(epochs({.start = 0, .end = 3}) == "until epoch 3, at every step");
  BOOST_TEST(epochs({.start = -1}) == "at every step");
  BOOST_TEST(epochs({.start = 2, .end = infinity}) == "from epoch 2 on, at every step");
}

BOOST_AUTO_TEST_CASE(a_window_of_one_index_is_a_moment) {
  BOOST_TEST(epochs({.start = 3, .end = 3}) == "at epoch 3");
  BOOST_TEST(steps({.start = 0, .end = 0, .update = 1}) == "at step 0");
}

BOOST_AUTO_TEST_CASE(the_steps_are_the_first_and_the_last_at_which_it_is_due) {
  BOOST_TEST(due({.start = 4, .end = 28, .update = 0.5}) == "steps 176 to 1232");
  BOOST_TEST(due({.start = 4, .end = 28.3, .update = 0.5}) == "steps 176 to 1232");
  BOOST_TEST(due({.start = 4.1, .end = 5}) == "steps 181 to 220");
  BOOST_TEST(due({.start = 10, .end = 25, .update = 10}, {}) == "steps 10 to 20");
}

BOOST_AUTO_TEST_CASE(one_step_is_one_step) {
  BOOST_TEST(due({.start = 3, .end = 3}) == "step 132");
  BOOST_TEST(due({.end = 0.5, .update = 1}) == "step 0");
}

BOOST_AUTO_TEST_CASE(a_window_that_stays_open_has_no_last_step) {
  BOOST_TEST(due({.start = 28}) == "from step 1232 on");
  BOOST_TEST(due({.end = infinity, .update = 2}) == "from step 0 on");
  BOOST_TEST(due({.start = 1, .end = 1e300}) == "from step 44 on");
}

BOOST_AUTO_TEST_CASE(a_cadence_that_no_step_meets_is_never) {
  BOOST_TEST(due({.start = -3, .end = -1}) == "never");
  BOOST_TEST(due({.start = 0.3, .end = 0.7, .update = 1}) == "never");
  BOOST_TEST(due({.start = 1.51, .end = 1.515}) == "never");
}

BOOST_AUTO_TEST_CASE(steps_are_counted_from_where_the_bus_starts) {
  BOOST_TEST(due({.end = 10}, {.steps_per_epoch = 44, .global_step = 100, .global_batch = 100}) ==
             "steps 100 to 440");
  BOOST_TEST(due({.end = 1}, {.steps_per_epoch = 44, .global_step = 100, .global_batch = 100}) ==
             "never");
}

BOOST_AUTO_TEST_SUITE_END()
