// SPDX-License-Identifier: BSL-1.0
/// \file
/// What holds for any sequence of calls on a bus. The fuzz target and the test of its corpus share
/// it.
#ifndef TAKT_TESTS_FUZZ_CALLS_TARGET_HPP
#define TAKT_TESTS_FUZZ_CALLS_TARGET_HPP

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <takt/error.hpp>
#include <takt/event_bus.hpp>
#include <utility>
#include <vector>

#include "../compared_bus.hpp"

namespace takt::fuzz {

/// Any bytes, as choices. When they are used up, all that follow are 0.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : left_{bytes} {}

  [[nodiscard]] bool any() const { return !left_.empty(); }

  std::size_t byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return value;
  }
  /// Less than `count`.
  std::size_t below(std::size_t count) { return byte() % count; }

  template <class T, std::size_t count>
  T of(const std::array<T, count>& values) {
    return values[below(count)];
  }

  EventSet events() {
    const std::size_t bits = byte() | byte() << 8U;
    EventSet events;
    for (const EventType type : EventSet::all()) {
      if ((bits >> static_cast<unsigned>(type) & 1U) != 0) events |= type;
    }
    return events;
  }

 private:
  std::string_view left_;
};

/// How a run begins, and who is in it.
struct Cast {
  Event start{};
  BusOptions options{};
  bool left_open = false;  ///< the bus is destroyed where the calls end
  test::Observed observed{};
  std::vector<test::Script> scripts{};
};

/// One choice in 16 of each is no start event. Some are where steps share an index, or near the
/// last counters there are.
inline Event start_in(Choices& choices) {
  using Size = std::optional<std::int64_t>;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t one = 1;
  constexpr Size none{};
  static constexpr std::array<Size, 16> epochs{none, 1,    2,    3,    7,    10, 30, 100,
                                               1000, none, none, 1000, most, 49, 10, 0};
  static constexpr std::array<std::int64_t, 16> invocations{1, 2, 3, 1, 1, 4, 1,    2,
                                                            1, 1, 3, 1, 1, 7, most, -1};
  static constexpr std::array<Size, 16> batches{none, 1, 2, 3, none, 4,    none, 1,
                                                none, 1, 2, 3, none, most, none, 0};
  static constexpr std::array<std::int64_t, 16> steps{
      0, 1, 3, 19,   100,      1 << 20,         one << 44, (one << 51) - 4,
      0, 1, 2, most, most - 6, (one << 53) - 3, 8,         -1};
  static constexpr std::array<std::int64_t, 16> counted{
      0, 1, 2, 3, 5, 10, 100, 1 << 20, 0, 3, 0, 19, most, most - 6, most - 100, -1};
  return {.steps_per_epoch = choices.of(epochs),
          .batches_per_step = choices.of(batches),
          .invocations_per_step = choices.of(invocations),
          .global_step = choices.of(steps),
          .global_batch = choices.of(counted)};
}

inline bool is_start(const Event& start) {
  return start.steps_per_epoch.value_or(1) >= 1 && start.batches_per_step.value_or(1) >= 1 &&
         start.invocations_per_step >= 1 && start.global_step >= 0 && start.global_batch >= 0;
}

/// Bounds and updates in index units, near the steps that a run comes by.
inline Cadence cadence_in(Choices& choices, const Event& start) {
  static constexpr std::array<double, 16> updates{0.0, 0.5, 0.75, 1.0, 1.5,   2.0, 2.1,  3.0,
                                                  5.0, 7.0, 10.0, 1e6, 1e-11, 0.1, 40.0, HUGE_VAL};
  const double unit = 1.0 / static_cast<double>(start.steps_per_epoch.value_or(1));
  const auto bound = [&]() -> std::optional<double> {
    const std::size_t choice = choices.byte();
    if (choice < 64) return std::nullopt;
    return start.current_index() + unit * (static_cast<double>(choice) - 80.0) / 4.0;
  };
  Cadence cadence{.start = bound(), .end = bound()};
  if (cadence.start && cadence.end && *cadence.end < *cadence.start) {
    std::swap(cadence.start, cadence.end);
  }
  const std::size_t update = choices.below(2 * updates.size());
  if (update < updates.size()) cadence.update = unit * updates[update];
  return cadence;
}

inline test::Action action_in(Choices& choices, std::size_t scripts) {
  using Kind = test::Action::Kind;
  const std::size_t what = choices.below(4 * test::hook_kinds);
  test::Action action{.hook = static_cast<test::HookKind>(what % test::hook_kinds),
                      .occurrence = static_cast<int>(choices.below(8)),
                      .kind = static_cast<Kind>(what / test::hook_kinds)};
  // on_abort must not throw.
  if (action.hook == test::HookKind::abort && action.kind == Kind::fail) action.kind = Kind::call;
  action.which = choices.below(action.kind == Kind::call ? bus_call_count : scripts);
  return action;
}

