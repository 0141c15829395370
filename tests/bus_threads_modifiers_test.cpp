// SPDX-License-Identifier: BSL-1.0
// Modifiers that other threads add and remove while the loop emits at full speed, each of which
// checks its own life. For TAKT_THREAD_SECONDS each.
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crew.hpp"
#include "life.hpp"
#include "shift.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Cadence;
using takt::EventBus;
using takt::Modifier;
using takt::Phase;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::emit_while;
using takt::test::happens;
using takt::test::helper_count;
using takt::test::Life;
using takt::test::Lives;
using takt::test::name_of;
using takt::test::Shift;
using enum takt::EventType;

using Random = std::minstd_rand;

/// A loop that does all that loops do: batches with and without a step, dropped ones, and
/// calibration epochs.
void go_on(EventBus& bus, std::int64_t round) {
  if (round % 16 == 11) {
    bus.calibration_epoch([&] {
      emit_batch(bus);
      bus.sequential_epoch_end();
    });
    return;
  }
  bus.batch_start();
  if (round % 3 != 2) {
    bus.optim_pre_step();
    bus.optim_post_step();
  }
  round % 16 == 7 ? bus.abort_batch() : bus.batch_end();
}

/// Emits for as long as the crew works, and on until no queued work is left.
void emit_for(EventBus& bus, Crew& crew) {
  crew.start();
  for (std::int64_t round = 0; crew.works(); ++round) go_on(bus, round);
  crew.join();
  emit_batch(bus);
}

/// A window of any kind, around that step.
Cadence some_cadence(Random& random, std::int64_t step) {
  const auto now = static_cast<double>(step);
  const std::array<Cadence, 7> kinds{Cadence{},
                                     Cadence{.update = 3.0},
                                     Cadence{.start = now + 2.0},
                                     Cadence{.start = now, .end = now + 4.0, .update = 2.0},
                                     Cadence{.end = now + 1.0},
                                     Cadence{.end = now - 1.0},     // over before it came
                                     Cadence{.start = now + 1e9}};  // never opens
  return kinds[random() % kinds.size()];
}

std::shared_ptr<Life> some_life(Random& random, EventBus& bus, const std::string& name,
                                const std::shared_ptr<Lives>& lives) {
  auto life = std::make_shared<Life>(name, lives, some_cadence(random, bus.now().global_step));
  if (random() % 8 == 0) life->leave_at(bus, 1 + static_cast<int>(random() % 3));
  return life;
}

void remove(EventBus& bus, Life& life) {
  life.about_to_be_removed();
  bus.remove(life.name());
}

/// Every few times, waits until the loop has seen the last that was added: otherwise it would have
/// so much to catch up on that it emits little.
bool keep_pace(int k, const Life& last) {
  return k % 8 != 0 || happens([&] { return last.phase() != Phase::added; });
}

bool is_on(const EventBus& bus, const std::shared_ptr<Modifier>& modifier) {
  for (const auto& present : bus.modifiers()) {
    if (present == modifier) return true;
  }
  return false;
}

void check(const Lives& lives) {
  BOOST_TEST(lives.out_of_order == 0);
  BOOST_TEST(lives.on_a_wrong_thread == 0);
  BOOST_TEST(lives.not_due == 0);
  BOOST_TEST(lives.missed == 0);
  BOOST_TEST(lives.unfinished == 0);
  BOOST_TEST(lives.finalized == lives.initialized);
  BOOST_TEST(lives.gone == lives.made);
  BOOST_TEST_MESSAGE(lives.made << " lives, " << lives.initialized << " initialized, "
                                << lives.started << " started, " << lives.updated << " updates");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_modifiers)

BOOST_AUTO_TEST_CASE(a_modifier_that_another_thread_adds_and_removes_has_each_hook_once_in_order) {
  const auto lives = std::make_shared<Lives>();
  std::atomic<int> lost{0};
  {
    EventBus bus;
    bus.emplace<Life>("stays", lives);
    bus.initialize();
    const Shift shift;
    Crew crew{helper_count, [&](int i) {
                Random random{static_cast<unsigned>(i) + 1U};
                std::deque<std::shared_ptr<Life>> mine;
                for (int k = 0; k == 0 || !shift.over(); ++k) {
                  mine.push_back(some_life(random, bus, name_of(i, k), lives));
                  bus.add(mine.back(), static_cast<int>(random() % 3) - 1);
                  if (!keep_pace(k, *mine.back())) ++lost;
                  if (mine.size() < random() % 24) continue;
                  const std::shared_ptr<Life> one = mine[random() % mine.size()];
                  std::erase(mine, one);
                  remove(bus, *one);
                  // Now and then it sees to it that the last hooks come.
                  const bool unseen = one->phase() == Phase::added;
                  if (k % 16 == 0 && !unseen &&
                      !happens([&] { return one->phase() == Phase::finalized; })) {
                    ++lost;
                  }
                }
              }};
    emit_for(bus, crew);
    bus.finalize();
  }
  BOOST_TEST(lost == 0);
  check(*lives);
}

