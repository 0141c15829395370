// SPDX-License-Identifier: BSL-1.0
#include "agenda.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agenda_model.hpp"
#include "cadence_cases.hpp"
#include "lifecycle.hpp"

namespace {

using takt::Cadence;
using takt::EventSet;
using takt::Interests;
using takt::Modifier;
using takt::detail::Agenda;
using takt::detail::Call;
using takt::detail::DueSteps;
using takt::detail::Hooks;
using takt::detail::Order;
using takt::detail::Slot;
using takt::detail::Slots;
using takt::test::Guest;
using takt::test::GuestModel;
using enum takt::EventType;
using Steps = std::optional<std::int64_t>;

/// Who is called with which hooks, by the number of the modifier.
using Called = std::vector<std::pair<std::uint64_t, std::uint8_t>>;

constexpr std::uint8_t start = Hooks::start;
constexpr std::uint8_t event = Hooks::event;
constexpr std::uint8_t update = Hooks::update;
constexpr std::uint8_t end = Hooks::end;
constexpr std::uint8_t start_update = start | update;
constexpr std::uint8_t update_end = update | end;

Called called(std::span<const Call> calls) {
  Called result;
  for (const Call& call : calls) result.emplace_back(call.slot->order.sequence, call.hooks);
  return result;
}

/// An agenda, the clock that drives it, and slots that are known by their number.
class Run {
 public:
  explicit Run(std::int64_t step = 0, Steps steps_per_epoch = std::nullopt)
      : step_{step}, steps_per_epoch_{steps_per_epoch} {}

  /// A new slot that the agenda does not know yet.
  Slot& make(const Cadence& cadence, const Interests& interests, int group = 0) {
    const Order order{group, next_++};
    const DueSteps due{cadence, steps_per_epoch_.value_or(1)};
    auto modifier = std::make_shared<Modifier>("m", cadence, interests);
    return slots_.try_emplace(order, std::move(modifier), order, due).first->second;
  }
  Slot& admit(const Cadence& cadence, const Interests& interests, int group = 0) {
    Slot& slot = make(cadence, interests, group);
    agenda.admit(slot, step_);
    return slot;
  }
  void bury(const Slot& slot) { agenda.bury(slots_.extract(slot.order)); }

  /// The calls of one event; those who get their last hook are closed, as the bus does.
  Called emit(takt::EventType type, bool step_taken = false) {
    const auto calls = agenda.calls(type, step_, step_taken);
    for (const Call& call : calls) {
      if ((call.hooks & Hooks::end) != 0) agenda.close(*call.slot);
    }
    return called(calls);
  }
  /// Ends a batch that took its step.
  Called step() {
    Called at_end = emit(BATCH_END, true);
    advance();
    return at_end;
  }
  void advance() { agenda.advance(++step_); }
  /// Whether the agenda has anything for that type, as of now.
  [[nodiscard]] bool wants(takt::EventType type) const {
    return (agenda.mask() & takt::detail::bit_of(type)) != 0;
  }
  [[nodiscard]] std::int64_t now() const { return step_; }

  Agenda agenda;

 private:
  std::int64_t step_;
  Steps steps_per_epoch_;
  std::uint64_t next_ = 0;
  Slots slots_;
};

constexpr Interests at_loss{.due = LOSS_CALCULATED};

/// A run with guests, each of them next to its model.
class Comparison {
 public:
  Comparison(std::int64_t step, Steps steps_per_epoch, const std::vector<Guest>& guests)
      : run_{step, steps_per_epoch}, guests_{guests} {
    for (const Guest& guest : guests_) {
      Slot& slot = run_.make(guest.cadence, guest.interests, guest.group);
      places_.emplace(slot.order, models_.size());
      slots_.push_back(&slot);
      models_.emplace_back(guest, steps_per_epoch);
    }
  }

  void emit(takt::EventType type, bool step_taken = false) {
    come_and_go();
    ++events_;
    // As the bus does, which does not ask the agenda when the mask says that nothing is due.
    const bool asked = run_.wants(type);
    const Called expected = model_calls(type, step_taken);
    if (!expected.empty()) RC_ASSERT(asked);
    const auto calls = run_.agenda.calls(type, run_.now(), step_taken);
    for (const takt::EventType any : EventSet::all()) RC_ASSERT(run_.wants(any) == wanted(any));
    RC_ASSERT(called(calls) == expected);
    for (const Call& call : calls) {
      if ((call.hooks & Hooks::end) == 0) continue;
      run_.agenda.close(*call.slot);
      models_[call.slot->order.sequence].leave();
    }
  }
  void advance() { run_.advance(); }