inline Cast cast_in(Choices& choices) {
  Cast cast;
  const std::size_t options = choices.byte();
  cast.options = {.order = static_cast<OrderPolicy>(options % 2),
                  .errors = static_cast<ErrorPolicy>(options / 2 % 3)};
  cast.left_open = options / 6 % 8 == 1;
  cast.start = start_in(choices);
  if (!is_start(cast.start)) return cast;
  cast.observed = {
      .types = choices.events(), .before_fails = choices.events(), .after_fails = choices.events()};
  cast.scripts.resize(choices.below(10));
  for (std::size_t i = 0; i < cast.scripts.size(); ++i) {
    test::Script& script = cast.scripts[i];
    script.name = std::string(1, static_cast<char>('a' + i));
    script.cadence = cadence_in(choices, cast.start);
    script.interests = {.due = choices.events(), .every = choices.events()};
    script.group = static_cast<int>(choices.below(3)) - 1;
    script.actions.resize(choices.below(4));
    for (test::Action& action : script.actions) action = action_in(choices, cast.scripts.size());
  }
  return cast;
}

/// The calls of a run: what the bytes say, whether it is legal there or not.
class CallSequence {
 public:
  CallSequence(Choices& choices, std::size_t scripts, test::ComparedBus& bus)
      : choices_{choices}, scripts_{scripts}, bus_{bus} {}

  void make() {
    while (choices_.any() && left_ > 0) next();
  }

 private:
  using Calls = std::initializer_list<BusCall>;

  void next() {
    constexpr std::size_t choice_count = 32;
    const std::size_t choice = choices_.below(choice_count);
    if (choice < bus_call_count) return call({static_cast<BusCall>(choice)});
    switch (choice - bus_call_count) {
      case 0:
        return bus_.loss_calculated(static_cast<double>(choices_.byte()) / 4.0);
      case 1:
        return bus_.sequential_epoch_end(std::vector<std::string>(choices_.below(3), "layer"));
      case 2:
        if (scripts_ > 0) bus_.add(choices_.below(scripts_));
        return;
      case 3:
        return bus_.remove(std::string(1, static_cast<char>('a' + choices_.below(scripts_ + 1))));
      case 4:
        return bus_.add_null();
      case 5:
        return call(stepping_batch);
      case 6:
        return call({BusCall::batch_start, BusCall::batch_end});
      case 7:
        for (std::size_t i = choices_.below(32); i > 0; --i) call(stepping_batch);
        return;
      case 8:
        return call({BusCall::batch_start, BusCall::optim_pre_step, BusCall::optim_post_step,
                     BusCall::abort_batch});
      case 9:
        return call({BusCall::calibration_epoch_start, BusCall::batch_start, BusCall::batch_end,
                     BusCall::sequential_epoch_end, BusCall::calibration_epoch_end});
      case 10:
        return call({BusCall::optim_pre_step, BusCall::optim_post_step});
      case 11:
        return scoped([this](const auto& body) { bus_.batch(body); });
      case 12:
        return scoped([this](const auto& body) { bus_.calibration_epoch(body); });
      case 19:
        return resume();
      default:  // what a bus is mostly asked for
        if (scripts_ > 0) bus_.add_or_remove(choices_.below(scripts_));
        return;
    }
  }

  /// The next few choices in a scope, which the loop may leave with an exception.
  template <class Enter>
  void scoped(const Enter& enter) {
    const std::size_t what = choices_.byte();
    if (depth_ == 3) return;
    ++depth_;
    const auto body = [&] {
      for (std::size_t i = what / 4 % 8; i > 0; --i) next();
      if (what % 4 == 3) throw test::LoopError{};
    };
    enter(body);
    --depth_;
  }

  /// Where a scope is open, its bus is needed: it is saved, and that is all.
  void resume() {
    static constexpr std::array<std::int64_t, 4> counters{0, 3, 100,
                                                          std::numeric_limits<std::int64_t>::max()};
    const std::size_t how = choices_.byte();
    if (depth_ > 0) {
      bus_.save();
      return;
    }
    test::Rebuilt rebuilt{.global_step = counters.at(how % 4),
                          .global_batch = counters.at(how / 4 % 4)};
    if (how >= 128) rebuilt.failing = how / 16 % 8;
    bus_.resume(rebuilt);
  }

  void call(Calls calls) {
    for (const BusCall call : calls) {
      bus_.call(call);
      --left_;
    }
  }

  static constexpr Calls stepping_batch{BusCall::batch_start, BusCall::loss_calculated,
                                        BusCall::optim_pre_step, BusCall::optim_post_step,
                                        BusCall::batch_end};

  Choices& choices_;
  std::size_t scripts_;
  test::ComparedBus& bus_;
  int depth_ = 0;
  int left_ = 2000;  // a run that takes long finds no more
};

/// That a bus does what the rules say, whatever the calls, and refuses those that they don't allow.
/// Throws `std::logic_error` for what does not hold; whatever else is thrown is a fault as well.
/// `hear` is told of each call and each note of the run.
inline void check_calls(std::string_view bytes,
                        const std::function<void(const std::string&)>& hear = {}) {
  Choices choices{bytes};
  const Cast cast = cast_in(choices);
  if (!is_start(cast.start)) {
    try {
      const EventBus bus{cast.start, cast.options};
    } catch (const InvalidEvent&) {
      return;
    }
    throw std::logic_error("what is no start event is accepted");
  }
  test::ComparedBus bus{cast.scripts, cast.start, cast.options, cast.observed};
  bus.hear = hear;
  CallSequence{choices, cast.scripts.size(), bus}.make();
  if (!cast.left_open) bus.close();
}

}  // namespace takt::fuzz

#endif
