// SPDX-License-Identifier: BSL-1.0
/// \file
/// A bus's calls as values, and a bus that writes down all it emits.
#ifndef TAKT_TESTS_RECORDED_BUS_HPP
#define TAKT_TESTS_RECORDED_BUS_HPP

#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "takt/event_bus.hpp"

namespace takt::test::recorded {

// clang-format off
enum class Call { initialize, start, loss, pre, post, end, abort_batch,
                  calibrate, sequential, calibrated, abort_calibration, finalize };
// clang-format on
inline constexpr int call_count = 12;
using Calls = std::vector<Call>;

/// A call with its arguments; by `emit` when there is such a form of it.
struct Move {
  Call call{};
  bool by_emit = false;
  double loss = 0.5;
  std::vector<std::string> layers{"fc1"};
};

using Maker = void (*)(EventBus&, const Move&);
/// The event that each call emits, none for the aborts, and how it is made, as `Call` counts them.
inline const std::array<std::pair<std::optional<EventType>, Maker>, call_count> table{{
    {EventType::INITIALIZE, [](EventBus& bus, const Move&) { bus.initialize(); }},
    {EventType::BATCH_START, [](EventBus& bus, const Move&) { bus.batch_start(); }},
    {EventType::LOSS_CALCULATED, [](EventBus& bus, const Move& m) { bus.loss_calculated(m.loss); }},
    {EventType::OPTIM_PRE_STEP, [](EventBus& bus, const Move&) { bus.optim_pre_step(); }},
    {EventType::OPTIM_POST_STEP, [](EventBus& bus, const Move&) { bus.optim_post_step(); }},
    {EventType::BATCH_END, [](EventBus& bus, const Move&) { bus.batch_end(); }},
    {{}, [](EventBus& bus, const Move&) { bus.abort_batch(); }},
    {EventType::CALIBRATION_EPOCH_START,
     [](EventBus& bus, const Move&) { bus.calibration_epoch_start(); }},
    {EventType::SEQUENTIAL_EPOCH_END,
     [](EventBus& bus, const Move& m) { bus.sequential_epoch_end(m.layers); }},
    {EventType::CALIBRATION_EPOCH_END,
     [](EventBus& bus, const Move&) { bus.calibration_epoch_end(); }},
    {{}, [](EventBus& bus, const Move&) { bus.abort_calibration_epoch(); }},
    {EventType::FINALIZE, [](EventBus& bus, const Move&) { bus.finalize(); }},
}};

inline std::optional<EventType> event_of(Call call) {
  return table[static_cast<std::size_t>(call)].first;
}

inline std::string name_of(Call call) {
  if (const auto type = event_of(call)) return to_string(*type);
  return call == Call::abort_batch ? "abort_batch" : "abort_calibration_epoch";
}

inline void make(EventBus& bus, const Move& move) {
  if (move.by_emit && event_of(move.call)) return bus.emit(*event_of(move.call));
  table[static_cast<std::size_t>(move.call)].second(bus, move);
}

inline Calls all_calls() {
  Calls calls;
  for (int i = 0; i < call_count; ++i) calls.push_back(static_cast<Call>(i));
  return calls;
}

enum class Outcome { done, refused, failed };

inline Outcome attempt(EventBus& bus, const Move& move) {
  try {
    make(bus, move);
    return Outcome::done;
  } catch (const LifecycleError&) {
    return Outcome::refused;
  } catch (const std::runtime_error&) {
    return Outcome::failed;
  }
}

/// One line of a log: who saw what, and where.
inline std::string line(const std::string& who, const Event& event,
                        const std::optional<double>& loss, const std::vector<std::string>& layers) {
  std::string text = who + ' ' + (event.type ? to_string(*event.type) : "no type") + " at " +
                     std::to_string(event.global_step) + '/' + std::to_string(event.global_batch);
  if (loss) text += " loss " + std::to_string(*loss);
  for (const std::string& layer : layers) text += ' ' + layer;
  return text;
}

struct Log {
  std::vector<std::string> lines;
  bool failing = false;  ///< who writes to it throws

  void see(const std::string& who, const Event& event, const State& state) {
    lines.push_back(line(who, event, state.loss, state.layers));
    if (failing) throw std::runtime_error{who};
  }
};

/// Always active, and writes down whatever reaches it.
class Recorder final : public Modifier {
 public:
  explicit Recorder(Log& log) : Modifier{"recorder", {}, {.every = EventSet::all()}}, log_{log} {}
  void on_initialize(State& s, const Event& e) override { log_.see("modifier", e, s); }
  void on_event(State& s, const Event& e) override { log_.see("modifier", e, s); }
  void on_finalize(State& s, const Event& e) override { log_.see("modifier", e, s); }
  void on_abort(State& s, const Event& e) noexcept override {
    log_.lines.push_back(line("abort", e, s.loss, s.layers));
  }

 private:
  Log& log_;
};

struct Audience {
  bool observers = true;
  bool modifier = true;
};

/// A bus whose emissions are written down.
struct Recorded {
  explicit Recorded(const Event& at, OrderPolicy order, Audience audience = {})
      : bus{at, {.order = order}} {
    if (audience.modifier) bus.emplace<Recorder>(log);
    if (!audience.observers) return;
    for (const EventType type : EventSet::all()) {
      const auto see = [this](const char* who) {
        return [this, who](const Event& e, const State& s) { log.see(who, e, s); };
      };
      bus.connect(type, see("before"), At::before);
      bus.connect(type, see("after"), At::after);
    }
  }

  /// All that can be read of it.
  [[nodiscard]] std::vector<std::string> everything() const {
    std::vector<std::string> all = log.lines;
    all.push_back(line("now", bus.now(), bus.state().loss, bus.state().layers));
    for (const auto& modifier : bus.modifiers()) all.push_back(to_string(modifier->phase()));
    return all;
  }

  Log log;
  EventBus bus;
};

inline void walk(Recorded& recorded, const Calls& calls) {
  for (const Call call : calls) make(recorded.bus, {.call = call});
}

}  // namespace takt::test::recorded

#endif
