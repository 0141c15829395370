// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the tests without memory share: a bus whose hooks need none, and shortages of all lengths.
#ifndef TAKT_TESTS_FAULT_MEMORY_CASES_HPP
#define TAKT_TESTS_FAULT_MEMORY_CASES_HPP

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/hook.hpp"

namespace takt::test::memory {

// ---- A bus whose hooks need no memory -----------------------------------------------------------

/// One hook or observer that ran.
struct Note {
  char who = 0;
  Hook hook{};
  std::optional<EventType> type{};
  std::int64_t step = 0;
  friend bool operator==(const Note&, const Note&) = default;
};

struct Boom {};  ///< thrown without an allocation

/// What a hook does besides being noted.
using Deed = std::function<void(Hook, const Event&)>;

struct World {
  explicit World(takt::BusOptions options = {}) : bus{Event{}, options} { notes.reserve(10'000); }

  std::vector<Note> notes;
  EventBus bus;
};

inline std::string long_name(char who) { return std::string(40, who); }

class Noting final : public takt::Modifier {
 public:
  Noting(char who, Cadence cadence, Interests interests, World& world, Deed deed = {})
      : Modifier{long_name(who), cadence, interests},
        who_{who},
        world_{world},
        deed_{std::move(deed)} {}

  void on_initialize(State&, const Event& event) override { run(Hook::on_initialize, event); }
  void on_start(State&, const Event& event) override { run(Hook::on_start, event); }
  void on_event(State&, const Event& event) override { run(Hook::on_event, event); }
  void on_update(State&, const Event& event) override { run(Hook::on_update, event); }
  void on_end(State&, const Event& event) override { run(Hook::on_end, event); }
  void on_abort(State&, const Event& event) noexcept override {
    world_.notes.push_back({who_, Hook::on_abort, event.type, event.global_step});
  }
  void on_finalize(State&, const Event& event) override { run(Hook::on_finalize, event); }

 private:
  void run(Hook hook, const Event& event) {
    world_.notes.push_back({who_, hook, event.type, event.global_step});
    if (deed_) deed_(hook, event);
  }

  char who_;
  World& world_;
  Deed deed_;
};

inline const Interests everything{.due = EventSet::all(), .every = EventSet::all()};

/// `count` of them, from 'a' on, of all kinds that the agenda tells apart.
inline void populate(World& world, int count) {
  const std::array<Cadence, 5> cadences{{{},
                                         {.update = 2},
                                         {.start = 1, .end = 3},
                                         {.start = 2, .end = 500, .update = 300},
                                         {.start = 400}}};
  const std::array<Interests, 3> interests{
      {everything,
       {.due = EventType::BATCH_END},
       {.due = EventType::OPTIM_PRE_STEP, .every = EventType::BATCH_START}}};
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    world.bus.emplace<Noting>(static_cast<char>('a' + i), cadences.at(at % cadences.size()),
                              interests.at(at % interests.size()), world);
  }
}

inline void run_batches(EventBus& bus, int count) {
  for (int i = 0; i < count; ++i) {
    bus.batch([](takt::Batch& batch) {
      batch.loss(0.5);
      batch.step([] {});
    });
  }
}

inline void to_the_end(EventBus& bus) {
  run_batches(bus, 5);
  bus.calibration_epoch([] {});
  bus.finalize();
}

/// All that can be seen of a bus from outside.
struct Picture {
  std::vector<std::string> members{};
  Event now{};
  std::size_t notes = 0;
  friend bool operator==(const Picture&, const Picture&) = default;
};

inline Picture picture_of(const World& world) {
  Picture picture{.now = world.bus.now(), .notes = world.notes.size()};
  for (const auto& modifier : world.bus.modifiers()) {
    picture.members.push_back(modifier->name() + ' ' + to_string(modifier->phase()));
  }
  return picture;
}

template <class Callable>
void elsewhere(Callable callable) {
  std::thread{callable}.join();
}

// ---- Every allocation fails ---------------------------------------------------------------------

/// `attempt(first, shortage)` says whether memory ran out; it is made until it did not.
template <class Attempt>
void each_shortage(const Attempt& attempt) {
  for (const Shortage shortage : {Shortage::once, Shortage::lasts}) {
    std::uint64_t first = 0;
    while (attempt(first, shortage)) {
      BOOST_TEST_REQUIRE(first < 1000U);
      ++first;
    }
    BOOST_TEST(first > 0U);  // else nothing was tested
  }
}

/// Makes the call, again when it throws std::bad_alloc and has changed nothing. Returns whether
/// memory ran out.
template <class Call>
bool make_short_of_memory(World& world, std::uint64_t first, Shortage shortage, const Call& call) {
  const Picture before = picture_of(world);
  bool threw = false;
  bool struck = false;
  {
    const OutOfMemory shortfall{first, shortage};
    try {
      call(world);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    struck = shortfall.struck();
  }
  if (threw) {
    BOOST_TEST((picture_of(world) == before));
    call(world);
  }
  return struck;
}

}  // namespace takt::test::memory

#endif
