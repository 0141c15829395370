// SPDX-License-Identifier: BSL-1.0
// What hooks and observers throw, under `ErrorPolicy::propagate` and `collect`.
#include <array>
#include <boost/test/unit_test.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::At;
using takt::BusOptions;
using takt::ErrorPolicy;
using takt::Event;
using takt::ModifierError;
using takt::Phase;
using takt::State;
using enum takt::EventType;

constexpr BusOptions propagate{.errors = ErrorPolicy::propagate};
constexpr BusOptions collect{.errors = ErrorPolicy::collect};
constexpr std::array throwing_policies{propagate, collect};

/// Three modifiers that hear BATCH_START in both ways, and whose window is steps 1 and 2; the bus
/// stands at step 1, before their start.
struct Trio : ProbedBus {
  explicit Trio(BusOptions options) : ProbedBus{{.global_step = 1, .global_batch = 1}, options} {
    for (const char* const name : {"a", "b", "c"}) {
      probes.push_back(
          add(name, {.start = 1.0, .end = 2.0}, {.due = BATCH_START, .every = BATCH_START}));
    }
  }

  Probe& a() { return *probes[0]; }
  Probe& b() { return *probes[1]; }
  Probe& c() { return *probes[2]; }

  std::vector<std::shared_ptr<Probe>> probes;
};

/// The error that a call throws, which has to be a ModifierError.
template <class Call>
std::optional<ModifierError> error_of(Call call) {
  try {
    call();
  } catch (const ModifierError& error) {
    return error;
  }
  return std::nullopt;
}

/// The text of the exception nested in an error.
std::string cause_of(const ModifierError& error) {
  try {
    error.rethrow_nested();
  } catch (const std::exception& cause) {
    return cause.what();
  }
}

/// An observer that throws.
auto thrower(const std::string& text) {
  return [text](const Event&, const State&) { throw std::out_of_range(text); };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_errors)

// What still runs.

BOOST_AUTO_TEST_CASE(every_modifier_is_initialized_though_one_fails_to) {
  for (const BusOptions options : throwing_policies) {
    Trio run{options};
    run.b().breaks("on_initialize");
    BOOST_CHECK_THROW(run.bus.initialize(), ModifierError);
    BOOST_TEST(run.take() == (Lines{"a on_initialize initialize 1", "b on_initialize initialize 1",
                                    "c on_initialize initialize 1"}),
               per_element());
    run.step();  // the bus is initialized
  }
}

