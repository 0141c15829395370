// SPDX-License-Identifier: BSL-1.0
// What other threads may do with a bus while its run begins and ends, and several buses on several
// threads; made for the thread sanitizer.
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "crew.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::State;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::helper_count;
using takt::test::name_of;
using takt::test::Tally;
using takt::test::Watched;
using enum takt::EventType;

constexpr int rounds = 60;
constexpr int share = 20;
constexpr int modifier_count = helper_count * share;

using Modifiers = std::vector<std::shared_ptr<Watched>>;

Modifiers make_modifiers(const std::shared_ptr<Tally>& tally) {
  Modifiers modifiers;
  for (int k = 0; k < modifier_count; ++k) {
    modifiers.push_back(std::make_shared<Watched>(name_of(k), tally));
  }
  return modifiers;
}

/// Those that a helper adds; made before it starts, so that helpers get in each other's way.
std::span<const std::shared_ptr<Watched>> share_of(const Modifiers& modifiers, int helper) {
  return std::span{modifiers}.subspan(static_cast<std::size_t>(helper * share), share);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_ends)

BOOST_AUTO_TEST_CASE(what_is_added_while_the_run_begins_is_initialized_once) {
  for (int round = 0; round < 2 * rounds; ++round) {
    EventBus bus;
    const auto tally = std::make_shared<Tally>();
    const auto modifiers = make_modifiers(tally);
    Crew crew{helper_count, [&](int i) {
                for (const auto& modifier : share_of(modifiers, i)) bus.add(modifier);
              }};
    crew.start();
    while (crew.works() && bus.modifiers().empty()) std::this_thread::yield();
    bus.initialize();
    crew.join();
    emit_batch(bus);
    emit_batch(bus);
    bus.finalize();
    BOOST_TEST_REQUIRE(tally->initialized == modifier_count);
    BOOST_TEST_REQUIRE(tally->started == modifier_count);
    BOOST_TEST_REQUIRE(tally->ended == modifier_count);
    BOOST_TEST_REQUIRE(tally->finalized == modifier_count);
    BOOST_TEST_REQUIRE(tally->misplaced == 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_removed_while_the_run_begins_has_both_its_ends_or_none) {
  for (int round = 0; round < rounds; ++round) {
    EventBus bus;
    const auto tally = std::make_shared<Tally>();
    for (int k = 0; k < share; ++k) bus.emplace<Watched>(name_of(k), tally);
    Crew crew{1, [&](int) {
                for (int k = 0; k < share; ++k) bus.remove(name_of(k));
              }};
    crew.start();
    bus.initialize();
    crew.join();
    emit_batch(bus);
    BOOST_TEST(bus.modifiers().empty());
    BOOST_TEST(tally->initialized == tally->finalized);
    BOOST_TEST(tally->misplaced == 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_removed_while_the_run_ends_is_finalized_once) {
  for (int round = 0; round < rounds; ++round) {
    EventBus bus;
    const auto tally = std::make_shared<Tally>();
    for (int k = 0; k < share; ++k) bus.emplace<Watched>(name_of(k), tally);
    bus.initialize();
    emit_batch(bus);
    std::atomic<int> removed{0};
    Crew crew{helper_count, [&](int) {
                for (int k = 0; k < share; ++k) removed += bus.remove(name_of(k)) ? 1 : 0;
              }};
    crew.start();
    bus.finalize();
    crew.join();
    BOOST_TEST(removed == share);
    BOOST_TEST(bus.modifiers().empty());
    BOOST_TEST(tally->ended == share);
    BOOST_TEST(tally->finalized == share);
    BOOST_TEST(tally->misplaced == 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_added_while_the_run_ends_is_refused_or_has_both_its_ends) {
  for (int round = 0; round < rounds; ++round) {
    EventBus bus;
    const auto tally = std::make_shared<Tally>();
    bus.initialize();
    const auto modifiers = make_modifiers(tally);
    std::atomic<int> refused{0};
    Crew crew{helper_count, [&](int i) {
                for (const auto& modifier : share_of(modifiers, i)) {
                  try {
                    bus.add(modifier);
                  } catch (const takt::LifecycleError&) {
                    ++refused;
                  }
                }
              }};
    crew.start();
    while (crew.works() && bus.modifiers().empty()) emit_batch(bus);
    bus.finalize();
    crew.join();
    const int accepted = modifier_count - refused;
    BOOST_TEST(tally->initialized == accepted);
    BOOST_TEST(tally->finalized == accepted);
    BOOST_TEST(tally->started == tally->ended);
    BOOST_TEST(bus.modifiers().size() == static_cast<std::size_t>(accepted));
    BOOST_TEST(tally->misplaced == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_leaves_a_run_that_ends_for_a_bus_on_another_thread) {
  for (int round = 0; round < rounds; ++round) {
    EventBus bus;
    const auto modifier = bus.on(
        {BATCH_START}, {}, [] {}, "traveller");
    bus.initialize();
    emit_batch(bus);
    std::atomic<int> runs{0};
    Crew crew{1, [&](int) {
                bus.remove("traveller");
                EventBus next;
                for (int tries = 0; tries < 1'000'000 && next.modifiers().empty(); ++tries) {
                  try {
                    next.add(modifier);
                  } catch (const takt::InvalidModifier&) {
                    std::this_thread::yield();  // its last hooks have not run yet
                  }
                }
                next.initialize();
                emit_batch(next);
                if (modifier->phase() == takt::Phase::active) ++runs;
                next.finalize();
              }};
    crew.start();
    bus.finalize();
    crew.join();
    BOOST_TEST(runs == 1);
    BOOST_TEST(bus.modifiers().empty());
  }
}

BOOST_AUTO_TEST_CASE(observers_connect_while_the_run_begins_and_ends) {
  for (int round = 0; round < rounds; ++round) {
    EventBus bus;
    std::atomic<int> calls{0};
    Crew crew{helper_count, [&](int) {
                for (const takt::EventType type : {INITIALIZE, FINALIZE}) {
                  bus.connect(type, [&](const Event&, const State&) { ++calls; });
                }
              }};
    crew.start();
    bus.initialize();
    bus.finalize();
    crew.join();
    BOOST_TEST(calls <= 2 * helper_count);
  }
}

BOOST_AUTO_TEST_CASE(the_loop_may_run_on_another_thread_than_the_one_that_built_the_bus) {
  EventBus bus;
  const auto before = std::make_shared<Tally>();
  bus.emplace<Watched>("before", before);
  const auto meanwhile = std::make_shared<Tally>();
  Crew loop{1, [&](int) {
              before->loop = std::this_thread::get_id();
              meanwhile->loop = before->loop;
              bus.initialize();
              for (int i = 0; i < 2000; ++i) emit_batch(bus);
              bus.finalize();
            }};
  loop.start();
  int refused = 0;
  for (int k = 0; k < 100; ++k) {
    try {
      if (bus.now().global_step > 0) bus.emplace<Watched>(name_of(k), meanwhile);
    } catch (const takt::LifecycleError&) {
      ++refused;
    }
    if (k % 2 == 0) bus.remove(name_of(k));
  }
  loop.join();
  BOOST_TEST(refused <= 100);
  BOOST_TEST(before->finalized == 1);
  BOOST_TEST(before->misplaced == 0);
  BOOST_TEST(meanwhile->initialized == meanwhile->finalized);
  BOOST_TEST(meanwhile->started == meanwhile->ended);
  BOOST_TEST(meanwhile->misplaced == 0);
}

BOOST_AUTO_TEST_CASE(many_buses_on_many_threads_do_not_disturb_each_other) {
  constexpr int buses = 6;
  constexpr int batches = 700;
  std::array<Tally, buses> tallies;
  std::array<std::int64_t, buses> steps{};
  std::atomic<int> observed{0};
  Crew crew{buses, [&](int i) {
              const auto mine = static_cast<std::size_t>(i);
              const auto tally = std::make_shared<Tally>();
              EventBus bus{Event{.steps_per_epoch = 7}};
              bus.emplace<Watched>("always", tally);
              bus.emplace<Watched>("window", tally,
                                   takt::Cadence{.start = 10.0, .end = 20.0, .update = 1.0});
              bus.connect(BATCH_END, [&](const Event&, const State&) { ++observed; });
              bus.initialize();
              for (int k = 0; k < batches; ++k) emit_batch(bus);
              bus.finalize();
              steps[mine] = bus.now().global_step;
              tallies[mine] = *tally;
            }};
  crew.start();
  crew.join();
  BOOST_TEST(observed == buses * batches);
  for (std::size_t i = 0; i < buses; ++i) {
    BOOST_TEST(steps[i] == batches);
    BOOST_TEST(tallies[i].updated == 2 * (batches + 11));
    BOOST_TEST(tallies[i].finalized == 2);
    BOOST_TEST(tallies[i].misplaced == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
