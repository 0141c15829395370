// SPDX-License-Identifier: BSL-1.0
#include "takt/cadence.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"

namespace {

using takt::Cadence;
using takt::Event;
using takt::InvalidCadence;
using takt::test::Question;
using Step = std::optional<std::int64_t>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t biggest = std::numeric_limits<std::int64_t>::max();
/// The random questions are asked this many steps one by one.
constexpr std::int64_t stepping_limit = 1000;

const double not_a_number = std::nan("");

static_assert(std::is_aggregate_v<Cadence>);

Event at(std::int64_t step) { return {.global_step = step}; }

Event at(std::int64_t step, std::int64_t steps_per_epoch) {
  return {.steps_per_epoch = steps_per_epoch, .global_step = step};
}

/// The steps at which a cadence is due, as `next_update` gives them one after the other.
std::vector<std::int64_t> first_due_steps(const Cadence& cadence, Event event, std::size_t count) {
  std::vector<std::int64_t> steps;
  while (steps.size() < count) {
    const Step next = cadence.next_update(event);
    if (!next) break;
    steps.push_back(*next);
    event.global_step = *next + 1;
  }
  return steps;
}

std::string message_of_invalid(const Cadence& cadence) {
  try {
    cadence.validate();
  } catch (const InvalidCadence& error) {
    return error.what();
  }
  return "";
}

void check_against_stepping(const Question& question) {
  const Step next = question.cadence.next_update(question.at(question.from));
  const Step stepped = takt::test::step_through(question, stepping_limit);
  if (stepped) {
    RC_ASSERT(next == stepped);
    return;
  }
  if (next) {
    RC_ASSERT(*next - question.from >= stepping_limit);
    RC_ASSERT(question.due(*next));
  }
  RC_ASSERT(takt::test::find_by_chance(question, question.from, next.value_or(biggest), 20) ==
            std::nullopt);
}

}  // namespace

