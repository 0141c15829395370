// SPDX-License-Identifier: BSL-1.0
// What other threads may do with a bus while its loop runs; made for the thread sanitizer.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "crew.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::Phase;
using takt::State;
using takt::test::Crew;
using takt::test::emit_batch;
using takt::test::emit_while;
using takt::test::helper_count;
using takt::test::name_of;
using takt::test::Tally;
using takt::test::Watched;
using enum takt::EventType;

/// How often a thread looks, at most, for what has to happen.
constexpr int most_looks = 1'000'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads)

BOOST_AUTO_TEST_CASE(observers_come_and_go_while_the_loop_emits) {
  EventBus bus;
  std::int64_t seen = 0;
  bus.connect(BATCH_END, [&](const Event&, const State&) { ++seen; });
  bus.initialize();
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const std::int64_t batches = emit_while(bus, [&](int i) {
    for (int k = 0; k < 200; ++k) {
      const auto type = static_cast<takt::EventType>(2 + (i + k) % 3);
      const auto at = k % 2 == 0 ? takt::At::before : takt::At::after;
      const auto count = [calls](const Event&, const State&) { ++*calls; };
      const boost::signals2::scoped_connection first{bus.connect(type, count, at)};
      const boost::signals2::scoped_connection second{bus.connect(type, i, count, at)};
    }
  });
  BOOST_TEST(seen == batches);
  const int before = *calls;
  emit_batch(bus);
  BOOST_TEST(*calls == before);
}

BOOST_AUTO_TEST_CASE(objects_that_are_tracked_die_while_the_loop_emits) {
  EventBus bus;
  bus.initialize();
  std::atomic<int> calls_of_the_dead{0};
  emit_while(bus, [&](int) {
    for (int k = 0; k < 200; ++k) {
      auto alive = std::make_shared<std::atomic<bool>>(true);
      const std::weak_ptr<std::atomic<bool>> tracked = alive;
      EventBus::Observer observer{[&, tracked](const Event&, const State&) {
        if (tracked.expired()) ++calls_of_the_dead;
      }};
      bus.connect(BATCH_START, observer.track_foreign(tracked));
    }
  });
  BOOST_TEST(calls_of_the_dead == 0);
}

BOOST_AUTO_TEST_CASE(of_observers_that_are_the_first_of_their_type_none_is_lost) {
  for (int round = 0; round < 30; ++round) {
    EventBus bus;
    bus.initialize();
    std::atomic<int> calls{0};
    emit_while(bus, [&](int) {
      bus.connect(OPTIM_PRE_STEP, [&](const Event&, const State&) { ++calls; });
    });
    const int before = calls;
    emit_batch(bus);
    BOOST_TEST(calls == before + helper_count);
  }
}

BOOST_AUTO_TEST_CASE(modifiers_that_other_threads_add_and_remove_have_both_their_ends) {
  EventBus bus;
  bus.initialize();
  const auto tally = std::make_shared<Tally>();
  constexpr int each = 160;
  constexpr int lasting = each / 8;  // left on the bus by each helper
  std::atomic<int> not_removed{0};
  emit_while(bus, [&](int i) {
    for (int k = 0; k < each; ++k) {
      bus.add(std::make_shared<Watched>(name_of(i, k), tally), k % 3 - 1);
      if (k % 4 != 0 && !bus.remove(name_of(i, k))) ++not_removed;
    }
    for (int k = 4; k < each; k += 8) {
      if (!bus.remove(name_of(i, k))) ++not_removed;
    }
  });
  BOOST_TEST(not_removed == 0);
  BOOST_TEST(tally->initialized - tally->finalized == helper_count * lasting);
  for (const auto& modifier : bus.modifiers()) bus.remove(modifier->name());
  BOOST_TEST(tally->initialized == tally->finalized);
  BOOST_TEST(tally->started == tally->ended);
  BOOST_TEST(tally->misplaced == 0);
}

BOOST_AUTO_TEST_CASE(modifiers_that_other_threads_have_added_run_until_the_loop_finalizes) {
  EventBus bus;
  bus.initialize();
  const auto tally = std::make_shared<Tally>();
  constexpr int each = 60;
  emit_while(bus, [&](int i) {
    for (int k = 0; k < each; ++k) bus.emplace<Watched>(name_of(i, k), tally);
  });
  emit_batch(bus);
  BOOST_TEST(tally->initialized == helper_count * each);
  BOOST_TEST(tally->started == helper_count * each);
  BOOST_TEST(tally->ended == 0);
  bus.finalize();
  BOOST_TEST(tally->ended == helper_count * each);
  BOOST_TEST(tally->finalized == helper_count * each);
  BOOST_TEST(tally->misplaced == 0);
}

