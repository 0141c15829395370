// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "recorded_bus.hpp"
#include "takt/event_bus.hpp"

namespace {

using takt::Event;
using takt::EventBus;
using takt::EventType;
using takt::OrderPolicy;

using takt::test::recorded::all_calls;
using takt::test::recorded::attempt;
using takt::test::recorded::Audience;
using takt::test::recorded::Call;
using takt::test::recorded::Calls;
using takt::test::recorded::event_of;
using takt::test::recorded::line;
using takt::test::recorded::make;
using takt::test::recorded::Move;
using takt::test::recorded::name_of;
using takt::test::recorded::Outcome;
using takt::test::recorded::Recorded;
using takt::test::recorded::walk;

constexpr std::array policies{OrderPolicy::one_step, OrderPolicy::several_steps};

/// The contract in its simplest form: what each call needs, and what it does.
class Model {
 public:
  Model(const Event& at, OrderPolicy order, Audience audience)
      : now{at}, several_{order == OrderPolicy::several_steps}, audience_{audience} {}

  [[nodiscard]] bool accepts(Call call) const {
    const bool idle = life_ == Life::running && !batch_;
    const bool may_step = batch_ && !step_ && (several_ || steps_ == 0);
    const bool room = now.global_step < INT64_MAX && now.global_batch < INT64_MAX;
    using enum Call;
    if (call == initialize) return life_ == Life::created;
    if (call == start) return idle && room;
    if (call == loss || call == pre) return may_step;
    if (call == post) return step_;
    if (call == end) return batch_ && !step_;
    if (call == abort_batch) return batch_;
    if (call == calibrate || call == finalize) return idle && !calibration_;
    return idle && calibration_;
  }

  /// An accepted call; whether something could have thrown in it.
  bool apply(const Move& move) {
    if (move.call == Call::abort_batch) {
      if (audience_.modifier) lines.push_back(line("abort", now, loss, layers));
      pairs_ = pairs_before_;
    }
    if (move.call == Call::start) loss.reset();
    if (move.call == Call::loss && !move.by_emit) loss = move.loss;
    if (move.call == Call::sequential && !move.by_emit) layers = move.layers;
    const bool is_last = pairs_ + 1 == now.invocations_per_step;
    const bool is_half = move.call == Call::pre || move.call == Call::post;
    const bool emits = event_of(move.call) && (is_last || !is_half);
    if (emits) emit(*event_of(move.call));
    change(move.call, is_last);
    return emits && (audience_.observers || audience_.modifier);
  }

  Event now;
  std::optional<double> loss;
  std::vector<std::string> layers;
  std::vector<std::string> lines;

 private:
  enum class Life { created, running, finalized };

  void emit(EventType type) {
    const Event event = now.new_instance({.type = type});
    if (audience_.observers) lines.push_back(line("before", event, loss, layers));
    if (audience_.modifier) lines.push_back(line("modifier", event, loss, layers));
    if (audience_.observers) lines.push_back(line("after", event, loss, layers));
  }

  void change(Call call, bool last_pair) {
    if (call == Call::initialize) life_ = Life::running;
    if (call == Call::finalize) life_ = Life::finalized;
    if (call == Call::calibrate) calibration_ = true;
    if (call == Call::calibrated || call == Call::abort_calibration) calibration_ = false;
    if (call == Call::pre) step_ = true;
    if (call == Call::post) {
      step_ = false;
      pairs_ = last_pair ? 0 : pairs_ + 1;
      steps_ += last_pair ? 1 : 0;
    }
    if (call == Call::end) {
      now.global_batch += 1;
      now.global_step += steps_ > 0 ? 1 : 0;
    }
    if (call == Call::start || call == Call::end || call == Call::abort_batch) {
      batch_ = call == Call::start;
      step_ = false;
      steps_ = 0;
      pairs_before_ = pairs_;
    }
  }