#define TAKT_CHECK_STEPS(actual, ...) \
  BOOST_TEST((actual) == (std::vector<std::int64_t>{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_AUTO_TEST_SUITE(cadence)

BOOST_AUTO_TEST_CASE(a_new_cadence_is_unbounded_and_always_due) {
  const Cadence cadence;
  BOOST_TEST((!cadence.start && !cadence.end && !cadence.update));
  BOOST_TEST(cadence.should_update(at(0)));
  BOOST_TEST(cadence.should_update(at(12345)));
}

BOOST_AUTO_TEST_CASE(the_fields_are_named_and_any_may_be_left_out) {
  BOOST_TEST((Cadence{.start = 1.0, .end = 8.0, .update = 0.5} == Cadence{1.0, 8.0, 0.5}));
  BOOST_TEST((Cadence{.update = 100} == Cadence{{}, {}, 100.0}));
}

BOOST_AUTO_TEST_CASE(a_cadence_that_makes_sense_is_valid) {
  for (const Cadence& cadence :
       {Cadence{}, Cadence{.start = 1, .end = 8, .update = 0.5}, Cadence{.start = 2, .end = 2},
        Cadence{.update = 0.0}, Cadence{.update = infinity}, Cadence{.update = 1e-300}}) {
    BOOST_CHECK_NO_THROW(cadence.validate());
  }
}

BOOST_AUTO_TEST_CASE(a_negative_start_is_fine) {
  BOOST_CHECK_NO_THROW(Cadence{.start = -1.0}.validate());
  BOOST_TEST(Cadence{.start = -1.0}.should_update(at(0)));
  BOOST_TEST((Cadence{.start = -1.0}.next_update(at(0)) == 0));
}

BOOST_AUTO_TEST_CASE(an_infinite_end_is_fine) {
  BOOST_CHECK_NO_THROW((Cadence{.start = 1.0, .end = infinity}.validate()));
  BOOST_TEST((Cadence{.end = infinity}.next_update(at(12345)) == 12345));
}

BOOST_AUTO_TEST_CASE(a_cadence_that_is_no_number_is_refused_by_the_field) {
  BOOST_TEST(message_of_invalid({.start = not_a_number}).find("start") != std::string::npos);
  BOOST_TEST(message_of_invalid({.end = not_a_number}).find("end") != std::string::npos);
  BOOST_TEST(message_of_invalid({.update = not_a_number}).find("update") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_infinite_start_is_refused) {
  BOOST_CHECK_THROW(Cadence{.start = infinity}.validate(), InvalidCadence);
  BOOST_CHECK_THROW(Cadence{.start = -infinity}.validate(), InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_negative_update_is_refused) {
  BOOST_CHECK_THROW(Cadence{.update = -0.5}.validate(), InvalidCadence);
  BOOST_CHECK_THROW(Cadence{.update = -infinity}.validate(), InvalidCadence);
}

BOOST_AUTO_TEST_CASE(an_end_before_the_start_is_refused) {
  BOOST_CHECK_THROW((Cadence{.start = 2.0, .end = 1.0}.validate()), InvalidCadence);
  BOOST_CHECK_THROW((Cadence{.start = 2.0, .end = -infinity}.validate()), InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_question_to_an_invalid_cadence_is_refused) {
  const Cadence invalid{.start = 2.0, .end = 1.0};
  BOOST_CHECK_THROW((void)invalid.should_update(at(0)), InvalidCadence);
  BOOST_CHECK_THROW((void)invalid.next_update(at(0)), InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_question_about_counters_that_make_no_sense_is_refused) {
  const Cadence every_step;
  for (const Event& event : {at(-1), at(0, 0), at(0, -5), Event{.global_batch = -1}}) {
    BOOST_CHECK_THROW((void)every_step.should_update(event), takt::InvalidEvent);
    BOOST_CHECK_THROW((void)every_step.next_update(event), takt::InvalidEvent);
  }
}

BOOST_AUTO_TEST_CASE(a_cadence_is_due_where_its_event_should_update) {
  const Cadence cadence{.start = 1.0, .end = 2.0, .update = 0.5};
  for (std::int64_t step = 0; step < 30; ++step) {
    BOOST_TEST(cadence.should_update(at(step, 10)) == (step == 10 || step == 15 || step == 20));
  }
}

BOOST_AUTO_TEST_CASE(the_next_update_may_be_at_the_event_itself) {
  BOOST_TEST((Cadence{.update = 100}.next_update(at(300)) == 300));
  BOOST_TEST((Cadence{.update = 100}.next_update(at(301)) == 400));
}

BOOST_AUTO_TEST_CASE(an_event_before_the_window_waits_for_its_start) {
  TAKT_CHECK_STEPS(first_due_steps({.start = 250, .end = 500, .update = 100}, at(0), 9), 300, 400,
                   500);
  TAKT_CHECK_STEPS(first_due_steps({.start = 7, .end = 9}, at(0), 9), 7, 8, 9);
}

BOOST_AUTO_TEST_CASE(the_updates_of_an_epoch_based_cadence_are_counted_in_epochs) {
  TAKT_CHECK_STEPS(first_due_steps({.start = 1, .end = 2.5, .update = 0.5}, at(0, 100), 9), 100,
                   150, 200, 250);
}

BOOST_AUTO_TEST_CASE(a_tenth_of_an_epoch_of_ten_steps_is_every_step) {
  std::int64_t step = 0;
  for (const std::int64_t due : first_due_steps({.update = 0.1}, at(0, 10), 500)) {
    BOOST_TEST(due == step++);
  }
  BOOST_TEST(step == 500);
}

BOOST_AUTO_TEST_CASE(three_tenths_of_an_epoch_of_seven_steps_are_twenty_one_steps) {
  const auto steps = first_due_steps({.update = 0.3}, at(0, 7), 1000);
  BOOST_TEST_REQUIRE(steps.size() == 1000U);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    BOOST_TEST(steps[i] == 21 * static_cast<std::int64_t>(i));
  }
}

BOOST_AUTO_TEST_CASE(a_third_of_an_epoch_written_as_a_decimal_drifts_off_the_grid) {
  // 0.333333 x 3 is 3e-6 under 3 steps' worth of it, so that 999999 of them make the next match.
  const Step next = Cadence{.update = 0.333333}.next_update(at(1, 3));
  BOOST_TEST((next == 999999));
}

BOOST_AUTO_TEST_CASE(a_cadence_has_nothing_left_once_its_window_has_closed) {
  const Cadence cadence{.end = 5.0, .update = 2.0};
  BOOST_TEST((cadence.next_update(at(4)) == 4));
  BOOST_TEST((cadence.next_update(at(5)) == std::nullopt));
  BOOST_TEST((cadence.next_update(at(6)) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_window_that_ends_before_the_first_step_holds_nothing) {
  BOOST_TEST((Cadence{.end = -1.0}.next_update(at(0)) == std::nullopt));
  BOOST_TEST((Cadence{.start = -5.0, .end = -1.0}.next_update(at(0)) == std::nullopt));
  BOOST_TEST((Cadence{.end = -infinity}.next_update(at(0)) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(a_window_between_two_steps_holds_nothing) {
  BOOST_TEST((Cadence{.start = 0.31, .end = 0.39}.next_update(at(0, 10)) == std::nullopt));
  BOOST_TEST((Cadence{.start = 0.3, .end = 0.39}.next_update(at(0, 10)) == 3));
}

BOOST_AUTO_TEST_CASE(a_window_between_two_multiples_of_the_update_holds_nothing) {
  const Cadence cadence{.start = 101, .end = 199, .update = 100};
  BOOST_TEST((cadence.next_update(at(0)) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(an_infinite_update_is_due_at_step_zero_only) {
  const Cadence cadence{.update = infinity};
  BOOST_TEST((cadence.next_update(at(0)) == 0));
  BOOST_TEST((cadence.next_update(at(1)) == std::nullopt));
  BOOST_TEST((cadence.next_update(at(1, biggest)) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(an_update_beyond_every_index_is_due_at_step_zero_only) {
  for (const double update : {0x1p64, 1e300, std::numeric_limits<double>::max()}) {
    BOOST_TEST((Cadence{.update = update}.next_update(at(0)) == 0));
    BOOST_TEST((Cadence{.update = update}.next_update(at(1)) == std::nullopt));
  }
}

BOOST_AUTO_TEST_CASE(a_start_beyond_every_step_is_never_reached) {
  BOOST_TEST((Cadence{.start = 1e300}.next_update(at(0)) == std::nullopt));
  BOOST_TEST((Cadence{.start = 0x1p63}.next_update(at(0, 10)) == std::nullopt));
}

BOOST_AUTO_TEST_CASE(the_last_step_there_is_can_be_due) {
  BOOST_TEST((Cadence{}.next_update(at(biggest)) == biggest));
  BOOST_TEST((Cadence{.update = 1e-300}.next_update(at(biggest)) == biggest));
}

BOOST_AUTO_TEST_CASE(an_answer_far_away_is_found_at_once) {
  // One step in 2^40: stepping there would take hours.
  BOOST_TEST((Cadence{.update = 0x1p40}.next_update(at(1)) == std::int64_t{1} << 40));
  BOOST_TEST((Cadence{.start = 0x1p45, .update = 3.0}.next_update(at(0)) ==
              ((std::int64_t{1} << 45) + 1)));
}

BOOST_AUTO_TEST_CASE(the_next_update_agrees_with_stepping) {
  BOOST_TEST(rc::check("next_update is what should_update says, asked one step at a time", [] {
    const auto questions =
        *rc::gen::container<std::vector<Question>>(60, takt::test::any_question());
    for (const Question& question : questions) check_against_stepping(question);
  }));
}

BOOST_AUTO_TEST_CASE(the_random_questions_are_of_every_kind) {
  rc::Random random{1};
  const rc::Gen<Question> any = takt::test::any_question();
  std::map<std::string, int> shares;
  constexpr int count = 1000;
  for (int i = 0; i < count; ++i) {
    const Question question = any(random.split(), 0).value();
    const std::int64_t from = question.from;
    const Cadence& asked = question.cadence;
    const Step next = asked.next_update(question.at(from));
    const double update = asked.update.value_or(0.0);
    shares["steps from 2^40"] += from >> 40 != 0 ? 1 : 0;
    shares["steps from 2^30 to 2^40"] += from >> 30 != 0 && from >> 40 == 0 ? 1 : 0;
    shares["steps below 2^10"] += from >> 10 == 0 ? 1 : 0;
    shares["epochs of 1024 steps and more"] += question.steps() >> 10 != 0 ? 1 : 0;
    shares["updates below 1e-4"] += update > 0.0 && update < 1e-4 ? 1 : 0;
    shares["updates from 1000"] += update > 1000.0 ? 1 : 0;
    shares["windows"] += asked.start && asked.end ? 1 : 0;
    shares["due at once"] += next == from ? 1 : 0;
    shares["due soon"] += next && *next != from && *next - from < stepping_limit ? 1 : 0;
    shares["due far away"] += next && *next - from >= stepping_limit ? 1 : 0;
    shares["never due again"] += next ? 0 : 1;
  }
  for (const auto& [kind, share] : shares) {
    BOOST_TEST(share >= count / 20, kind << ": " << share);
    BOOST_TEST(share <= count / 2, kind << ": " << share);
  }
}

BOOST_AUTO_TEST_SUITE_END()