 private:
  void come_and_go() {
    for (std::size_t i = 0; i < guests_.size(); ++i) {
      const Guest& guest = guests_[i];
      if (guest.going != Guest::Going::never && guest.goes == events_ && slots_[i] != nullptr) {
        models_[i].leave();
        if (guest.going == Guest::Going::closed) run_.agenda.close(*slots_[i]);
        if (guest.going == Guest::Going::buried) run_.bury(*slots_[i]);
        slots_[i] = nullptr;
      }
      if (guest.comes == events_ && slots_[i] != nullptr) {
        run_.agenda.admit(*slots_[i], run_.now());
        models_[i].admit();
      }
    }
  }
  [[nodiscard]] Called model_calls(takt::EventType type, bool step_taken) {
    Called expected;
    for (const auto& [order, i] : places_) {
      const std::uint8_t hooks = models_[i].hooks(type, run_.now(), step_taken);
      if (hooks != 0) expected.emplace_back(i, hooks);
    }
    return expected;
  }
  [[nodiscard]] bool wanted(takt::EventType type) const {
    for (const GuestModel& model : models_) {
      if (type != INITIALIZE && type != FINALIZE && model.wants(type, run_.now())) return true;
    }
    return false;
  }

  Run run_;
  std::vector<Guest> guests_;
  std::vector<GuestModel> models_;
  std::vector<Slot*> slots_;
  std::map<Order, std::size_t> places_;
  int events_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agenda)

BOOST_AUTO_TEST_CASE(a_new_agenda_has_nothing_to_do) {
  Run run;
  BOOST_TEST(run.agenda.mask() == 0);
  for (const takt::EventType type : EventSet::all()) BOOST_TEST(run.emit(type).empty());
  run.step();
  BOOST_TEST(run.agenda.mask() == 0);
}

BOOST_AUTO_TEST_CASE(a_modifier_without_bounds_starts_with_the_next_batch) {
  Run run;
  run.admit({}, at_loss);
  BOOST_TEST(run.emit(LOSS_CALCULATED).empty());
  BOOST_TEST((run.emit(BATCH_START) == Called{{0, start}}));
  BOOST_TEST((run.emit(LOSS_CALCULATED) == Called{{0, update}}));
  run.step();
  BOOST_TEST(run.emit(BATCH_START).empty());
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_starts_a_modifier_as_a_batch_does) {
  Run run;
  run.admit({}, {.due = SEQUENTIAL_EPOCH_END});
  BOOST_TEST((run.emit(CALIBRATION_EPOCH_START) == Called{{0, start}}));
  BOOST_TEST(run.emit(BATCH_START).empty());
  BOOST_TEST((run.emit(SEQUENTIAL_EPOCH_END) == Called{{0, update}}));
}

BOOST_AUTO_TEST_CASE(no_other_event_starts_a_modifier) {
  Run run;
  run.admit({}, {.due = EventSet::all(), .every = EventSet::all()});
  for (const takt::EventType type : EventSet::all()) {
    if (type != BATCH_START && type != CALIBRATION_EPOCH_START) BOOST_TEST(run.emit(type).empty());
  }
}

BOOST_AUTO_TEST_CASE(the_hooks_of_one_modifier_on_one_event_are_one_call) {
  Run run;
  run.admit({.end = 0.0}, {.due = BATCH_START | BATCH_END, .every = BATCH_START | BATCH_END});
  BOOST_TEST((run.emit(BATCH_START) == Called{{0, start | event | update}}));
  BOOST_TEST((run.step() == Called{{0, event | update | end}}));
}

BOOST_AUTO_TEST_CASE(initialize_and_finalize_are_nobody_s_event) {
  Run run;
  run.admit({}, {.due = INITIALIZE | FINALIZE, .every = INITIALIZE | FINALIZE});
  run.emit(BATCH_START);
  BOOST_TEST(run.agenda.mask() == 0);
  BOOST_TEST(run.emit(INITIALIZE).empty());
  BOOST_TEST(run.emit(FINALIZE).empty());
}

BOOST_AUTO_TEST_CASE(every_is_called_at_each_step_and_due_when_the_cadence_is) {
  Run run;
  run.admit({.update = 2.0}, {.due = OPTIM_PRE_STEP, .every = LOSS_CALCULATED});
  for (int step = 0; step < 6; ++step) {
    run.emit(BATCH_START);
    BOOST_TEST((run.emit(LOSS_CALCULATED) == Called{{0, event}}));
    BOOST_TEST((run.emit(OPTIM_PRE_STEP) == (step % 2 == 0 ? Called{{0, update}} : Called{})));
    run.step();
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_is_due_at_every_event_of_its_step) {
  Run run{1};
  run.admit({.update = 2.0}, {.due = BATCH_START | LOSS_CALCULATED | BATCH_END});
  run.emit(BATCH_START);
  run.step();
  BOOST_TEST((run.emit(BATCH_START) == Called{{0, update}}));
  BOOST_TEST((run.emit(LOSS_CALCULATED) == Called{{0, update}}));
  BOOST_TEST((run.emit(BATCH_END) == Called{{0, update}}));
  BOOST_TEST((run.emit(BATCH_START) == Called{{0, update}}));  // no step was taken
}

BOOST_AUTO_TEST_CASE(until_its_window_opens_a_modifier_costs_nothing) {
  Run run;
  run.admit({.start = 3.0}, {.due = EventSet::all(), .every = EventSet::all()});
  for (int step = 0; step < 3; ++step) {
    BOOST_TEST(run.agenda.mask() == 0);
    BOOST_TEST(run.emit(BATCH_START).empty());
    BOOST_TEST(run.step().empty());
  }
  BOOST_TEST(run.wants(BATCH_START));
  BOOST_TEST((run.emit(BATCH_START) == Called{{0, start | event | update}}));
}

BOOST_AUTO_TEST_CASE(between_due_steps_a_modifier_costs_nothing) {
  Run run{1};
  for (int i = 0; i < 9; ++i) run.admit({.update = 5.0}, at_loss);
  run.emit(BATCH_START);
  for (; run.now() < 20; run.step()) {
    BOOST_TEST(run.wants(LOSS_CALCULATED) == (run.now() % 5 == 0));
    BOOST_TEST((run.agenda.mask() == 0) == (run.now() % 5 != 0));
  }
}

BOOST_AUTO_TEST_CASE(a_modifier_ends_with_the_last_step_of_its_window) {
  Run run;
  run.admit({.end = 1.0}, at_loss);
  run.emit(BATCH_START);
  BOOST_TEST(run.step().empty());
  BOOST_TEST(run.emit(BATCH_END, false).empty());  // the same step comes again
  BOOST_TEST((run.step() == Called{{0, end}}));
  BOOST_TEST(run.emit(BATCH_START).empty());
  BOOST_TEST(run.agenda.mask() == 0);
}

BOOST_AUTO_TEST_CASE(an_end_between_two_steps_is_reached_by_the_first_of_them) {
  Run run{4, 10};
  run.admit({.end = 0.55}, {.due = BATCH_END});
  run.emit(BATCH_START);
  BOOST_TEST((run.step() == Called{{0, update}}));
  BOOST_TEST((run.step() == Called{{0, update_end}}));
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_that_ends_at_the_end_of_the_window_ends_the_modifier) {
  Run run{10, 10};
  run.admit({.end = 1.0}, at_loss);
  run.emit(CALIBRATION_EPOCH_START);
  BOOST_TEST((run.emit(CALIBRATION_EPOCH_END) == Called{{0, end}}));
  BOOST_TEST(run.step().empty());
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_that_ends_before_the_end_of_the_window_ends_nobody) {
  Run run{10, 10};
  run.admit({.end = 1.05}, at_loss);
  run.emit(CALIBRATION_EPOCH_START);
  BOOST_TEST(run.emit(CALIBRATION_EPOCH_END).empty());
  BOOST_TEST((run.step() == Called{{0, end}}));
}

BOOST_AUTO_TEST_CASE(a_window_without_a_step_never_opens) {
  Run run{0, 10};
  run.admit({.start = 0.31, .end = 0.39}, at_loss);
  for (; run.now() < 8; run.step()) {
    BOOST_TEST(run.agenda.mask() == 0);
    BOOST_TEST(run.emit(BATCH_START).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_window_that_is_over_when_the_run_starts_never_opens) {
  Run run{100};
  run.admit({.end = 99.0}, at_loss);
  BOOST_TEST(run.agenda.mask() == 0);
  BOOST_TEST(run.emit(BATCH_START).empty());
}

BOOST_AUTO_TEST_CASE(a_run_that_starts_inside_a_window_opens_it) {
  Run run{1'000'000};
  run.admit({.start = 10.0, .update = 1000.0}, {.due = BATCH_START});
  BOOST_TEST((run.emit(BATCH_START) == Called{{0, start_update}}));
}

BOOST_AUTO_TEST_CASE(a_window_that_closes_before_the_next_batch_never_opens) {
  Run run{6};
  run.step();
  run.emit(BATCH_START);
  run.admit({.end = 7.0}, at_loss);  // in the open batch, which is the last of the window
  run.step();
  BOOST_TEST(run.agenda.mask() == 0);
  BOOST_TEST(run.emit(BATCH_START).empty());
}

BOOST_AUTO_TEST_CASE(calls_come_by_group_and_then_by_registration_whatever_their_reason) {
  Run run{3};
  run.admit({}, {.every = BATCH_END}, 1);             // listed at every step
  run.admit({.update = 4.0}, {.due = BATCH_END});     // listed at this step
  run.admit({.end = 4.0}, at_loss, -1);               // ends
  run.admit({}, {.due = BATCH_END});                  // listed at every step
  run.admit({.update = 2.0}, {.due = BATCH_END}, 1);  // listed at this step
  run.admit({.end = 4.0}, {.every = BATCH_END});      // ends and is listed
  BOOST_TEST((run.emit(BATCH_START) ==
              Called{{2, start}, {1, start}, {3, start}, {5, start}, {0, start}, {4, start}}));
  BOOST_TEST((run.step() == Called{{3, update}, {5, event}, {0, event}}));
  BOOST_TEST(
      (run.step() ==
       Called{{2, end}, {1, update}, {3, update}, {5, event | end}, {0, event}, {4, update}}));
}

BOOST_AUTO_TEST_CASE(a_modifier_that_starts_takes_its_place_among_those_that_are_due) {
  Run run;
  run.admit({.end = 2.0, .update = 2.0}, {.due = LOSS_CALCULATED | BATCH_END}, 1);
  const Cadence late{.start = 2.0, .end = 2.0, .update = 2.0};
  run.admit(late, {.due = LOSS_CALCULATED | BATCH_END});
  run.emit(BATCH_START);
  run.step();
  run.step();
  BOOST_TEST((run.emit(BATCH_START) == Called{{1, start}}));
  BOOST_TEST((run.emit(LOSS_CALCULATED) == Called{{1, update}, {0, update}}));
  BOOST_TEST((run.step() == Called{{1, update_end}, {0, update_end}}));
}

BOOST_AUTO_TEST_CASE(modifiers_that_end_together_end_in_order_wherever_they_started) {
  Run run{1};
  run.admit({.end = 2.0}, at_loss, 1);
  run.admit({.start = 2.0, .end = 2.0}, at_loss);
  run.emit(BATCH_START);
  run.step();
  run.emit(BATCH_START);
  BOOST_TEST((run.step() == Called{{1, end}, {0, end}}));
}

BOOST_AUTO_TEST_CASE(a_closed_modifier_is_not_called_any_more) {
  Run run;
  Slot& waiting = run.admit({.start = 2.0}, {.every = BATCH_START});
  Slot& starting = run.admit({}, {.every = BATCH_START});
  run.agenda.close(starting);
  BOOST_TEST(run.emit(BATCH_START).empty());
  Slot& active = run.admit({.update = 1.0}, {.due = BATCH_START});
  Slot& due = run.admit({.update = 2.0}, {.due = BATCH_START});
  BOOST_TEST(run.emit(BATCH_START).size() == 2U);
  for (Slot* slot : {&waiting, &active, &due}) run.agenda.close(*slot);
  for (; run.now() < 6; run.step()) BOOST_TEST(run.emit(BATCH_START).empty());
  BOOST_TEST(run.agenda.mask() == 0);
}

BOOST_AUTO_TEST_CASE(closing_leaves_the_calls_of_the_current_event_as_they_are) {
  Run run;
  for (int i = 0; i < 3; ++i) run.admit({}, {.every = LOSS_CALCULATED});
  run.emit(BATCH_START);
  const auto calls = run.agenda.calls(LOSS_CALCULATED, 0, false);
  BOOST_TEST_REQUIRE(calls.size() == 3U);
  run.agenda.close(*calls[0].slot);
  run.agenda.close(*calls[2].slot);
  for (std::uint64_t i = 0; i < 3; ++i) BOOST_TEST(calls[i].slot->order.sequence == i);
  BOOST_TEST((run.emit(LOSS_CALCULATED) == Called{{1, event}}));
}

BOOST_AUTO_TEST_CASE(closing_twice_is_closing_once) {
  Run run;
  Slot& slot = run.admit({.start = 1.0}, at_loss);
  run.agenda.close(slot);
  run.agenda.close(slot);
  run.step();
  BOOST_TEST(run.emit(BATCH_START).empty());
}

BOOST_AUTO_TEST_CASE(a_buried_modifier_is_released_at_once_and_not_called_any_more) {
  Run run;
  Slot& slot = run.admit({}, {.every = LOSS_CALCULATED});
  run.admit({}, {.every = LOSS_CALCULATED});
  run.emit(BATCH_START);
  const std::weak_ptr<Modifier> seen = slot.modifier;
  run.bury(slot);
  BOOST_TEST(seen.expired());
  BOOST_TEST((run.emit(LOSS_CALCULATED) == Called{{1, event}}));
}

BOOST_AUTO_TEST_CASE(a_slot_that_was_never_admitted_can_be_buried) {
  Run run;
  run.bury(run.make({}, at_loss));
  BOOST_TEST(run.agenda.mask() == 0);
  BOOST_TEST(run.emit(BATCH_START).empty());
}

BOOST_AUTO_TEST_CASE(a_cleared_agenda_has_nothing_to_do) {
  Run run;
  run.admit({.update = 1.0}, {.due = EventSet::all()});
  run.admit({.update = 2.0}, {.due = EventSet::all()});
  run.emit(BATCH_START);
  run.admit({.start = 2.0}, at_loss);
  run.admit({}, at_loss);
  run.agenda.clear();
  for (; run.now() < 5; run.step()) {
    BOOST_TEST(run.agenda.mask() == 0);
    BOOST_TEST(run.emit(BATCH_START).empty());
  }
}

BOOST_AUTO_TEST_CASE(after_a_step_on_which_everybody_left_the_agenda_goes_on) {
  Run run;
  for (int round = 0; round < 3; ++round) {
    Slot& slot = run.admit({.update = 2.0}, {.due = BATCH_END});
    run.emit(BATCH_START);
    run.step();
    run.bury(slot);
    run.step();
  }
  run.admit({.update = 3.0}, {.due = BATCH_END});
  run.emit(BATCH_START);
  BOOST_TEST((run.step() == Called{{3, update}}));
}

BOOST_AUTO_TEST_CASE(the_calls_of_every_event_are_those_of_a_model_that_asks_every_cadence) {
  BOOST_TEST(rc::check("agenda", [] {
    const Steps steps_per_epoch = *rc::gen::elementOf(
        std::vector<Steps>{{}, {}, {1}, {2}, {3}, {7}, {10}, {100}, {999}, {1'000'000}});
    const std::int64_t steps = steps_per_epoch.value_or(1);
    const std::int64_t from = *rc::gen::weightedOneOf<std::int64_t>(
        {{2, rc::gen::just<std::int64_t>(0)}, {3, takt::test::whole_of_any_size(39)}});
    const auto count = *takt::test::evenly<std::size_t>(0, 30);
    const auto guests =
        *rc::gen::container<std::vector<Guest>>(count, takt::test::any_guest(from, steps));
    Comparison comparison{from, steps_per_epoch, guests};
    bool calibrating = false;
    for (const int kind : *rc::gen::container<std::vector<int>>(60, takt::test::evenly(0, 63))) {
      const bool takes_step = kind % 4 != 0;
      if (kind >= 52) {
        comparison.emit(calibrating ? CALIBRATION_EPOCH_END : CALIBRATION_EPOCH_START);
        calibrating = !calibrating;
      }
      if (calibrating) comparison.emit(SEQUENTIAL_EPOCH_END);
      comparison.emit(BATCH_START);
      comparison.emit(LOSS_CALCULATED);
      if (takes_step) comparison.emit(OPTIM_PRE_STEP);
      if (takes_step) comparison.emit(OPTIM_POST_STEP);
      if (kind == 1) continue;  // the batch is aborted
      comparison.emit(BATCH_END, takes_step);
      if (takes_step) comparison.advance();
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