  bool several_;
  Audience audience_;
  Life life_ = Life::created;
  bool calibration_ = false;
  bool batch_ = false;
  bool step_ = false;
  int steps_ = 0;
  std::int64_t pairs_ = 0;
  std::int64_t pairs_before_ = 0;
};

/// Mostly what the model accepts, seldom the end of the run.
Call choose(const Model& model, std::uint64_t noise) {
  Calls calls = all_calls();
  if (noise % 4 != 0) {
    std::erase_if(calls, [&](Call call) {
      return !model.accepts(call) || (call == Call::finalize && noise % 64 != 1);
    });
  }
  return calls.empty() ? Call::start : calls[noise / 64 % calls.size()];
}

/// One call on both: they have to agree on whether it is accepted, what is seen, and the state.
void check_move(Recorded& recorded, Model& model, const Move& move) {
  const std::vector<std::string> before = recorded.everything();
  const bool accepted = model.accepts(move.call);
  const bool fails = accepted && model.apply(move) && recorded.log.failing;
  RC_LOG() << name_of(move.call) << (move.by_emit ? " by emit" : "") << (fails ? " fails" : "")
           << std::endl;
  const Outcome expected = fails ? Outcome::failed : Outcome::done;
  RC_ASSERT((attempt(recorded.bus, move) == (accepted ? expected : Outcome::refused)));
  RC_ASSERT(recorded.log.lines == model.lines);
  RC_ASSERT((recorded.bus.now() == model.now));
  RC_ASSERT(recorded.bus.state().loss == model.loss);
  RC_ASSERT(recorded.bus.state().layers == model.layers);
  if (!accepted) RC_ASSERT(recorded.everything() == before);
}

/// A state of the bus, how to get there, and what is legal there.
struct Place {
  std::string name;
  Calls path;
  Calls legal;
};

std::vector<Place> places(OrderPolicy order) {
  using enum Call;
  const Calls idle{start, calibrate, finalize};
  const Calls calibrating{start, sequential, calibrated, abort_calibration};
  const Calls open{loss, pre, end, abort_batch};
  const Calls stepped = order == OrderPolicy::one_step ? Calls{end, abort_batch} : open;
  return {{"created", {}, {initialize}},
          {"idle", {initialize}, idle},
          {"idle after a batch", {initialize, start, loss, pre, post, end}, idle},
          {"idle after an abort", {initialize, start, loss, pre, abort_batch}, idle},
          {"batch open", {initialize, start}, open},
          {"loss known", {initialize, start, loss}, open},
          {"step open", {initialize, start, loss, pre}, {post, abort_batch}},
          {"stepped", {initialize, start, loss, pre, post}, stepped},
          {"calibrating", {initialize, calibrate}, calibrating},
          {"calibrated layers", {initialize, calibrate, start, end, sequential}, calibrating},
          {"its batch open", {initialize, calibrate, start}, open},
          {"its step open", {initialize, calibrate, start, pre}, {post, abort_batch}},
          {"its batch stepped", {initialize, calibrate, start, pre, post}, stepped},
          {"calibration over", {initialize, calibrate, calibrated}, idle},
          {"calibration aborted", {initialize, calibrate, abort_calibration}, idle},
          {"finalized", {initialize, start, end, finalize}, {}}};
}

const Event some_start{.steps_per_epoch = 10, .global_step = 3, .global_batch = 7};

/// Each illegal call in both forms has to be refused and to leave everything as it was.
void check_refusals(Recorded& recorded, const Place& place) {
  const std::vector<std::string> before = recorded.everything();
  for (const Call call : all_calls()) {
    if (std::ranges::count(place.legal, call) != 0) continue;
    for (const bool by_emit : {false, true}) {
      const Move move{.call = call, .by_emit = by_emit, .loss = 99.0, .layers = {"wrong"}};
      BOOST_TEST_CONTEXT(name_of(call) << " at: " << place.name) {
        BOOST_TEST((attempt(recorded.bus, move) == Outcome::refused));
        BOOST_TEST(recorded.everything() == before, boost::test_tools::per_element());
      }
    }
  }
}

struct Twins {
  Recorded& one;
  Recorded& other;
};

/// Takes two buses to each place, for each call that is legal there; they have to stay alike.
template <class Treatment>
void at_each_place(Treatment treat) {
  for (const OrderPolicy order : policies) {
    for (const Place& place : places(order)) {
      for (const Call call : place.legal) {
        Recorded one{some_start, order};
        Recorded other{some_start, order};
        walk(one, place.path);
        walk(other, place.path);
        treat(Twins{one, other}, place, call);
        BOOST_TEST_CONTEXT(name_of(call) << " at: " << place.name) {
          BOOST_TEST(one.everything() == other.everything(), boost::test_tools::per_element());
        }
      }
    }
  }
}

/// Makes every call on the bus that runs it: all have to be refused.
void intrude(EventBus& bus) {
  const Event before = bus.now();
  for (const Call call : all_calls()) {
    for (const bool by_emit : {false, true}) {
      const Move move{.call = call, .by_emit = by_emit, .loss = 99.0, .layers = {"wrong"}};
      BOOST_TEST((attempt(bus, move) == Outcome::refused), name_of(call));
    }
  }
  BOOST_CHECK_THROW(bus.batch([](takt::Batch&) {}), takt::LifecycleError);
  BOOST_CHECK_THROW(bus.calibration_epoch([] {}), takt::LifecycleError);
  BOOST_TEST((bus.now() == before));
}

using Action = std::function<void(const std::string& hook)>;

/// Does something in each of its hooks.
class Acting : public takt::Modifier {
 public:
  explicit Acting(Action act)
      : Modifier{"acting", {}, {takt::EventSet::all(), takt::EventSet::all()}},
        act_{std::move(act)} {}
  void on_initialize(takt::State&, const Event&) override { act_("on_initialize"); }
  void on_start(takt::State&, const Event&) override { act_("on_start"); }
  void on_event(takt::State&, const Event&) override { act_("on_event"); }
  void on_update(takt::State&, const Event&) override { act_("on_update"); }
  void on_end(takt::State&, const Event&) override { act_("on_end"); }
  void on_abort(takt::State&, const Event&) noexcept override { act_("on_abort"); }
  void on_finalize(takt::State&, const Event&) override { act_("on_finalize"); }

