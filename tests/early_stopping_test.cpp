// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <takt/modifiers/early_stopping.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

using takt::EarlyStoppingModifier;
using takt::EarlyStoppingSettings;
using takt::MonitorMode;
using takt::test::has;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Loop {
  explicit Loop(const EarlyStoppingSettings& settings, takt::Event start = {})
      : bus{start}, modifier{bus.emplace<EarlyStoppingModifier>(settings)} {
    bus.initialize();
  }

  void step(std::optional<double> loss) {
    bus.batch([&](takt::Batch& batch) {
      if (loss) batch.loss(*loss);
      batch.step([] {});
    });
  }
  /// Steps with these losses until it is asked to stop; how many it took.
  int steps(const std::vector<double>& losses) {
    int taken = 0;
    for (const double loss : losses) {
      if (stops()) break;
      step(loss);
      ++taken;
    }
    return taken;
  }
  [[nodiscard]] bool stops() { return bus.state().control.stop_requested(); }
  [[nodiscard]] std::string reason() { return bus.state().control.stop_reason(); }

  takt::EventBus bus;
  std::shared_ptr<EarlyStoppingModifier> modifier;
};

bool is_refused(const EarlyStoppingSettings& settings, const std::string& word) {
  try {
    const EarlyStoppingModifier modifier{settings};
  } catch (const takt::InvalidModifier& error) {
    BOOST_TEST_MESSAGE(error.what());
    return has(error.what(), '"' + settings.name + '"') && has(error.what(), word);
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(early_stopping)

BOOST_AUTO_TEST_CASE(training_stops_when_patience_is_over_and_the_reason_has_the_numbers) {
  Loop loop{{.name = "stop", .patience = 2}};
  BOOST_TEST(loop.steps({1.0, 0.5, 0.31, 0.4, 0.31, 0.2}) == 5);
  BOOST_TEST(loop.reason() == "stop: no improvement of loss over 0.31 in 2 checks; best at step 2");
  BOOST_TEST(loop.modifier->best().value() == 0.31);
  BOOST_TEST(loop.modifier->best_step().value() == 2);
}

BOOST_AUTO_TEST_CASE(an_improvement_begins_patience_anew) {
  Loop loop{{.patience = 2}};
  BOOST_TEST(loop.steps({5, 6, 4, 6, 3, 6, 2, 6, 1}) == 9);
  BOOST_TEST(!loop.stops());
}

BOOST_AUTO_TEST_CASE(of_an_accuracy_larger_is_better) {
  Loop loop{{.mode = MonitorMode::max, .patience = 2}};
  BOOST_TEST(loop.steps({0.5, 0.6, 0.7, 0.6, 0.5, 0.9}) == 5);
  BOOST_TEST(loop.modifier->best().value() == 0.7);
}

BOOST_AUTO_TEST_CASE(an_improvement_by_min_delta_alone_is_none) {
  Loop loop{{.patience = 2, .min_delta = 0.25}};
  BOOST_TEST(loop.steps({1.0, 0.75, 0.8, 0.5}) == 3);
  BOOST_TEST(has(loop.reason(), "over 1 by 0.25 in 2 checks"));
  Loop more{{.patience = 2, .min_delta = 0.25}};
  BOOST_TEST(more.steps({1.0, 0.75, 0.7, 0.6}) == 4);
  BOOST_TEST(more.modifier->best_step().value() == 2);
  Loop up{{.mode = MonitorMode::max, .patience = 2, .min_delta = 0.25}};
  BOOST_TEST(up.steps({1.0, 1.25, 1.3, 1.5, 1.6}) == 5);
  BOOST_TEST(up.modifier->best_step().value() == 4);
}

BOOST_AUTO_TEST_CASE(only_due_steps_are_checked) {
  Loop loop{{.cadence = {.start = 3, .update = 3}, .patience = 1}};
  BOOST_TEST(loop.steps({0, 9, 9, 2, 9, 9, 1, 9, 9, 2, 9}) == 10);
  BOOST_TEST(loop.modifier->best_step().value() == 6);
}

BOOST_AUTO_TEST_CASE(a_step_of_several_batches_is_one_check) {
  Loop loop{{.patience = 2}, {.batches_per_step = 3}};
  const auto batch = [&](double loss, bool step) {
    loop.bus.batch([&](takt::Batch& open) {
      open.loss(loss);
      if (step) open.step([] {});
    });
  };
  for (int i = 0; i < 2; ++i) {
    batch(0.1, false);
    batch(0.1, false);
    batch(1.0, true);
  }
  BOOST_TEST(!loop.stops());
  BOOST_TEST(loop.modifier->best().value() == 1.0);
  batch(2.0, true);
  BOOST_TEST(loop.stops());
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_aborted_is_no_check) {
  Loop loop{{.patience = 1}};
  loop.step(1.0);
  loop.bus.batch_start();
  loop.bus.loss_calculated(2.0);
  loop.bus.optim_pre_step();
  loop.bus.optim_post_step();
  loop.bus.abort_batch();
  loop.bus.batch([](takt::Batch& open) { open.loss(2.0); });
  BOOST_TEST(!loop.stops());
  loop.step(2.0);
  BOOST_TEST(loop.stops());
}

BOOST_AUTO_TEST_CASE(the_request_comes_at_batch_end_and_not_before) {
  Loop loop{{.patience = 1}};
  loop.step(1.0);
  loop.bus.batch_start();
  loop.bus.loss_calculated(2.0);
  loop.bus.optim_pre_step();
  loop.bus.optim_post_step();
  BOOST_TEST(!loop.stops());
  loop.bus.batch_end();
  BOOST_TEST(loop.stops());
}

BOOST_AUTO_TEST_CASE(a_metric_is_monitored_by_its_name) {
  Loop loop{{.monitor = "accuracy", .mode = MonitorMode::max, .patience = 1}};
  loop.bus.state().metrics = {{"accuracy", 0.5}, {"f1", 0.1}};
  loop.step(1.0);
  loop.bus.state().metrics["f1"] = 0.2;
  loop.step(0.5);
  BOOST_TEST(loop.stops());
  BOOST_TEST(has(loop.reason(), "no improvement of accuracy over 0.5 in 1 check; best at step 0"));
}

BOOST_AUTO_TEST_CASE(a_metric_that_comes_late_is_waited_for) {
  Loop loop{{.monitor = "accuracy", .patience = 3}};
  loop.step(1.0);
  loop.step(1.0);
  loop.bus.state().metrics["accuracy"] = 0.5;
  loop.step(1.0);
  loop.bus.state().metrics.clear();
  loop.step(1.0);  // the wait begins anew
  loop.step(1.0);
  BOOST_TEST(loop.modifier->best_step().value() == 2);
  BOOST_TEST(!loop.stops());
}

BOOST_AUTO_TEST_CASE(a_metric_that_does_not_come_is_an_error_that_names_those_there_are) {
  Loop loop{{.monitor = "acuracy", .patience = 2}};
  loop.bus.state().metrics = {{"accuracy", 0.5}, {"f1", 0.1}};
  loop.step(1.0);
  BOOST_CHECK_EXCEPTION(loop.step(1.0), takt::ModifierError, [](const takt::ModifierError& error) {
    BOOST_TEST_MESSAGE(error.what());
    return has(error.what(), "no metric \"acuracy\"") && has(error.what(), "has accuracy, f1");
  });
  loop.bus.state().metrics.clear();
  loop.step(1.0);
  BOOST_CHECK_EXCEPTION(loop.step(1.0), takt::ModifierError, [](const takt::ModifierError& error) {
    return has(error.what(), "the state has no metrics");
  });
}

BOOST_AUTO_TEST_CASE(a_loss_that_is_never_told_is_an_error) {
  Loop loop{{.patience = 1}};
  BOOST_CHECK_EXCEPTION(
      loop.step(std::nullopt), takt::ModifierError,
      [](const takt::ModifierError& error) { return has(error.what(), "loss_calculated"); });
}

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finite_stops_at_once) {
  for (const double value : {not_a_number, infinity, -infinity}) {
    Loop loop{{.name = "stop", .patience = 100}};
    BOOST_TEST(loop.steps({1.0, value, 1.0}) == 2);
    BOOST_TEST(has(loop.reason(), "stop: loss is "));
    BOOST_TEST(has(loop.reason(), " at step 1"));
    BOOST_TEST(loop.modifier->best().value() == 1.0);
  }
}

BOOST_AUTO_TEST_CASE(without_check_finite_it_is_a_check_without_improvement) {
  Loop loop{{.patience = 3, .threshold = -5, .divergence = 50, .check_finite = false}};
  BOOST_TEST(
      loop.steps({1.0, -infinity, not_a_number, 0.5, infinity, not_a_number, -infinity, 0.1}) == 7);
  BOOST_TEST(loop.modifier->best().value() == 0.5);
  Loop never{{.patience = 2, .check_finite = false}};
  BOOST_TEST(never.steps({not_a_number, not_a_number, not_a_number}) == 2);
  BOOST_TEST(has(never.reason(), "no improvement of loss in 2 checks"));
  BOOST_TEST(!never.modifier->best().has_value());
}

BOOST_AUTO_TEST_CASE(training_stops_when_the_threshold_is_reached) {
  Loop loop{{.threshold = 0.25}};
  BOOST_TEST(loop.steps({1.0, 0.26, 0.25, 0.1}) == 3);
  BOOST_TEST(has(loop.reason(), "loss 0.25 has reached threshold 0.25 at step 2"));
  Loop up{{.mode = MonitorMode::max, .threshold = 0.9}};
  BOOST_TEST(up.steps({0.5, 0.8, 0.95, 0.99}) == 3);
}

BOOST_AUTO_TEST_CASE(training_stops_beyond_the_divergence) {
  Loop loop{{.divergence = 10}};
  BOOST_TEST(loop.steps({10, 9, 11, 8}) == 3);
  BOOST_TEST(has(loop.reason(), "loss 11 is beyond divergence 10 at step 2"));
  Loop up{{.mode = MonitorMode::max, .divergence = 0.1}};
  BOOST_TEST(up.steps({0.1, 0.2, 0.05, 0.3}) == 3);
}

BOOST_AUTO_TEST_CASE(a_save_is_asked_for_at_each_improvement_when_set) {
  Loop loop{{.patience = 10, .save_best = true}};
  std::vector<bool> saves;
  for (const double loss : {1.0, 2.0, 0.5, 0.5}) {
    loop.step(loss);
    saves.push_back(loop.bus.state().control.take_save_request());
  }
  BOOST_TEST((saves == std::vector<bool>{true, false, true, false}));
  Loop silent{{}};
  silent.step(1.0);
  BOOST_TEST(!silent.bus.state().control.take_save_request());
}

/// The rule in plain words, for checks that all find a number.
int checks_until_stop(const std::vector<double>& values, MonitorMode mode, std::int64_t patience,
                      double delta) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double gain =
        mode == MonitorMode::min ? values[best] - values[i] : values[i] - values[best];
    if (gain > delta) best = i;
    if (static_cast<std::int64_t>(i - best) == patience) return static_cast<int>(i) + 1;
  }
  return static_cast<int>(values.size());
}

