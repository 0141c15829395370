// SPDX-License-Identifier: BSL-1.0
#include "bus_watcher.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "probe.hpp"

namespace {

using boost::test_tools::per_element;
using takt::BusCall;
using takt::Event;
using takt::Hook;
using takt::Modifier;
using takt::State;
using takt::detail::BusWatcher;
using takt::detail::BusWatchers;

/// Writes down what it is told, and then does what it is asked to.
class Listener final : public BusWatcher {
 public:
  Listener(Lines& log, std::string name) : log_{log}, name_{std::move(name)} {}
  std::function<void()> then;

 private:
  void hear(const std::string& what) {
    log_.push_back(name_ + " " + what);
    if (then) then();
  }
  void begin_call(BusCall call, const Event&, const State&) noexcept override {
    hear(to_string(call));
  }
  void begin_addition(const Modifier& who, int, const Event&) noexcept override {
    hear("+" + who.name());
  }
  void begin_removal(const Modifier& who, const Event&) noexcept override {
    hear("-" + who.name());
  }
  void hook_begins() noexcept override { hear("hook"); }
  void hook_ended(const Modifier& who, Hook hook,
                  const std::exception_ptr& error) noexcept override {
    hear(who.name() + "." + to_string(hook) + (error ? " threw" : ""));
  }
  void end() noexcept override { hear("end"); }
  std::optional<std::int64_t> checkpoint() noexcept override {
    hear("checkpoint");
    return std::nullopt;
  }
  void resume(std::optional<std::int64_t>) noexcept override { hear("resume"); }

  Lines& log_;
  std::string name_;
};

struct Three {
  Three() {
    for (Listener* const listener : {&a, &b, &c}) watchers.add(*listener);
  }
  Lines take() { return std::exchange(log, {}); }

  Lines log;
  BusWatchers watchers;
  Listener a{log, "a"};
  Listener b{log, "b"};
  Listener c{log, "c"};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_watcher)

BOOST_AUTO_TEST_CASE(all_are_told_in_the_order_in_which_they_came) {
  Three three;
  three.watchers.tell(&BusWatcher::begin_call, BusCall::abort_batch, Event{}, State{});
  three.watchers.tell(&BusWatcher::end);
  BOOST_TEST(three.log == (Lines{"a abort_batch", "b abort_batch", "c abort_batch", "a end",
                                 "b end", "c end"}),
             per_element());
}

BOOST_AUTO_TEST_CASE(one_that_is_removed_is_told_no_more) {
  Three three;
  three.watchers.remove(three.b);
  three.watchers.remove(three.b);
  three.watchers.tell(&BusWatcher::end);
  BOOST_TEST(three.take() == (Lines{"a end", "c end"}), per_element());
  BOOST_TEST(three.watchers.any());
  three.watchers.remove(three.a);
  three.watchers.remove(three.c);
  BOOST_TEST(!three.watchers.any());
  three.watchers.add(three.b);
  BOOST_TEST(three.watchers.any());
  three.watchers.tell(&BusWatcher::end);
  BOOST_TEST(three.take() == (Lines{"b end"}), per_element());
}

BOOST_AUTO_TEST_CASE(one_that_is_removed_while_they_are_told_costs_the_others_nothing) {
  Three three;
  three.a.then = [&] { three.watchers.remove(three.a); };
  three.watchers.tell(&BusWatcher::end);
  three.watchers.tell(&BusWatcher::end);
  BOOST_TEST(three.take() == (Lines{"a end", "b end", "c end", "b end", "c end"}), per_element());
  three.b.then = [&] { three.watchers.remove(three.c); };
  three.watchers.tell(&BusWatcher::end);
  BOOST_TEST(three.take() == (Lines{"b end"}), per_element());
}

BOOST_AUTO_TEST_CASE(a_hook_is_run_between_what_they_are_told_and_what_it_throws_passes_on) {
  Three three;
  three.watchers.remove(three.b);
  three.watchers.remove(three.c);
  ProbedBus bus;
  const auto probe = bus.make("m");
  run_watched(three.watchers, *probe, Hook::on_end, [&] { three.log.emplace_back("ran"); });
  BOOST_TEST(three.take() == (Lines{"a hook", "ran", "a m.on_end"}), per_element());
  const auto throws = [] { throw std::runtime_error{"broken"}; };
  BOOST_CHECK_THROW(run_watched(three.watchers, *probe, Hook::on_start, throws),
                    std::runtime_error);
  BOOST_TEST(three.take() == (Lines{"a hook", "a m.on_start threw"}), per_element());
  three.watchers.remove(three.a);
  BOOST_CHECK_THROW(run_watched(three.watchers, *probe, Hook::on_start, throws),
                    std::runtime_error);
  BOOST_TEST(three.log.empty());
}

BOOST_AUTO_TEST_SUITE_END()
