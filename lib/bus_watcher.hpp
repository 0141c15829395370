// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a bus tells a recorder while it works.
#ifndef TAKT_LIB_BUS_WATCHER_HPP
#define TAKT_LIB_BUS_WATCHER_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

#include "takt/bus_call.hpp"
#include "takt/event.hpp"
#include "takt/hook.hpp"
#include "takt/modifier.hpp"
#include "takt/state.hpp"

namespace takt::detail {

/// Sees what happens on a bus, as it happens, on the loop's thread. Each `begin_…` is followed by
/// the hooks that run, and by `end`. Nothing here throws.
class BusWatcher {
 public:
  BusWatcher() = default;
  BusWatcher(const BusWatcher&) = delete;
  BusWatcher& operator=(const BusWatcher&) = delete;
  virtual ~BusWatcher() = default;

  /// A call takes effect: an event is emitted, or a batch or calibration epoch is aborted; then the
  /// event has no type.
  virtual void begin_call(BusCall call, const Event& event, const State& state) noexcept = 0;
  /// A modifier joins an initialized bus, or leaves one.
  virtual void begin_addition(const Modifier& modifier, int group, const Event& event) noexcept = 0;
  virtual void begin_removal(const Modifier& modifier, const Event& event) noexcept = 0;
  virtual void hook_begins() noexcept = 0;
  /// `error` is what it threw, or null.
  virtual void hook_ended(const Modifier& modifier, Hook hook,
                          const std::exception_ptr& error) noexcept = 0;
  virtual void end() noexcept = 0;

  /// A checkpoint is taken between two calls: what has been told until now has to be kept, whatever
  /// becomes of the process. Returns how many things that were, nothing when it could not.
  [[nodiscard]] virtual std::optional<std::int64_t> checkpoint() noexcept = 0;
  /// In place of `initialize`, the bus has taken up such a checkpoint, which has that number.
  virtual void resume(std::optional<std::int64_t> count) noexcept = 0;
};

/// Those who watch one bus. The loop's thread only.
class BusWatchers {
 public:
  /// Not while they are told of something.
  void add(BusWatcher& watcher) {
    std::erase(all_, nullptr);
    all_.push_back(&watcher);
    ++count_;
  }
  /// At any time. The others keep their places, since one may be removed while they are told.
  void remove(const BusWatcher& watcher) noexcept {
    const auto found = std::ranges::find(all_, &watcher);
    if (found == all_.end()) return;
    *found = nullptr;
    --count_;
  }
  [[nodiscard]] bool any() const noexcept { return count_ != 0 && !muted_; }
  /// Whether to tell them nothing, for a while.
  void mute(bool muted) noexcept { muted_ = muted; }

  /// Of a checkpoint that is taken now; they have all seen the same.
  [[nodiscard]] std::optional<std::int64_t> checkpoint() const noexcept {
    std::optional<std::int64_t> count;
    for (BusWatcher* const watcher : all_) {
      if (watcher == nullptr) continue;
      if (const auto seen = watcher->checkpoint()) count = seen;
    }
    return count;
  }

  /// Calls a member of each of them.
  template <class... Parameters, class... Arguments>
  void tell(void (BusWatcher::*what)(Parameters...) noexcept,
            const Arguments&... arguments) const noexcept {
    for (BusWatcher* const watcher : all_) {
      if (watcher != nullptr) (watcher->*what)(arguments...);
    }
  }

 private:
  std::vector<BusWatcher*> all_;  // null where one has been removed
  std::size_t count_ = 0;
  bool muted_ = false;
};

/// Runs a hook, and tells the watchers; what it throws passes on.
template <class Call>
void run_watched(const BusWatchers& watchers, const Modifier& modifier, Hook hook, Call&& call) {
  if (!watchers.any()) return call();
  watchers.tell(&BusWatcher::hook_begins);
  try {
    call();
  } catch (...) {
    watchers.tell(&BusWatcher::hook_ended, modifier, hook, std::current_exception());
    throw;
  }
  watchers.tell(&BusWatcher::hook_ended, modifier, hook, std::exception_ptr{});
}

}  // namespace takt::detail

#endif
