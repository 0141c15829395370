// SPDX-License-Identifier: BSL-1.0
#include "cadence_advice.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cadence_cases.hpp"
#include "number_text.hpp"

namespace {

using takt::Cadence;
using takt::detail::text_of;
using Lines = std::vector<std::string>;
using Steps = std::vector<std::int64_t>;
using StepsPerEpoch = std::optional<std::int64_t>;

constexpr double infinity = std::numeric_limits<double>::infinity();

void check(const Cadence& cadence, StepsPerEpoch steps_per_epoch, const Lines& expected) {
  const Lines lines = takt::detail::cadence_advice(cadence, steps_per_epoch);
  BOOST_TEST(lines == expected, boost::test_tools::per_element());
}

void check_nothing_to_say(const Cadence& cadence, StepsPerEpoch steps_per_epoch) {
  check(cadence, steps_per_epoch, {});
}

// ---- The same words, from asking every step one by one

/// Beyond the third due step of any update below, and beyond any end.
constexpr std::int64_t all_steps = 10'000;

class Stepping {
 public:
  Stepping(const Cadence& cadence, StepsPerEpoch steps_per_epoch)
      : cadence_{cadence}, steps_per_epoch_{steps_per_epoch} {}

  [[nodiscard]] Lines lines() const {
    const Cadence window{.start = cadence_.start, .end = cadence_.end};
    const Steps inside = steps_of(window);
    if (inside.empty()) return {"its window" + window_text() + " holds no step, so it never runs"};
    Lines lines;
    if (cadence_.start && !is_a_step(*cadence_.start)) {
      lines.push_back(fraction("start", *cadence_.start) + "its window opens at " +
                      step_text(inside.front()));
    }
    if (cadence_.end && !is_a_step(*cadence_.end)) {
      lines.push_back(fraction("end", *cadence_.end) + "the last step of its window is " +
                      step_text(inside.back()));
    }
    const double update = cadence_.update.value_or(0.0);
    const Steps due = steps_of(cadence_);
    if (due.empty()) {
      lines.push_back("no step in its window" + window_text() + " is a multiple of update " +
                      text_of(update) + ", so it is never due");
    } else if (update > 0.0 && !is_a_step(update)) {
      lines.push_back(fraction("update", update) + "it is due at " + list_text(due));
    }
    return lines;
  }

 private:
  [[nodiscard]] double per_unit() const {
    return static_cast<double>(steps_per_epoch_.value_or(1));
  }
  [[nodiscard]] Steps steps_of(const Cadence& cadence) const {
    Steps steps;
    for (std::int64_t step = 0; step < all_steps; ++step) {
      if (cadence.should_update({.steps_per_epoch = steps_per_epoch_, .global_step = step})) {
        steps.push_back(step);
      }
    }
    return steps;
  }
  /// Whether a window of that index alone holds a step, or would before step 0.
  [[nodiscard]] bool is_a_step(double index) const {
    return index < 0.0 || !steps_of({.start = index - 1e-10, .end = index + 1e-10}).empty();
  }
  [[nodiscard]] std::string unit() const { return steps_per_epoch_ ? " epochs" : " steps"; }
  [[nodiscard]] std::string window_text() const {
    std::string text;
    if (cadence_.start) text += " from " + text_of(*cadence_.start);
    if (cadence_.end) text += " to " + text_of(*cadence_.end);
    return text + unit();
  }
  [[nodiscard]] std::string fraction(const std::string& what, double index) const {
    std::string text = what;
    text += ' ' + text_of(index) + unit() + " is ";
    if (steps_per_epoch_) text += digits(index * per_unit()) + " steps, ";
    return text + "no whole number of steps; ";
  }
  [[nodiscard]] std::string step_text(std::int64_t step) const {
    std::string text{"step "};
    text += std::to_string(step);
    if (!steps_per_epoch_) return text;
    return text + " (epoch " + digits(static_cast<double>(step) / per_unit()) + ')';
  }
  /// Four digits after the point, or all.
  static std::string digits(double number) {
    const double near = std::round(number * 1e4) / 1e4;
    return text_of(std::floor(near) == near ? number : near);
  }
  static std::string list_text(const Steps& due) {
    std::string text{due.size() == 1 ? "step " : "steps "};
    for (std::size_t i = 0; i < due.size() && i < 3; ++i) {
      text += (i == 0 ? "" : ", ") + std::to_string(due[i]);
    }
    return text + (due.size() < 3 ? " only" : ", ...");
  }

