// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

namespace {

using takt::LearningRateModifier;
using takt::LearningRateSettings;

class RecordingOptimizer final : public takt::Optimizer {
 public:
  double learning_rate() const override { return rate; }
  void set_learning_rate(double value) override {
    rate = value;
    ++sets;
  }
  double rate = -1.0;
  int sets = 0;
};

/// A bus with an optimizer; `run` returns the rate that each step was taken with.
struct Loop {
  explicit Loop(takt::Event start = {}) : bus{start} { bus.state().set(optimizer); }

  void step() {
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }
  std::vector<double> run(int steps) {
    std::vector<double> rates;
    for (int i = 0; i < steps; ++i) {
      bus.batch([&](takt::Batch& batch) { batch.step([&] { rates.push_back(optimizer.rate); }); });
    }
    return rates;
  }

  RecordingOptimizer optimizer;
  takt::EventBus bus;
};

std::vector<double> rates_of(LearningRateSettings settings, int steps, takt::Event start = {}) {
  Loop loop{start};
  loop.bus.emplace<LearningRateModifier>(std::move(settings));
  loop.bus.initialize();
  return loop.run(steps);
}

void check_close(const std::vector<double>& got, const std::vector<double>& expected) {
  BOOST_REQUIRE_EQUAL(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST(got[i] == expected[i], boost::test_tools::tolerance(1e-12));
  }
}

/// That the constructor refuses the settings with a message in which each of `words` occurs.
void check_refused(const LearningRateSettings& settings, const std::vector<std::string>& words) {
  BOOST_CHECK_EXCEPTION(LearningRateModifier{settings}, takt::InvalidModifier, [&](const auto& e) {
    const std::string message = e.what();
    return std::ranges::all_of(words, [&](const std::string& word) {
      const bool found = message.find(word) != std::string::npos;
      if (!found) BOOST_TEST_MESSAGE("no \"" << word << "\" in: " << message);
      return found;
    });
  });
}

LearningRateSettings cosine(double start, double end) {
  return {.cadence = {.start = start, .end = end},
          .schedule = "cosine",
          .learning_rate = 0.4,
          .final_lr = 0.1};
}

LearningRateSettings warmup(double start, double end) {
  return {.cadence = {.start = start, .end = end},
          .schedule = "linear_warmup",
          .learning_rate = 0.4,
          .init_lr = 0.1};
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

BOOST_AUTO_TEST_SUITE(learning_rate)

BOOST_AUTO_TEST_CASE(constant_sets_the_rate_at_every_due_step) {
  check_close(rates_of({.learning_rate = 0.3}, 3), {0.3, 0.3, 0.3});
}

BOOST_AUTO_TEST_CASE(step_falls_by_gamma_after_each_step_size) {
  check_close(rates_of({.schedule = "step", .learning_rate = 8, .gamma = 0.5, .step_size = 2}, 7),
              {8, 8, 4, 4, 2, 2, 1});
}

BOOST_AUTO_TEST_CASE(step_falls_where_a_quotient_is_a_hair_short_of_whole) {
  const auto rates =
      rates_of({.schedule = "step", .learning_rate = 1, .gamma = 0.5, .step_size = 0.1}, 10,
               {.steps_per_epoch = 10});
  for (std::size_t i = 0; i < rates.size(); ++i) {
    BOOST_TEST(rates[i] == std::pow(0.5, static_cast<double>(i)));
  }
}

BOOST_AUTO_TEST_CASE(step_falls_at_each_whole_multiple_of_any_step_size) {
  BOOST_TEST(rc::check("one fall per multiple, at it and not before", [] {
    const auto steps_per_epoch = *rc::gen::inRange<std::int64_t>(1, 2000);
    const auto fall_every = *rc::gen::inRange<std::int64_t>(1, 5000);
    const auto first = *rc::gen::inRange<std::int64_t>(0, 5000);
    const auto step = first + *rc::gen::inRange<std::int64_t>(0, 100'000);
    const auto index = [&](std::int64_t s) {
      return static_cast<double>(s) / static_cast<double>(steps_per_epoch);
    };
    const LearningRateModifier modifier{{.cadence = {.start = index(first)},
                                         .schedule = "step",
                                         .learning_rate = 1,
                                         .gamma = 0.999,
                                         .step_size = index(fall_every)}};
    const double falls =
        std::round(std::log(modifier.learning_rate_at(index(step))) / std::log(0.999));
    RC_ASSERT(falls == static_cast<double>((step - first) / fall_every));
  }));
}

BOOST_AUTO_TEST_CASE(exponential_falls_by_gamma_per_index_unit) {
  check_close(
      rates_of(
          {.cadence = {.start = 1}, .schedule = "exponential", .learning_rate = 8, .gamma = 0.25},
          5, {.steps_per_epoch = 2, .global_step = 2}),
      {8, 4, 2, 1, 0.5});
}

BOOST_AUTO_TEST_CASE(cosine_falls_along_half_a_period) {
  const double quarter = 0.25 + 0.15 * std::sqrt(0.5);
  check_close(rates_of(cosine(0, 4), 5), {0.4, quarter, 0.25, 0.5 - quarter, 0.1});
}

BOOST_AUTO_TEST_CASE(linear_warmup_rises_in_equal_steps) {
  check_close(rates_of(warmup(0, 3), 4), {0.1, 0.2, 0.3, 0.4});
}

BOOST_AUTO_TEST_CASE(an_unset_start_counts_from_index_zero) {
  const takt::Event resumed{.global_step = 2};
  auto settings = warmup(0, 3);
  settings.cadence.start.reset();
  check_close(rates_of(settings, 2, resumed), {0.3, 0.4});
  check_close(rates_of({.schedule = "exponential", .learning_rate = 8, .gamma = 0.5}, 2, resumed),
              {2, 1});
}

BOOST_AUTO_TEST_CASE(cosine_and_warmup_meet_their_bounds_exactly_and_never_turn_back) {
  BOOST_TEST(rc::check("ends are exact, and between them the rate is monotone", [] {
    const auto rate = [] { return *rc::gen::inRange(0, 1'000'000) * 1e-7; };
    const double start = *rc::gen::inRange(0, 1000) * 0.01;
    const double length = *rc::gen::inRange(1, 1000) * 0.01;
    const double from = rate();
    const double to = rate();
    const bool falls = *rc::gen::arbitrary<bool>();
    const LearningRateModifier modifier{{.cadence = {.start = start, .end = start + length},
                                         .schedule = falls ? "cosine" : "linear_warmup",
                                         .learning_rate = falls ? from : to,
                                         .init_lr = from,
                                         .final_lr = to}};
    RC_ASSERT(modifier.learning_rate_at(start) == from);
    RC_ASSERT(modifier.learning_rate_at(start + length) == to);
    double before = from;
    for (int i = 1; i <= 20; ++i) {
      const double at = modifier.learning_rate_at(start + length * i / 20.0);
      RC_ASSERT((to >= from ? at >= before : at <= before));
      before = at;
    }
  }));
}

BOOST_AUTO_TEST_CASE(outside_its_window_a_schedule_holds_its_ends) {
  const LearningRateModifier modifier{cosine(1, 3)};
  BOOST_TEST(modifier.learning_rate_at(0.0) == 0.4);
  BOOST_TEST(modifier.learning_rate_at(100.0) == 0.1);
  const LearningRateModifier exponential{{.cadence = {.start = 1, .end = 3},
                                          .schedule = "exponential",
                                          .learning_rate = 8,
                                          .gamma = 0.5}};
  BOOST_TEST(exponential.learning_rate_at(0.0) == 8.0);
  BOOST_TEST(exponential.learning_rate_at(9.0) == 2.0);
}

BOOST_AUTO_TEST_CASE(the_last_due_step_lands_on_the_final_rate_where_the_end_lies_between_steps) {
  // Indices 0, 0.4, 0.8, 1.2: the last one inside the window is 0.8.
  const takt::Event start{.steps_per_epoch = 5};
  BOOST_TEST(rates_of(cosine(0, 0.95), 6, start).back() == 0.1);
  BOOST_TEST(rates_of(warmup(0, 0.95), 6, start).back() == 0.4);
  auto coarse = warmup(0, 0.95);
  coarse.cadence.update = 0.4;
  const auto rates = rates_of(coarse, 6, start);
  BOOST_TEST(rates[3] < 0.3);
  BOOST_TEST(rates[4] == 0.4);
}

BOOST_AUTO_TEST_CASE(every_run_through_a_window_ends_on_the_final_rate) {
  BOOST_TEST(rc::check("whatever the window and the update", [] {
    const auto steps_per_epoch = *rc::gen::inRange<std::int64_t>(1, 12);
    const double end = *rc::gen::inRange(1, 300) * 0.01;
    auto settings = *rc::gen::arbitrary<bool>() ? cosine(0, end) : warmup(0, end);
    if (*rc::gen::arbitrary<bool>()) settings.cadence.update = *rc::gen::inRange(1, 100) * 0.01;
    const double last = settings.schedule == "cosine" ? 0.1 : 0.4;
    RC_ASSERT(rates_of(settings, 40, {.steps_per_epoch = steps_per_epoch}).back() == last);
  }));
}

BOOST_AUTO_TEST_CASE(a_warmup_and_a_cosine_follow_each_other) {
  Loop loop{{.steps_per_epoch = 2}};
  auto first = warmup(0, 1);
  first.name = "warm-up";
  loop.bus.emplace<LearningRateModifier>(first);
  loop.bus.emplace<LearningRateModifier>(cosine(1, 2));
  loop.bus.initialize();
  check_close(loop.run(5), {0.1, 0.25, 0.4, 0.25, 0.1});
}

BOOST_AUTO_TEST_CASE(the_rate_stays_as_it_was_last_set_after_the_end) {
  Loop loop;
  loop.bus.emplace<LearningRateModifier>(LearningRateSettings{
      .cadence = {.end = 2}, .schedule = "exponential", .learning_rate = 8, .gamma = 0.5});
  loop.bus.initialize();
  check_close(loop.run(5), {8, 4, 2, 2, 2});
  BOOST_TEST(loop.optimizer.sets == 3);
}

BOOST_AUTO_TEST_CASE(the_rate_is_set_only_where_the_cadence_is_due) {
  Loop loop;
  loop.bus.emplace<LearningRateModifier>(LearningRateSettings{.cadence = {.start = 2, .update = 3},
                                                              .schedule = "exponential",
                                                              .learning_rate = 8,
                                                              .gamma = 0.5});
  loop.bus.initialize();
  check_close(loop.run(7), {-1, -1, -1, 4, 4, 4, 0.5});
}

BOOST_AUTO_TEST_CASE(a_whole_batch_sees_one_rate) {
  Loop loop;
  loop.bus.emplace<LearningRateModifier>(warmup(0, 3));
  std::vector<double> seen;
  for (const auto type : {takt::EventType::BATCH_START, takt::EventType::LOSS_CALCULATED,
                          takt::EventType::OPTIM_PRE_STEP, takt::EventType::BATCH_END}) {
    loop.bus.connect(
        type, [&](const takt::Event&, const takt::State&) { seen.push_back(loop.optimizer.rate); });
  }
  loop.bus.initialize();
  loop.step();
  loop.bus.batch([](takt::Batch& batch) {
    batch.loss(1.0);
    batch.step([] {});
  });
  check_close(seen, {0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2});
}

BOOST_AUTO_TEST_CASE(a_batch_that_comes_again_gets_the_same_rate) {
  Loop loop;
  loop.bus.emplace<LearningRateModifier>(warmup(0, 3));
  loop.bus.initialize();
  loop.step();
  loop.bus.batch_start();
  loop.bus.abort_batch();
  check_close(loop.run(2), {0.2, 0.3});
}

BOOST_AUTO_TEST_CASE(a_state_without_an_optimizer_is_an_error_that_names_it) {
  takt::EventBus bus;
  bus.emplace<LearningRateModifier>(LearningRateSettings{.learning_rate = 0.1});
  bus.initialize();
  try {
    bus.batch_start();
    BOOST_FAIL("no error");
  } catch (const takt::ModifierError& error) {
    BOOST_CHECK_THROW(std::rethrow_if_nested(error), takt::MissingState);
    BOOST_TEST(std::string{error.what()}.find("Optimizer") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(the_name_and_the_cadence_are_those_of_the_settings) {
  const LearningRateModifier unnamed{{.learning_rate = 0.1}};
  BOOST_TEST(unnamed.name() == "LearningRateModifier");
  const LearningRateModifier modifier{
      {.name = "rate", .cadence = {.start = 1, .update = 2}, .learning_rate = 0.1}};
  BOOST_TEST(modifier.name() == "rate");
  BOOST_TEST((modifier.cadence() == takt::Cadence{.start = 1, .update = 2}));
  BOOST_TEST((modifier.interests().due == takt::EventSet{takt::EventType::BATCH_START}));
}

BOOST_AUTO_TEST_CASE(an_unknown_schedule_is_refused_with_a_list_of_those_there_are) {
  check_refused(
      {.name = "rate", .schedule = "cosin", .learning_rate = 0.1},
      {"\"rate\"", "\"cosin\"",
       "constant, step, exponential, multi_step, cosine, cosine_restarts, linear_warmup"});
}

BOOST_AUTO_TEST_CASE(a_missing_setting_is_refused_by_name) {
  check_refused({}, {"learning_rate is not set"});
  check_refused({.schedule = "step", .learning_rate = 1, .step_size = 2}, {"needs", "gamma"});
  check_refused({.schedule = "step", .learning_rate = 1, .gamma = 0.5}, {"needs", "step_size"});
  check_refused({.schedule = "exponential", .learning_rate = 1}, {"needs", "gamma"});
}

BOOST_AUTO_TEST_CASE(a_number_out_of_its_range_is_refused_with_its_value) {
  check_refused({.learning_rate = -1}, {"learning_rate is -1", "0 or more"});
  check_refused({.learning_rate = not_a_number}, {"learning_rate is nan"});
  check_refused({.learning_rate = infinity}, {"learning_rate is inf"});
  check_refused({.learning_rate = 1, .init_lr = -0.5}, {"init_lr is -0.5"});
  check_refused({.learning_rate = 1, .init_lr = not_a_number}, {"init_lr is nan"});
  check_refused({.learning_rate = 1, .final_lr = -1e-9}, {"final_lr is -1e-09"});
  check_refused({.learning_rate = 1, .final_lr = not_a_number}, {"final_lr is nan"});
  for (const double bad : {0.0, -1.0, not_a_number, infinity}) {
    check_refused({.learning_rate = 1, .gamma = bad}, {"gamma is", "more than 0"});
    check_refused({.learning_rate = 1, .step_size = bad}, {"step_size is", "more than 0"});
  }
  BOOST_CHECK_NO_THROW((LearningRateModifier{{.learning_rate = 0}}));
}

BOOST_AUTO_TEST_CASE(cosine_and_warmup_need_a_finite_end_after_their_start) {
  for (auto settings : {cosine(1, 3), warmup(1, 3)}) {
    settings.cadence.end.reset();
    check_refused(settings, {settings.schedule, "end"});
    settings.cadence.end = infinity;
    check_refused(settings, {settings.schedule, "finite"});
    settings.cadence.end = 1;
    check_refused(settings, {settings.schedule, "after the start, 1"});
    settings.cadence.start.reset();
    settings.cadence.end = 0;
    check_refused(settings, {settings.schedule, "after the start, 0"});
  }
  BOOST_CHECK_NO_THROW((LearningRateModifier{{.cadence = {.end = infinity}, .learning_rate = 1}}));
}

BOOST_AUTO_TEST_CASE(a_cadence_that_makes_no_sense_is_refused_as_such) {
  BOOST_CHECK_THROW((LearningRateModifier{{.cadence = {.update = -1}, .learning_rate = 1}}),
                    takt::InvalidCadence);
  BOOST_CHECK_THROW((LearningRateModifier{{.name = "", .learning_rate = 1}}),
                    takt::InvalidModifier);
}

BOOST_AUTO_TEST_SUITE_END()