BOOST_AUTO_TEST_CASE(hooks_add_and_remove_next_to_other_threads) {
  EventBus bus;
  const auto tally = std::make_shared<Tally>();
  int made = 0;
  bus.on({BATCH_START}, {}, [&] {
    bus.emplace<Watched>("hook " + std::to_string(++made), tally);
    if (made > 1) bus.remove("hook " + std::to_string(made - 1));
  });
  bus.initialize();
  emit_while(bus, [&](int i) {
    for (int k = 0; k < 100; ++k) {
      bus.emplace<Watched>(name_of(i, k), tally);
      bus.remove(name_of(i, k));
    }
  });
  bus.finalize();
  BOOST_TEST(tally->initialized >= made);
  BOOST_TEST(tally->initialized == tally->finalized);
  BOOST_TEST(tally->started == tally->ended);
  BOOST_TEST(tally->misplaced == 0);
}

BOOST_AUTO_TEST_CASE(the_loop_may_remove_what_other_threads_have_just_added) {
  EventBus bus;
  bus.initialize();
  const auto tally = std::make_shared<Tally>();
  constexpr int each = 150;
  Crew crew{helper_count, [&](int i) {
              for (int k = 0; k < each; ++k) bus.emplace<Watched>(name_of(i, k), tally);
            }};
  crew.start();
  std::vector<std::shared_ptr<takt::Modifier>> removed;
  while (crew.works() || !bus.modifiers().empty()) {
    for (const auto& modifier : bus.modifiers()) {
      if (bus.remove(modifier->name())) removed.push_back(modifier);
    }
  }
  BOOST_TEST(removed.size() == static_cast<std::size_t>(helper_count * each));
  BOOST_TEST(tally->initialized == tally->finalized);
  BOOST_TEST(tally->misplaced == 0);
  EventBus next;
  for (const auto& modifier : removed) BOOST_CHECK_NO_THROW(next.add(modifier));
}

BOOST_AUTO_TEST_CASE(of_several_threads_that_want_one_name_one_gets_it) {
  EventBus bus;
  bus.initialize();
  const auto tally = std::make_shared<Tally>();
  constexpr int names = 100;
  std::atomic<int> winners{0};
  emit_while(bus, [&](int) {
    for (int k = 0; k < names; ++k) {
      try {
        bus.emplace<Watched>(name_of(k), tally);
        ++winners;
      } catch (const takt::InvalidModifier&) {
      }
    }
  });
  BOOST_TEST(winners == names);
  BOOST_TEST(tally->initialized == names);
}

BOOST_AUTO_TEST_CASE(of_several_threads_that_remove_one_modifier_one_does) {
  EventBus bus;
  const auto tally = std::make_shared<Tally>();
  constexpr int names = 100;
  for (int k = 0; k < names; ++k) bus.emplace<Watched>(name_of(k), tally);
  bus.initialize();
  std::atomic<int> removed{0};
  emit_while(bus, [&](int) {
    for (int k = 0; k < names; ++k) removed += bus.remove(name_of(k)) ? 1 : 0;
  });
  BOOST_TEST(removed == names);
  BOOST_TEST(tally->finalized == names);
  BOOST_TEST(tally->started == tally->ended);
}

BOOST_AUTO_TEST_CASE(callables_without_a_name_get_different_ones_on_every_thread) {
  EventBus bus;
  bus.initialize();
  emit_while(bus, [&](int) {
    for (int k = 0; k < 50; ++k) bus.on({BATCH_END}, {.update = 1e9}, [] {});
  });
  std::set<std::string> names;
  for (const auto& modifier : bus.modifiers()) names.insert(modifier->name());
  BOOST_TEST(names.size() == 50U * helper_count);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_is_offered_to_several_buses_joins_one) {
  for (int round = 0; round < 50; ++round) {
    const auto modifier = std::make_shared<Watched>("m", std::make_shared<Tally>());
    std::array<EventBus, helper_count> buses;
    std::atomic<int> joined{0};
    Crew crew{helper_count, [&](int i) {
                try {
                  buses[static_cast<std::size_t>(i)].add(modifier);
                  ++joined;
                } catch (const takt::InvalidModifier&) {
                }
              }};
    crew.start();
    crew.join();
    BOOST_TEST(joined == 1);
  }
}

