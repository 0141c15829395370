// SPDX-License-Identifier: BSL-1.0
#include "takt/stop_on_signal.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "error_text.hpp"
#include "takt/event_bus.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using takt::Batch;
using takt::Control;
using takt::Event;
using takt::EventBus;
using takt::State;
using takt::StopOnSignal;
using enum takt::EventType;

volatile std::sig_atomic_t others = 0;
void other(int) { others = others + 1; }

/// While it lives, SIGINT and SIGTERM are only counted.
class OtherHandlers {
 public:
  OtherHandlers() {
    others = 0;
    interrupt_ = std::signal(SIGINT, other);
    terminate_ = std::signal(SIGTERM, other);
  }
  ~OtherHandlers() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGTERM, terminate_);
  }
  OtherHandlers(const OtherHandlers&) = delete;
  OtherHandlers& operator=(const OtherHandlers&) = delete;

 private:
  void (*interrupt_)(int);
  void (*terminate_)(int);
};

bool is_in_place(int signal) { return std::signal(signal, other) == other; }

/// A bus whose loop has begun.
struct Loop {
  Loop() { bus.initialize(); }
  void batch() {
    bus.batch([](Batch& batch) { batch.step([] {}); });
  }
  [[nodiscard]] const Control& control() const { return bus.state().control; }