BOOST_AUTO_TEST_CASE(hooks_and_the_loop_itself_add_and_remove_next_to_other_threads) {
  const auto lives = std::make_shared<Lives>();
  std::atomic<int> lost{0};
  {
    EventBus bus;
    Random random_of_hooks{99};
    std::deque<std::shared_ptr<Life>> of_hooks;
    int made = 0;
    const auto renew = [&](const std::string& who) {
      of_hooks.push_back(some_life(random_of_hooks, bus, who + std::to_string(++made), lives));
      bus.add(of_hooks.back(), made % 3 - 1);
      if (of_hooks.size() < 6) return;
      remove(bus, *of_hooks.front());
      of_hooks.pop_front();
    };
    bus.on({BATCH_START, OPTIM_POST_STEP}, {.update = 2.0}, [&] { renew("hook "); });
    bus.connect(BATCH_END, [&](const takt::Event&, const takt::State&) { renew("observer "); });
    bus.initialize();
    const Shift shift;
    Crew crew{helper_count, [&](int i) {
                Random random{static_cast<unsigned>(i) + 1U};
                for (int k = 0; k == 0 || !shift.over(); ++k) {
                  const auto life = some_life(random, bus, name_of(i, k), lives);
                  bus.add(life);
                  if (!keep_pace(k, *life)) ++lost;
                  remove(bus, *life);
                }
              }};
    crew.start();
    for (std::int64_t round = 0; crew.works(); ++round) {
      go_on(bus, round);
      renew("loop ");
    }
    crew.join();
    bus.finalize();
  }
  BOOST_TEST(lost == 0);
  check(*lives);
}

BOOST_AUTO_TEST_CASE(a_name_has_one_owner_at_a_time_and_is_free_as_soon_as_it_is_removed) {
  constexpr std::size_t names = 3;
  const auto lives = std::make_shared<Lives>();
  std::array<std::atomic<int>, names> owners{};
  std::atomic<int> wrong{0};
  std::atomic<int> refusals{0};
  {
    EventBus bus;
    bus.initialize();
    const Shift shift;
    Crew crew{helper_count, [&](int i) {
                Random random{static_cast<unsigned>(i) + 1U};
                const std::string own = name_of(i);
                for (int k = 0; k == 0 || !shift.over(); ++k) {
                  // Nobody else wants this one: it can't be taken, however long the hooks take.
                  const auto first = std::make_shared<Life>(own, lives);
                  bus.add(first);
                  if (!is_on(bus, first)) ++wrong;
                  remove(bus, *first);
                  if (is_on(bus, first)) ++wrong;
                  const auto second = std::make_shared<Life>(own, lives);
                  bus.add(second);
                  if (!is_on(bus, second) || is_on(bus, first)) ++wrong;
                  if (!keep_pace(k, *second)) ++wrong;
                  remove(bus, *second);
                  if (bus.remove(own)) ++wrong;

                  const std::size_t n = random() % names;
                  const auto wanted =
                      std::make_shared<Life>("wanted by all " + std::to_string(n), lives);
                  try {
                    bus.add(wanted);
                  } catch (const takt::InvalidModifier&) {
                    wanted->about_to_be_removed();
                    ++refusals;
                    continue;
                  }
                  if (++owners[n] != 1) ++wrong;
                  std::this_thread::yield();
                  --owners[n];
                  wanted->about_to_be_removed();
                  if (!bus.remove(wanted->name())) ++wrong;
                }
              }};
    emit_for(bus, crew);
    bus.finalize();
  }
  BOOST_TEST(wrong == 0);
  check(*lives);
  BOOST_TEST_MESSAGE(refusals << " refusals");
}

namespace {

/// The bus of the run that is on, for those who come to it from other threads.
class Stage {
 public:
  void set(std::shared_ptr<EventBus> bus) {
    const std::scoped_lock lock{mutex_};
    bus_.swap(bus);
  }
  [[nodiscard]] std::shared_ptr<EventBus> get() const {
    const std::scoped_lock lock{mutex_};
    return bus_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<EventBus> bus_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(runs_begin_and_end_while_other_threads_add_and_remove) {
  const auto lives = std::make_shared<Lives>();
  std::atomic<int> refused{0};
  std::atomic<int> wrong{0};
  int runs = 0;
  {
    Stage stage;
    stage.set(std::make_shared<EventBus>());
    const Shift shift;
    Crew crew{helper_count, [&](int i) {
                Random random{static_cast<unsigned>(i) + 1U};
                for (int k = 0; k == 0 || !shift.over(); ++k) {
                  const auto bus = stage.get();
                  const auto life = std::make_shared<Life>(
                      name_of(i, k), lives, some_cadence(random, bus->now().global_step));
                  try {
                    bus->add(life, static_cast<int>(random() % 3) - 1);
                  } catch (const takt::LifecycleError&) {
                    life->about_to_be_removed();
                    ++refused;
                    continue;
                  }
                  if (!is_on(*bus, life)) ++wrong;
                  if (random() % 2 == 0) continue;
                  std::this_thread::yield();
                  life->about_to_be_removed();
                  if (!bus->remove(life->name())) ++wrong;
                }
              }};
    crew.start();
    for (; crew.works(); ++runs) {
      const auto bus = stage.get();
      bus->initialize();
      for (std::int64_t round = 0; round < 100; ++round) go_on(*bus, round);
      bus->finalize();
      for (const auto& modifier : bus->modifiers()) {
        if (modifier->phase() != Phase::finalized) ++wrong;
      }
      stage.set(std::make_shared<EventBus>());
    }
    crew.join();
    const auto bus = stage.get();  // what came to it last
    bus->initialize();
    bus->finalize();
  }
  BOOST_TEST(wrong == 0);
  check(*lives);
  BOOST_TEST_MESSAGE(runs << " runs, " << refused << " refused");
}

BOOST_AUTO_TEST_SUITE_END()
