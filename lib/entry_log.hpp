// SPDX-License-Identifier: BSL-1.0
/// \file
/// What happens on a bus, as the entries of a trace.
#ifndef TAKT_LIB_ENTRY_LOG_HPP
#define TAKT_LIB_ENTRY_LOG_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "bus_watcher.hpp"
#include "takt/event_bus.hpp"
#include "takt/trace.hpp"

namespace takt::detail {

/// Puts entries together and hands each to `on_entry`. Watches from construction until it is
/// detached or destroyed. Allocates nothing in the steady state. What the handlers throw ends in
/// `on_failure`, which throws nothing.
class EntryLog : public BusWatcher {
 public:
  /// Throws `LifecycleError` when the bus is initialized already. Without times all of them are 0.
  EntryLog(EventBus& bus, bool timed);
  ~EntryLog() override { detach(); }
  void detach() noexcept;

 protected:
  /// At INITIALIZE, before its entry.
  virtual void on_header(const TraceHeader& header) = 0;
  /// The entry may be moved from. An addition comes with what has joined.
  virtual void on_entry(TraceEntry& entry, const TracedModifier* joined) = 0;
  /// Where a run is resumed, in place of the header: the bus as it is now. `entries` is how many
  /// there are before, nothing when nobody counted them. Gives back the time of the last of them.
  virtual std::int64_t on_resumed(const TraceHeader&, std::optional<std::int64_t>) { return 0; }
  /// See `BusWatcher::checkpoint`.
  virtual std::optional<std::int64_t> on_checkpoint() { return std::nullopt; }
  virtual void on_failure() noexcept = 0;

 private:
  using Clock = std::chrono::steady_clock;

  void begin_call(BusCall call, const Event& event, const State& state) noexcept final;
  void begin_addition(const Modifier& modifier, int group, const Event& event) noexcept final;
  void begin_removal(const Modifier& modifier, const Event& event) noexcept final;
  void hook_begins() noexcept final;
  void hook_ended(const Modifier& modifier, Hook hook,
                  const std::exception_ptr& error) noexcept final;
  void end() noexcept final;
  [[nodiscard]] std::optional<std::int64_t> checkpoint() noexcept final;
  void resume(std::optional<std::int64_t> entries) noexcept final;

  void begin(TraceKind kind, const Event& event);
  void begin_run();
  [[nodiscard]] TraceHeader take_in();
  [[nodiscard]] std::vector<TraceEntry> removals_at_initialize() const;
  [[nodiscard]] std::int64_t since(Clock::time_point begin) const noexcept;
  template <class Work>
  void guarded(Work&& work) noexcept;

  EventBus& bus_;  // not used once it may be gone: only while it calls
  std::weak_ptr<BusWatchers> watchers_;
  const bool timed_;
  bool begun_ = false;
  Clock::time_point begin_{};
  Clock::time_point hook_begin_{};
  TraceEntry entry_;
  std::unique_ptr<TracedModifier> joined_;
  std::unordered_map<const Modifier*, std::size_t> positions_;
  std::size_t modifier_count_ = 0;
};

}  // namespace takt::detail

#endif
