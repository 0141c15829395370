// SPDX-License-Identifier: BSL-1.0
// Observers that other threads connect and disconnect while the loop emits at full speed: which
// emissions each of them hears, and that those who stay miss none. For TAKT_THREAD_SECONDS each.
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "crew.hpp"
#include "shift.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::At;
using takt::Event;
using takt::EventBus;
using takt::EventType;
using takt::State;
using takt::test::Crew;
using takt::test::emit_while;
using takt::test::happens;
using takt::test::helper_count;
using takt::test::Shift;
using enum takt::EventType;

/// A batch's events, in the order of their emission.
constexpr std::array batch{BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP,
                           BATCH_END};

/// The emissions of one event type.
struct Emissions {
  std::atomic<std::int64_t> begun{0};
  std::atomic<std::int64_t> over{0};

  /// How many have begun. Written, though with what is there already: what this thread has done
  /// before, the loop then knows of at the next.
  std::int64_t begun_for_the_loop() { return begun.fetch_add(0); }
};

using AllEmissions = std::array<Emissions, batch.size()>;

void emit_batch(EventBus& bus, AllEmissions& all) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    ++all[i].begun;
    bus.emit(batch[i]);
    ++all[i].over;
  }
}

/// What an observer that comes and goes has heard, by the number of the emission.
struct Guest {
  std::atomic<std::int64_t> first{0};
  std::atomic<std::int64_t> last{0};
  std::atomic<std::int64_t> silent_after{std::numeric_limits<std::int64_t>::max()};
  std::atomic<int> wrong{0};

  void hear(std::int64_t emission) {
    if (first == 0) {
      first = emission;
    } else if (emission != last + 1) {
      ++wrong;  // missed one, or heard one twice
    }
    last = emission;
    if (emission > silent_after) ++wrong;
  }
};

/// Connects, stays for `stay` emissions or more, and disconnects. Whether it has heard each
/// emission in between, and none after the one in which it left.
bool visit(EventBus& bus, EventType type, Emissions& emissions, At at, int group,
           std::int64_t stay) {
  const auto guest = std::make_shared<Guest>();
  const EventBus::Observer observer{
      [guest, &emissions](const Event&, const State&) { guest->hear(emissions.begun); }};
  const std::int64_t before = emissions.begun;
  auto connection = group == 0 ? bus.connect(type, observer, at)  //
                               : bus.connect(type, group, observer, at);
  const std::int64_t first = emissions.begun_for_the_loop() + 1;  // of those it may not miss
  if (!happens([&] { return emissions.begun >= first + stay; })) return false;
  const std::int64_t last = emissions.begun - 1;  // that one is over, the next may not be
  connection.disconnect();
  const std::int64_t leaving = emissions.begun_for_the_loop();
  guest->silent_after = leaving;
  if (!happens([&] { return emissions.over >= leaving; })) return false;
  const bool heard_all = guest->first > 0 && guest->first <= first && guest->last >= last;
  const bool heard_no_other = guest->first >= before && guest->last <= leaving;
  return heard_all && heard_no_other && guest->wrong == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_observers)

BOOST_AUTO_TEST_CASE(who_comes_and_goes_hears_each_emission_in_between_once_and_none_after) {
  EventBus bus;
  bus.initialize();
  AllEmissions emissions;
  const Shift shift;
  std::atomic<int> visits{0};
  std::atomic<int> wrong{0};
  Crew crew{helper_count, [&](int i) {
              std::minstd_rand random{static_cast<unsigned>(i) + 1U};
              do {
                const std::size_t k = random() % batch.size();
                const At at = random() % 2 == 0 ? At::before : At::after;
                const int group = static_cast<int>(random() % 4) - 1;
                if (!visit(bus, batch[k], emissions[k], at, group, 1 + random() % 4)) ++wrong;
                ++visits;
              } while (!shift.over());
            }};
  crew.start();
  while (crew.works()) emit_batch(bus, emissions);
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST_MESSAGE(visits << " visits in " << emissions[0].over << " batches");
}

