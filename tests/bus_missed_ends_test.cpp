// SPDX-License-Identifier: BSL-1.0
// Under `ErrorPolicy::propagate`, a batch that ends in an exception is told to those who did not
// hear its end.
#include <array>
#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::BusOptions;
using takt::ErrorPolicy;
using takt::Event;
using takt::ModifierError;
using takt::State;
using enum takt::EventType;

constexpr BusOptions propagate{.errors = ErrorPolicy::propagate};
constexpr BusOptions collect{.errors = ErrorPolicy::collect};
constexpr std::array throwing_policies{propagate, collect};

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_missed_ends)

BOOST_AUTO_TEST_CASE(who_misses_a_batch_end_for_an_earlier_error_is_told_of_an_abort) {
  ProbedBus run{{}, propagate};
  run.add("first", {}, {.every = BATCH_END});
  run.add("broken", {}, {.every = BATCH_END})->breaks("on_event");
  run.add("both", {}, {.due = BATCH_END, .every = BATCH_END});
  run.add("plain", {}, {.due = BATCH_END});
  run.add("not_due", {.update = 7.0}, {.due = BATCH_END});
  run.add("elsewhere", {}, {.due = BATCH_START, .every = OPTIM_PRE_STEP});
  run.begin();
  BOOST_CHECK_THROW(run.step(), ModifierError);
  BOOST_CHECK_THROW(run.step(), ModifierError);
  run.take();
  BOOST_CHECK_THROW(run.batch(), ModifierError);
  const Lines lines = run.take();
  BOOST_TEST(Lines(lines.begin() + 1, lines.end()) ==
                 (Lines{"first on_event batch_end 2", "broken on_event batch_end 2",
                        "both on_abort batch_end 2", "plain on_abort batch_end 2"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(who_broke_a_batch_end_is_not_told_of_an_abort) {
  for (const char* const hook : {"on_event", "on_update"}) {
    ProbedBus run{{}, propagate};
    run.add("a", {}, {.due = BATCH_END, .every = BATCH_END})->breaks(hook);
    run.begin();
    BOOST_CHECK_THROW(run.batch(), ModifierError);
    for (const std::string& line : run.take()) BOOST_TEST(!line.starts_with("a on_abort"));
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_closes_with_a_batch_that_is_missed_is_aborted_then_ended) {
  ProbedBus run{{}, propagate};
  run.add("broken", {}, {.due = BATCH_END})->breaks("on_update");
  run.add("a", {.end = 0.0}, {.due = BATCH_END});
  run.add("b", {.end = 0.0}, {.due = BATCH_START});
  run.begin();
  BOOST_CHECK_THROW(run.step(), ModifierError);
  BOOST_TEST(run.take("a ") == (Lines{"a on_start batch_start 0", "a on_abort batch_end 0",
                                      "a on_end batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(no_other_event_and_no_other_policy_tells_of_an_abort) {
  for (const BusOptions options : throwing_policies) {
    for (const takt::EventType type : {BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, BATCH_END}) {
      if (options.errors == ErrorPolicy::propagate && type == BATCH_END) continue;
      ProbedBus run{{}, options};
      run.add("broken", {}, {.due = type})->breaks("on_update");
      run.add("a", {}, {.due = takt::EventSet::all(), .every = takt::EventSet::all()});
      run.begin();
      for (const takt::EventType next :
           {BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}) {
        if (next == type) {
          BOOST_CHECK_THROW(run.bus.emit(next), ModifierError);
        } else {
          run.bus.emit(next);
        }
      }
      BOOST_TEST(run.take("a on_abort").empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_that_is_removed_in_a_broken_batch_end_is_not_told_of_an_abort) {
  ProbedBus run{{}, propagate};
  const auto broken = run.add("broken", {}, {.due = BATCH_END});
  broken->then["on_update"] = [&](State&, const Event&) {
    run.bus.remove("a");
    throw std::runtime_error("broken");
  };
  run.add("a", {}, {.due = BATCH_END});
  run.begin();
  BOOST_CHECK_THROW(run.batch(), ModifierError);
  BOOST_TEST(run.take("a ") == (Lines{"a on_start batch_start 0", "a on_end finalize 0",
                                      "a on_finalize finalize 0"}),
             per_element());
}

BOOST_AUTO_TEST_SUITE_END()
