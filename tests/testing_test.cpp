// SPDX-License-Identifier: BSL-1.0
#include "takt/testing.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"
#include "takt/trace_recorder.hpp"

namespace {

using boost::test_tools::per_element;
using takt::BusCall;
using takt::ErrorPolicy;
using takt::EventBus;
using takt::EventSet;
using takt::EventType;
using takt::Hook;
using takt::test::evenly;
using takt::testing::Call;
using takt::testing::Calls;
using takt::testing::epochs;
using takt::testing::ProbeModifier;
using takt::testing::run;
using takt::testing::steps;

using Steps = std::vector<std::int64_t>;

template <class Value>
std::string text_of(const Value& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::shared_ptr<ProbeModifier> probe(const std::string& name = "probe",
                                     takt::Cadence cadence = {}) {
  return std::make_shared<ProbeModifier>(name, cadence);
}

Calls some_calls() { return run({probe("a", {.update = 2}), probe("b")}, steps(4)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(testing)

// ---- run ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_run_returns_the_hooks_that_ran) {
  const Calls ran = run(probe("prune", {.start = 0.1, .end = 0.3, .update = 0.2}),
                        epochs(1, {.steps_per_epoch = 10}));
  BOOST_TEST(ran == (Calls{{"prune", Hook::on_initialize, BusCall::initialize, 0, 0, {}},
                           {"prune", Hook::on_start, BusCall::batch_start, 1, 1, {}},
                           {"prune", Hook::on_update, BusCall::batch_start, 2, 2, {}},
                           {"prune", Hook::on_end, BusCall::batch_end, 3, 3, {}},
                           {"prune", Hook::on_finalize, BusCall::finalize, 10, 10, {}}}));
}

BOOST_AUTO_TEST_CASE(several_modifiers_run_in_their_order) {
  const auto prune = probe("prune");
  const auto hold = probe("hold");
  const std::vector<std::shared_ptr<takt::Modifier>> list{probe("prune"), probe("hold")};
  const Calls ran = run({prune, hold}, steps(1));
  BOOST_TEST(ran[0].modifier == "prune");
  BOOST_TEST(ran[1].modifier == "hold");
  BOOST_TEST(ran == run(list, steps(1)));
  BOOST_TEST(run({probe()}, steps(1)) == run(probe(), steps(1)));
  BOOST_TEST(run({}, steps(1)) == Calls{});
}

BOOST_AUTO_TEST_CASE(the_bus_is_prepared_before_it_runs) {
  int number = 0;
  int seen = 0;
  std::size_t there = 0;
  const Calls ran = run(
      probe(), steps(3), {.prepare = [&](EventBus& bus) {
        there = bus.modifiers().size();
        bus.state().set(number);
        bus.on(
            EventType::BATCH_END, {},
            [&](takt::State& state, const takt::Event&) { ++state.get<int>(); }, "counter");
        bus.connect(EventType::FINALIZE, [&](const takt::Event&, const takt::State&) { ++seen; });
      }});
  BOOST_TEST(there == 1U);
  BOOST_TEST(number == 3);
  BOOST_TEST(seen == 1);
  BOOST_TEST(ran.of("counter").count(Hook::on_update) == 3);
}

BOOST_AUTO_TEST_CASE(modifiers_may_come_from_the_preparation_alone) {
  const Calls ran =
      run(steps(2), {.prepare = [](EventBus& bus) { bus.add(probe("from prepare")); }});
  BOOST_TEST(ran == run(probe("from prepare"), steps(2)));
}

BOOST_AUTO_TEST_CASE(losses_and_layers_reach_the_state) {
  std::vector<double> losses;
  std::vector<std::string> layers;
  run(steps(2, {.calibration_batches = 1, .layer_groups = {{"fc1", "fc2"}}, .losses = 0.25}),
      {.prepare = [&](EventBus& bus) {
        bus.connect(EventType::LOSS_CALCULATED, [&](const takt::Event&, const takt::State& state) {
          losses.push_back(state.loss.value_or(-1));
        });
        bus.connect(EventType::SEQUENTIAL_EPOCH_END,
                    [&](const takt::Event&, const takt::State& state) { layers = state.layers; });
      }});
  BOOST_TEST(losses == (std::vector<double>{0.25, 0.25}), per_element());
  BOOST_TEST(layers == (std::vector<std::string>{"fc1", "fc2"}), per_element());
}

BOOST_AUTO_TEST_CASE(what_a_hook_throws_passes_on) {
  const auto prune = probe("prune");
  prune->throw_at(Hook::on_update, 3, "no memory");
  BOOST_CHECK_EXCEPTION(
      run(prune, steps(5)), takt::ModifierError, [](const takt::ModifierError& error) {
        return error.modifier() == "prune" && error.hook() == "on_update" && error.step() == 3;
      });
  BOOST_TEST(prune->calls().of(Hook::on_finalize).empty());
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_when_it_is_told_to) {
  const auto prune = probe("prune");
  prune->throw_at(Hook::on_update, 1, "no memory");
  const Calls ran = run(prune, steps(3), {.go_on = true});
  BOOST_TEST(ran.steps(Hook::on_update) == (Steps{0, 1, 2}), per_element());
  BOOST_TEST(text_of(ran.of(Hook::on_update)[1]) ==
             "step 1, batch 1, batch_start: on_update of prune, which threw: no memory");
  BOOST_TEST(ran.count(Hook::on_finalize) == 1);
}

BOOST_AUTO_TEST_CASE(the_error_policy_is_that_of_the_bus) {
  const auto broken = [] {
    auto prune = probe("prune");
    prune->throw_at(Hook::on_update, 1);
    return prune;
  };
  const Calls ran =
      run({broken(), probe("hold")}, steps(3), {.bus = {.errors = ErrorPolicy::quarantine}});
  BOOST_TEST(ran.of("prune").steps(Hook::on_update) == (Steps{0, 1}), per_element());
  BOOST_TEST(ran.of("prune").count(Hook::on_abort) == 1);
  BOOST_TEST(ran.of("hold").count(Hook::on_update) == 3);
  const auto updates_of_the_other = [&](ErrorPolicy errors) {
    return run({broken(), probe("hold")}, steps(3), {.bus = {.errors = errors}, .go_on = true})
        .of("hold")
        .count(Hook::on_update);
  };
  BOOST_TEST(updates_of_the_other(ErrorPolicy::propagate) == 2);
  BOOST_TEST(updates_of_the_other(ErrorPolicy::collect) == 3);
}

BOOST_AUTO_TEST_CASE(whatever_else_is_thrown_passes_on_always) {
  const takt::Sequence wrong{
      .calls = {{.call = BusCall::initialize}, {.call = BusCall::batch_end}}};
  BOOST_CHECK_THROW(run(probe(), wrong, {.go_on = true}), takt::LifecycleError);
  const auto observe = [](EventBus& bus) {
    bus.connect(EventType::BATCH_END, [](const takt::Event&, const takt::State&) {
      throw std::domain_error{"observer"};
    });
  };
  BOOST_CHECK_THROW(run(probe(), steps(1), {.prepare = observe, .go_on = true}), std::domain_error);
  const auto fail = [](EventBus&) { throw std::domain_error{"prepare"}; };
  BOOST_CHECK_THROW(run(probe(), steps(1), {.prepare = fail}), std::domain_error);
  BOOST_CHECK_THROW(run({probe(), probe()}, steps(1)), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(who_joins_and_leaves_is_initialized_and_finalized_there) {
  const auto guest = probe("guest");
  const auto prepare = [&](EventBus& bus) {
    bus.on(EventType::BATCH_END, {}, [&bus, &guest](const takt::Event& event) {
      if (event.global_step == 1) bus.add(guest);
      if (event.global_step == 3) bus.remove("guest");
    });
  };
  const Calls ran = run(steps(6), {.prepare = prepare}).of("guest");
  BOOST_TEST(ran == (Calls{{"guest", Hook::on_initialize, BusCall::initialize, 2, 2, {}},
                           {"guest", Hook::on_start, BusCall::batch_start, 2, 2, {}},
                           {"guest", Hook::on_update, BusCall::batch_start, 2, 2, {}},
                           {"guest", Hook::on_update, BusCall::batch_start, 3, 3, {}},
                           {"guest", Hook::on_end, BusCall::finalize, 4, 4, {}},
                           {"guest", Hook::on_finalize, BusCall::finalize, 4, 4, {}}}));
  BOOST_TEST(ran == guest->calls());
}

BOOST_AUTO_TEST_CASE(a_trace_has_its_calls) {
  takt::Trace trace;
  const auto prepare = [&](EventBus& bus, const std::shared_ptr<ProbeModifier>& guest) {
    bus.on(
        EventType::BATCH_END, {.update = 2},
        [&bus, guest, added = false]() mutable {
          if (!std::exchange(added, true)) bus.add(guest);
        },
        "host");
  };
  const auto sequence = steps(3, {.aborted_batches = {1}});
  EventBus bus{sequence.start};
  prepare(bus, probe("guest"));
  takt::TraceRecorder recorder{bus, trace};
  replay(bus, sequence);
  recorder.close();
  const Calls ran =
      run(sequence, {.prepare = [&](EventBus& other) { prepare(other, probe("guest")); }});
  BOOST_TEST(!ran.of("guest").empty());
  BOOST_TEST(takt::testing::calls_of(trace) == ran);
}

// ---- Calls --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(calls_are_chosen_by_modifier_hook_and_call) {
  const Calls ran = some_calls();
  BOOST_TEST(ran.size() == 14U);
  BOOST_TEST(ran.of("a").size() == 6U);
  BOOST_TEST(ran.of("c").empty());
  BOOST_TEST(ran.of("a").steps(Hook::on_update) == (Steps{0, 2}), per_element());
  BOOST_TEST(ran.of(Hook::on_update).of("b").steps(Hook::on_update) == (Steps{0, 1, 2, 3}),
             per_element());
  BOOST_TEST(ran.steps(Hook::on_abort).empty());
  BOOST_TEST(ran.count(Hook::on_update) == 6);
  BOOST_TEST(ran.of(BusCall::finalize).of("a") ==
             (Calls{{"a", Hook::on_end, BusCall::finalize, 4, 4, {}},
                    {"a", Hook::on_finalize, BusCall::finalize, 4, 4, {}}}));
}

BOOST_AUTO_TEST_CASE(calls_are_visited_in_order) {
  const Calls ran = some_calls();
  std::size_t position = 0;
  for (const Call& call : ran) BOOST_TEST(call == ran[position++]);
  BOOST_TEST(position == ran.size());
  BOOST_CHECK_THROW((void)ran[position], std::out_of_range);
}

BOOST_AUTO_TEST_CASE(calls_are_equal_when_all_of_them_are) {
  const Call call{"a", Hook::on_update, BusCall::batch_start, 3, 6, {}};
  const auto changed = [&](auto change) {
    Call other = call;
    change(other);
    return other;
  };
  BOOST_TEST(call == changed([](Call&) {}));
  BOOST_TEST(call != changed([](Call& other) { other.modifier = "b"; }));
  BOOST_TEST(call != changed([](Call& other) { other.hook = Hook::on_event; }));
  BOOST_TEST(call != changed([](Call& other) { other.at = BusCall::batch_end; }));
  BOOST_TEST(call != changed([](Call& other) { other.step = 4; }));
  BOOST_TEST(call != changed([](Call& other) { other.batch = 7; }));
  BOOST_TEST(call != changed([](Call& other) { other.error = ""; }));
  BOOST_TEST((Calls{call} != Calls{call, call}));
}

BOOST_AUTO_TEST_CASE(calls_print_as_a_line_each) {
  BOOST_TEST(text_of(Calls{}) == "no calls");
  Calls calls{{"prune", Hook::on_update, BusCall::batch_start, 3, 6, {}}};
  BOOST_TEST(text_of(calls) == "1 call:\n  step 3, batch 6, batch_start: on_update of prune\n");
  calls.push_back({"prune", Hook::on_abort, BusCall::abort_batch, 3, 6, {}});
  BOOST_TEST(text_of(calls) ==
             "2 calls:\n  step 3, batch 6, batch_start: on_update of prune\n"
             "  step 3, batch 6, abort_batch: on_abort of prune\n");
}

BOOST_AUTO_TEST_CASE(test_frameworks_print_calls_as_they_print_themselves) {
  // Boost.Test would print nothing of what it takes for a container.
  BOOST_TEST(!boost::unit_test::is_forward_iterable<Calls>::value);
}

// ---- The probe ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_probe_writes_down_what_the_bus_calls) {
  BOOST_TEST(rc::check("probe and run agree", [] {
    std::vector<std::shared_ptr<ProbeModifier>> probes;
    std::vector<std::shared_ptr<takt::Modifier>> modifiers;
    for (int i = *evenly(1, 3); i > 0; --i) {
      takt::Cadence cadence{.start = *evenly(-1, 4), .update = *evenly(0, 3)};
      if (*evenly(0, 1) == 0) cadence.end = *cadence.start + *evenly(0, 6);
      EventSet due;
      for (const EventType type : EventSet::all()) {
        if (*evenly(0, 1) == 0) due |= type;
      }
      probes.push_back(std::make_shared<ProbeModifier>(
          "probe " + std::to_string(i), cadence,
          takt::Interests{.due = due, .every = EventType::LOSS_CALCULATED}));
      modifiers.push_back(probes.back());
      if (*evenly(0, 2) == 0) probes.back()->throw_at(Hook::on_update, *evenly(0, 7));
      if (*evenly(0, 2) == 0) probes.back()->throw_at(Hook::on_start, *evenly(0, 3));
    }
    const takt::BusOptions options{.errors = static_cast<ErrorPolicy>(*evenly(0, 2))};
    const auto sequence =
        steps(8, {.calibration_batches = *evenly(0, 1), .aborted_batches = {2, 5}});
    const Calls ran = run(modifiers, sequence, {.bus = options, .go_on = true});
    for (const auto& one : probes) {
      RC_LOG() << one->calls();
      RC_ASSERT(one->calls() == ran.of(one->name()));
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_probe_is_due_at_batch_start_unless_told_otherwise) {
  const ProbeModifier plain;
  BOOST_TEST(plain.name() == "probe");
  BOOST_CHECK(plain.interests().due == EventSet{EventType::BATCH_START});
  BOOST_CHECK(plain.interests().every.empty());
  BOOST_CHECK_THROW(ProbeModifier{""}, takt::InvalidModifier);
  BOOST_CHECK_THROW((ProbeModifier{"probe", {.update = -1}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_probe_throws_whenever_it_was_told_to) {
  const auto broken = probe("broken");
  broken->throw_at(Hook::on_update, 1, "first");
  broken->throw_at(Hook::on_start, 0, "start");
  run(broken, steps(2), {.go_on = true});
  // Its start failed, so it has no updates.
  BOOST_TEST(broken->calls().of(Hook::on_start)[0].error.value_or("") == "start");
  BOOST_TEST(broken->calls().count(Hook::on_update) == 0);

  const auto again = probe("again");
  again->throw_at(Hook::on_update, 1, "first");
  run(again, steps(2, {.batches_per_step = 2}), {.go_on = true});
  const Calls updates = again->calls().of(Hook::on_update);
  BOOST_TEST(updates.size() == 4U);
  BOOST_TEST(!updates[1].error);
  BOOST_TEST(updates[2].error.value_or("") == "first");
  BOOST_TEST(updates[3].error.value_or("") == "first");
}

BOOST_AUTO_TEST_CASE(a_probe_does_not_throw_where_a_hook_must_not) {
  ProbeModifier one{"one"};
  BOOST_CHECK_EXCEPTION(one.throw_at(Hook::on_abort, 3), takt::InvalidModifier,
                        [](const takt::InvalidModifier& error) {
                          BOOST_TEST(error.what() ==
                                     "on_abort of one was told to throw, and can't; the other "
                                     "hooks can");
                          return true;
                        });
}

BOOST_AUTO_TEST_CASE(a_probe_forgets) {
  const auto one = probe();
  run(one, steps(1));
  BOOST_TEST(!one->calls().empty());
  one->forget();
  BOOST_TEST(one->calls() == Calls{});
}

BOOST_AUTO_TEST_SUITE_END()