BOOST_AUTO_TEST_CASE(any_course_is_stopped_when_the_rule_says_so) {
  BOOST_TEST(rc::check("as many checks as the rule in plain words", [] {
    // Quarters, so that the arithmetic is exact.
    std::vector<double> values;
    for (const int each : *rc::gen::container<std::vector<int>>(rc::gen::inRange(-20, 20))) {
      values.push_back(each / 4.0);
    }
    const auto mode = *rc::gen::element(MonitorMode::min, MonitorMode::max);
    const auto patience = *rc::gen::inRange<std::int64_t>(1, 6);
    const double delta = *rc::gen::inRange(0, 8) / 4.0;
    Loop loop{{.mode = mode, .patience = patience, .min_delta = delta}};
    RC_ASSERT(loop.steps(values) == checks_until_stop(values, mode, patience, delta));
    RC_ASSERT(loop.modifier->best().has_value() == !values.empty());
  }));
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  BOOST_TEST(is_refused({.monitor = ""}, "monitor is empty"));
  BOOST_TEST(is_refused({.patience = 0}, "patience is 0; it is 1 or more"));
  BOOST_TEST(is_refused({.min_delta = -0.5}, "min_delta is -0.5; it is 0 or more"));
  BOOST_TEST(is_refused({.min_delta = not_a_number}, "min_delta is nan"));
  BOOST_TEST(is_refused({.min_delta = infinity}, "min_delta is inf"));
  BOOST_TEST(is_refused({.threshold = not_a_number}, "threshold is NaN"));
  BOOST_TEST(is_refused({.divergence = not_a_number}, "divergence is NaN"));
  BOOST_TEST(is_refused({.threshold = 2, .divergence = 2}, "no better than divergence 2"));
  BOOST_TEST(is_refused({.mode = MonitorMode::max, .threshold = 1, .divergence = 2}, "exchange"));
  BOOST_CHECK_THROW((EarlyStoppingModifier{{.cadence = {.start = 2, .end = 1}}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_registry_makes_it) {
  const takt::Registry& registry = takt::Registry::builtin();
  takt::EventBus bus;
  bus.add(registry.make("EarlyStoppingModifier",
                        {{"monitor", "accuracy"}, {"mode", "max"}, {"patience", 1}}));
  bus.initialize();
  bus.state().metrics["accuracy"] = 0.5;
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(!bus.state().control.stop_requested());
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }
  BOOST_TEST(bus.state().control.stop_requested());
  BOOST_CHECK_THROW((void)registry.make("EarlyStoppingModifier", {{"patience", 0}}),
                    takt::SettingError);
  BOOST_CHECK_THROW((void)registry.make("EarlyStoppingModifier", {{"mode", "minimum"}}),
                    takt::SettingError);
}

BOOST_AUTO_TEST_SUITE_END()
