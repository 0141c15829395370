// SPDX-License-Identifier: BSL-1.0
/// \file
/// Who is on the bus: names, order, and the work that other threads have queued.
#ifndef TAKT_LIB_ROSTER_HPP
#define TAKT_LIB_ROSTER_HPP

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lifecycle.hpp"
#include "name_index.hpp"
#include "slot.hpp"

namespace takt::detail {

/// Owns the slots. Names are taken and given back at once, from any thread. Slots enter and leave
/// at once as long as nothing can run, that is before `begin`, after `finish`, or on the loop's
/// thread between emissions; otherwise that part is queued, and `queued` is set. While things run,
/// only the loop's thread touches the slots, and so needs no lock for it.
class Roster {
 public:
  /// One queued piece of work, in the order in which it was asked for: a slot that enters, or the
  /// order of one that leaves.
  struct Work {
    Slots::node_type enters{};
    Order leaves{};
  };

  enum class Removal : std::uint8_t { unknown_name, done, queued, due };

  /// Makes room in the loop's other lists for slots that are about to enter; what it throws passes
  /// on, and then nothing has changed. Called with the roster locked.
  template <class Entering>
  using MakeRoom = std::function<void(const Entering&)>;

  /// `queued_bit` of `attention` tells the loop that there is work.
  Roster(const Lifecycle& lifecycle, std::atomic<std::uint32_t>& attention,
         std::uint32_t queued_bit);
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;
  ~Roster();

  /// Any thread. The slot when the caller has to run its first hooks now, for which `make_room` was
  /// called first; null when they run later: it entered before the run, or is queued. Throws
  /// `InvalidModifier` for null, a name that is taken, or a modifier that is on a bus already,
  /// `LifecycleError` once closed, and `std::bad_alloc`.
  Slot* add(const std::shared_ptr<Modifier>& modifier, int group,
            const MakeRoom<Slot>& make_room = {});

  /// Any thread. The name is free again and the modifier marked as leaving. `due` means that the
  /// caller has to run its last hooks and call `leave(order)`. One that waits to enter is taken
  /// from the queue. Only what has to be queued needs memory: throws `std::bad_alloc` then.
  Removal remove(std::string_view name, Order& order);

  [[nodiscard]] bool knows(std::string_view name) const;
  /// Whether it is here, and its name its own.
  [[nodiscard]] bool has(const Modifier& modifier) const noexcept;

  /// Any thread: those whose names are taken, in order.
  [[nodiscard]] std::vector<std::shared_ptr<Modifier>> snapshot() const;

  // The rest is the loop's.

  /// The calling thread is the loop's from now on. Throws what `make_room` throws.
  void begin(const MakeRoom<Slots>& make_room = {});
  /// No thread is, as before `begin`. What has been queued since enters or leaves at once, as then.
  void unbegin() noexcept;
  /// Takes all queued work; none when `make_room` throws.
  [[nodiscard]] std::vector<Work> take(const MakeRoom<std::vector<Work>>& make_room = {});
  /// Whether the loop's own hooks and observers have queued work since then.
  [[nodiscard]] bool loop_has_queued() const noexcept { return loop_has_queued_; }
  /// Refuses further additions by other threads; all of them, and is true, once no work is queued.
  [[nodiscard]] bool close();
  /// Takes back what `close` refuses, when it has not been true.
  void reopen() noexcept;
  /// No hook runs any more, and all modifiers are released; false, and nothing done, while work is
  /// queued. From then on any thread may take a slot out, so the loop's no longer walks them.
  [[nodiscard]] bool finish();

  Slot& enter(Slots::node_type slot);
  /// The slot of that order, out of the roster; empty when there is none.
  [[nodiscard]] Slots::node_type leave(Order order);
  /// Lets go of the modifier, which may then join another bus.
  static void release(Slot& slot) noexcept;

  [[nodiscard]] Slots& slots() noexcept { return slots_; }

 private:
  [[nodiscard]] bool running() const { return loop_ != std::thread::id{} && !finished_; }
  [[nodiscard]] bool is_loop() const { return loop_ == std::this_thread::get_id(); }
  [[nodiscard]] bool nothing_runs() const;
  void queue(Work work);
  void make_room_for_work();
  [[nodiscard]] Slots::node_type take_waiting(const Slot& slot) noexcept;

  const Lifecycle& lifecycle_;
  std::atomic<std::uint32_t>& attention_;
  const std::uint32_t queued_bit_;

  // Guards all below, except that slots_ is the loop thread's own from `begin` to `finish`: working
  // off the queue must not wait for those who add to it.
  mutable std::mutex mutex_;
  std::thread::id loop_{};
  bool closing_ = false;
  bool closed_ = false;
  bool finished_ = false;
  bool loop_has_queued_ = false;  // the loop's thread alone uses it
  std::uint64_t next_sequence_ = 0;
  Slots slots_;
  NameIndex by_name_;
  std::vector<Work> work_;
};

}  // namespace takt::detail

#endif
