// SPDX-License-Identifier: BSL-1.0
// Out of memory: every allocation of every call on a bus fails, one at a time and from one on. What
// throws std::bad_alloc has changed nothing, and tried again the run is that of plenty.
#include <boost/test/unit_test.hpp>

#include "allocations.hpp"

#if !TAKT_ALLOCATIONS_ARE_SEEN

BOOST_AUTO_TEST_SUITE(fault_memory)

BOOST_AUTO_TEST_CASE(no_allocation_fails_in_this_build) {
  BOOST_TEST_MESSAGE("operator new belongs to a sanitizer, or to MSVC's run time");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fault_memory_cases.hpp"
#include "takt/recipe.hpp"
#include "takt/registry.hpp"

namespace {

using takt::Cadence;
using takt::Event;
using takt::EventType;
using takt::Hook;
using takt::Interests;
using takt::State;
using takt::test::allocations_in;
using takt::test::OutOfMemory;
using takt::test::Shortage;
using namespace takt::test::memory;
using enum takt::EventType;

/// A call that is tried at every shortage, between what comes before it and what comes after.
struct Case {
  std::function<void(World&)> before;
  std::function<void(World&)> call;
  std::function<void(World&)> after = [](World& world) { to_the_end(world.bus); };
};

void check(const Case& c) {
  World plenty;
  c.before(plenty);
  c.call(plenty);
  c.after(plenty);
  each_shortage([&](std::uint64_t first, Shortage shortage) {
    World world;
    c.before(world);
    const bool struck = make_short_of_memory(world, first, shortage, c.call);
    c.after(world);
    BOOST_TEST((world.notes == plenty.notes));
    BOOST_TEST(picture_of(world).members == picture_of(plenty).members,
               boost::test_tools::per_element());
    return struck;
  });
}

void initialize_and_go_on(World& world) {
  world.bus.initialize();
  to_the_end(world.bus);
}

std::function<void(World&)> initialized_with(int count) {
  return [count](World& world) {
    populate(world, count);
    world.bus.initialize();
  };
}

/// Joins in the run of `check`.
void add_late(World& world) {
  world.bus.add(std::make_shared<Noting>('z', Cadence{}, everything, world), -1);
}

// As many as fill the agenda's first room, and one less.
constexpr std::array counts{0, 1, 7, 8, 9, 16, 17};

}  // namespace

BOOST_AUTO_TEST_SUITE(fault_memory)

BOOST_AUTO_TEST_CASE(an_allocation_fails_when_it_is_to_and_in_this_thread_only) {
  const auto fails = [] {
    try {
      ::operator delete(::operator new(1));
    } catch (const std::bad_alloc&) {
      return true;
    }
    return false;
  };
  {
    const OutOfMemory none{1, Shortage::once};
    BOOST_CHECK(!fails());
    BOOST_CHECK(!none.struck());
  }
  std::array<bool, 3> failed{};
  {
    const OutOfMemory none{1, Shortage::once};
    for (bool& one : failed) one = fails();
  }
  BOOST_TEST((failed == std::array{false, true, false}));
  bool elsewhere_failed = true;
  std::thread other{};
  {
    other = std::thread{[&] { elsewhere_failed = fails(); }};
    const OutOfMemory none{1};
    for (bool& one : failed) one = fails();
    BOOST_TEST_REQUIRE(none.struck());
  }
  other.join();
  BOOST_TEST((failed == std::array{false, true, true}));
  BOOST_TEST(!elsewhere_failed);
  void* aligned = nullptr;
  {
    const OutOfMemory none{0};
    aligned = ::operator new (64, std::align_val_t{64}, std::nothrow);
  }
  BOOST_TEST(aligned == nullptr);
}

// ---- Coming ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_modifier_that_finds_no_memory_is_not_on_the_bus) {
  for (const int count : counts) {
    check({[=](World& world) { populate(world, count); }, add_late, initialize_and_go_on});
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_that_finds_no_memory_in_the_run_is_not_on_the_bus) {
  for (const int count : counts) check({initialized_with(count), add_late});
}

BOOST_AUTO_TEST_CASE(a_modifier_can_be_added_when_many_have_come_and_gone_at_one_step) {
  check({[](World& world) {
           populate(world, 1);
           world.bus.initialize();
           for (int i = 0; i < 20; ++i) {
             add_late(world);
             world.bus.remove(long_name('z'));
           }
         },
         add_late});
}

BOOST_AUTO_TEST_CASE(a_modifier_that_finds_no_memory_can_be_added_to_another_bus) {
  World world;
  World other;
  const auto modifier = std::make_shared<Noting>('z', Cadence{}, everything, world);
  bool refused = false;
  {
    const OutOfMemory none{0};
    try {
      world.bus.add(modifier);
    } catch (const std::bad_alloc&) {
      refused = true;
    }
  }
  BOOST_TEST(refused);
  BOOST_CHECK_NO_THROW(other.bus.add(modifier));
}

BOOST_AUTO_TEST_CASE(emplace_makes_and_adds_or_does_neither) {
  check({initialized_with(8), [](World& world) {
           world.bus.emplace<Noting>('z', Cadence{.update = 2}, everything, world);
         }});
}

BOOST_AUTO_TEST_CASE(a_callable_without_a_name_gets_the_one_it_would_have_had) {
  const auto on = [](const std::string& name) {
    return [name](World& world) {
      world.bus.on(
          {BATCH_END, INITIALIZE}, {},
          [&world](const Event& event) {
            world.notes.push_back({'o', {}, event.type, event.global_step});
          },
          name);
    };
  };
  check({initialized_with(8), on("")});
  check({initialized_with(8), on("a name too long for a small string, as it is")});
}

BOOST_AUTO_TEST_CASE(a_recipe_comes_whole_or_not_at_all) {
  each_shortage([](std::uint64_t first, Shortage shortage) {
    World world;
    populate(world, 7);
    world.bus.initialize();
    std::optional<OutOfMemory> shortfall;
    bool comes_short = true;
    char next = 'A';
    takt::Registry registry;
    registry.add({.info = {.name = "Noting"}, .make = [&](const auto&) {
                    return std::make_shared<Noting>(
                        next++, Cadence{}, everything, world, [&](Hook hook, const Event&) {
                          // From where the first has joined.
                          if (hook != Hook::on_initialize || !comes_short) return;
                          comes_short = false;
                          shortfall.emplace(first, shortage);
                        });
                  }});
    const auto recipe = takt::Recipe::from_string(
        "modifiers:\n  - !Noting\n  - !Noting\n  - !Noting\n", {.registry = registry});
    const std::vector<std::string> before = picture_of(world).members;
    bool threw = false;
    bool struck = false;
    try {
      (void)world.bus.apply(recipe);
      struck = shortfall->struck();
    } catch (const std::bad_alloc&) {
      struck = threw = true;
    }
    shortfall.reset();
    if (threw) {
      BOOST_TEST(picture_of(world).members == before, boost::test_tools::per_element());
      (void)world.bus.apply(recipe);
    }
    BOOST_TEST(world.bus.modifiers().size() == 10U);
    to_the_end(world.bus);
    return struck;
  });
}

BOOST_AUTO_TEST_CASE(an_observer_that_finds_no_memory_is_not_connected) {
  const auto connect = [](std::optional<int> group) {
    return [group](World& world) {
      const auto see = [&world](const Event& event, const State&) {
        world.notes.push_back({'o', {}, event.type, event.global_step});
      };
      if (group) {
        world.bus.connect(BATCH_END, *group, see);
      } else {
        world.bus.connect(BATCH_END, see);
      }
    };
  };
  const auto ready = initialized_with(2);
  const auto with_others = [=](World& world) {
    ready(world);
    connect(std::nullopt)(world);
    connect(1)(world);
  };
  for (const auto& before : {std::function<void(World&)>{ready}, {with_others}}) {
    check({before, connect(std::nullopt)});
    for (const int group : {1, 2}) check({before, connect(group)});
  }
}

// ---- The run -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_bus_that_finds_no_memory_is_not_initialized) {
  for (const int count : counts) {
    if (count == 0) continue;
    check({[=](World& world) { populate(world, count); },
           [](World& world) { world.bus.initialize(); }});
  }
}