BOOST_AUTO_TEST_CASE(the_counters_that_another_thread_reads_belong_together_and_never_go_back) {
  EventBus bus{Event{.steps_per_epoch = 10, .global_step = 5, .global_batch = 5}};
  bus.initialize();
  std::atomic<int> wrong{0};
  const std::int64_t batches = emit_while(bus, [&](int) {
    Event last = bus.now();
    for (int k = 0; k < 100'000; ++k) {
      const Event now = bus.now();
      const bool fits = now.global_step == now.global_batch && now.steps_per_epoch == 10;
      if (!fits || now.type || now.global_step < last.global_step) ++wrong;
      last = now;
    }
  });
  BOOST_TEST(wrong == 0);
  BOOST_TEST(bus.now().global_step == 5 + batches);
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_the_modifiers_is_in_order_and_holds_no_name_twice) {
  EventBus bus;
  const auto tally = std::make_shared<Tally>();
  bus.add(std::make_shared<Watched>("last", tally), 1);
  bus.add(std::make_shared<Watched>("first", tally), -1);
  bus.initialize();
  std::atomic<int> wrong{0};
  emit_while(bus, [&](int i) {
    for (int k = 0; k < 100; ++k) {
      if (i == 0) {
        bus.emplace<Watched>(name_of(k % 7), tally);
        if (k % 7 == 6) {
          for (int j = 0; j < 7; ++j) bus.remove(name_of(j));
        }
        continue;
      }
      const auto modifiers = bus.modifiers();
      std::set<std::string> names;
      for (const auto& modifier : modifiers) names.insert(modifier->name());
      if (names.size() != modifiers.size()) ++wrong;
      if (modifiers.front()->name() != "first" || modifiers.back()->name() != "last") ++wrong;
      if (!std::is_sorted(modifiers.begin() + 1, modifiers.end() - 1,
                          [](const auto& a, const auto& b) { return a->name() < b->name(); })) {
        ++wrong;
      }
    }
  });
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(the_phase_that_another_thread_reads_only_goes_forward) {
  EventBus bus;
  const auto tally = std::make_shared<Tally>();
  std::vector<std::shared_ptr<Watched>> all;
  for (int k = 0; k < 20; ++k) {
    const takt::Cadence cadence{.start = 5.0 * k, .end = 5.0 * k + 7.0};
    all.push_back(bus.emplace<Watched>(name_of(k), tally, cadence));
  }
  std::atomic<int> backward{0};
  Crew crew{helper_count, [&](int) {
              std::vector<Phase> last(all.size(), Phase::added);
              for (int i = 0; i < most_looks && last.front() != Phase::finalized; ++i) {
                for (std::size_t k = all.size(); k-- > 0;) {
                  const Phase phase = all[k]->phase();
                  if (phase < last[k]) ++backward;
                  last[k] = phase;
                }
              }
            }};
  crew.start();
  bus.initialize();
  for (int i = 0; i < 120; ++i) emit_batch(bus);
  bus.finalize();
  crew.join();
  BOOST_TEST(backward == 0);
  BOOST_TEST(tally->ended == 20);
}

BOOST_AUTO_TEST_CASE(another_thread_sees_more_and_more_modifiers_in_quarantine) {
  EventBus bus{{}, {.errors = takt::ErrorPolicy::quarantine}};
  constexpr std::size_t count = 20;
  for (std::size_t k = 0; k < count; ++k) {
    bus.on({BATCH_START}, {.start = 1.0 + static_cast<double>(k)},
           [] { throw std::runtime_error{"it broke"}; });
  }
  std::size_t told = 0;
  bus.on_error([&](const takt::ModifierError&) { ++told; });
  bus.initialize();
  std::atomic<int> wrong{0};
  Crew crew{helper_count, [&](int) {
              std::size_t last = 0;
              for (int i = 0; i < most_looks && last < count; ++i) {
                const auto broken = bus.quarantined();
                if (broken.size() < last) ++wrong;
                last = broken.size();
              }
            }};
  crew.start();
  while (crew.works()) emit_batch(bus);
  crew.join();
  BOOST_TEST(wrong == 0);
  BOOST_TEST(told == count);
}

BOOST_AUTO_TEST_CASE(a_request_of_another_thread_reaches_the_loop_once) {
  EventBus bus;
  bus.initialize();
  constexpr int requests = 100;
  std::atomic<int> saves{0};
  std::atomic<int> evaluations{0};
  Crew crew{2, [&](int i) {
              takt::Control& control = bus.state().control;
              for (int k = 0; k < requests; ++k) {
                i == 0 ? control.request_save() : control.request_evaluate();
                const std::atomic<int>& taken = i == 0 ? saves : evaluations;
                for (int look = 0; look < most_looks && taken == k; ++look) {
                  std::this_thread::yield();
                }
              }
            }};
  crew.start();
  while (crew.works()) {
    emit_batch(bus);
    if (bus.state().control.take_save_request()) ++saves;
    if (bus.state().control.take_evaluate_request()) ++evaluations;
  }
  BOOST_TEST(saves == requests);
  BOOST_TEST(evaluations == requests);
}

BOOST_AUTO_TEST_CASE(a_loop_stops_for_the_reason_that_another_thread_gave) {
  for (int round = 0; round < 30; ++round) {
    EventBus bus;
    bus.initialize();
    Crew crew{helper_count,
              [&](int i) { bus.state().control.stop("thread " + std::to_string(i)); }};
    crew.start();
    std::string seen;
    while (crew.works()) {
      emit_batch(bus);
      if (bus.state().control.stop_requested()) seen = bus.state().control.stop_reason();
    }
    const std::string reason = bus.state().control.stop_reason();
    BOOST_TEST(reason.starts_with("thread "));
    BOOST_TEST((seen.empty() || seen == reason));
  }
}

BOOST_AUTO_TEST_SUITE_END()
