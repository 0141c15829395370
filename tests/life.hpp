// SPDX-License-Identifier: BSL-1.0
/// \file
/// Modifiers that check their own lives, whatever threads add and remove them.
#ifndef TAKT_TESTS_LIFE_HPP
#define TAKT_TESTS_LIFE_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "takt/event_bus.hpp"

namespace takt::test {

/// Of the modifiers that share it, how many there are and what was wrong with them. Any thread
/// writes to it.
struct Lives {
  std::atomic<int> made{0};
  std::atomic<int> gone{0};
  std::atomic<int> initialized{0};
  std::atomic<int> started{0};
  std::atomic<int> updated{0};
  std::atomic<int> finalized{0};
  std::atomic<int> out_of_order{0};       // hooks that don't follow what came before
  std::atomic<int> on_a_wrong_thread{0};  // hooks that are not on the loop's
  std::atomic<int> not_due{0};            // updates where the cadence has none
  std::atomic<int> missed{0};             // batches that an active one did not hear of
  std::atomic<int> unfinished{0};         // destroyed with a hook still owed

  [[nodiscard]] int wrong() const {
    return out_of_order + on_a_wrong_thread + not_due + missed + unfinished;
  }
};

/// Knows at each hook whether it may come: on_initialize first, on_start and on_end at most once
/// and together, on_finalize once and last, all on one thread; every batch in between, and updates
/// where they are due. What can only be known in the end is checked when it is destroyed. Only
/// hooks touch what is not atomic, and without a lock: two at once would be a race.
class Life final : public Modifier {
 public:
  Life(const std::string& name, std::shared_ptr<Lives> lives, const Cadence& cadence = {})
      : Modifier{name, cadence, {.due = batch_types, .every = batch_types}},
        lives_{std::move(lives)} {
    ++lives_->made;
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  ~Life() override {
    const bool ends_well = stage_ == Stage::finalized || (stage_ == Stage::made && may_be_unseen_);
    if (!ends_well) ++lives_->unfinished;
    ++lives_->gone;
  }

  /// Removes itself at its n-th update. Before it is added.
  void leave_at(EventBus& bus, int update) {
    bus_ = &bus;
    last_update_ = update;
  }
  /// It may join another bus when it has been finalized. Before it is added.
  void may_return() { returns_ = true; }
  /// Whoever removes it calls this first: it may be gone before the loop has seen it.
  void about_to_be_removed() {
    if (phase() == Phase::added) may_be_unseen_ = true;
  }

  void on_initialize(State&, const Event&) override {
    loop_ = std::this_thread::get_id();
    next_batch_ = unknown;
    go(returns_ && stage_ == Stage::finalized ? Stage::finalized : Stage::made, Stage::initialized);
    ++lives_->initialized;
  }
  void on_start(State&, const Event&) override {
    go(Stage::initialized, Stage::active);
    ++lives_->started;
  }
  void on_event(State&, const Event& event) override {
    go(Stage::active, Stage::active);
    const bool starts = event.type == EventType::BATCH_START;
    if (starts == batch_open_) ++lives_->missed;
    if (next_batch_ != unknown && event.global_batch != next_batch_) ++lives_->missed;
    batch_open_ = starts;
    next_batch_ = starts ? event.global_batch : event.global_batch + 1;
  }
  void on_update(State&, const Event& event) override {
    go(Stage::active, Stage::active);
    if (!cadence().should_update(event)) ++lives_->not_due;
    ++lives_->updated;
    if (++updates_ == last_update_) bus_->remove(name());
  }
  void on_end(State&, const Event&) override { go(Stage::active, Stage::ended); }
  void on_abort(State&, const Event&) noexcept override {
    go(Stage::active, Stage::active);
    batch_open_ = false;
  }
  void on_finalize(State&, const Event&) override {
    go(stage_ == Stage::ended ? Stage::ended : Stage::initialized, Stage::finalized);
    batch_open_ = false;
    ++lives_->finalized;
  }

 private:
  static constexpr EventSet batch_types = EventType::BATCH_START | EventType::BATCH_END;
  static constexpr std::int64_t unknown = -1;

  enum class Stage : std::uint8_t { made, initialized, active, ended, finalized };

  void go(Stage from, Stage to) {
    if (stage_ != from) ++lives_->out_of_order;
    if (loop_ != std::this_thread::get_id()) ++lives_->on_a_wrong_thread;
    stage_ = to;
  }

  std::shared_ptr<Lives> lives_;
  EventBus* bus_ = nullptr;
  int last_update_ = 0;
  bool returns_ = false;
  std::atomic<bool> may_be_unseen_{false};

  Stage stage_ = Stage::made;
  std::thread::id loop_{};
  int updates_ = 0;
  bool batch_open_ = false;
  std::int64_t next_batch_ = unknown;
};

}  // namespace takt::test

#endif