 private:
  Action act_;
};

const Calls whole_run{Call::initialize, Call::calibrate,  Call::start,       Call::end,
                      Call::sequential, Call::calibrated, Call::start,       Call::loss,
                      Call::pre,        Call::post,       Call::abort_batch, Call::start,
                      Call::loss,       Call::pre,        Call::post,        Call::end,
                      Call::start,      Call::end,        Call::finalize};

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_order)

BOOST_AUTO_TEST_CASE(a_bus_does_what_the_simplest_model_of_the_contract_does) {
  BOOST_TEST(rc::check("acceptance, events, counters and state agree for any calls", [] {
    using takt::test::evenly;
    const auto far = [](std::int64_t before) { return INT64_MAX - before; };
    const auto counter =
        rc::gen::weightedOneOf<std::int64_t>({{4, evenly<std::int64_t>(0, 9)},
                                              {2, takt::test::whole_of_any_size(63)},
                                              {1, rc::gen::map(evenly<std::int64_t>(0, 3), far)}});
    const Event at{.steps_per_epoch = *takt::test::any_steps_per_epoch(),
                   .invocations_per_step = *evenly<std::int64_t>(1, 3),
                   .global_step = *counter,
                   .global_batch = *counter};
    const OrderPolicy order = *rc::gen::elementOf(policies);
    const Audience audience{*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>()};
    using Draw = std::tuple<std::uint64_t, bool, int>;
    // What fails is made smaller by leaving out calls, not by other numbers.
    const auto draw =
        rc::gen::noShrink(rc::gen::tuple(evenly<std::uint64_t>(0, std::uint64_t{1} << 40),
                                         rc::gen::arbitrary<bool>(), evenly(0, 9)));
    const auto draws = *rc::gen::scale(3.0, rc::gen::container<std::vector<Draw>>(draw));
    Recorded recorded{at, order, audience};
    Model model{at, order, audience};
    for (const auto& [noise, by_emit, number] : draws) {
      recorded.log.failing = number == 9;
      check_move(recorded, model,
                 {choose(model, noise), by_emit, number * 0.5, {"fc" + std::to_string(number)}});
    }
  }));
}

