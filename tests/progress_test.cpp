// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <takt/modifiers/progress.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

namespace {

using std::chrono::milliseconds;
using takt::ProgressMode;
using takt::ProgressModifier;
using takt::ProgressSettings;

/// A loop whose clock goes on by `tick` with each batch.
struct Loop {
  explicit Loop(ProgressSettings settings, takt::Event start = {}) : bus{start} {
    if (settings.stream == &std::cerr) settings.stream = &out;
    settings.clock = [this] {
      ++looks;
      return std::chrono::steady_clock::time_point{time};
    };
    bus.emplace<ProgressModifier>(std::move(settings));
    bus.initialize();
  }

  void batch(bool step = true) {
    bus.batch([&](takt::Batch& open) {
      time += tick;
      if (loss) open.loss(*loss);
      if (step) open.step([] {});
    });
  }
  void steps(int count) {
    for (int i = 0; i < count; ++i) batch();
  }

  std::ostringstream out;
  milliseconds time{5000};
  milliseconds tick{500};
  std::optional<double> loss{};
  int looks = 0;
  takt::EventBus bus;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What a terminal shows once `text` has been written to it.
std::vector<std::string> screen(const std::string& text) {
  std::vector<std::string> lines(1);
  std::size_t column = 0;
  for (const char c : text) {
    if (c == '\r') {
      column = 0;
    } else if (c == '\n') {
      lines.emplace_back();
      column = 0;
    } else {
      std::string& line = lines.back();
      line.resize(std::max(line.size(), column + 1), ' ');
      line[column++] = c;
    }
  }
  return lines;
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

class BrokenBuffer final : public std::streambuf {
 protected:
  int_type overflow(int_type) override { throw std::runtime_error{"the disk is full"}; }
};

void check_refused(const ProgressSettings& settings, const std::string& word) {
  BOOST_CHECK_EXCEPTION(ProgressModifier{settings}, takt::InvalidModifier,
                        [&](const auto& error) { return contains(error.what(), word); });
}

ProgressSettings lines_every(double update) {
  return {.cadence = {.update = update}, .total_steps = 10, .mode = ProgressMode::lines};
}

ProgressSettings bar_of(std::int64_t total) {
  return {.total_steps = total, .mode = ProgressMode::bar};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(lines_come_at_every_due_step_and_at_the_end) {
  Loop loop{lines_every(4)};
  loop.loss = 0.25;
  loop.steps(10);
  loop.bus.finalize();
  BOOST_TEST(loop.out.str() ==
             " 10%   1/10  2.00 steps/s  ETA 0:00:05  loss 0.2500\n"
             " 50%   5/10  2.00 steps/s  ETA 0:00:03  loss 0.2500\n"
             " 90%   9/10  2.00 steps/s  ETA 0:00:01  loss 0.2500\n"
             "100%  10/10  2.00 steps/s  took 0:00:05  loss 0.2500\n");
}

BOOST_AUTO_TEST_CASE(the_last_line_is_not_repeated_at_the_end) {
  Loop loop{lines_every(9)};
  loop.steps(10);
  const std::string before = loop.out.str();
  BOOST_TEST(contains(before, "100%"));
  loop.bus.finalize();
  BOOST_TEST(loop.out.str() == before);
}

BOOST_AUTO_TEST_CASE(lines_without_an_update_come_once_a_second) {
  Loop loop{{.total_steps = 1000, .mode = ProgressMode::lines}};
  loop.tick = milliseconds{10};
  loop.steps(250);
  loop.bus.finalize();
  const auto lines = split(loop.out.str(), '\n');
  BOOST_REQUIRE_EQUAL(lines.size(), 3U);
  BOOST_TEST(contains(lines[0], " 100/1000"));
  BOOST_TEST(contains(lines[1], " 200/1000"));
  BOOST_TEST(contains(lines[2], " 250/1000"));
  BOOST_TEST(contains(lines[2], "took 0:00:02"));
}

BOOST_AUTO_TEST_CASE(the_last_step_of_the_total_is_shown_at_once) {
  for (const ProgressMode mode : {ProgressMode::lines, ProgressMode::bar}) {
    Loop loop{{.total_steps = 10, .mode = mode}};
    loop.tick = milliseconds{1};
    loop.steps(9);
    BOOST_TEST(!contains(loop.out.str(), " 9/10"));
    loop.steps(1);
    BOOST_TEST(contains(loop.out.str(), "100%"));
  }
}

BOOST_AUTO_TEST_CASE(a_bar_is_drawn_at_the_start_and_ten_times_a_second) {
  Loop loop{bar_of(1000)};
  loop.tick = milliseconds{10};
  loop.steps(35);
  const auto drawings = split(loop.out.str(), '\r');
  BOOST_REQUIRE_EQUAL(drawings.size(), 5U);  // the first one is what stands before the first \r
  BOOST_TEST(contains(drawings[1], " 0/1000"));
  BOOST_TEST(contains(drawings[2], " 10/1000"));
  BOOST_TEST(contains(drawings[3], " 20/1000"));
  BOOST_TEST(contains(drawings[4], " 30/1000"));
  BOOST_TEST(!contains(loop.out.str(), "\n"));
}

BOOST_AUTO_TEST_CASE(a_finished_bar_shows_everything_and_ends_its_line) {
  Loop loop{bar_of(10), {.steps_per_epoch = 5}};
  loop.loss = 1.5;
  loop.steps(10);
  loop.bus.finalize();
  const auto lines = screen(loop.out.str());
  BOOST_REQUIRE_EQUAL(lines.size(), 2U);
  BOOST_TEST(lines[0] ==
             "100% [=============]  10/10  epoch 2.0  2.00 steps/s  took 0:00:05  loss 1.5000");
  BOOST_TEST(lines[0].size() == 79U);
  BOOST_TEST(lines[1].empty());
}

BOOST_AUTO_TEST_CASE(a_longer_drawing_leaves_nothing_behind_a_shorter_one) {
  Loop loop{{.mode = ProgressMode::bar}};
  loop.loss = -1.234e-100;
  loop.steps(1);
  loop.loss.reset();
  loop.steps(1);
  loop.bus.finalize();
  BOOST_TEST(trimmed(screen(loop.out.str())[0]) == "2 steps  2.00 steps/s  took 0:00:01");
}

BOOST_AUTO_TEST_CASE(a_bar_keeps_within_its_columns) {
  BOOST_TEST(rc::check("no drawing reaches the last column", [] {
    const auto columns = *rc::gen::inRange<std::int64_t>(1, 120);
    ProgressSettings settings = bar_of(*rc::gen::inRange<std::int64_t>(1, 100'000));
    if (*rc::gen::arbitrary<bool>()) settings.total_steps.reset();
    settings.columns = columns;
    Loop loop{settings, {.steps_per_epoch = 7}};
    for (int i = 0; i < 5; ++i) {
      loop.loss.reset();
      if (*rc::gen::arbitrary<bool>()) loop.loss = *rc::gen::arbitrary<double>();
      loop.batch();
    }
    loop.bus.finalize();
    const auto lines = screen(loop.out.str());
    RC_ASSERT(lines.size() == 2U);
    RC_ASSERT(static_cast<std::int64_t>(lines[0].size()) <= columns - 1);
  }));
}

BOOST_AUTO_TEST_CASE(automatic_writes_lines_to_what_is_no_terminal) {
  Loop loop{{.total_steps = 3}};
  loop.tick = milliseconds{2000};
  loop.steps(3);
  loop.bus.finalize();
  BOOST_TEST(split(loop.out.str(), '\n').size() == 3U);
  BOOST_TEST(!contains(loop.out.str(), "\r"));
  BOOST_TEST(!contains(loop.out.str(), "["));
}

BOOST_AUTO_TEST_CASE(a_throttled_step_looks_at_the_clock_once_and_writes_nothing) {
  Loop loop{bar_of(100)};
  loop.tick = milliseconds{0};
  loop.steps(1);
  const int looks = loop.looks;
  const std::string before = loop.out.str();
  loop.steps(10);
  BOOST_TEST(loop.looks == looks + 10);
  BOOST_TEST(loop.out.str() == before);
}

BOOST_AUTO_TEST_CASE(steps_that_are_not_due_cost_no_look_at_the_clock) {
  Loop loop{{.cadence = {.update = 5}, .total_steps = 100, .mode = ProgressMode::bar}};
  loop.steps(1);
  const int looks = loop.looks;
  loop.steps(4);
  BOOST_TEST(loop.looks == looks);
  loop.steps(1);
  BOOST_TEST(loop.looks == looks + 1);
}

BOOST_AUTO_TEST_CASE(a_clock_that_stands_still_gives_no_rate) {
  Loop loop{lines_every(1)};
  loop.tick = milliseconds{0};
  loop.steps(2);
  BOOST_TEST(loop.out.str() ==
             " 10%   1/10  - steps/s  ETA -:--:--\n"
             " 20%   2/10  - steps/s  ETA -:--:--\n");
}

BOOST_AUTO_TEST_CASE(a_clock_that_goes_back_counts_as_one_that_stands_still) {
  Loop loop{lines_every(9)};
  loop.tick = milliseconds{-2000};
  loop.steps(2);
  loop.bus.finalize();
  BOOST_TEST(loop.out.str() ==
             " 10%   1/10  - steps/s  ETA -:--:--\n"
             " 20%   2/10  - steps/s  took 0:00:00\n");
}

BOOST_AUTO_TEST_CASE(a_resumed_run_rates_the_steps_made_since) {
  Loop loop{lines_every(1), {.global_step = 6, .global_batch = 6}};
  loop.steps(2);
  BOOST_TEST(loop.out.str() ==
             " 70%   7/10  2.00 steps/s  ETA 0:00:02\n"
             " 80%   8/10  2.00 steps/s  ETA 0:00:01\n");
}

BOOST_AUTO_TEST_CASE(an_unknown_total_is_counted_only) {
  Loop loop{{.cadence = {.update = 1}, .mode = ProgressMode::lines}, {.steps_per_epoch = 2}};
  loop.steps(2);
  loop.bus.finalize();
  BOOST_TEST(loop.out.str() ==
             "1 step  epoch 0.5  2.00 steps/s\n2 steps  epoch 1.0  2.00 steps/s  took 0:00:01\n");
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_no_number_is_shown_as_such) {
  Loop loop{lines_every(1)};
  loop.loss = std::numeric_limits<double>::quiet_NaN();
  loop.steps(1);
  BOOST_TEST(contains(loop.out.str(), "loss nan\n"));
}

BOOST_AUTO_TEST_CASE(a_run_stopped_in_the_middle_shows_where) {
  for (const ProgressMode mode : {ProgressMode::lines, ProgressMode::bar}) {
    Loop loop{{.cadence = {.update = 8}, .total_steps = 10, .mode = mode}};
    loop.steps(4);
    loop.bus.finalize();
    const auto lines = screen(loop.out.str());
    const std::string& last = lines[lines.size() - 2];
    BOOST_TEST(contains(last, " 40% "));
    BOOST_TEST(contains(last, " 4/10"));
    BOOST_TEST(contains(last, "took 0:00:02"));
    BOOST_TEST(lines.back().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_closes_ends_the_line) {
  Loop loop{{.cadence = {.end = 3}, .total_steps = 10, .mode = ProgressMode::bar}};
  loop.steps(10);
  const auto lines = screen(loop.out.str());
  BOOST_REQUIRE_EQUAL(lines.size(), 2U);
  BOOST_TEST(contains(lines[0], " 4/10"));
  loop.bus.finalize();
  BOOST_TEST(screen(loop.out.str()) == lines, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(batches_that_make_no_step_add_none) {
  Loop loop{lines_every(1)};
  loop.batch(false);
  loop.batch(false);
  BOOST_TEST(loop.out.str().empty());
  loop.batch(true);
  loop.batch(false);
  BOOST_TEST(split(loop.out.str(), '\n').size() == 1U);
  BOOST_TEST(contains(loop.out.str(), " 1/10"));
}

BOOST_AUTO_TEST_CASE(a_bar_goes_on_in_batches_that_make_no_step) {
  Loop loop{bar_of(10)};
  loop.batch();
  loop.loss = 7.0;
  loop.batch(false);
  BOOST_TEST(contains(screen(loop.out.str())[0], " 1/10"));
  BOOST_TEST(contains(screen(loop.out.str())[0], "loss 7.0000"));
}

BOOST_AUTO_TEST_CASE(steps_that_were_not_due_are_counted) {
  Loop loop{{.cadence = {.update = 5}, .total_steps = 10, .mode = ProgressMode::bar}};
  loop.steps(5);
  loop.batch(false);
  BOOST_TEST(contains(screen(loop.out.str())[0], " 5/10"));
}

BOOST_AUTO_TEST_CASE(the_final_state_has_the_loss_of_the_last_batch) {
  Loop loop{lines_every(5)};
  loop.loss = 2.0;
  loop.steps(1);
  loop.loss = 1.0;
  loop.steps(1);
  loop.bus.finalize();
  BOOST_TEST(contains(loop.out.str(), "took 0:00:01  loss 1.0000\n"));
}

BOOST_AUTO_TEST_CASE(a_step_of_an_aborted_batch_is_not_counted) {
  Loop loop{bar_of(10)};
  loop.steps(2);
  loop.bus.batch_start();
  loop.bus.optim_pre_step();
  loop.bus.optim_post_step();
  loop.bus.abort_batch();
  loop.batch(false);
  BOOST_TEST(contains(screen(loop.out.str())[0], " 2/10"));
  loop.bus.finalize();
  BOOST_TEST(contains(screen(loop.out.str())[0], " 2/10"));
}

BOOST_AUTO_TEST_CASE(an_exception_that_ends_the_run_leaves_no_open_line) {
  std::ostringstream out;
  {
    takt::EventBus bus;
    ProgressSettings settings = bar_of(10);
    settings.stream = &out;
    bus.emplace<ProgressModifier>(settings);
    bus.initialize();
    bus.batch_start();
    BOOST_TEST(!contains(out.str(), "\n"));
  }
  BOOST_TEST(out.str().back() == '\n');
}

BOOST_AUTO_TEST_CASE(a_stream_that_fails_or_throws_leaves_training_alone) {
  for (const bool throws : {false, true}) {
    for (const ProgressMode mode : {ProgressMode::lines, ProgressMode::bar}) {
      BrokenBuffer buffer;
      std::ostream stream{&buffer};
      if (throws) stream.exceptions(std::ios::badbit | std::ios::failbit);
      Loop loop{{.cadence = {.update = 1}, .total_steps = 10, .stream = &stream, .mode = mode}};
      BOOST_CHECK_NO_THROW(loop.steps(10));
      BOOST_CHECK_NO_THROW(loop.bus.finalize());
      BOOST_TEST(stream.bad());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_without_a_batch_shows_nothing) {
  Loop loop{bar_of(10)};
  loop.bus.finalize();
  BOOST_TEST(loop.out.str().empty());
}

BOOST_AUTO_TEST_CASE(without_a_clock_it_looks_at_the_steady_one) {
  std::ostringstream out;
  takt::EventBus bus;
  ProgressSettings settings = lines_every(1);
  settings.stream = &out;
  bus.emplace<ProgressModifier>(settings);
  bus.initialize();
  bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  BOOST_TEST(contains(out.str(), " 1/10"));
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  check_refused({.total_steps = 0}, "total_steps is 0");
  check_refused({.total_steps = -3}, "total_steps is -3");
  check_refused({.columns = 0}, "columns is 0");
  check_refused({.stream = nullptr}, "stream is null");
  check_refused({.name = "bar", .total_steps = 0}, "\"bar\"");
  BOOST_CHECK_THROW((ProgressModifier{{.cadence = {.update = -1}}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(the_name_and_the_cadence_are_those_of_the_settings) {
  BOOST_TEST(ProgressModifier{{}}.name() == "ProgressModifier");
  const ProgressModifier modifier{{.name = "bar", .cadence = {.update = 2}}};
  BOOST_TEST(modifier.name() == "bar");
  BOOST_TEST((modifier.cadence() == takt::Cadence{.update = 2}));
}

BOOST_AUTO_TEST_SUITE_END()
