// SPDX-License-Identifier: BSL-1.0
/// \file
/// The bus's signals: two per event type, made at the first connection.
#ifndef TAKT_LIB_OBSERVERS_HPP
#define TAKT_LIB_OBSERVERS_HPP

#include <array>
#include <atomic>
#include <boost/signals2/signal.hpp>
#include <exception>
#include <memory>
#include <mutex>

#include "takt/event_bus.hpp"

namespace takt::detail {

/// Connecting is safe from any thread; `emit` is the loop's. A connected type's bit (by value) is
/// set in `attention` for good.
class Observers {
 public:
  explicit Observers(std::atomic<std::uint32_t>& attention) : attention_{attention} {}

  boost::signals2::connection connect(EventType type, const EventBus::Observer& observer, At at) {
    return connect_to(signal(type, at), observer);
  }
  boost::signals2::connection connect(EventType type, int group, const EventBus::Observer& observer,
                                      At at) {
    return connect_to(signal(type, at), observer, group);
  }

  /// Calls all observers, and returns the first exception that one of them threw, or null; or that
  /// the signal threw, which may run out of memory.
  [[nodiscard]] std::exception_ptr emit(EventType type, At at, const Event& event,
                                        const State& state) const noexcept {
    const Signal* const signal = signals_[place(type, at)].load(std::memory_order_acquire);
    if (signal == nullptr) return nullptr;
    try {
      return (*signal)(event, state);
    } catch (...) {
      return std::current_exception();
    }
  }

 private:
  // A slot that finds no memory for the entry of its group stays connected, though `connect` throws
  // (Boost 1.74 to 1.81 at least). So one that does nothing makes the entry.
  template <class Signal, class... Group>
  static boost::signals2::connection connect_to(Signal& signal, const EventBus::Observer& observer,
                                                Group... group) {
    const EventBus::Observer nothing{&do_nothing};
    const boost::signals2::scoped_connection entry = signal.connect(group..., nothing);
    return signal.connect(group..., observer);
  }
  static void do_nothing(const Event&, const State&) noexcept {}

  /// Goes on to the next observer when one throws.
  struct CallAll {
    using result_type = std::exception_ptr;
    template <class Iterator>
    result_type operator()(Iterator first, Iterator last) const {
      std::exception_ptr error;
      for (; first != last; ++first) {
        try {
          *first;
        } catch (...) {
          if (!error) error = std::current_exception();
        }
      }
      return error;
    }
  };
  using Signal = boost::signals2::signal<void(const Event&, const State&), CallAll>;

  static std::size_t place(EventType type, At at) noexcept {
    return 2 * static_cast<std::size_t>(type) + static_cast<std::size_t>(at);
  }

  Signal& signal(EventType type, At at) {
    (void)to_string(type);  // refuses a value that is none of the ten
    const std::scoped_lock lock{mutex_};
    const std::size_t i = place(type, at);
    if (!owned_[i]) {
      owned_[i] = std::make_unique<Signal>();
      signals_[i].store(owned_[i].get(), std::memory_order_release);
      attention_.fetch_or(1U << static_cast<unsigned>(type), std::memory_order_release);
    }
    return *owned_[i];
  }

  std::atomic<std::uint32_t>& attention_;
  std::array<std::atomic<Signal*>, 2 * event_type_count> signals_{};
  std::mutex mutex_;
  std::array<std::unique_ptr<Signal>, 2 * event_type_count> owned_;
};

}  // namespace takt::detail

#endif
