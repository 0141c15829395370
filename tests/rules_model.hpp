// SPDX-License-Identifier: BSL-1.0
/// \file
/// The rules that modifiers live by, as plainly as they can be written: every modifier is asked at
/// every event. What a bus does is compared with it.
#ifndef TAKT_TESTS_RULES_MODEL_HPP
#define TAKT_TESTS_RULES_MODEL_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "takt/bus_call.hpp"
#include "takt/bus_options.hpp"
#include "takt/event.hpp"
#include "takt/modifier.hpp"

namespace takt::test {

enum class HookKind : std::uint8_t { initialize, start, event, update, end, abort, finalize };
inline constexpr std::size_t hook_kinds = 7;

/// What a hook does, besides being noted, the n-th time it runs.
struct Action {
  enum class Kind : std::uint8_t { fail, add, remove, call };
  HookKind hook{};
  int occurrence = 0;  ///< from 0
  Kind kind{};
  std::size_t which = 0;  ///< the script that is added or removed, or the `BusCall` by value
};

/// A modifier and all it will ever do.
struct Script {
  std::string name{};
  Cadence cadence{};
  Interests interests{};
  int group = 0;
  std::vector<Action> actions{};
};

/// The text in which a hook, and what it did, is noted.
[[nodiscard]] std::string note(const std::string& modifier, HookKind hook, const Event& event);

/// The observers of a run: one before and one after the modifiers at each type of `types`. Those
/// that fail throw whenever they are called.
struct Observed {
  EventSet types{};
  EventSet before_fails{};
  EventSet after_fails{};
};

/// The text in which the call of an observer is noted.
[[nodiscard]] std::string observer_note(const char* when, const Event& event);

/// How many modifiers hooks may add in one run, so that two that add each other come to an end.
inline constexpr int most_additions = 30;

/// Rules 1 to 7, the three error policies and the order of the calls. The caller sees to it that
/// only calls that are accepted are made.
class RulesModel {
 public:
  RulesModel(const std::vector<Script>& scripts, const Event& start, BusOptions options,
             Observed observed = {});

  /// Whether the design's table allows the call now.
  [[nodiscard]] bool accepts(BusCall call) const;
  /// From the moment FINALIZE begins, no modifier is added.
  [[nodiscard]] bool accepts_modifiers() const { return !closed_; }

  /// Each returns what the bus's call throws: the first failure as "modifier hook", then how many
  /// further ones; "observer" when only observers failed; empty when nothing.
  std::string call(BusCall call);
  std::string add(std::size_t script);
  std::string remove(const std::string& name, bool& known);

  /// What an exception leaves is aborted, when it is open. What hooks add and remove in it waits
  /// for the next call.
  void leave_batch();
  void leave_calibration_epoch();

  [[nodiscard]] bool knows(const std::string& name) const;
  /// "name phase", in the order in which they run.
  [[nodiscard]] std::vector<std::string> members() const;
  [[nodiscard]] const Event& counters() const { return counters_; }
  [[nodiscard]] bool batch_open() const { return batch_open_; }
  [[nodiscard]] bool calibrating() const { return calibrating_; }

  std::vector<std::string> notes;

 private:
  struct Member {
    const Script* script = nullptr;
    std::uint64_t sequence = 0;
    Phase phase = Phase::added;
    bool leaving = false;
    bool may_end = false;  // on_start has returned, and on_end has not been called
    std::array<int, hook_kinds> runs{};
  };
  using MemberPointer = std::shared_ptr<Member>;
  struct Work {
    MemberPointer member{};
    bool enters = false;
  };

  [[nodiscard]] bool enter(EventType type);
  void emit(EventType type);
  void observe(const char* when, EventSet failing, const Event& event);
  void abort_active();
  void run_at(Member& member, const Event& event);
  [[nodiscard]] bool window_closes(const Member& member, const Event& event) const;
  void initialize(Member& member, const Event& event);
  void finalize(Member& member, const Event& event);
  void end(Member& member, const Event& event);
  bool run(Member& member, HookKind hook, const Event& event);
  bool run_bare(Member& member, HookKind hook, const Event& event);
  void failed(Member& member, HookKind hook, const Event& event);
  void act(const Action& action);
  MemberPointer join(std::size_t script);
  MemberPointer part(const std::string& name);
  void place(const MemberPointer& member);
  void enter(Member& member);
  void leave(const MemberPointer& member);
  void work_off_the_queue();
  [[nodiscard]] std::string take_failures();
  [[nodiscard]] Event event(std::optional<EventType> type) const;

  const std::vector<Script>& scripts_;
  BusOptions options_;
  Observed observed_;
  Event counters_;
  bool initialized_ = false;
  bool calibrating_ = false;
  bool batch_open_ = false;
  bool step_open_ = false;
  bool step_taken_ = false;  // in the open batch, or in the one before
  bool closed_ = false;      // FINALIZE has begun
  std::int64_t invocations_ = 0;
  std::int64_t invocations_at_batch_start_ = 0;
  bool torn_ = false;
  int additions_ = 0;
  std::uint64_t sequence_ = 0;
  std::vector<MemberPointer> members_;  // by group, then by sequence
  std::vector<MemberPointer> named_;
  std::vector<Work> queue_;
  std::vector<std::string> failures_;
  bool observer_failed_ = false;
};

}  // namespace takt::test

#endif
