// SPDX-License-Identifier: BSL-1.0
#include "observers.hpp"

#include <atomic>
#include <boost/signals2/shared_connection_block.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "probe.hpp"

namespace {

using boost::signals2::connection;
using boost::test_tools::per_element;
using takt::At;
using takt::Event;
using takt::EventSet;
using takt::EventType;
using takt::State;
using enum takt::EventType;

/// A probed bus whose observers write into the same log.
struct WatchedBus : ProbedBus {
  using ProbedBus::ProbedBus;

  /// An observer that writes "name batch_start 3".
  auto writer(const std::string& name) {
    return [this, name](const Event& event, const State&) {
      log.push_back(name + " " + text_of(event));
    };
  }
  connection watch(EventType type, const std::string& name, At at = At::after) {
    return bus.connect(type, writer(name), at);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(observers)

BOOST_AUTO_TEST_CASE(an_observer_sees_the_emissions_of_its_type_and_no_other) {
  for (const EventType type : EventSet::all()) {
    BOOST_TEST_CONTEXT(type) {
      takt::EventBus bus;
      int calls = 0;
      bus.connect(type, [&](const Event& event, const State&) {
        ++calls;
        BOOST_TEST(event.type.value() == type);
      });
      bus.initialize();
      bus.calibration_epoch([&] {
        bus.batch([](takt::Batch& batch) {
          batch.loss(1.0);
          batch.step([] {});
        });
        bus.sequential_epoch_end();
      });
      bus.finalize();
      BOOST_TEST(calls == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_observer_sees_every_emission_for_it_has_no_cadence) {
  WatchedBus run;
  run.watch(BATCH_START, "seen");
  run.begin();
  run.step();
  run.batch();
  run.step();
  BOOST_TEST(
      run.take() == (Lines{"seen batch_start 0", "seen batch_start 1", "seen batch_start 1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_does_not_see_a_call_that_emits_nothing) {
  WatchedBus run{{.invocations_per_step = 2}};
  run.watch(OPTIM_PRE_STEP, "pre");
  run.watch(OPTIM_POST_STEP, "post");
  run.begin();
  run.step();
  BOOST_TEST(run.take().empty());
  run.step();
  BOOST_TEST(run.take() == (Lines{"pre optim_pre_step 0", "post optim_post_step 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(an_aborted_batch_is_no_emission) {
  WatchedBus run;
  for (const EventType type : EventSet::all()) run.watch(type, "seen");
  run.begin();
  run.bus.batch_start();
  run.take();
  run.bus.abort_batch();
  BOOST_TEST(run.take().empty());
}

BOOST_AUTO_TEST_CASE(a_modifier_that_joins_or_leaves_during_the_run_is_no_emission) {
  WatchedBus run;
  run.watch(INITIALIZE, "seen");
  run.watch(FINALIZE, "seen");
  run.begin();
  run.add("late");
  run.bus.remove("late");
  BOOST_TEST(
      run.take() == (Lines{"late on_initialize initialize 0", "late on_finalize finalize 0"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(observers_run_before_or_after_the_modifiers_that_are_due) {
  WatchedBus run;
  run.watch(BATCH_END, "unsaid");
  run.watch(BATCH_END, "after", At::after);
  run.watch(BATCH_END, "before", At::before);
  run.add("a", {}, {.due = BATCH_END});
  run.add("b", {}, {.due = BATCH_END});
  run.bus.initialize();
  run.bus.batch_start();
  run.take();
  run.bus.batch_end();
  BOOST_TEST(
      run.take() == (Lines{"before batch_end 0", "a on_update batch_end 0",
                           "b on_update batch_end 0", "unsaid batch_end 0", "after batch_end 0"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(observers_stand_around_initialize_and_finalize_as_well) {
  WatchedBus run;
  for (const EventType type : {INITIALIZE, FINALIZE}) {
    run.watch(type, "before", At::before);
    run.watch(type, "after", At::after);
  }
  run.add("a");
  run.bus.initialize();
  run.bus.finalize();
  BOOST_TEST(run.take() ==
                 (Lines{"before initialize 0", "a on_initialize initialize 0", "after initialize 0",
                        "before finalize 0", "a on_finalize finalize 0", "after finalize 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_is_given_the_state_of_the_bus) {
  takt::EventBus bus;
  const State* seen = nullptr;
  double loss = 0.0;
  bus.connect(LOSS_CALCULATED, [&](const Event&, const State& state) {
    seen = &state;
    loss = state.loss.value();
  });
  bus.initialize();
  bus.batch([](takt::Batch& batch) { batch.loss(0.5); });
  BOOST_TEST(seen == &bus.state());
  BOOST_TEST(loss == 0.5);
}

BOOST_AUTO_TEST_CASE(observers_run_in_the_order_of_their_groups) {
  WatchedBus run;
  run.watch(BATCH_START, "ungrouped");
  run.bus.connect(BATCH_START, 2, run.writer("two"));
  run.bus.connect(BATCH_START, -1, run.writer("minus one"));
  run.bus.connect(BATCH_START, 2, run.writer("two again"));
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"minus one batch_start 0", "two batch_start 0",
                                  "two again batch_start 0", "ungrouped batch_start 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(a_grouped_observer_can_run_before_the_modifiers) {
  WatchedBus run;
  run.add("a", {.start = 0.0}, {.due = BATCH_START});
  run.bus.connect(BATCH_START, 7, run.writer("after"));
  run.bus.connect(BATCH_START, 9, run.writer("before"), At::before);
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"before batch_start 0", "a on_start batch_start 0",
                                  "a on_update batch_start 0", "after batch_start 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_that_tracks_an_object_is_disconnected_when_it_dies) {
  WatchedBus run;
  auto tracked = std::make_shared<int>(0);
  const connection link = run.bus.connect(
      BATCH_START, takt::EventBus::Observer{run.writer("seen")}.track_foreign(tracked));
  run.begin();
  run.step();
  tracked.reset();
  run.step();
  BOOST_TEST(run.take() == (Lines{"seen batch_start 0"}), per_element());
  BOOST_TEST(!link.connected());
}

BOOST_AUTO_TEST_CASE(a_tracked_object_is_kept_alive_while_its_observer_runs) {
  takt::EventBus bus;
  auto tracked = std::make_shared<int>(0);
  long owners = 0;
  const std::weak_ptr<int> weak{tracked};
  const auto let_go = [&](const Event&, const State&) {
    tracked.reset();
    owners = weak.use_count();
  };
  bus.connect(BATCH_START, takt::EventBus::Observer{let_go}.track_foreign(tracked));
  bus.initialize();
  bus.batch_start();
  BOOST_TEST(owners > 0);
  BOOST_TEST(weak.expired());
}

BOOST_AUTO_TEST_CASE(a_blocked_observer_is_skipped_until_it_is_unblocked) {
  WatchedBus run;
  const connection link = run.watch(BATCH_START, "seen");
  run.watch(BATCH_START, "other");
  run.begin();
  {
    const boost::signals2::shared_connection_block block{link};
    run.step();
  }
  run.step();
  BOOST_TEST(
      run.take() == (Lines{"other batch_start 0", "seen batch_start 1", "other batch_start 1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(a_scoped_connection_disconnects_at_the_end_of_its_scope) {
  WatchedBus run;
  run.begin();
  {
    const boost::signals2::scoped_connection link{run.watch(BATCH_START, "seen")};
    run.step();
  }
  run.step();
  BOOST_TEST(run.take() == (Lines{"seen batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_that_was_disconnected_is_called_no_more) {
  WatchedBus run;
  const connection link = run.watch(BATCH_START, "seen");
  run.begin();
  run.step();
  link.disconnect();
  run.step();
  BOOST_TEST(run.take() == (Lines{"seen batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_may_disconnect_itself_inside_the_emission) {
  WatchedBus run;
  connection self;
  self = run.bus.connect(BATCH_START, [&](const Event& event, const State&) {
    run.log.push_back("once " + text_of(event));
    self.disconnect();
  });
  run.watch(BATCH_START, "other");
  run.begin();
  run.step(2);
  BOOST_TEST(
      run.take() == (Lines{"once batch_start 0", "other batch_start 0", "other batch_start 1"}),
      per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_disconnected_inside_the_emission_before_its_turn_is_not_called) {
  WatchedBus run;
  connection later;
  run.bus.connect(BATCH_START, [&](const Event&, const State&) { later.disconnect(); });
  later = run.watch(BATCH_START, "later");
  run.begin();
  run.step();
  BOOST_TEST(run.take().empty());
}

BOOST_AUTO_TEST_CASE(a_hook_may_disconnect_an_observer_of_its_own_event) {
  WatchedBus run;
  const auto a = run.add("a", {}, {.due = BATCH_START});
  const connection link = run.watch(BATCH_START, "seen");
  a->then["on_update"] = [&](State&, const Event&) { link.disconnect(); };
  run.begin();
  run.step();
  BOOST_TEST(run.take("seen").empty());
}

BOOST_AUTO_TEST_CASE(an_observer_connected_inside_the_emission_sees_the_next_one) {
  WatchedBus run;
  bool connected = false;
  run.bus.connect(BATCH_START, [&](const Event&, const State&) {
    if (!std::exchange(connected, true)) run.watch(BATCH_START, "new");
  });
  run.begin();
  run.step();
  run.take();
  run.step();
  BOOST_TEST(run.take() == (Lines{"new batch_start 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_hook_may_connect_the_first_observer_of_a_type) {
  WatchedBus run;
  const auto a = run.add("a", {}, {.due = BATCH_START});
  a->then["on_start"] = [&](State&, const Event&) {
    run.watch(BATCH_END, "end");
    run.watch(BATCH_START, "start", At::after);
  };
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"a on_start batch_start 0", "a on_update batch_start 0",
                                  "start batch_start 0", "end batch_end 0"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_that_emits_on_its_own_bus_is_refused) {
  takt::EventBus bus;
  for (const At at : {At::before, At::after}) {
    bus.connect(
        BATCH_START,
        [&](const Event&, const State&) {
          BOOST_CHECK_THROW(bus.loss_calculated(1.0), takt::LifecycleError);
          BOOST_CHECK_THROW(bus.abort_batch(), takt::LifecycleError);
        },
        at);
  }
  bus.initialize();
  bus.batch_start();
  BOOST_TEST(!bus.state().loss.has_value());
}

BOOST_AUTO_TEST_CASE(an_observer_sees_an_emission_at_which_no_modifier_is_due) {
  WatchedBus run;
  run.add("a", {.start = 100.0}, {.due = BATCH_START});
  run.watch(BATCH_START, "before", At::before);
  run.watch(BATCH_START, "after");
  run.begin();
  run.step();
  BOOST_TEST(run.take() == (Lines{"before batch_start 0", "after batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_of_batch_end_sees_the_counters_of_that_batch) {
  WatchedBus run;
  run.watch(BATCH_END, "seen");
  run.begin();
  run.bus.connect(BATCH_END, [&](const Event& event, const State&) {
    BOOST_TEST(event.global_step == run.bus.now().global_step);
  });
  run.step(2);
  BOOST_TEST(run.take() == (Lines{"seen batch_end 0", "seen batch_end 1"}), per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_connected_in_another_thread_sees_the_next_emission) {
  WatchedBus run;
  run.begin();
  std::thread{[&] { run.watch(BATCH_START, "seen"); }}.join();
  run.step();
  BOOST_TEST(run.take() == (Lines{"seen batch_start 0"}), per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_disconnected_in_another_thread_is_called_no_more) {
  WatchedBus run;
  const connection link = run.watch(BATCH_START, "seen");
  run.begin();
  std::thread{[&] { link.disconnect(); }}.join();
  run.step();
  BOOST_TEST(run.take().empty());
}

BOOST_AUTO_TEST_CASE(a_type_that_is_none_of_the_ten_is_refused) {
  takt::EventBus bus;
  const auto idle = [](const Event&, const State&) {};
  BOOST_CHECK_THROW(bus.connect(static_cast<EventType>(10), idle), takt::InvalidEvent);
  BOOST_CHECK_THROW(bus.connect(static_cast<EventType>(255), 1, idle), takt::InvalidEvent);
}

BOOST_AUTO_TEST_CASE(a_connection_outlives_its_bus) {
  connection link;
  {
    takt::EventBus bus;
    link = bus.connect(BATCH_START, [](const Event&, const State&) {});
    BOOST_TEST(link.connected());
  }
  BOOST_TEST(!link.connected());
  link.disconnect();
}

BOOST_AUTO_TEST_CASE(only_a_type_that_was_connected_asks_for_attention) {
  std::atomic<std::uint32_t> attention{0};
  takt::detail::Observers observers{attention};
  for (const EventType type : EventSet::all()) {
    for (const At at : {At::before, At::after}) {
      BOOST_TEST((observers.emit(type, at, {}, {}) == nullptr));
    }
  }
  BOOST_TEST(attention == 0U);
  observers.connect(
      BATCH_END, [](const Event&, const State&) {}, At::before);
  BOOST_TEST(attention == 1U << static_cast<unsigned>(BATCH_END));
}

BOOST_AUTO_TEST_SUITE_END()