  const Cadence& cadence_;
  StepsPerEpoch steps_per_epoch_;
};

/// An index as people write it, up to `most`.
rc::Gen<double> decimal(int most) {
  return rc::gen::map(
      rc::gen::pair(takt::test::evenly(0, most * 100),
                    rc::gen::elementOf(std::vector<double>{100.0, 10.0, 4.0, 3.0, 1.0})),
      [](const std::pair<int, double>& drawn) { return drawn.first / 100.0 / drawn.second; });
}

rc::Gen<std::optional<double>> maybe(const rc::Gen<double>& value) {
  return rc::gen::oneOf(rc::gen::just(std::optional<double>{}),
                        rc::gen::map(value, [](double x) { return std::optional<double>{x}; }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cadence_advice)

BOOST_AUTO_TEST_CASE(of_whole_numbers_of_steps_there_is_nothing_to_say) {
  check_nothing_to_say({}, {});
  check_nothing_to_say({}, 47);
  check_nothing_to_say({.start = 10, .end = 100, .update = 5}, {});
  check_nothing_to_say({.start = 1, .end = 8, .update = 0.5}, 100);
  check_nothing_to_say({.start = 0.1, .end = 0.9, .update = 0.1}, 10);
  check_nothing_to_say({.start = 0.3, .end = 0.7, .update = 0.3}, 10);
  check_nothing_to_say({.update = 1.0 / 3.0}, 3);
  check_nothing_to_say({.update = 0}, 7);
}

BOOST_AUTO_TEST_CASE(of_bounds_outside_of_training_there_is_nothing_to_say) {
  check_nothing_to_say({.start = -0.37}, 10);
  check_nothing_to_say({.start = -1.5, .end = infinity}, {});
  check_nothing_to_say({.end = 1e300}, 7);
  check_nothing_to_say({.end = 12345678901.5}, {});
}

BOOST_AUTO_TEST_CASE(an_update_between_steps_is_told_with_the_steps_at_which_it_is_due) {
  check({.update = 0.5}, 47,
        {"update 0.5 epochs is 23.5 steps, no whole number of steps; it is due at steps 0, 47, 94, "
         "..."});
  check({.start = 4, .end = 28, .update = 0.5}, 47,
        {"update 0.5 epochs is 23.5 steps, no whole number of steps; it is due at steps 188, 235, "
         "282, ..."});
  check({.update = 2.5}, {},
        {"update 2.5 steps is no whole number of steps; it is due at steps 0, 5, 10, ..."});
}

BOOST_AUTO_TEST_CASE(an_update_that_is_due_once_or_twice_is_told_so) {
  check({.end = 1, .update = 0.7}, 10, {});
  check({.end = 1, .update = 0.75}, 10,
        {"update 0.75 epochs is 7.5 steps, no whole number of steps; it is due at step 0 only"});
  check({.start = 1, .end = 3, .update = 0.75}, 10,
        {"update 0.75 epochs is 7.5 steps, no whole number of steps; it is due at steps 15, 30 "
         "only"});
}

BOOST_AUTO_TEST_CASE(a_start_between_steps_is_told_with_the_step_that_opens_the_window) {
  check({.start = 1.55}, 10,
        {"start 1.55 epochs is 15.5 steps, no whole number of steps; its window opens at step 16 "
         "(epoch 1.6)"});
  check({.start = 7.2}, {},
        {"start 7.2 steps is no whole number of steps; its window opens at step 8"});
}

BOOST_AUTO_TEST_CASE(an_end_between_steps_is_told_with_the_last_step_of_the_window) {
  check({.end = 1.55}, 10,
        {"end 1.55 epochs is 15.5 steps, no whole number of steps; the last step of its window is "
         "step 15 (epoch 1.5)"});
  check({.end = 7.2}, {},
        {"end 7.2 steps is no whole number of steps; the last step of its window is step 7"});
  check({.end = 0.05}, 10,
        {"end 0.05 epochs is 0.5 steps, no whole number of steps; the last step of its window is "
         "step 0 (epoch 0)"});
}

BOOST_AUTO_TEST_CASE(each_of_the_three_has_a_line) {
  const Lines lines =
      takt::detail::cadence_advice({.start = 0.25, .end = 9.99, .update = 0.25}, 10);
  BOOST_REQUIRE_EQUAL(lines.size(), 3U);
  BOOST_TEST(lines[0].starts_with("start 0.25"));
  BOOST_TEST(lines[1].starts_with("end 9.99"));
  BOOST_TEST(lines[2].starts_with("update 0.25"));
}

BOOST_AUTO_TEST_CASE(a_window_without_a_step_is_all_there_is_to_say) {
  check({.start = 0.31, .end = 0.39, .update = 0.25}, 10,
        {"its window from 0.31 to 0.39 epochs holds no step, so it never runs"});
  check({.end = -1}, 10, {"its window to -1 epochs holds no step, so it never runs"});
  check({.start = 2.2, .end = 2.8}, {},
        {"its window from 2.2 to 2.8 steps holds no step, so it never runs"});
}

BOOST_AUTO_TEST_CASE(a_window_without_a_due_step_is_told_so) {
  check({.start = 1, .end = 1.5, .update = 2}, 10,
        {"no step in its window from 1 to 1.5 epochs is a multiple of update 2, so it is never "
         "due"});
  check({.start = 1, .update = infinity}, 10,
        {"no step in its window from 1 epochs is a multiple of update inf, so it is never due"});
  check({.start = 3, .end = 7, .update = 10}, {},
        {"no step in its window from 3 to 7 steps is a multiple of update 10, so it is never due"});
}

BOOST_AUTO_TEST_CASE(a_number_close_to_whole_is_told_with_all_its_digits) {
  check({.end = 0.5, .update = 0.333333}, 3,
        {"end 0.5 epochs is 1.5 steps, no whole number of steps; the last step of its window is "
         "step 1 (epoch 0.3333)",
         "update 0.333333 epochs is 0.999999 steps, no whole number of steps; it is due at step 0 "
         "only"});
}

BOOST_AUTO_TEST_CASE(any_advice_is_what_asking_every_step_comes_to) {
  BOOST_TEST(rc::check("of windows and updates as people write them", [] {
    const StepsPerEpoch steps_per_epoch =
        *rc::gen::oneOf(rc::gen::just(StepsPerEpoch{}),
                        rc::gen::map(takt::test::evenly<std::int64_t>(1, 30),
                                     [](std::int64_t n) { return StepsPerEpoch{n}; }));
    Cadence cadence{.start = *maybe(decimal(3)), .update = *maybe(decimal(1))};
    if (*rc::gen::arbitrary<bool>()) cadence.end = cadence.start.value_or(0.0) + *decimal(4);
    RC_LOG() << takt::test::Question{.cadence = cadence, .steps_per_epoch = steps_per_epoch};
    const Lines expected = Stepping{cadence, steps_per_epoch}.lines();
    RC_ASSERT(takt::detail::cadence_advice(cadence, steps_per_epoch) == expected);
  }));
}

BOOST_AUTO_TEST_CASE(any_valid_cadence_has_an_advice) {
  BOOST_TEST(rc::check("of numbers of every magnitude", [] {
    const auto question = *takt::test::any_question();
    RC_LOG() << question;
    RC_ASSERT(takt::detail::cadence_advice(question.cadence, question.steps_per_epoch).size() <= 3);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
