// SPDX-License-Identifier: BSL-1.0
/// \file
/// What people use instead of a bus: a loop over virtual calls, and signals.
#ifndef TAKT_BENCH_PEERS_HPP
#define TAKT_BENCH_PEERS_HPP

#include <sigc++/signal.h>

#include <boost/signals2/signal.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "takt/event.hpp"
#include "takt/state.hpp"

namespace takt::bench {

/// A window and an update, asked in the textbook form.
struct Textbook {
  double start = 0.0;
  double end = std::numeric_limits<double>::infinity();
  double update = 1.0;

  [[nodiscard]] bool due(const Event& event) const noexcept {
    const auto step = static_cast<double>(event.global_step);
    const double index =
        event.steps_per_epoch ? step / static_cast<double>(*event.steps_per_epoch) : step;
    return index >= start && index <= end && std::fmod(index, update) < 1e-10;
  }
};

/// Whether the hooks of a peer ask if they are due. Only the bus knows without asking.
enum class Asks : bool { no, yes };

/// The leanest base class that does the job: what a training framework would call a callback.
class Hook {
 public:
  explicit Hook(const Textbook& cadence) : cadence_{cadence} {}
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;
  virtual ~Hook() = default;
  virtual void on_update(State& state, const Event& event) = 0;

  [[nodiscard]] bool due(const Event& event) const noexcept { return cadence_.due(event); }
  [[nodiscard]] std::int64_t calls() const noexcept { return count_ < 0 ? -count_ : count_; }

 protected:
  std::int64_t count_ = 0;

 private:
  Textbook cadence_;
};

/// A hook of one of two classes, see `first_of_two_classes`.
[[nodiscard]] std::unique_ptr<Hook> make_hook(const Textbook& cadence);

/// The plain loop.
class Loop {
 public:
  explicit Loop(Asks asks) : asks_{asks} {}

  void add(const Textbook& cadence) { hooks_.push_back(make_hook(cadence)); }

  void emit(State& state, const Event& event) {
    if (asks_ == Asks::yes) {
      for (const auto& hook : hooks_) {
        if (hook->due(event)) hook->on_update(state, event);
      }
    } else {
      for (const auto& hook : hooks_) hook->on_update(state, event);
    }
  }

  [[nodiscard]] std::int64_t calls() const noexcept {
    std::int64_t sum = 0;
    for (const auto& hook : hooks_) sum += hook->calls();
    return sum;
  }

 private:
  Asks asks_;
  std::vector<std::unique_ptr<Hook>> hooks_;
};

/// A signal of either library, with slots that are as direct as it allows: no virtual call.
template <class Signal>
class SlotsOf {
 public:
  explicit SlotsOf(Asks asks) : asks_{asks} {}

  void add(const Textbook& cadence) {
    counts_.push_back(std::make_unique<std::int64_t>(0));
    std::int64_t& count = *counts_.back();
    if (asks_ == Asks::yes) {
      signal_.connect([&count, cadence](State&, const Event& event) {
        if (cadence.due(event)) ++count;
      });
    } else {
      signal_.connect([&count](State&, const Event&) { ++count; });
    }
  }

  void emit(State& state, const Event& event) { signal_(state, event); }

  [[nodiscard]] std::int64_t calls() const noexcept {
    std::int64_t sum = 0;
    for (const auto& count : counts_) sum += *count;
    return sum;
  }

 private:
  Asks asks_;
  std::vector<std::unique_ptr<std::int64_t>> counts_;
  Signal signal_;
};

using Signals2 = SlotsOf<boost::signals2::signal<void(State&, const Event&)>>;
using Sigcpp = SlotsOf<sigc::signal<void(State&, const Event&)>>;

}  // namespace takt::bench

#endif