  OtherHandlers handlers;
  EventBus bus;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(stop_on_signal)

BOOST_AUTO_TEST_CASE(without_a_signal_the_loop_goes_on) {
  Loop loop;
  const StopOnSignal stop{loop.bus};
  for (int i = 0; i < 3; ++i) loop.batch();
  BOOST_TEST(!loop.control().stop_requested());
  BOOST_TEST(!stop.received().has_value());
}

BOOST_AUTO_TEST_CASE(a_signal_in_a_batch_stops_the_loop_when_the_batch_ends) {
  Loop loop;
  const StopOnSignal stop{loop.bus};
  loop.bus.batch_start();
  std::raise(SIGTERM);
  loop.bus.loss_calculated(0.5);
  BOOST_TEST(!loop.control().stop_requested());
  loop.bus.batch_end();
  BOOST_TEST(loop.control().stop_requested());
  BOOST_TEST(loop.control().interrupted());
  BOOST_TEST(loop.control().stop_reason() == "SIGTERM: the process was asked to stop");
  BOOST_TEST(!loop.control().lasting_stop_reason().has_value());
}

BOOST_AUTO_TEST_CASE(a_signal_between_batches_waits_for_the_next_that_ends) {
  Loop loop;
  const StopOnSignal stop{loop.bus};
  loop.batch();
  std::raise(SIGINT);
  BOOST_TEST((stop.received() == SIGINT));
  loop.bus.batch_start();
  loop.bus.abort_batch();
  BOOST_TEST(!loop.control().stop_requested());
  loop.batch();
  BOOST_TEST(loop.control().stop_reason() == "SIGINT: the process was asked to stop");
  BOOST_TEST((stop.received() == SIGINT));
}

BOOST_AUTO_TEST_CASE(modifiers_and_other_observers_of_that_batch_end_see_the_stop) {
  Loop loop;
  std::vector<std::string> seen;
  const auto look = [&](const char* who) {
    return [&, who](const Event&, const State& state) {
      if (state.control.interrupted()) seen.emplace_back(who);
    };
  };
  loop.bus.connect(BATCH_END, 0, look("observer"), takt::At::before);
  loop.bus.on(
      BATCH_END, {},
      [&](const State& state, const Event&) {
        if (state.control.interrupted()) seen.emplace_back("modifier");
      },
      "look", std::numeric_limits<int>::min());
  const StopOnSignal stop{loop.bus};
  std::raise(SIGTERM);
  loop.batch();
  BOOST_TEST(seen == (std::vector<std::string>{"observer", "modifier"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stop_that_was_asked_for_is_not_overridden) {
  Loop loop;
  const StopOnSignal stop{loop.bus};
  loop.bus.state().control.stop("enough");
  std::raise(SIGTERM);
  loop.batch();
  BOOST_TEST(loop.control().stop_reason() == "enough");
  BOOST_TEST(!loop.control().interrupted());
  BOOST_TEST((stop.received() == SIGTERM));
}

BOOST_AUTO_TEST_CASE(the_second_signal_does_what_it_did_before) {
  Loop loop;
  const StopOnSignal stop{loop.bus};
  std::raise(SIGTERM);
  BOOST_TEST(others == 0);
  std::raise(SIGTERM);
  BOOST_TEST(others == 1);
  std::raise(SIGINT);  // the first of its kind
  BOOST_TEST(others == 1);
  BOOST_TEST((stop.received() == SIGINT));  // named before SIGTERM
}

BOOST_AUTO_TEST_CASE(its_end_puts_back_what_the_signals_did) {
  Loop loop;
  {
    const StopOnSignal stop{loop.bus};
    BOOST_TEST(!is_in_place(SIGTERM));
  }
  BOOST_TEST(is_in_place(SIGINT));
  { const StopOnSignal stop{loop.bus}; }
  BOOST_TEST(is_in_place(SIGTERM));
  {
    const StopOnSignal stop{loop.bus};
    std::raise(SIGTERM);
  }
  BOOST_TEST(is_in_place(SIGINT));
  BOOST_TEST(is_in_place(SIGTERM));
}

BOOST_AUTO_TEST_CASE(after_its_end_a_signal_stops_no_loop) {
  Loop loop;
  {
    const StopOnSignal stop{loop.bus};
    std::raise(SIGTERM);
  }
  loop.batch();
  BOOST_TEST(!loop.control().stop_requested());
}

BOOST_AUTO_TEST_CASE(signals_that_are_not_named_are_left_alone) {
  Loop loop;
  const StopOnSignal stop{loop.bus, {SIGTERM}};
  std::raise(SIGINT);
  BOOST_TEST(others == 1);
  BOOST_TEST(!stop.received().has_value());
}

BOOST_AUTO_TEST_CASE(two_buses_are_both_told) {
  Loop first;
  EventBus second;
  second.initialize();
  const StopOnSignal one{first.bus};
  auto two = std::make_unique<StopOnSignal>(second);
  std::raise(SIGTERM);
  first.batch();
  second.batch([](Batch&) {});
  BOOST_TEST(first.control().interrupted());
  BOOST_TEST(second.state().control.interrupted());
  BOOST_TEST(is_in_place(SIGTERM));
}

BOOST_AUTO_TEST_CASE(one_may_live_in_another) {
  Loop outer;
  const StopOnSignal first{outer.bus};
  {
    EventBus inner;
    inner.initialize();
    const StopOnSignal second{inner};
  }
  std::raise(SIGTERM);
  BOOST_TEST(others == 0);
  outer.batch();
  BOOST_TEST(outer.control().interrupted());
}

BOOST_AUTO_TEST_CASE(the_bus_may_go_first) {
  const OtherHandlers handlers;
  auto bus = std::make_unique<EventBus>();
  const StopOnSignal stop{*bus};
  bus.reset();
  std::raise(SIGTERM);
  BOOST_TEST((stop.received() == SIGTERM));
}

BOOST_AUTO_TEST_CASE(a_list_that_is_empty_or_has_a_wrong_signal_is_refused_whole) {
  Loop loop;
  using takt::test::message_of;
  BOOST_TEST(message_of<std::invalid_argument>([&] {
               const StopOnSignal stop{loop.bus, {}};
             }) == "there is no signal to stop on; name one or more, such as SIGINT and SIGTERM");
  BOOST_TEST(message_of<std::invalid_argument>([&] {
               const StopOnSignal stop{loop.bus, {SIGTERM, 1000}};
             }) ==
             "signal 1000 is no signal that can be caught; give one that can, such as "
             "SIGINT or SIGTERM");
  BOOST_TEST(is_in_place(SIGTERM));
  loop.batch();
}

#if defined(__unix__) || defined(__APPLE__)

/// How a process of its own ends that is sent so many signals while it trains and never looks
/// whether it is to stop.
int end_of_a_process_that_hangs(int signals) {
  const pid_t child = fork();
  BOOST_TEST_REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGTERM, SIG_DFL);
    EventBus bus;
    bus.initialize();
    const StopOnSignal stop{bus};
    for (int i = 0; i < signals; ++i) {
      std::raise(SIGTERM);
      bus.batch([](Batch&) {});
    }
    _exit(bus.state().control.interrupted() ? 0 : 1);
  }
  int status = -1;
  BOOST_TEST_REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

BOOST_AUTO_TEST_CASE(a_process_that_hangs_is_ended_by_the_second_signal) {
  const int once = end_of_a_process_that_hangs(1);
  BOOST_TEST(WIFEXITED(once));
  BOOST_TEST(WEXITSTATUS(once) == 0);
  const int twice = end_of_a_process_that_hangs(2);
  BOOST_TEST(WIFSIGNALED(twice));
  BOOST_TEST(WTERMSIG(twice) == SIGTERM);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
