// SPDX-License-Identifier: BSL-1.0
/// \file
/// Threads beside the loop of a bus, and modifiers that watch on which one their hooks run.
#ifndef TAKT_TESTS_CREW_HPP
#define TAKT_TESTS_CREW_HPP

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "takt/event_bus.hpp"

namespace takt::test {

inline constexpr int helper_count = 3;

/// Threads that all start at once, together with the one that waits for `start`.
class Crew {
 public:
  /// `work(i)` runs in thread number i.
  template <class Work>
  Crew(int size, Work work) : ready_{size + 1}, working_{size} {
    for (int i = 0; i < size; ++i) {
      threads_.emplace_back([this, work, i]() mutable {
        ready_.arrive_and_wait();
        work(i);
        --working_;
      });
    }
  }
  ~Crew() { join(); }

  void start() { ready_.arrive_and_wait(); }
  [[nodiscard]] bool works() const { return working_ > 0; }
  void join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  std::latch ready_;
  std::atomic<int> working_;
  std::vector<std::thread> threads_;
};

inline void emit_batch(EventBus& bus) {
  bus.batch_start();
  bus.loss_calculated(0.5);
  bus.optim_pre_step();
  bus.optim_post_step();
  bus.batch_end();
}

/// Emits batches for as long as the helpers work, and one more, so that no queued work is left.
/// Returns how many.
template <class Work>
std::int64_t emit_while(EventBus& bus, Work work) {
  Crew crew{helper_count, work};
  crew.start();
  std::int64_t batches = 1;
  for (; crew.works(); ++batches) emit_batch(bus);
  crew.join();
  emit_batch(bus);
  return batches;
}

/// What happened to some modifiers. Only hooks write to it, and without a lock: a hook on another
/// thread than the loop's is a race.
struct Tally {
  std::thread::id loop = std::this_thread::get_id();
  int initialized = 0;
  int started = 0;
  int updated = 0;
  int ended = 0;
  int finalized = 0;
  int misplaced = 0;  // hooks out of order, or on another thread
};

/// A modifier that tells a tally of its hooks, and whether they came in order.
class Watched final : public Modifier {
 public:
  Watched(const std::string& name, std::shared_ptr<Tally> tally, const Cadence& cadence = {})
      : Modifier{name, cadence, {.due = EventType::BATCH_START | EventType::BATCH_END}},
        tally_{std::move(tally)} {}

  void on_initialize(State&, const Event&) override { go(0, 1, tally_->initialized); }
  void on_start(State&, const Event&) override { go(1, 2, tally_->started); }
  void on_update(State&, const Event&) override { go(2, 2, tally_->updated); }
  void on_end(State&, const Event&) override { go(2, 1, tally_->ended); }
  void on_finalize(State&, const Event&) override { go(1, 3, tally_->finalized); }

 private:
  void go(int from, int to, int& count) {
    ++count;
    if (stage_ != from || std::this_thread::get_id() != tally_->loop) ++tally_->misplaced;
    stage_ = to;
  }

  int stage_ = 0;
  std::shared_ptr<Tally> tally_;
};

// Appending, because g++ 12 warns at `"m" + std::to_string(…)`.
inline std::string name_of(int number) { return std::string{"m"}.append(std::to_string(number)); }
inline std::string name_of(int thread, int number) {
  return name_of(thread).append(".").append(std::to_string(number));
}

}  // namespace takt::test

#endif
