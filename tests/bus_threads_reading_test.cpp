// SPDX-License-Identifier: BSL-1.0
// What other threads read of a bus, and ask of its loop, while the loop emits at full speed. For
// TAKT_THREAD_SECONDS each.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crew.hpp"
#include "shift.hpp"
#include "takt/control.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/hook.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::Hook;
using takt::Modifier;
using takt::Phase;
using takt::State;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::emit_while;
using takt::test::happens;
using takt::test::helper_count;
using takt::test::name_of;
using takt::test::Shift;
using enum takt::EventType;

std::vector<std::string> names_of(const std::vector<std::shared_ptr<Modifier>>& modifiers) {
  std::vector<std::string> names;
  names.reserve(modifiers.size());
  for (const auto& modifier : modifiers) names.push_back(modifier->name());
  return names;
}

/// A modifier that does nothing.
class Idle final : public Modifier {
 public:
  explicit Idle(const std::string& name) : Modifier{name, {}, {}} {}
};

/// Throws in one hook.
class Broken final : public Modifier {
 public:
  Broken(const std::string& name, Hook hook)
      : Modifier{name, {}, {.due = BATCH_END, .every = OPTIM_POST_STEP}}, hook_{hook} {}

  void on_initialize(State&, const Event&) override { pass(Hook::on_initialize); }
  void on_start(State&, const Event&) override { pass(Hook::on_start); }
  void on_event(State&, const Event&) override { pass(Hook::on_event); }
  void on_update(State&, const Event&) override { pass(Hook::on_update); }
  void on_finalize(State&, const Event&) override { ++after_; }

  /// Hooks that ran after the one that threw.
  [[nodiscard]] int after() const { return after_; }

 private:
  void pass(Hook hook) {
    if (broken_) ++after_;
    if (hook != hook_) return;
    broken_ = true;
    throw std::runtime_error{"it broke"};
  }

  Hook hook_;
  bool broken_ = false;
  std::atomic<int> after_{0};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_reading)

BOOST_AUTO_TEST_CASE(now_is_a_pair_of_counters_that_the_loop_had_and_never_goes_back) {
  // The first two batches of three take no step, so the steps follow from the batches; and both
  // are so large that half of a counter would show.
  constexpr std::int64_t start = std::int64_t{1} << 40U;
  const Event first{.steps_per_epoch = 10,
                    .batches_per_step = 3,
                    .global_step = start,
                    .global_batch = 3 * start};
  EventBus bus{first};
  bus.initialize();
  const Shift shift;
  std::atomic<int> wrong{0};
  std::atomic<std::int64_t> done{0};
  Crew crew{helper_count, [&](int) {
              Event last = bus.now();
              do {
                const std::int64_t at_least = done;
                const Event now = bus.now();
                if (now.global_step != now.global_batch / 3) ++wrong;
                if (now.global_batch < last.global_batch) ++wrong;
                if (now.global_batch < 3 * start + at_least) ++wrong;  // what had been, has been
                if (now != first.new_instance({.global_step = now.global_step,
                                               .global_batch = now.global_batch})) {
                  ++wrong;
                }
                last = now;
              } while (!shift.over());
            }};
  crew.start();
  std::int64_t batches = 0;
  while (crew.works()) {
    const bool steps = batches % 3 == 2;
    const auto go_to_the_end = [&] {
      bus.batch_start();
      if (!steps) return;
      bus.optim_pre_step();
      bus.optim_post_step();
    };
    if (batches % 7 == 5) {
      go_to_the_end();
      bus.abort_batch();  // the same counters come again
    }
    go_to_the_end();
    bus.batch_end();
    done = ++batches;
  }
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(bus.now().global_batch == 3 * start + batches);
}