BOOST_AUTO_TEST_CASE(those_who_stay_hear_each_emission_once_in_the_order_of_their_groups) {
  EventBus bus;
  bus.initialize();
  AllEmissions emissions;
  std::array<std::vector<int>, batch.size()> heard;
  const auto stay = [&](std::size_t k, int place) {
    return [&, k, place](const Event&, const State&) { heard[k].push_back(place); };
  };
  for (std::size_t k = 0; k < batch.size(); ++k) {
    bus.connect(batch[k], stay(k, 6), At::after);
    bus.connect(batch[k], 5, stay(k, 5), At::after);
    bus.connect(batch[k], -1, stay(k, 4), At::after);
    bus.connect(batch[k], stay(k, 3), At::before);
    bus.connect(batch[k], 5, stay(k, 2), At::before);
    bus.connect(batch[k], -1, stay(k, 1), At::before);
  }
  const std::vector<int> in_order{1, 2, 3, 4, 5, 6};
  const Shift shift;
  Crew crew{helper_count, [&](int i) {
              std::minstd_rand random{static_cast<unsigned>(i) + 1U};
              std::vector<boost::signals2::scoped_connection> connections(8);
              do {
                const At at = random() % 2 == 0 ? At::before : At::after;
                const int group = static_cast<int>(random() % 8) - 2;
                connections[random() % connections.size()] = bus.connect(
                    batch[random() % batch.size()], group, [](const Event&, const State&) {}, at);
              } while (!shift.over());
            }};
  crew.start();
  std::int64_t wrong = 0;
  while (crew.works()) {
    emit_batch(bus, emissions);
    for (std::vector<int>& calls : heard) {
      if (calls != in_order) ++wrong;
      calls.clear();
    }
  }
  crew.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(observers_that_connect_and_disconnect_others_do_so_next_to_other_threads) {
  EventBus bus;
  bus.initialize();
  AllEmissions emissions;
  std::int64_t calls_of_the_next = 0;
  std::int64_t late = 0;
  boost::signals2::connection next;
  bus.connect(
      BATCH_END, -1,
      [&](const Event& event, const State&) {
        next.disconnect();
        next = bus.connect(
            BATCH_END, 1,
            [&, batch_of_it = event.global_batch](const Event& e, const State&) {
              // Connected within one emission, disconnected at the beginning of the next but one:
              // called at most in one, and not in that of its connection.
              if (e.global_batch == batch_of_it) ++late;
              ++calls_of_the_next;
            },
            At::before);
      },
      At::after);
  const Shift shift;
  Crew crew{helper_count, [&](int) {
              do {
                const auto pass = [](const Event&, const State&) {};
                const boost::signals2::scoped_connection before{
                    bus.connect(BATCH_END, 1, pass, At::before)};
                const boost::signals2::scoped_connection after{bus.connect(BATCH_END, -1, pass)};
              } while (!shift.over());
            }};
  crew.start();
  while (crew.works()) emit_batch(bus, emissions);
  crew.join();
  BOOST_TEST(late == 0);
  BOOST_TEST(calls_of_the_next == emissions[4].over - 1);
}

BOOST_AUTO_TEST_CASE(connections_may_be_let_go_of_while_their_bus_is_destroyed) {
  const Shift shift;
  int rounds = 0;
  do {
    auto bus = std::make_unique<EventBus>();
    bus->initialize();
    std::array<std::vector<boost::signals2::scoped_connection>, helper_count> connections;
    std::atomic<int> calls{0};
    for (auto& list : connections) {
      for (const EventType type : batch) {
        list.emplace_back(bus->connect(type, [&](const Event&, const State&) { ++calls; }));
      }
    }
    Crew crew{helper_count, [&](int i) { connections[static_cast<std::size_t>(i)].clear(); }};
    crew.start();
    takt::test::emit_batch(*bus);
    bus.reset();
    crew.join();
    BOOST_TEST_REQUIRE(calls <= static_cast<int>(helper_count * batch.size()));
    ++rounds;
  } while (!shift.over());
}

BOOST_AUTO_TEST_SUITE_END()