BOOST_AUTO_TEST_CASE(who_comes_and_goes_before_a_second_try_to_initialize_is_heard_of_in_it) {
  World world;
  populate(world, 3);
  {
    const OutOfMemory none{0};
    BOOST_CHECK_THROW(world.bus.initialize(), std::bad_alloc);
  }
  BOOST_CHECK_THROW(world.bus.batch_start(), takt::LifecycleError);
  elsewhere([&] { add_late(world); });
  elsewhere([&] { world.bus.remove(long_name('a')); });
  world.bus.initialize();
  BOOST_TEST(world.notes.size() == 3U);
  BOOST_TEST((world.notes.front() == Note{'z', Hook::on_initialize, INITIALIZE, 0}));
  to_the_end(world.bus);
}

BOOST_AUTO_TEST_CASE(from_initialize_on_a_run_needs_no_memory) {
  World world;
  populate(world, 17);
  world.notes.reserve(100'000);
  world.bus.initialize();
  {
    const OutOfMemory none{0};
    run_batches(world.bus, 600);
    world.bus.calibration_epoch([] {});
    world.bus.batch_start();
    world.bus.abort_batch();
    world.bus.finalize();
    BOOST_CHECK(!none.struck());
  }
}

// ---- Queued work --------------------------------------------------------------------------------

/// Does it in the first hook of its modifier at BATCH_START.
void in_a_hook(World& world, const std::function<void()>& deed) {
  auto done = std::make_shared<bool>(false);
  world.bus.add(std::make_shared<Noting>('y', Cadence{}, Interests{.due = BATCH_START}, world,
                                         [=](Hook hook, const Event&) {
                                           if (hook != Hook::on_update || *done) return;
                                           *done = true;
                                           deed();
                                         }));
}

BOOST_AUTO_TEST_CASE(work_that_can_not_be_queued_is_refused_where_it_is_asked_for) {
  using Ask = std::function<void(World&)>;
  const Ask adds = add_late;
  const Ask removes = [](World& world) { world.bus.remove(long_name('b')); };
  for (const Ask& ask : {adds, removes}) {
    for (const bool in_hook : {true, false}) {
      const auto run = [&](World& world, const std::function<void()>& asks) {
        initialized_with(8)(world);
        if (in_hook) {
          in_a_hook(world, asks);
        } else {
          elsewhere(asks);
        }
        to_the_end(world.bus);
      };
      World plenty;
      run(plenty, [&] { ask(plenty); });
      each_shortage([&](std::uint64_t first, Shortage shortage) {
        World world;
        bool struck = false;
        run(world, [&] { struck = make_short_of_memory(world, first, shortage, ask); });
        BOOST_TEST((world.notes == plenty.notes));
        return struck;
      });
    }
  }
}

BOOST_AUTO_TEST_CASE(queued_work_without_room_keeps_the_next_call_from_its_effect_and_waits) {
  const auto with_work = [](World& world) {
    initialized_with(8)(world);
    elsewhere([&] { world.bus.remove(long_name('c')); });
    elsewhere([&] { add_late(world); });
  };
  check({with_work, [](World& world) { world.bus.batch_start(); },
         [](World& world) {
           world.bus.batch_end();
           to_the_end(world.bus);
         }});
  check({with_work, [](World& world) { world.bus.finalize(); }, [](World&) {}});
}

BOOST_AUTO_TEST_CASE(queued_work_without_room_after_a_call_waits_for_the_next) {
  const auto run = [](World& world, const std::function<void()>& then) {
    initialized_with(7)(world);
    in_a_hook(world, [&] {
      add_late(world);
      world.bus.remove(long_name('a'));
      then();
    });
    world.bus.batch_start();
  };
  World plenty;
  run(plenty, [] {});
  plenty.bus.abort_batch();
  to_the_end(plenty.bus);
  World world;
  std::optional<OutOfMemory> none;
  run(world, [&] { none.emplace(0U); });
  BOOST_CHECK(none->struck());
  const std::size_t done = world.notes.size();
  world.bus.abort_batch();  // which is of more use than memory
  none.reset();
  BOOST_TEST((world.notes.at(done) == Note{'a', Hook::on_abort, std::nullopt, 0}));
  to_the_end(world.bus);
  BOOST_TEST(world.bus.modifiers().size() == plenty.bus.modifiers().size());
  std::size_t of_the_late = 0;
  for (const Note& note : world.notes) of_the_late += note.who == 'z' ? 1 : 0;
  BOOST_TEST(of_the_late > 20U);
}

BOOST_AUTO_TEST_CASE(a_run_that_finds_no_memory_as_it_is_finalized_is_open_to_others_again) {
  World world;
  initialized_with(7)(world);
  std::optional<OutOfMemory> none;
  // One that joins as the run ends adds another, for which there is no room.
  elsewhere([&] {
    world.bus.add(
        std::make_shared<Noting>('y', Cadence{}, Interests{}, world, [&](Hook hook, const Event&) {
          if (hook != Hook::on_initialize) return;
          add_late(world);
          none.emplace(0U);
        }));
  });
  BOOST_CHECK_THROW(world.bus.finalize(), std::bad_alloc);
  BOOST_CHECK(none->struck());
  none.reset();
  elsewhere([&] {
    BOOST_CHECK_NO_THROW(world.bus.on(
        {}, {}, [] {}, "from elsewhere"));
  });
  world.bus.finalize();
  BOOST_TEST(world.bus.modifiers().back()->phase() == takt::Phase::finalized);
}

// ---- Going -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(removing_needs_no_memory) {
  World world;
  populate(world, 9);
  const auto remove = [&](char who) {
    const std::string name = long_name(who);
    BOOST_TEST(allocations_in([&] { world.bus.remove(name); }) == 0U);
  };
  remove('i');
  world.bus.initialize();
  remove('a');
  run_batches(world.bus, 2);
  remove('b');
  remove('c');
  elsewhere([&] { add_late(world); });
  remove('z');  // which waits to join
  world.bus.finalize();
  remove('d');
}

BOOST_AUTO_TEST_SUITE_END()

#endif