BOOST_AUTO_TEST_CASE(propagate_starts_the_others_and_skips_the_rest_when_on_start_throws) {
  Trio run{propagate};
  run.b().breaks("on_start");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1", "a on_event batch_start 1",
                                  "a on_update batch_start 1", "b on_start batch_start 1",
                                  "c on_start batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(collect_runs_everything_else_when_on_start_throws) {
  Trio run{collect};
  run.b().breaks("on_start");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1", "a on_event batch_start 1",
                                  "a on_update batch_start 1", "b on_start batch_start 1",
                                  "c on_start batch_start 1", "c on_event batch_start 1",
                                  "c on_update batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(propagate_skips_the_remaining_hooks_when_on_event_throws) {
  Trio run{propagate};
  run.b().breaks("on_event");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1", "a on_event batch_start 1",
                                  "a on_update batch_start 1", "b on_start batch_start 1",
                                  "b on_event batch_start 1", "c on_start batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(collect_runs_everything_else_when_on_event_throws) {
  Trio run{collect};
  run.b().breaks("on_event");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 1", "a on_event batch_start 1",
                                  "a on_update batch_start 1", "b on_start batch_start 1",
                                  "b on_event batch_start 1", "b on_update batch_start 1",
                                  "c on_start batch_start 1", "c on_event batch_start 1",
                                  "c on_update batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(propagate_skips_the_remaining_hooks_when_on_update_throws) {
  Trio run{propagate};
  run.b().breaks("on_update");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take("b") == (Lines{"b on_start batch_start 1", "b on_event batch_start 1",
                                     "b on_update batch_start 1"}),
             per_element());
  run.bus.abort_batch();
  run.take();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take() == (Lines{"a on_event batch_start 1", "a on_update batch_start 1",
                                  "b on_event batch_start 1", "b on_update batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(collect_runs_everything_else_when_on_update_throws) {
  Trio run{collect};
  run.b().breaks("on_update");
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_TEST(run.take("c") == (Lines{"c on_start batch_start 1", "c on_event batch_start 1",
                                     "c on_update batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(propagate_skips_plain_updates_after_one_that_throws_and_collect_does_not) {
  for (const BusOptions options : throwing_policies) {
    ProbedBus run{{}, options};
    for (const char* const name : {"a", "b", "c"}) run.add(name, {}, {.due = LOSS_CALCULATED});
    const auto broken = run.bus.modifiers()[1];
    static_cast<Probe&>(*broken).breaks("on_update");
    run.begin();
    run.bus.batch_start();
    run.take();
    BOOST_CHECK_THROW(run.bus.loss_calculated(1.0), ModifierError);
    Lines expected{"a on_update loss_calculated 0", "b on_update loss_calculated 0"};
    if (options.errors == ErrorPolicy::collect) expected.push_back("c on_update loss_calculated 0");
    BOOST_TEST(run.take() == expected, per_element());
  }
}

BOOST_AUTO_TEST_CASE(every_modifier_is_ended_though_an_update_of_the_same_event_throws) {
  ProbedBus run{{}, propagate};
  for (const char* const name : {"a", "b", "c"}) run.add(name, {.end = 0.0}, {.due = BATCH_END});
  static_cast<Probe&>(*run.bus.modifiers()[1]).breaks("on_update");
  run.begin();
  BOOST_CHECK_THROW(run.step(), ModifierError);
  BOOST_TEST(
      run.take() ==
          (Lines{"a on_start batch_start 0", "b on_start batch_start 0", "c on_start batch_start 0",
                 "a on_update batch_end 0", "a on_end batch_end 0", "b on_update batch_end 0",
                 "b on_end batch_end 0", "c on_abort batch_end 0", "c on_end batch_end 0"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(every_modifier_is_ended_though_one_fails_to) {
  for (const BusOptions options : throwing_policies) {
    Trio run{options};
    run.b().breaks("on_end");
    run.begin();
    run.step();
    run.take();
    BOOST_CHECK_THROW(run.step(), ModifierError);
    Lines lines = run.take();
    lines.erase(lines.begin(), lines.end() - 3);
    BOOST_TEST(
        lines == (Lines{"a on_end batch_end 2", "b on_end batch_end 2", "c on_end batch_end 2"}),
        per_element());
    BOOST_TEST(run.b().phase() == Phase::ended);
    run.bus.finalize();
    BOOST_TEST(run.take() == (Lines{"a on_finalize finalize 3", "b on_finalize finalize 3",
                                    "c on_finalize finalize 3"}),
               per_element());
  }
}

BOOST_AUTO_TEST_CASE(every_modifier_is_finalized_though_one_fails_to_end_or_to_finalize) {
  for (const BusOptions options : throwing_policies) {
    for (const char* const hook : {"on_end", "on_finalize"}) {
      Trio run{options};
      run.b().breaks(hook);
      run.begin();
      run.bus.batch_start();
      run.bus.batch_end();
      run.take();
      BOOST_CHECK_THROW(run.bus.finalize(), ModifierError);
      BOOST_TEST(run.take() == (Lines{"a on_end finalize 1", "a on_finalize finalize 1",
                                      "b on_end finalize 1", "b on_finalize finalize 1",
                                      "c on_end finalize 1", "c on_finalize finalize 1"}),
                 per_element());
      BOOST_CHECK_THROW(run.bus.finalize(), takt::LifecycleError);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_whose_on_start_throws_has_ended_and_owes_no_on_end) {
  for (const BusOptions options : throwing_policies) {
    Trio run{options};
    run.b().breaks("on_start");
    run.begin();
    BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
    BOOST_TEST(run.b().phase() == Phase::ended);
    run.bus.abort_batch();
    run.take();
    run.step(3);
    run.bus.finalize();
    BOOST_TEST(run.take("b") == (Lines{"b on_finalize finalize 4"}), per_element());
  }
}

BOOST_AUTO_TEST_CASE(the_next_emission_runs_in_full_after_one_that_failed) {
  for (const BusOptions options : throwing_policies) {
    Trio run{options};
    run.a().breaks("on_event");
    run.begin();
    BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
    run.a().then.clear();
    run.bus.batch_end();
    run.take();
    run.bus.batch_start();
    BOOST_TEST(run.take() == (Lines{"a on_event batch_start 1", "a on_update batch_start 1",
                                    "b on_event batch_start 1", "b on_update batch_start 1",
                                    "c on_event batch_start 1", "c on_update batch_start 1"}),
               per_element());
  }
}

// The call has taken effect.

BOOST_AUTO_TEST_CASE(after_a_failed_batch_end_the_batch_is_closed_and_the_clock_has_advanced) {
  for (const BusOptions options : throwing_policies) {
    ProbedBus run{{}, options};
    run.add("a", {}, {.due = BATCH_END})->breaks("on_update");
    run.begin();
    run.bus.batch_start();
    run.bus.optim_pre_step();
    run.bus.optim_post_step();
    BOOST_CHECK_THROW(run.bus.batch_end(), ModifierError);
    BOOST_TEST(run.bus.now().global_step == 1);
    BOOST_TEST(run.bus.now().global_batch == 1);
    BOOST_CHECK_THROW(run.bus.batch_end(), takt::LifecycleError);
    run.bus.batch_start();
  }
}

BOOST_AUTO_TEST_CASE(every_other_call_takes_effect_though_a_hook_throws_in_it) {
  constexpr takt::EventSet inner{BATCH_START,     LOSS_CALCULATED,         OPTIM_PRE_STEP,
                                 OPTIM_POST_STEP, CALIBRATION_EPOCH_START, SEQUENTIAL_EPOCH_END,
                                 BATCH_END,       CALIBRATION_EPOCH_END};
  ProbedBus run;
  run.add("a", {}, {.every = inner})->breaks("on_event");
  run.begin();
  BOOST_CHECK_THROW(run.bus.calibration_epoch_start(), ModifierError);
  BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
  BOOST_CHECK_THROW(run.bus.loss_calculated(0.5), ModifierError);
  BOOST_TEST(run.bus.state().loss.value() == 0.5);
  BOOST_CHECK_THROW(run.bus.optim_pre_step(), ModifierError);
  BOOST_CHECK_THROW(run.bus.optim_post_step(), ModifierError);
  BOOST_CHECK_THROW(run.bus.batch_end(), ModifierError);
  BOOST_TEST(run.bus.now().global_step == 1);
  BOOST_CHECK_THROW(run.bus.sequential_epoch_end({"fc1"}), ModifierError);
  BOOST_TEST(run.bus.state().layers == (Lines{"fc1"}), per_element());
  BOOST_CHECK_THROW(run.bus.calibration_epoch_end(), ModifierError);
  run.bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_modifier_is_on_the_bus_though_its_on_initialize_throws_as_it_is_added) {
  ProbedBus run;
  run.begin();
  run.step();
  const auto a = run.make("a");
  a->breaks("on_initialize");
  const auto error = error_of([&] { run.bus.add(a); });
  BOOST_TEST_REQUIRE(error.has_value());
  BOOST_TEST(error->hook() == "on_initialize");
  BOOST_TEST(error->event() == INITIALIZE);
  BOOST_TEST(error->step() == 1);
  BOOST_TEST(run.bus.modifiers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_modifier_is_off_the_bus_though_its_last_hooks_throw_as_it_is_removed) {
  ProbedBus run;
  const auto a = run.add("a");
  a->breaks("on_end");
  a->then["on_finalize"] = [](State&, const Event&) { throw 1; };
  run.begin();
  run.step();
  const auto error = error_of([&] { run.bus.remove("a"); });
  BOOST_TEST_REQUIRE(error.has_value());
  BOOST_TEST(error->hook() == "on_end");
  BOOST_TEST(error->event() == FINALIZE);
  BOOST_TEST(error->further().size() == 1U);
  BOOST_TEST(run.bus.modifiers().empty());
  BOOST_TEST(run.take().back() == "a on_finalize finalize 1");
}

BOOST_AUTO_TEST_CASE(what_throws_in_queued_work_reaches_the_caller_of_the_emission) {
  ProbedBus run;
  const auto a = run.add("a", {.end = 0.0}, {.due = BATCH_START});
  const auto added = run.make("new");
  added->breaks("on_initialize");
  a->then["on_update"] = [&](State&, const Event&) { run.bus.add(added); };
  run.begin();
  const auto error = error_of([&] { run.bus.batch_start(); });
  BOOST_TEST_REQUIRE(error.has_value());
  BOOST_TEST(error->modifier() == "new");
  BOOST_TEST(error->event() == INITIALIZE);
}

// The error.

BOOST_AUTO_TEST_CASE(the_error_tells_modifier_hook_event_and_step_and_nests_the_original) {
  for (const BusOptions options : throwing_policies) {
    Trio run{options};
    run.b().breaks("on_update");
    run.begin();
    const auto error = error_of([&] { run.bus.batch_start(); });
    BOOST_TEST_REQUIRE(error.has_value());
    BOOST_TEST(error->modifier() == "b");
    BOOST_TEST(error->hook() == "on_update");
    BOOST_TEST(error->event() == BATCH_START);
    BOOST_TEST(error->step() == 1);
    BOOST_TEST(error->further().empty());
    BOOST_TEST(cause_of(*error) == "b broke on_update");
    BOOST_TEST(std::string{error->what()}.find("b broke on_update") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(each_hook_is_called_by_its_name_in_the_error) {
  struct Case {
    const char* hook;
    takt::EventType event;
    std::int64_t step;
  };
  for (const Case& expected :
       {Case{"on_initialize", INITIALIZE, 1}, Case{"on_start", BATCH_START, 1},
        Case{"on_event", BATCH_START, 1}, Case{"on_update", BATCH_START, 1},
        Case{"on_end", BATCH_END, 2}, Case{"on_finalize", FINALIZE, 4}}) {
    BOOST_TEST_CONTEXT(expected.hook) {
      Trio run{propagate};
      run.b().breaks(expected.hook);
      const auto error = error_of([&] {
        run.bus.initialize();
        run.step(3);
        run.bus.finalize();
      });
      BOOST_TEST_REQUIRE(error.has_value());
      BOOST_TEST(error->hook() == expected.hook);
      BOOST_TEST(error->event() == expected.event);
      BOOST_TEST(error->step() == expected.step);
    }
  }
}

BOOST_AUTO_TEST_CASE(several_failures_of_one_emission_are_listed_in_their_order) {
  Trio run{collect};
  run.a().breaks("on_event");
  run.a().breaks("on_update");
  run.c().breaks("on_start");
  run.begin();
  const auto error = error_of([&] { run.bus.batch_start(); });
  BOOST_TEST_REQUIRE(error.has_value());
  BOOST_TEST(error->modifier() == "a");
  BOOST_TEST(error->hook() == "on_event");
  BOOST_TEST_REQUIRE(error->further().size() == 2U);
  BOOST_TEST(error->further()[0].find("a broke on_update") != std::string::npos);
  BOOST_TEST(error->further()[1].find("c broke on_start") != std::string::npos);
  for (const std::string& line : error->further()) {
    BOOST_TEST(std::string{error->what()}.find(line) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(propagate_lists_what_failed_in_the_hooks_that_still_ran) {
  Trio run{propagate};
  run.a().breaks("on_update");
  run.b().breaks("on_start");
  run.c().breaks("on_update");  // is skipped
  run.begin();
  const auto error = error_of([&] { run.bus.batch_start(); });
  BOOST_TEST_REQUIRE(error.has_value());
  BOOST_TEST(error->modifier() == "a");
  BOOST_TEST_REQUIRE(error->further().size() == 1U);
  BOOST_TEST(error->further().front().find("b broke on_start") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_exception_that_is_no_std_exception_is_nested_as_it_is) {
  for (const BusOptions options : throwing_policies) {
    Trio run{options};
    run.b().then["on_update"] = [](State&, const Event&) { throw 42; };
    run.begin();
    const auto error = error_of([&] { run.bus.batch_start(); });
    BOOST_TEST_REQUIRE(error.has_value());
    BOOST_TEST(error->modifier() == "b");
    BOOST_CHECK_EXCEPTION(error->rethrow_nested(), int, [](int value) { return value == 42; });
  }
}

// Observers.

BOOST_AUTO_TEST_CASE(an_observers_exception_reaches_the_caller_after_all_others_have_run) {
  for (const ErrorPolicy policy :
       {ErrorPolicy::propagate, ErrorPolicy::collect, ErrorPolicy::quarantine}) {
    ProbedBus run{{}, {.errors = policy}};
    run.add("a", {}, {.due = BATCH_END});
    run.bus.connect(BATCH_END, thrower("too soon"), At::before);
    for (const At at : {At::before, At::after}) {
      run.bus.connect(
          BATCH_END, [&](const Event&, const State&) { run.log.push_back("seen"); }, at);
    }
    run.begin();
    run.bus.batch_start();
    run.take();
    BOOST_CHECK_EXCEPTION(run.bus.batch_end(), std::out_of_range, [](const std::exception& error) {
      return error.what() == std::string{"too soon"};
    });
    BOOST_TEST(run.take() == (Lines{"seen", "a on_update batch_end 0", "seen"}), per_element());
    BOOST_TEST(run.bus.now().global_batch == 1);
  }
}

BOOST_AUTO_TEST_CASE(of_several_observers_exceptions_the_first_reaches_the_caller) {
  takt::EventBus bus;
  bus.connect(BATCH_START, thrower("after"), At::after);
  bus.connect(BATCH_START, thrower("first"), At::before);
  bus.connect(BATCH_START, thrower("second"), At::before);
  bus.initialize();
  BOOST_CHECK_EXCEPTION(bus.batch_start(), std::out_of_range, [](const std::exception& error) {
    return error.what() == std::string{"first"};
  });
}

BOOST_AUTO_TEST_CASE(an_observers_exception_that_is_no_std_exception_reaches_the_caller) {
  takt::EventBus bus;
  int answer = 42;
  bus.connect(BATCH_START, [&](const Event&, const State&) { throw answer; });
  bus.initialize();
  BOOST_CHECK_EXCEPTION(bus.batch_start(), int, [](int value) { return value == 42; });
}

BOOST_AUTO_TEST_CASE(an_observers_exception_is_listed_in_a_modifiers_error) {
  for (const BusOptions options : throwing_policies) {
    for (const At at : {At::before, At::after}) {
      Trio run{options};
      run.b().breaks("on_update");
      run.bus.connect(BATCH_START, thrower("too soon"), at);
      run.begin();
      const auto error = error_of([&] { run.bus.batch_start(); });
      BOOST_TEST_REQUIRE(error.has_value());
      BOOST_TEST(error->modifier() == "b");
      BOOST_TEST_REQUIRE(error->further().size() == 1U);
      BOOST_TEST(error->further().front().find("too soon") != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
