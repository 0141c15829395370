// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/sparsity_schedule.hpp>
#include <utility>
#include <vector>

namespace {

using takt::SparsitySchedule;
using takt::SparsityScheduleSettings;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// From 0.1 at index 2 to 0.9 at index 6.
SparsityScheduleSettings named(const std::string& name) {
  return {.name = name, .init_sparsity = 0.1, .final_sparsity = 0.9, .start = 2.0, .end = 6.0};
}

SparsityScheduleSettings steps() {
  return {.name = "multi_step", .init_sparsity = 0.1, .milestones = {{1.0, 0.3}, {2.5, 0.8}}};
}

void check_close(double got, double expected) {
  BOOST_TEST(got == expected, boost::test_tools::tolerance(1e-12));
}

/// That the constructor refuses the settings with a message in which each of `words` occurs.
void check_refused(const SparsityScheduleSettings& settings,
                   const std::vector<std::string>& words) {
  try {
    const SparsitySchedule schedule{settings};
    BOOST_ERROR("not refused, expected: " << words.front());
  } catch (const takt::InvalidModifier& error) {
    const std::string message = error.what();
    for (const std::string& word : words) {
      BOOST_TEST(message.find(word) != std::string::npos, "no \"" << word << "\" in: " << message);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sparsity_schedule)

BOOST_AUTO_TEST_CASE(linear_rises_by_the_same_amount_everywhere) {
  const SparsitySchedule schedule{named("linear")};
  check_close(schedule.at(3.0), 0.3);
  check_close(schedule.at(4.0), 0.5);
  check_close(schedule.at(5.0), 0.7);
}

BOOST_AUTO_TEST_CASE(cubic_is_the_formula_of_zhu_and_gupta) {
  const SparsitySchedule schedule{named("cubic")};
  for (const double t : {0.25, 0.5, 0.75}) {
    check_close(schedule.at(2.0 + 4.0 * t), 0.9 + (0.1 - 0.9) * std::pow(1.0 - t, 3.0));
  }
}

BOOST_AUTO_TEST_CASE(polynomial_starts_slowly_and_squares_unless_told_otherwise) {
  SparsityScheduleSettings settings = named("polynomial");
  check_close(SparsitySchedule{settings}.at(4.0), 0.1 + 0.8 * 0.25);
  settings.exponent = 3.0;
  check_close(SparsitySchedule{settings}.at(4.0), 0.1 + 0.8 * 0.125);
}

BOOST_AUTO_TEST_CASE(polynomial_decay_ends_slowly_and_squares_unless_told_otherwise) {
  SparsityScheduleSettings settings = named("polynomial_decay");
  check_close(SparsitySchedule{settings}.at(4.0), 0.1 + 0.8 * 0.75);
  settings.exponent = 4.0;
  check_close(SparsitySchedule{settings}.at(4.0), 0.1 + 0.8 * 0.9375);
}

BOOST_AUTO_TEST_CASE(the_curves_begin_and_end_exactly) {
  for (const char* const name : {"linear", "cubic", "polynomial", "polynomial_decay"}) {
    const SparsitySchedule schedule{named(name)};
    BOOST_TEST(schedule.at(-10.0) == 0.1);
    BOOST_TEST(schedule.at(2.0) == 0.1);
    BOOST_TEST(schedule.at(6.0) == 0.9);
    BOOST_TEST(schedule.at(1e9) == 0.9);
    BOOST_TEST(schedule.final_sparsity() == 0.9);
  }
}

BOOST_AUTO_TEST_CASE(multi_step_has_the_sparsity_of_the_last_milestone_reached) {
  const SparsitySchedule schedule{steps()};
  BOOST_TEST(schedule.at(0.0) == 0.1);
  BOOST_TEST(schedule.at(0.999) == 0.1);
  BOOST_TEST(schedule.at(1.0) == 0.3);
  BOOST_TEST(schedule.at(2.4) == 0.3);
  BOOST_TEST(schedule.at(2.5) == 0.8);
  BOOST_TEST(schedule.at(1e6) == 0.8);
}

BOOST_AUTO_TEST_CASE(a_milestone_is_reached_within_the_tolerance_of_an_index) {
  SparsityScheduleSettings settings = steps();
  settings.milestones = {{0.1 + 0.2, 0.5}};  // a hair over 0.3
  BOOST_TEST(SparsitySchedule{settings}.at(0.3) == 0.5);
  BOOST_TEST(SparsitySchedule{settings}.at(0.3 - 1e-9) == 0.1);
}

BOOST_AUTO_TEST_CASE(multi_step_arrives_at_its_last_milestone) {
  SparsityScheduleSettings settings = steps();
  BOOST_TEST(SparsitySchedule{settings}.final_sparsity() == 0.8);
  settings.final_sparsity = 0.8;
  BOOST_TEST(SparsitySchedule{settings}.final_sparsity() == 0.8);
  settings.final_sparsity = 0.9;
  check_refused(settings, {"final_sparsity is 0.9", "last milestone has 0.8"});
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_refused_with_the_names_there_are) {
  check_refused(named("cosine"),
                {"\"cosine\"", "linear", "cubic", "polynomial", "polynomial_decay", "multi_step"});
}

BOOST_AUTO_TEST_CASE(a_sparsity_is_a_number_from_0_to_1) {
  for (const double value : {-0.1, 1.1, not_a_number, infinity}) {
    SparsityScheduleSettings settings = named("linear");
    settings.init_sparsity = value;
    check_refused(settings, {"init_sparsity", "from 0 to 1"});
    settings = named("linear");
    settings.final_sparsity = value;
    check_refused(settings, {"final_sparsity", "from 0 to 1"});
    settings = steps();
    settings.milestones[1].sparsity = value;
    check_refused(settings, {"milestones[1].sparsity", "from 0 to 1"});
  }
}

BOOST_AUTO_TEST_CASE(a_sparsity_does_not_decrease) {
  SparsityScheduleSettings settings = named("linear");
  settings.final_sparsity = 0.05;
  check_refused(settings, {"final_sparsity is 0.05", "0.1"});
  settings = steps();
  settings.milestones[0].sparsity = 0.05;
  check_refused(settings, {"milestones[0].sparsity is 0.05", "0.1"});
  settings = steps();
  settings.milestones[1].sparsity = 0.2;
  check_refused(settings, {"milestones[1].sparsity is 0.2", "0.3"});
}

BOOST_AUTO_TEST_CASE(a_curve_needs_a_finite_end_after_its_start_and_a_final_sparsity) {
  SparsityScheduleSettings settings = named("cubic");
  settings.end.reset();
  check_refused(settings, {"cubic", "end"});
  for (const double end : {2.0, 1.0, infinity, not_a_number}) {
    settings.end = end;
    check_refused(settings, {"finite index after the start, 2"});
  }
  settings = named("cubic");
  settings.start = not_a_number;
  check_refused(settings, {"start is nan"});
  settings = named("cubic");
  settings.final_sparsity.reset();
  check_refused(settings, {"final_sparsity is not set"});
}

BOOST_AUTO_TEST_CASE(milestones_are_there_in_order_and_before_the_end) {
  SparsityScheduleSettings settings = steps();
  settings.milestones.clear();
  check_refused(settings, {"milestones", "at least one"});
  settings = steps();
  settings.milestones[1].index = 1.0;
  check_refused(settings, {"milestones[1].index is 1", "order"});
  settings = steps();
  settings.milestones[0].index = not_a_number;
  check_refused(settings, {"milestones[0].index is nan", "finite"});
  settings = steps();
  settings.end = 2.0;
  check_refused(settings, {"milestones[1].index is 2.5", "end, 2"});
  settings.end = 2.5;
  BOOST_TEST(SparsitySchedule{settings}.at(2.5) == 0.8);
}

BOOST_AUTO_TEST_CASE(settings_that_a_schedule_has_no_use_for_are_refused) {
  for (const char* const name : {"linear", "cubic"}) {
    SparsityScheduleSettings settings = named(name);
    settings.exponent = 2.0;
    check_refused(settings, {name, "has no exponent"});
    settings = named(name);
    settings.milestones = {{1.0, 0.5}};
    check_refused(settings, {name, "multi_step"});
  }
}

BOOST_AUTO_TEST_CASE(an_exponent_is_more_than_0) {
  for (const double exponent : {0.0, -1.0, not_a_number, infinity}) {
    SparsityScheduleSettings settings = named("polynomial");
    settings.exponent = exponent;
    check_refused(settings, {"exponent", "more than 0"});
  }
}

BOOST_AUTO_TEST_CASE(the_sparsity_never_decreases_and_stays_between_its_ends) {
  BOOST_TEST(rc::check("monotone", [] {
    const std::string name = *rc::gen::element<std::string>("linear", "cubic", "polynomial",
                                                            "polynomial_decay", "multi_step");
    const auto percent = [](int least) { return *rc::gen::inRange(least, 101); };
    const int init = percent(0);
    const int middle = percent(init);
    const int last = percent(middle);
    const double start = *rc::gen::inRange(-50, 50) / 7.0;
    const double end = start + *rc::gen::inRange(1, 200) / 7.0;
    SparsityScheduleSettings settings{.name = name,
                                      .init_sparsity = init / 100.0,
                                      .final_sparsity = last / 100.0,
                                      .start = start,
                                      .end = end};
    if (name == "multi_step") {
      settings.milestones = {{std::midpoint(start, end), middle / 100.0}, {end, last / 100.0}};
    } else if (name.starts_with("polynomial")) {
      settings.exponent = *rc::gen::inRange(1, 60) / 10.0;
    }
    const SparsitySchedule schedule{settings};
    double before = settings.init_sparsity;
    for (double index = start - 1.0; index < end + 1.0; index += (end - start + 2.0) / 100.0) {
      const double sparsity = schedule.at(index);
      RC_ASSERT(sparsity >= before);
      RC_ASSERT(sparsity <= *settings.final_sparsity);
      before = sparsity;
    }
    RC_ASSERT(schedule.at(start - 0.5) == settings.init_sparsity);
    RC_ASSERT(schedule.at(end) == *settings.final_sparsity);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