BOOST_AUTO_TEST_CASE(a_list_of_the_modifiers_has_those_that_stay_in_order_and_no_name_twice) {
  EventBus bus;
  const std::vector<std::string> stay{"first", "second", "third"};
  bus.add(std::make_shared<Idle>("third"), 2);
  bus.add(std::make_shared<Idle>("first"), -2);
  bus.add(std::make_shared<Idle>("second"));
  bus.initialize();
  const Shift shift;
  std::atomic<int> wrong{0};
  Crew crew{helper_count, [&](int i) {
              const std::string own = name_of(i);
              bool there = false;
              for (int k = 0; k == 0 || !shift.over(); ++k) {
                if (k % 3 == 0) {
                  there ? (void)bus.remove(own)
                        : (void)bus.add(std::make_shared<Idle>(own), k % 2 - 1);
                  there = !there;
                }
                const auto names = names_of(bus.modifiers());
                if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) {
                  ++wrong;
                }
                if ((std::ranges::find(names, own) != names.end()) != there) ++wrong;
                if (names.front() != "first" || names.back() != "third") ++wrong;
                std::vector<std::string> others_left_out;
                std::ranges::copy_if(names, std::back_inserter(others_left_out),
                                     [](const std::string& name) { return name[0] != 'm'; });
                if (others_left_out != stay) ++wrong;
              }
            }};
  crew.start();
  while (crew.works()) emit_batch(bus);
  crew.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(who_breaks_is_told_of_once_stays_in_quarantine_and_runs_no_more) {
  constexpr std::array hooks{Hook::on_initialize, Hook::on_start, Hook::on_event, Hook::on_update};
  EventBus bus{{}, {.errors = takt::ErrorPolicy::quarantine}};
  std::set<std::string> told;
  int told_twice = 0;
  bus.on_error([&](const takt::ModifierError& error) {
    if (!told.insert(error.modifier()).second) ++told_twice;
  });
  bus.add(std::make_shared<Idle>("sound"));
  bus.initialize();
  const Shift shift;
  std::atomic<int> wrong{0};
  std::atomic<int> broken{0};
  Crew crew{helper_count, [&](int i) {
              for (int k = 0; k == 0 || !shift.over(); ++k) {
                const auto one = std::make_shared<Broken>(
                    name_of(i, k), hooks[static_cast<std::size_t>(k) % hooks.size()]);
                const auto is_listed = [&] {
                  const auto list = bus.quarantined();
                  for (const auto& each : list) {
                    if (each->phase() != Phase::quarantined || each->name() == "sound") ++wrong;
                  }
                  return std::ranges::find(list, one) != list.end();
                };
                bus.add(one);
                if (!happens([&] { return one->phase() == Phase::quarantined; })) ++wrong;
                for (int look = 0; look < 3; ++look) {
                  if (!is_listed()) ++wrong;
                  std::this_thread::yield();
                }
                if (!bus.remove(one->name()) || is_listed()) ++wrong;
                if (one->after() != 0) ++wrong;
                ++broken;
              }
            }};
  crew.start();
  while (crew.works()) emit_batch(bus);
  crew.join();
  emit_batch(bus);
  BOOST_TEST(wrong == 0);
  BOOST_TEST(told_twice == 0);
  BOOST_TEST(told.size() == static_cast<std::size_t>(broken));
  BOOST_TEST(bus.quarantined().empty());
}

BOOST_AUTO_TEST_CASE(each_request_reaches_the_loop_and_none_comes_from_nowhere) {
  EventBus bus;
  bus.initialize();
  const Shift shift;
  std::atomic<std::int64_t> asked{0};  // before a request is made
  std::atomic<std::int64_t> saved{0};  // after one has been taken
  std::atomic<std::int64_t> asked_to_evaluate{0};
  std::atomic<std::int64_t> evaluated{0};
  std::atomic<int> wrong{0};
  Crew crew{helper_count, [&](int i) {
              takt::Control& control = bus.state().control;
              do {
                // At the most, one that is under way can be taken before this one is made.
                const bool save = i != 0;
                (save ? asked : asked_to_evaluate)++;
                const std::atomic<std::int64_t>& taken = save ? saved : evaluated;
                const std::int64_t before = taken;
                save ? control.request_save() : control.request_evaluate();
                if (!happens([&] { return taken > before; })) ++wrong;
              } while (!shift.over());
            }};
  crew.start();
  while (crew.works()) {
    emit_batch(bus);
    takt::Control& control = bus.state().control;
    if (control.take_save_request()) ++saved;
    if (control.take_evaluate_request()) ++evaluated;
  }
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(saved <= asked);
  BOOST_TEST(evaluated <= asked_to_evaluate);
  BOOST_TEST(!bus.state().control.stop_requested());
}

BOOST_AUTO_TEST_CASE(a_loop_stops_for_the_first_reason_that_it_is_given_and_everyone_reads_that) {
  const Shift shift;
  int rounds = 0;
  do {
    EventBus bus;
    bus.initialize();
    std::array<std::string, helper_count> read;
    Crew crew{helper_count, [&](int i) {
                takt::Control& control = bus.state().control;
                control.stop("thread " + std::to_string(i));
                if (control.stop_requested())
                  read[static_cast<std::size_t>(i)] = control.stop_reason();
              }};
    crew.start();
    while (!bus.state().control.stop_requested()) emit_batch(bus);
    const std::string reason = bus.state().control.stop_reason();
    bus.finalize();
    crew.join();
    BOOST_TEST_REQUIRE(reason.starts_with("thread "));
    for (const std::string& other : read) BOOST_TEST_REQUIRE(other == reason);
    ++rounds;
  } while (!shift.over());
}

BOOST_AUTO_TEST_SUITE_END()
