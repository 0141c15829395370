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
    return signal(type, at).connect(observer);
  }
  boost::signals2::connection connect(EventType type, int group, const EventBus::Observer& observer,
                                      At at) {
    return signal(type, at).connect(group, observer);
  }

  /// Calls all observers, and returns the first exception that one of them threw, or null.
  [[nodiscard]] std::exception_ptr emit(EventType type, At at, const Event& event,
                                        const State& state) const {
    const Signal* const signal = signals_[place(type, at)].load(std::memory_order_acquire);
    return signal == nullptr ? nullptr : (*signal)(event, state);
  }

 private:
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