BOOST_AUTO_TEST_CASE(every_illegal_call_in_every_state_is_refused_and_leaves_the_bus_as_it_was) {
  for (const OrderPolicy order : policies) {
    for (const Audience audience : {Audience{}, Audience{false, false}}) {
      for (const Place& place : places(order)) {
        Recorded recorded{some_start, order, audience};
        walk(recorded, place.path);
        check_refusals(recorded, place);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(after_refusals_each_legal_call_does_what_it_would_have_done) {
  at_each_place([](Twins twins, const Place& place, Call call) {
    check_refusals(twins.one, place);
    make(twins.one.bus, {.call = call});
    make(twins.other.bus, {.call = call});
  });
}

BOOST_AUTO_TEST_CASE(a_refusal_tells_the_caller_what_and_where_and_what_would_be_legal) {
  EventBus bus;
  bus.initialize();
  bus.batch_start();
  BOOST_CHECK_EXCEPTION(bus.optim_post_step(), takt::LifecycleError, [](const auto& error) {
    return error.what() == std::string{
                               "optim_post_step() was called while a batch is open; it accepts "
                               "loss_calculated(), batch_end(), optim_pre_step(), abort_batch()"};
  });
}

BOOST_AUTO_TEST_CASE(emitting_a_type_is_the_named_call_with_what_the_state_holds) {
  at_each_place([](Twins twins, const Place&, Call call) {
    if (call == Call::loss) twins.one.bus.state().loss = 2.5;
    if (call == Call::sequential) twins.one.bus.state().layers = {"conv", "fc2"};
    make(twins.one.bus, {.call = call, .by_emit = true});
    make(twins.other.bus, {.call = call, .loss = 2.5, .layers = {"conv", "fc2"}});
  });
}

BOOST_AUTO_TEST_CASE(emitting_a_value_that_is_no_type_is_refused) {
  Recorded recorded{some_start, OrderPolicy::one_step};
  walk(recorded, {Call::initialize, Call::start});
  const std::vector<std::string> before = recorded.everything();
  BOOST_CHECK_THROW(recorded.bus.emit(static_cast<EventType>(10)), takt::InvalidEvent);
  BOOST_CHECK_THROW(recorded.bus.emit(static_cast<EventType>(11)), takt::InvalidEvent);
  BOOST_CHECK_THROW(recorded.bus.emit(static_cast<EventType>(255)), takt::InvalidEvent);
  BOOST_TEST(recorded.everything() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_call_from_inside_any_hook_is_refused_and_changes_nothing) {
  Recorded intruded{Event{}, OrderPolicy::several_steps};
  Recorded plain{Event{}, OrderPolicy::several_steps};
  std::set<std::string> hooks;
  const auto act = [&](const std::string& hook) {
    hooks.insert(hook);
    intrude(intruded.bus);
  };
  intruded.bus.emplace<Acting>(act);
  plain.bus.emplace<Acting>([](const std::string&) {});
  for (const Call call : whole_run) {
    make(intruded.bus, {.call = call});
    make(plain.bus, {.call = call});
    BOOST_TEST(intruded.everything() == plain.everything(), boost::test_tools::per_element());
  }
  BOOST_TEST(hooks.size() == 7U);
}

BOOST_AUTO_TEST_CASE(every_call_from_inside_any_observer_is_refused_and_changes_nothing) {
  Recorded intruded{Event{}, OrderPolicy::several_steps};
  Recorded plain{Event{}, OrderPolicy::several_steps};
  std::set<std::pair<EventType, takt::At>> seen;
  for (const EventType type : takt::EventSet::all()) {
    for (const takt::At at : {takt::At::before, takt::At::after}) {
      const auto observe = [&, at](const Event& event, const takt::State&) {
        seen.emplace(*event.type, at);
        intrude(intruded.bus);
      };
      intruded.bus.connect(type, observe, at);
    }
  }
  for (const Call call : whole_run) {
    make(intruded.bus, {.call = call});
    make(plain.bus, {.call = call});
    BOOST_TEST(intruded.everything() == plain.everything(), boost::test_tools::per_element());
  }
  BOOST_TEST(seen.size() == 2 * takt::event_type_count);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_joins_or_leaves_in_an_open_batch_can_not_emit_either) {
  Recorded recorded{some_start, OrderPolicy::one_step};
  walk(recorded, {Call::initialize, Call::start, Call::pre});
  std::vector<std::string> hooks;
  recorded.bus.emplace<Acting>([&](const std::string& hook) {
    hooks.push_back(hook);
    intrude(recorded.bus);
  });
  BOOST_TEST(recorded.bus.remove("acting"));
  BOOST_TEST((hooks == std::vector<std::string>{"on_initialize", "on_finalize"}));
  walk(recorded, {Call::post, Call::end, Call::finalize});
}

BOOST_AUTO_TEST_CASE(a_handler_of_quarantined_modifiers_can_not_emit_either) {
  EventBus bus{{}, {.errors = takt::ErrorPolicy::quarantine}};
  int handled = 0;
  bus.on_error([&](const takt::ModifierError&) {
    ++handled;
    intrude(bus);
  });
  bus.on(EventType::BATCH_START, {}, [] { throw std::runtime_error{"broken"}; });
  bus.initialize();
  bus.batch_start();
  BOOST_TEST(handled == 1);
  bus.batch_end();
}

BOOST_AUTO_TEST_CASE(a_refusal_that_a_hook_lets_pass_is_nested_and_the_call_has_taken_effect) {
  EventBus bus;
  bus.on(EventType::BATCH_END, {}, [&] { bus.batch_start(); });
  bus.initialize();
  bus.batch_start();
  BOOST_CHECK_EXCEPTION(bus.batch_end(), takt::ModifierError, [](const auto& error) {
    BOOST_CHECK_THROW(error.rethrow_nested(), takt::LifecycleError);
    return error.hook() == std::string{"on_update"};
  });
  BOOST_TEST(bus.now().global_batch == 1);
  bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_refusal_that_an_observer_lets_pass_reaches_the_caller_as_it_is) {
  EventBus bus;
  bus.connect(EventType::BATCH_END, [&](const Event&, const takt::State&) { bus.finalize(); });
  bus.initialize();
  bus.batch_start();
  BOOST_CHECK_EXCEPTION(bus.batch_end(), takt::LifecycleError, [](const auto& error) {
    return std::string{error.what()}.starts_with("finalize() was called from inside batch_end()");
  });
  BOOST_TEST(bus.now().global_batch == 1);
  bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_hook_may_emit_on_another_bus) {
  EventBus inner;
  EventBus outer;
  inner.initialize();
  outer.on(EventType::BATCH_END, {}, [&] { inner.batch([](takt::Batch&) {}); });
  outer.initialize();
  outer.batch([](takt::Batch&) {});
  BOOST_TEST(inner.now().global_batch == 1);
}

BOOST_AUTO_TEST_CASE(a_bus_takes_no_start_event_that_makes_no_sense) {
  BOOST_CHECK_THROW(EventBus{Event{.global_step = -1}}, takt::InvalidEvent);
  BOOST_CHECK_THROW(EventBus{Event{.global_batch = -1}}, takt::InvalidEvent);
  BOOST_CHECK_THROW(EventBus{Event{.steps_per_epoch = 0}}, takt::InvalidEvent);
  BOOST_CHECK_THROW(EventBus{Event{.batches_per_step = 0}}, takt::InvalidEvent);
  BOOST_CHECK_THROW(EventBus{Event{.invocations_per_step = 0}}, takt::InvalidEvent);
}

BOOST_AUTO_TEST_SUITE_END()
