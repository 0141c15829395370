// SPDX-License-Identifier: BSL-1.0
#include "progress_line.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>

namespace {

using takt::detail::Progress;

std::string line(const Progress& progress) {
  std::string text = "what was there before";
  takt::detail::write_line(progress, text);
  return text;
}

std::string bar(const Progress& progress, std::size_t columns) {
  std::string text = "what was there before";
  takt::detail::write_bar(progress, columns, text);
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const Progress halfway{.steps = 648,
                       .steps_here = 648,
                       .seconds = 8.0,
                       .total = 1440,
                       .steps_per_epoch = 45,
                       .loss = 0.01234};

}  // namespace

BOOST_AUTO_TEST_SUITE(progress_line)

BOOST_AUTO_TEST_CASE(a_line_says_everything_there_is_to_say) {
  BOOST_TEST(line(halfway) ==
             " 45%   648/1440  epoch 14.4  81.0 steps/s  ETA 0:00:10  loss 0.0123");
}

BOOST_AUTO_TEST_CASE(an_unknown_total_leaves_the_counts) {
  BOOST_TEST(line({.steps = 12, .steps_here = 12, .seconds = 2.0}) == "12 steps  6.00 steps/s");
  BOOST_TEST(line({.steps = 1, .steps_here = 1, .seconds = 2.0}) == "1 step  0.50 steps/s");
  BOOST_TEST(bar({.steps = 12, .steps_here = 12, .seconds = 2.0}, 79) == "12 steps  6.00 steps/s");
}

BOOST_AUTO_TEST_CASE(before_the_first_step_or_tick_the_rate_is_unknown) {
  const std::string unknown = "  0%   0/10  - steps/s  ETA -:--:--";
  BOOST_TEST(line({.total = 10}) == unknown);
  BOOST_TEST(line({.seconds = 5.0, .total = 10}) == unknown);
  BOOST_TEST(line({.steps = 1, .steps_here = 1, .total = 10}) ==
             " 10%   1/10  - steps/s  ETA -:--:--");
}

BOOST_AUTO_TEST_CASE(a_resumed_run_counts_all_steps_and_rates_its_own) {
  BOOST_TEST(line({.steps = 60, .steps_here = 10, .seconds = 10.0, .total = 100}) ==
             " 60%   60/100  1.00 steps/s  ETA 0:00:40");
}

BOOST_AUTO_TEST_CASE(a_run_that_is_over_says_how_long_it_took) {
  Progress over = halfway;
  over.seconds = 3661.9;
  over.over = true;
  BOOST_TEST(contains(line(over), "  took 1:01:01  "));
  BOOST_TEST(!contains(line(over), "ETA"));
  BOOST_TEST(contains(line({.steps = 3, .over = true}), "took 0:00:00"));
}

BOOST_AUTO_TEST_CASE(times_are_hours_minutes_and_seconds_rounded_up) {
  const auto eta = [](double seconds_per_step) {
    const std::string text =
        line({.steps = 1, .steps_here = 1, .seconds = seconds_per_step, .total = 2});
    return text.substr(text.find("ETA "));
  };
  BOOST_TEST(eta(0.3) == "ETA 0:00:01");
  BOOST_TEST(eta(59.5) == "ETA 0:01:00");
  BOOST_TEST(eta(360'000.0) == "ETA 100:00:00");
  BOOST_TEST(eta(1e300) == "ETA -:--:--");
}

BOOST_AUTO_TEST_CASE(a_hundred_percent_is_shown_only_when_all_is_done) {
  const auto percent = [](std::int64_t steps, std::int64_t total) {
    return line({.steps = steps, .total = total}).substr(0, 4);
  };
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  BOOST_TEST(percent(999'999, 1'000'000) == " 99%");
  BOOST_TEST(percent(huge - 1, huge) == " 99%");
  BOOST_TEST(percent(huge, huge) == "100%");
  BOOST_TEST(percent(12, 10) == "100%");
}

BOOST_AUTO_TEST_CASE(more_steps_than_the_total_have_no_time_left) {
  BOOST_TEST(line({.steps = 12, .steps_here = 12, .seconds = 1.0, .total = 10}) ==
             "100%  12/10  12.0 steps/s  ETA 0:00:00");
}

BOOST_AUTO_TEST_CASE(an_epoch_is_rounded_down) {
  BOOST_TEST(contains(line({.steps = 999, .steps_per_epoch = 1000}), "epoch 0.9 "));
  BOOST_TEST(contains(line({.steps = 1000, .steps_per_epoch = 1000}), "epoch 1.0 "));
  BOOST_TEST(!contains(line({.steps = 1000}), "epoch"));
}

BOOST_AUTO_TEST_CASE(a_loss_has_a_few_digits_whatever_its_size) {
  const auto loss = [](double value) {
    const std::string text = line({.loss = value});
    return text.substr(text.find("loss ") + 5);
  };
  BOOST_TEST(loss(0.0) == "0.0000");
  BOOST_TEST(loss(0.01234) == "0.0123");
  BOOST_TEST(loss(-2.5) == "-2.5000");
  BOOST_TEST(loss(123.456) == "123.46");
  BOOST_TEST(loss(54321.0) == "54321");
  BOOST_TEST(loss(1.234e-5) == "1.23e-05");
  BOOST_TEST(loss(1e300) == "1.00e+300");
  BOOST_TEST(loss(std::numeric_limits<double>::quiet_NaN()) == "nan");
  BOOST_TEST(loss(-std::numeric_limits<double>::quiet_NaN()) == "nan");
  BOOST_TEST(loss(-std::numeric_limits<double>::infinity()) == "-inf");
}

BOOST_AUTO_TEST_CASE(a_bar_takes_the_room_that_the_rest_leaves) {
  const std::string text = bar(halfway, 79);
  BOOST_TEST(text ==
             " 45% [===>     ]   648/1440  epoch 14.4  81.0 steps/s  ETA 0:00:10  loss 0.0123");
  BOOST_TEST(text.size() == 79U);
}

BOOST_AUTO_TEST_CASE(a_bar_keeps_its_width_when_the_loss_has_fewer_digits) {
  Progress no_number = halfway;
  no_number.loss = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(bar(no_number, 79).find(']') == bar(halfway, 79).find(']'));
}

BOOST_AUTO_TEST_CASE(what_a_narrow_terminal_has_no_room_for_gives_way) {
  BOOST_TEST(bar(halfway, 70) ==
             " 45% [====>       ]   648/1440  81.0 steps/s  ETA 0:00:10  loss 0.0123");
  BOOST_TEST(bar(halfway, 55) == " 45% [===>       ]   648/1440  ETA 0:00:10  loss 0.0123");
  BOOST_TEST(bar(halfway, 39) == " 45% [==>     ]   648/1440  loss 0.0123");
  BOOST_TEST(bar(halfway, 30) == " 45% [====>       ]   648/1440");
  BOOST_TEST(bar(halfway, 20) == " 45%   648/1440");
  BOOST_TEST(bar(halfway, 10) == " 45%");
  BOOST_TEST(bar(halfway, 2) == " 4");
  BOOST_TEST(bar(halfway, 0).empty());
}

BOOST_AUTO_TEST_CASE(a_bar_is_empty_at_the_start_and_full_at_the_end) {
  BOOST_TEST(bar({.total = 10}, 20) == "  0% [      ]   0/10");
  BOOST_TEST(bar({.steps = 10, .total = 10}, 20) == "100% [======]  10/10");
  BOOST_TEST(bar({.steps = 9, .total = 10}, 20) == " 90% [====> ]   9/10");
}

BOOST_AUTO_TEST_CASE(a_line_is_plain_text_and_a_bar_no_wider_than_its_columns) {
  BOOST_TEST(rc::check("for any counters, times and losses", [] {
    const auto count = [] {
      return *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 1000),
                             rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 62));
    };
    Progress progress{.steps = count(), .seconds = *rc::gen::inRange(0, 1 << 30) * 1e-3};
    progress.steps_here = progress.steps - std::min(progress.steps, count());
    if (*rc::gen::arbitrary<bool>()) progress.total = count() + 1;
    if (*rc::gen::arbitrary<bool>()) progress.steps_per_epoch = count() + 1;
    if (*rc::gen::arbitrary<bool>()) progress.loss = *rc::gen::arbitrary<double>();
    progress.over = *rc::gen::arbitrary<bool>();
    const auto columns = *rc::gen::inRange<std::size_t>(0, 200);
    const std::string drawn = bar(progress, columns);
    RC_ASSERT(drawn.size() <= columns);
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    RC_ASSERT(std::ranges::all_of(drawn, printable));
    RC_ASSERT(std::ranges::all_of(line(progress), printable));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
