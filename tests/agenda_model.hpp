// SPDX-License-Identifier: BSL-1.0
/// \file
/// Modifiers that come and go at random, and what an agenda owes them, asked of their cadences.
#ifndef TAKT_TESTS_AGENDA_MODEL_HPP
#define TAKT_TESTS_AGENDA_MODEL_HPP

#include <rapidcheck.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "agenda.hpp"
#include "cadence_cases.hpp"
#include "takt/modifier.hpp"

namespace takt::test {

/// A modifier, when it comes, and when and how it goes.
struct Guest {
  enum class Going : std::uint8_t { never, closed, buried };
  Cadence cadence{};
  Interests interests{};
  int group = 0;
  int comes = 0;  // before which event
  Going going = Going::never;
  int goes = 0;  // before which event
};

/// One guest's share of an agenda, by asking its cadence anew at every step.
class GuestModel {
 public:
  GuestModel(const Guest& guest, std::optional<std::int64_t> steps_per_epoch)
      : cadence_{guest.cadence}, interests_{guest.interests}, steps_per_epoch_{steps_per_epoch} {}

  void admit() { stage_ = Stage::pending; }
  void leave() { stage_ = Stage::gone; }

  [[nodiscard]] std::uint8_t hooks(EventType type, std::int64_t step, bool step_taken) {
    unsigned hooks = 0;
    if (stage_ == Stage::pending && start_events.contains(type) && in_window(step)) {
      stage_ = Stage::active;
      hooks |= detail::Hooks::start;
    }
    if (stage_ != Stage::active) return 0;
    if (interests_.every.contains(type)) hooks |= detail::Hooks::event;
    if (is_due(type, step)) hooks |= detail::Hooks::update;
    const bool over = type == EventType::CALIBRATION_EPOCH_END
                          ? cadence_.end && at(step).current_index() >= *cadence_.end
                          : type == EventType::BATCH_END && step_taken && !in_window(step + 1);
    if (over) hooks |= detail::Hooks::end;
    return static_cast<std::uint8_t>(hooks);
  }

  /// Whether an event of that type at that step might call a hook, whoever takes a step in it.
  [[nodiscard]] bool wants(EventType type, std::int64_t step) const {
    if (stage_ == Stage::pending) return start_events.contains(type) && in_window(step);
    if (stage_ != Stage::active) return false;
    const bool may_end = end_events.contains(type) && !in_window(step + 1);
    return may_end || interests_.every.contains(type) || is_due(type, step);
  }

 private:
  enum class Stage : std::uint8_t { outside, pending, active, gone };

  static constexpr EventSet start_events{EventType::BATCH_START,
                                         EventType::CALIBRATION_EPOCH_START};
  static constexpr EventSet end_events{EventType::BATCH_END, EventType::CALIBRATION_EPOCH_END};

  [[nodiscard]] Event at(std::int64_t step) const {
    return {.steps_per_epoch = steps_per_epoch_, .global_step = step};
  }
  [[nodiscard]] bool in_window(std::int64_t step) const {
    return Cadence{.start = cadence_.start, .end = cadence_.end}.should_update(at(step));
  }
  [[nodiscard]] bool is_due(EventType type, std::int64_t step) const {
    return interests_.due.contains(type) && cadence_.should_update(at(step));
  }

  Cadence cadence_;
  Interests interests_;
  std::optional<std::int64_t> steps_per_epoch_;
  Stage stage_ = Stage::outside;
};

inline rc::Gen<EventSet> any_events() {
  return rc::gen::map(evenly(0, 2047), [](int bits) {
    EventSet events;
    for (const EventType type : EventSet::all()) {
      if (bits < 1024 && (bits >> static_cast<int>(type) & 1) != 0) events |= type;
    }
    return events;
  });
}

/// One end of a window, at the index of a step near `from` or between two.
inline rc::Gen<std::optional<double>> any_end(std::int64_t from, std::int64_t steps) {
  using Bound = std::optional<double>;
  const auto nearby =
      rc::gen::map(rc::gen::pair(evenly<std::int64_t>(-4, 24),
                                 rc::gen::elementOf(std::vector<double>{0.0, 0.0, 0.0, 0.5, 1e-9})),
                   [=](const std::pair<std::int64_t, double>& drawn) {
                     return Bound{(static_cast<double>(from + drawn.first) + drawn.second) /
                                  static_cast<double>(steps)};
                   });
  return rc::gen::weightedOneOf<Bound>(
      {{4, nearby}, {3, rc::gen::just(Bound{})}, {1, any_bound(from, steps)}});
}

/// An update of a few steps, or any other.
inline rc::Gen<std::optional<double>> some_update(std::int64_t steps) {
  using Update = std::optional<double>;
  const auto tenths = rc::gen::map(
      evenly(1, 80), [=](int n) { return Update{n / 10.0 / static_cast<double>(steps)}; });
  const auto whole =
      rc::gen::map(evenly(1, 9), [=](int n) { return Update{n / static_cast<double>(steps)}; });
  return rc::gen::oneOf(tenths, whole, whole, any_update(steps));
}

inline rc::Gen<Guest> any_guest(std::int64_t from, std::int64_t steps) {
  using Going = Guest::Going;
  const auto drawn = rc::gen::tuple(
      any_end(from, steps), any_end(from, steps), some_update(steps), any_events(), any_events(),
      evenly(-1, 1), rc::gen::oneOf(rc::gen::just(0), evenly(0, 120)),
      rc::gen::elementOf(std::vector<Going>{Going::never, Going::closed, Going::buried}),
      evenly(0, 250));
  return rc::gen::map(drawn, [](const auto& parts) {
    auto [first, last, every, due, always, group, comes, going, goes] = parts;
    if (first && last && *last < *first) std::swap(first, last);
    return Guest{{first, last, every}, {due, always}, group, comes, going, goes};
  });
}

}  // namespace takt::test

#endif
