// SPDX-License-Identifier: BSL-1.0
// How much of what other threads queue is done by one call: a call returns, however many there are.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "crew.hpp"
#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::State;
using takt::test::emit_batch;
using takt::test::name_of;

/// Calls a function at its first hook, and at its last.
class Calling final : public takt::Modifier {
 public:
  using Function = std::function<void()>;

  Calling(const std::string& name, Function first, Function last)
      : Modifier{name, {}, {}}, first_{std::move(first)}, last_{std::move(last)} {}

  void on_initialize(State&, const Event&) override { first_(); }
  void on_finalize(State&, const Event&) override { last_(); }

 private:
  Function first_;
  Function last_;
};

/// Modifiers, each of which another thread adds and removes while the hooks of the one before run:
/// work that comes as fast as it is done.
class Chain {
 public:
  /// Of so many; by then a call that goes on as long as there is work is plain to see.
  static constexpr int length = 40;

  explicit Chain(EventBus& bus) : bus_{bus} {}

  /// From a thread of its own.
  void add_next() {
    std::thread{[this] {
      const std::string name = name_of(++added_);
      try {
        bus_.emplace<Calling>(
            name, [this] { begin(); }, [] {});
      } catch (const takt::LifecycleError&) {
        ++refused_;
        return;
      }
      if (remove_ && added_ > 1) bus_.remove(name_of(added_ - 1));
    }}.join();
  }
  void remove_too() { remove_ = true; }

  [[nodiscard]] int begun() const { return begun_; }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  void begin() {
    ++begun_;
    if (added_ < length) add_next();
  }

  EventBus& bus_;
  int added_ = 0;  // one thread at a time uses these: who starts one joins it
  int begun_ = 0;
  int refused_ = 0;
  bool remove_ = false;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_threads_queue)

BOOST_AUTO_TEST_CASE(what_other_threads_queue_while_a_call_does_queued_work_waits_for_the_next) {
  EventBus bus;
  bus.initialize();
  Chain chain{bus};
  chain.add_next();
  bus.batch_start();
  BOOST_TEST(chain.begun() == 2);  // as the call begins, and as it ends
  bus.batch_end();
  BOOST_TEST(chain.begun() == 4);
  while (chain.begun() < Chain::length) emit_batch(bus);
  BOOST_TEST(bus.modifiers().size() == static_cast<std::size_t>(Chain::length));
}

BOOST_AUTO_TEST_CASE(a_removal_among_it_waits_with_it_and_is_done_in_turn) {
  EventBus bus;
  bus.initialize();
  Chain chain{bus};
  chain.remove_too();
  chain.add_next();
  bus.batch_start();
  BOOST_TEST(chain.begun() == 2);
  bus.batch_end();
  while (chain.begun() < Chain::length) emit_batch(bus);
  BOOST_TEST(bus.modifiers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_hooks_queue_while_a_call_does_queued_work_is_done_before_it_returns) {
  EventBus bus;
  bus.initialize();
  int begun = 0;
  std::function<void()> begin = [&] {
    if (++begun == Chain::length) return;
    bus.emplace<Calling>(name_of(begun), begin, [] {});
  };
  std::thread{[&] { bus.emplace<Calling>("first", begin, [] {}); }}.join();
  bus.batch_start();
  BOOST_TEST(begun == Chain::length);
}

BOOST_AUTO_TEST_CASE(a_run_ends_while_other_threads_add_as_fast_as_it_initializes) {
  EventBus bus;
  bus.initialize();
  Chain chain{bus};
  chain.add_next();
  bus.finalize();
  BOOST_TEST(chain.begun() < Chain::length);
  BOOST_TEST(chain.refused() == 1);
  for (const auto& modifier : bus.modifiers()) {
    BOOST_TEST(modifier->phase() == takt::Phase::finalized);
  }
}

BOOST_AUTO_TEST_CASE(hooks_that_run_as_the_run_begins_to_end_may_still_add) {
  EventBus bus;
  bus.initialize();
  std::thread{[&] {
    bus.emplace<Calling>(
        "first",
        [&] {
          bus.emplace<Calling>(
              "second", [] {}, [] {});
        },
        [] {});
  }}.join();
  bus.finalize();
  BOOST_TEST(bus.modifiers().size() == 2U);
  BOOST_TEST(bus.modifiers().back()->phase() == takt::Phase::finalized);
}

BOOST_AUTO_TEST_SUITE_END()
