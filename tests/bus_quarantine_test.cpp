// SPDX-License-Identifier: BSL-1.0
// `ErrorPolicy::quarantine`; and, under every policy, that no lifecycle is torn.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::ErrorPolicy;
using takt::Event;
using takt::ModifierError;
using takt::Phase;
using takt::State;
using enum takt::EventType;

/// Three modifiers that hear BATCH_START in both ways until step 2, and a log of what `on_error`
/// was told.
struct Trio : ProbedBus {
  explicit Trio(ErrorPolicy policy = ErrorPolicy::quarantine) : ProbedBus{{}, {.errors = policy}} {
    for (const char* const name : {"a", "b", "c"}) {
      probes.push_back(add(name, {.end = 2.0}, {.due = BATCH_START, .every = BATCH_START}));
    }
    bus.on_error([this](const ModifierError& error) {
      told.push_back(error.modifier() + " " + error.hook() + " " + takt::to_string(error.event()) +
                     " " + std::to_string(error.step()));
    });
  }

  Probe& b() { return *probes[1]; }

  std::vector<std::shared_ptr<Probe>> probes;
  Lines told;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_quarantine)

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_in_on_update_is_aborted_and_ended_and_heard_no_more) {
  Trio run;
  run.b().breaks("on_update");
  run.begin();
  run.step(4);
  run.bus.finalize();
  BOOST_TEST(run.take("b") == (Lines{"b on_start batch_start 0", "b on_event batch_start 0",
                                     "b on_update batch_start 0", "b on_abort batch_start 0",
                                     "b on_end batch_start 0"}),
             per_element());
  BOOST_TEST(run.told == (Lines{"b on_update batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_in_on_event_runs_no_on_update_after_it) {
  Trio run;
  run.b().breaks("on_event");
  run.begin();
  run.step(4);
  run.bus.finalize();
  BOOST_TEST(run.take("b") == (Lines{"b on_start batch_start 0", "b on_event batch_start 0",
                                     "b on_abort batch_start 0", "b on_end batch_start 0"}),
             per_element());
  BOOST_TEST(run.told == (Lines{"b on_event batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_in_on_start_owes_no_on_end) {
  Trio run;
  run.b().breaks("on_start");
  run.begin();
  run.step(4);
  run.bus.finalize();
  BOOST_TEST(run.take("b") == (Lines{"b on_start batch_start 0"}), per_element());
  BOOST_TEST(run.told == (Lines{"b on_start batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_in_on_end_has_had_it) {
  Trio run;
  run.b().breaks("on_end");
  run.begin();
  run.step(2);
  run.take();
  run.step(2);
  run.bus.finalize();
  BOOST_TEST(run.take("b") == (Lines{"b on_event batch_start 2", "b on_update batch_start 2",
                                     "b on_end batch_end 2"}),
             per_element());
  BOOST_TEST(run.told == (Lines{"b on_end batch_end 2"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_in_on_initialize_is_never_heard_again) {
  Trio run;
  run.b().breaks("on_initialize");
  run.bus.initialize();
  run.step(4);
  run.bus.finalize();
  BOOST_TEST(run.take("b") == (Lines{"b on_initialize initialize 0"}), per_element());
  BOOST_TEST(run.told == (Lines{"b on_initialize initialize 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_in_on_finalize_is_quarantined_at_the_very_end) {
  Trio run;
  run.b().breaks("on_finalize");
  run.begin();
  run.step();
  run.take();
  run.bus.finalize();
  BOOST_TEST(run.take() == (Lines{"a on_end finalize 1", "a on_finalize finalize 1",
                                  "b on_end finalize 1", "b on_finalize finalize 1",
                                  "c on_end finalize 1", "c on_finalize finalize 1"}),
             per_element());
  BOOST_TEST(run.b().phase() == Phase::quarantined);
  BOOST_TEST(run.told == (Lines{"b on_finalize finalize 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(training_goes_on_for_the_others) {
  Trio run;
  run.b().breaks("on_update");
  run.begin();
  run.step();
  BOOST_TEST(run.bus.now().global_step == 1);
  Lines lines = run.take();
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("b"); });
  BOOST_TEST(lines == (Lines{"a on_start batch_start 0", "a on_event batch_start 0",
                             "a on_update batch_start 0", "c on_start batch_start 0",
                             "c on_event batch_start 0", "c on_update batch_start 0"}),
             per_element());
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_event batch_start 1", "a on_update batch_start 1",
                                  "c on_event batch_start 1", "c on_update batch_start 1"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_quarantine_outside_a_batch_aborts_and_ends_the_modifier_too) {
  ProbedBus run{{}, {.errors = ErrorPolicy::quarantine}};
  run.add("a", {}, {.every = SEQUENTIAL_EPOCH_END})->breaks("on_event");
  run.begin();
  run.bus.calibration_epoch([&] { run.bus.sequential_epoch_end(); });
  BOOST_TEST(run.take() ==
                 (Lines{"a on_start calibration_epoch_start 0", "a on_event sequential_epoch_end 0",
                        "a on_abort sequential_epoch_end 0", "a on_end sequential_epoch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_quarantined_modifier_is_not_told_of_a_later_abort) {
  Trio run;
  run.b().breaks("on_update");
  run.begin();
  run.bus.batch_start();
  run.take();
  run.bus.abort_batch();
  BOOST_TEST(run.take() == (Lines{"a on_abort none 0", "c on_abort none 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(the_quarantined_are_listed_and_have_that_phase) {
  Trio run;
  run.begin();
  BOOST_TEST(run.bus.quarantined().empty());
  run.b().breaks("on_update");
  run.step();
  BOOST_TEST(run.b().phase() == Phase::quarantined);
  BOOST_TEST_REQUIRE(run.bus.quarantined().size() == 1U);
  BOOST_TEST(run.bus.quarantined().front() == run.probes[1]);
  BOOST_TEST(run.bus.modifiers().size() == 3U);
  run.bus.finalize();
  BOOST_TEST(run.b().phase() == Phase::quarantined);
  BOOST_TEST(run.bus.quarantined().size() == 1U);
}

BOOST_AUTO_TEST_CASE(several_modifiers_may_be_quarantined_at_one_event) {
  Trio run;
  run.probes[0]->breaks("on_update");
  run.probes[2]->breaks("on_event");
  run.begin();
  run.step();
  BOOST_TEST(run.told == (Lines{"a on_update batch_start 0", "c on_event batch_start 0"}),
             per_element());
  BOOST_TEST(run.bus.quarantined().size() == 2U);
  BOOST_TEST(run.b().phase() == Phase::active);
}

BOOST_AUTO_TEST_CASE(a_quarantined_modifier_can_be_removed_and_runs_no_hook_then) {
  Trio run;
  run.b().breaks("on_update");
  run.begin();
  run.step();
  run.take();
  BOOST_CHECK_THROW(run.add("b"), takt::InvalidModifier);
  BOOST_TEST(run.bus.remove("b"));
  BOOST_TEST(run.take().empty());
  BOOST_TEST(run.bus.quarantined().empty());
  run.add("b");
  BOOST_TEST(run.take() == (Lines{"b on_initialize initialize 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_throws_as_it_is_added_or_removed_is_quarantined) {
  Trio run;
  run.begin();
  const auto late = run.make("late");
  late->breaks("on_initialize");
  run.bus.add(late);
  BOOST_TEST(late->phase() == Phase::quarantined);
  run.b().breaks("on_finalize");
  BOOST_TEST(run.bus.remove("b"));
  BOOST_TEST(run.b().phase() == Phase::quarantined);
  BOOST_TEST(run.told == (Lines{"late on_initialize initialize 0", "b on_finalize finalize 0"}),
             per_element());
}

// on_error.

BOOST_AUTO_TEST_CASE(on_error_is_told_the_original_exception) {
  Trio run;
  run.b().then["on_update"] = [](State&, const Event&) { throw 42; };
  int nested = 0;
  std::size_t further = 1;
  run.bus.on_error([&](const ModifierError& error) {
    further = error.further().size();
    try {
      error.rethrow_nested();
    } catch (int value) {
      nested = value;
    }
  });
  run.begin();
  run.step();
  BOOST_TEST(nested == 42);
  BOOST_TEST(further == 0U);
}

BOOST_AUTO_TEST_CASE(on_error_is_told_when_the_last_on_end_throws_as_well) {
  Trio run;
  run.b().breaks("on_update");
  run.b().breaks("on_end");
  std::vector<ModifierError> errors;
  run.bus.on_error([&](const ModifierError& error) { errors.push_back(error); });
  run.begin();
  run.step(3);
  run.bus.finalize();
  BOOST_TEST_REQUIRE(errors.size() == 1U);
  BOOST_TEST(errors.front().hook() == "on_update");
  BOOST_TEST_REQUIRE(errors.front().further().size() == 1U);
  BOOST_TEST(errors.front().further().front().find("b broke on_end") != std::string::npos);
  BOOST_TEST(std::ranges::count(run.log, "b on_end batch_start 0") == 1);
}

BOOST_AUTO_TEST_CASE(on_error_is_told_once_the_modifier_is_quarantined) {
  Trio run;
  run.b().breaks("on_update");
  run.bus.on_error([&](const ModifierError&) {
    BOOST_TEST(run.b().phase() == Phase::quarantined);
    BOOST_TEST(run.bus.quarantined().size() == 1U);
    run.log.push_back("told");
  });
  run.begin();
  run.bus.batch_start();
  const Lines lines = run.take();
  const auto told = std::ranges::find(lines, "told");
  BOOST_TEST_REQUIRE((told != lines.begin() && told != lines.end()));
  BOOST_TEST(*(told - 1) == "b on_end batch_start 0");
}

BOOST_AUTO_TEST_CASE(a_second_handler_replaces_the_first) {
  Trio run;
  run.b().breaks("on_update");
  int calls = 0;
  run.bus.on_error([&](const ModifierError&) { ++calls; });
  run.begin();
  run.step();
  BOOST_TEST(calls == 1);
  BOOST_TEST(run.told.empty());
}

BOOST_AUTO_TEST_CASE(a_quarantine_needs_no_handler) {
  Trio run;
  run.bus.on_error(nullptr);
  run.b().breaks("on_update");
  run.begin();
  run.step();
  BOOST_TEST(run.b().phase() == Phase::quarantined);
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_reaches_the_caller_after_everything_else_has_run) {
  Trio run;
  run.b().breaks("on_update");
  run.bus.on_error([](const ModifierError&) { throw std::out_of_range("no log"); });
  run.bus.connect(BATCH_START, [&](const Event&, const State&) { run.log.push_back("seen"); });
  run.begin();
  BOOST_CHECK_THROW(run.bus.batch_start(), std::out_of_range);
  Lines lines = run.take();
  lines.erase(lines.begin(), lines.end() - 4);
  BOOST_TEST(lines == (Lines{"c on_start batch_start 0", "c on_event batch_start 0",
                             "c on_update batch_start 0", "seen"}),
             per_element());
  BOOST_TEST(run.b().phase() == Phase::quarantined);
  run.bus.batch_end();
}

BOOST_AUTO_TEST_CASE(the_handler_may_remove_the_modifier) {
  Trio run;
  run.b().breaks("on_update");
  run.bus.on_error([&](const ModifierError& error) { run.bus.remove(error.modifier()); });
  run.begin();
  run.step(2);
  BOOST_TEST(run.bus.modifiers().size() == 2U);
  BOOST_TEST(run.bus.quarantined().empty());
  BOOST_TEST(std::ranges::count(run.log, "b on_end batch_start 0") == 1);
}

BOOST_AUTO_TEST_CASE(other_policies_neither_quarantine_nor_tell) {
  for (const ErrorPolicy policy : {ErrorPolicy::propagate, ErrorPolicy::collect}) {
    Trio run{policy};
    run.b().breaks("on_update");
    run.begin();
    BOOST_CHECK_THROW(run.bus.batch_start(), ModifierError);
    BOOST_TEST(run.told.empty());
    BOOST_TEST(run.bus.quarantined().empty());
    BOOST_TEST(run.b().phase() == Phase::active);
  }
}

// Every policy, every hook.

BOOST_AUTO_TEST_CASE(every_on_start_that_returned_has_exactly_one_on_end) {
  for (const ErrorPolicy policy :
       {ErrorPolicy::propagate, ErrorPolicy::collect, ErrorPolicy::quarantine}) {
    for (const std::string hook :
         {"on_initialize", "on_start", "on_event", "on_update", "on_end", "on_finalize"}) {
      for (const int steps : {1, 4}) {  // the window closes at FINALIZE; or before it
        BOOST_TEST_CONTEXT(hook << " under policy " << static_cast<int>(policy) << ", " << steps
                                << " steps") {
          Trio run{policy};
          run.b().breaks(hook);
          const auto call = [&](auto emit) {
            try {
              emit();
            } catch (const ModifierError&) {
              BOOST_TEST((policy != ErrorPolicy::quarantine));
            }
          };
          call([&] { run.bus.initialize(); });
          for (int i = 0; i < steps; ++i) {
            for (const takt::EventType type :
                 {BATCH_START, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}) {
              call([&] { run.bus.emit(type); });
            }
          }
          call([&] { run.bus.finalize(); });
          BOOST_TEST(run.bus.now().global_step == steps);

          const auto count = [&](const std::string& prefix) {
            return std::ranges::count_if(
                run.log, [&](const std::string& line) { return line.starts_with(prefix); });
          };
          for (const std::string name : {"a", "b", "c"}) {
            const bool started =
                count(name + " on_start") == 1 && !(name == "b" && hook == "on_start");
            BOOST_TEST(count(name + " on_end") == (started ? 1 : 0));
            if (name == "b") continue;
            BOOST_TEST(count(name + " on_initialize") == 1);
            BOOST_TEST(count(name + " on_start") == 1);
            BOOST_TEST(count(name + " on_finalize") == 1);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
