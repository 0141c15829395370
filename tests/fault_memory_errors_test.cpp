// SPDX-License-Identifier: BSL-1.0
// Memory runs out while errors are dealt with: every hook runs as it would, and the caller is told
// what there is memory for.
#include <boost/test/unit_test.hpp>

#include "allocations.hpp"

#if !TAKT_ALLOCATIONS_ARE_SEEN

BOOST_AUTO_TEST_SUITE(fault_memory_errors)

BOOST_AUTO_TEST_CASE(no_allocation_fails_in_this_build) {
  BOOST_TEST_MESSAGE("operator new belongs to a sanitizer, or to MSVC's run time");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "error_text.hpp"
#include "fault_memory_cases.hpp"
#include "takt/trace_recorder.hpp"

namespace {

using takt::Cadence;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::EventSet;
using takt::Hook;
using takt::ModifierError;
using takt::State;
using takt::test::has;
using takt::test::OutOfMemory;
using takt::test::Shortage;
using namespace takt::test::memory;
using enum takt::EventType;

/// Three that throw in one hook at one event, between two that never do.
void add_failing(World& world, Hook hook, takt::EventType type) {
  for (const char who : {'a', 'b', 'c', 'd', 'e'}) {
    const bool fails = who == 'b' || who == 'c' || who == 'd';
    world.bus.emplace<Noting>(who, Cadence{}, everything, world, [=](Hook at, const Event& event) {
      if (fails && at == hook && event.type == type) throw Boom{};
    });
  }
}

/// What is thrown, as far as it needs no memory to look at.
struct Thrown {
  bool is_modifier_error = false;
  bool nests_the_original = false;
  bool names_the_modifier = false;
  std::size_t further = 0;
  std::string what{};
};

template <class Call>
Thrown thrown_by(std::uint64_t first, Shortage shortage, bool& struck, const Call& call) {
  Thrown thrown;
  std::exception_ptr error;
  {
    const OutOfMemory none{first, shortage};
    try {
      call();
    } catch (...) {
      error = std::current_exception();
    }
    struck = none.struck();
  }
  if (!error) return thrown;
  try {
    std::rethrow_exception(error);
  } catch (const ModifierError& modifier_error) {
    thrown.is_modifier_error = true;
    thrown.names_the_modifier = modifier_error.modifier() == long_name('b');
    thrown.further = modifier_error.further().size();
    thrown.what = modifier_error.what();
    try {
      std::rethrow_if_nested(modifier_error);
    } catch (const Boom&) {
      thrown.nests_the_original = true;
    }
  } catch (...) {
  }
  return thrown;
}

struct Place {
  Hook hook{};
  takt::EventType type{};
};
const std::vector<Place> places{{Hook::on_initialize, INITIALIZE}, {Hook::on_start, BATCH_START},
                                {Hook::on_event, LOSS_CALCULATED}, {Hook::on_update, BATCH_END},
                                {Hook::on_end, FINALIZE},          {Hook::on_finalize, FINALIZE}};

constexpr std::uint64_t never = 1'000'000;

void make(World& world, takt::EventType type) { world.bus.emit(type); }

/// A whole run, in which memory is short during the call at which hooks throw.
Thrown run(World& world, const Place& place, std::uint64_t first, Shortage shortage, bool& struck) {
  add_failing(world, place.hook, place.type);
  Thrown thrown;
  for (const takt::EventType type : {INITIALIZE, BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP,
                                     OPTIM_POST_STEP, BATCH_END, FINALIZE}) {
    if (type != place.type) {
      make(world, type);
      continue;
    }
    thrown = thrown_by(first, shortage, struck, [&] { make(world, type); });
    if (type != INITIALIZE || !world.notes.empty()) continue;
    bool again = false;  // there was no room for those who are there
    thrown = thrown_by(never, shortage, again, [&] { make(world, type); });
  }
  return thrown;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fault_memory_errors)

BOOST_AUTO_TEST_CASE(hooks_that_throw_without_memory_tear_nothing_and_are_told) {
  for (const ErrorPolicy policy : {ErrorPolicy::propagate, ErrorPolicy::collect}) {
    for (const Place& place : places) {
      bool struck = false;
      World plenty{{.errors = policy}};
      const Thrown all = run(plenty, place, never, Shortage::once, struck);
      BOOST_TEST(all.names_the_modifier);
      each_shortage([&](std::uint64_t first, Shortage shortage) {
        World world{{.errors = policy}};
        const Thrown thrown = run(world, place, first, shortage, struck);
        BOOST_TEST(thrown.is_modifier_error);
        BOOST_TEST(thrown.nests_the_original);
        BOOST_TEST(thrown.further <= all.further);
        const bool says_all = thrown.names_the_modifier && thrown.further == all.further;
        BOOST_TEST((struck || says_all));
        BOOST_TEST((thrown.names_the_modifier || has(thrown.what, "no memory left to say which")));
        BOOST_TEST((world.notes == plenty.notes));
        return struck;
      });
    }
  }
}

BOOST_AUTO_TEST_CASE(each_modifier_that_is_quarantined_without_memory_is_told_once) {
  for (const Place& place : places) {
    bool struck = false;
    const auto told_in = [&](World& world, std::uint64_t first, Shortage shortage) {
      int told = 0;
      world.bus.on_error([&](const ModifierError&) { ++told; });
      const Thrown thrown = run(world, place, first, shortage, struck);
      BOOST_TEST(!thrown.is_modifier_error);
      return told;
    };
    World plenty{{.errors = ErrorPolicy::quarantine}};
    BOOST_TEST(told_in(plenty, never, Shortage::once) == 3);
    each_shortage([&](std::uint64_t first, Shortage shortage) {
      World world{{.errors = ErrorPolicy::quarantine}};
      BOOST_TEST(told_in(world, first, shortage) == 3);
      BOOST_TEST(world.bus.quarantined().size() == 3U);
      BOOST_TEST((world.notes == plenty.notes));
      return struck;
    });
  }
}

BOOST_AUTO_TEST_CASE(a_signal_that_runs_out_of_memory_is_an_observer_that_throws) {
  // More than the objects that Signals2 has room for on the stack.
  std::vector<std::shared_ptr<int> > tracked(20);
  for (auto& each : tracked) each = std::make_shared<int>(0);
  for (const takt::At at : {takt::At::before, takt::At::after}) {
    World world;
    populate(world, 3);
    EventBus::Observer observer{[](const Event&, const State&) {}};
    for (const auto& each : tracked) observer.track_foreign(each);
    world.bus.connect(BATCH_START, observer, at);
    world.bus.initialize();
    bool failed = false;
    {
      const OutOfMemory none{0};
      try {
        world.bus.batch_start();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
    }
    BOOST_TEST(failed);
    BOOST_TEST((world.notes.back() == Note{'c', Hook::on_event, BATCH_START, 0} ||
                world.notes.back().type == BATCH_START));
    world.bus.batch_end();  // for the batch is open
    to_the_end(world.bus);
  }
}

// ---- Recordings ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_recording_without_memory_ends_and_is_told_and_the_run_is_as_it_would_be) {
  const auto train = [](World& world) {
    populate(world, 5);
    world.bus.initialize();
    run_batches(world.bus, 2);
    world.bus.add(std::make_shared<Noting>('z', Cadence{}, everything, world));
    world.bus.remove(long_name('a'));
  };
  World plain;
  train(plain);
  to_the_end(plain.bus);
  for (const bool to_stream : {true, false}) {
    each_shortage([&](std::uint64_t first, Shortage shortage) {
      World world;
      std::ostringstream out;
      takt::Trace trace;
      int told = 0;
      bool struck = false;
      populate(world, 5);
      auto recorder =
          to_stream ? takt::TraceRecorder{world.bus, out} : takt::TraceRecorder{world.bus, trace};
      recorder.on_error([&](const takt::TraceError&) { ++told; });
      world.bus.initialize();
      const auto late = std::make_shared<Noting>('z', Cadence{}, everything, world);
      const std::string name = long_name('a');
      run_batches(world.bus, 2);
      bool refused = false;
      {
        const OutOfMemory none{first, shortage};
        try {
          world.bus.add(late);
        } catch (const std::bad_alloc&) {
          refused = true;
        }
        world.bus.remove(name);
        struck = none.struck();
      }
      if (refused) return true;
      to_the_end(world.bus);
      BOOST_TEST((world.notes == plain.notes));
      bool failed = false;
      try {
        recorder.close();
      } catch (const takt::TraceError& error) {
        failed = true;
        BOOST_TEST(has(error.what(), "out of memory"), error.what());
      }
      BOOST_TEST(failed == struck);
      BOOST_TEST(told <= 1);
      if (shortage == Shortage::once) BOOST_TEST(told == (struck ? 1 : 0));
      return struck;
    });
  }
}

BOOST_AUTO_TEST_SUITE_END()

#endif
