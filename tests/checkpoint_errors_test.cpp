// SPDX-License-Identifier: BSL-1.0
// Checkpoints that are refused: what is said, and that nothing is loaded.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "checkpoint_file.hpp"
#include "saved_bus.hpp"
#include "saved_run.hpp"
#include "scratch_folder.hpp"
#include "takt/checkpoint.hpp"

namespace {

using takt::CheckpointError;
using takt::ErrorPolicy;
using takt::Event;
using takt::EventBus;
using takt::Phase;
using takt::State;
using takt::detail::SavedBus;
using takt::test::Built;
using takt::test::Counter;
using takt::test::has;
using takt::test::message_of;
using takt::test::refusal;
using takt::test::SavedRun;

const std::string build_it_as_it_was =
    " on the bus; build it as it was, or begin a run at the checkpoint's counters without it";

/// A checkpoint of the run that `Built` makes by default, with something changed in it.
template <class Change>
std::string changed(const Change& change, int batches = 3) {
  std::istringstream in{Built{}.saved_after(batches)};
  SavedBus saved = takt::detail::saved_bus_from(takt::detail::read_checkpoint(in));
  change(saved);
  const std::string bytes = bytes_of(saved);
  return takt::detail::checkpoint_header(bytes) + bytes;
}

/// What the usual checkpoint is refused with by a bus that is built so.
std::string refusal_of(const Built& built) { return refusal(built, Built{}.saved_after(3)); }

Built filled(std::function<void(SavedRun&)> fill) { return {.fill = std::move(fill)}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_errors)

// ---- Bytes that are no checkpoint ---------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_is_foreign_is_no_checkpoint) {
  const std::string none = "it is no checkpoint of takt";
  BOOST_TEST(refusal({}, "{\"takt_trace\":1}") == "the checkpoint: " + none);
  BOOST_TEST(refusal({}, "x") == "the checkpoint: " + none);
  std::string text = Built{}.saved_after(1);
  text.replace(text.find("\r\n"), 2, "\n");  // sent as text
  BOOST_TEST(refusal({}, text) == "the checkpoint: " + none);
}

BOOST_AUTO_TEST_CASE(what_is_cut_short_says_how_much_is_missing) {
  const std::string bytes = Built{}.saved_after(1);
  const std::string beginning = "the checkpoint: it is cut short: not even its beginning is whole";
  BOOST_TEST(refusal({}, "") == beginning);
  BOOST_TEST(refusal({}, bytes.substr(0, 5)) == beginning);
  BOOST_TEST(refusal({}, bytes.substr(0, 12)) == beginning);
  BOOST_TEST(refusal({}, bytes.substr(0, bytes.size() - 3)) ==
             "the checkpoint: it is cut short: 3 bytes are missing");
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_told_by_its_checksum) {
  std::string bytes = Built{}.saved_after(1);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  BOOST_TEST(refusal({}, bytes) ==
             "the checkpoint: it is damaged: its checksum is not that of its bytes");
}

BOOST_AUTO_TEST_CASE(another_version_says_which_and_whether_takt_is_newer_or_older) {
  std::string bytes = Built{}.saved_after(1);
  constexpr std::size_t version = 10;  // behind the magic number and the byte order
  BOOST_TEST_REQUIRE(bytes[version] == 1);
  bytes[version] = 2;
  BOOST_TEST(refusal({}, bytes) ==
             "the checkpoint: it is of version 2, written by a newer takt; this one reads version "
             "1");
  bytes[version] = 0;
  BOOST_TEST(refusal({}, bytes) ==
             "the checkpoint: it is of version 0, written by an older takt; this one reads "
             "version 1");
}

BOOST_AUTO_TEST_CASE(a_file_is_named_and_has_nothing_behind_its_end) {
  const takt::test::ScratchFolder folder;
  const std::string bytes = Built{}.saved_after(1);
  const auto said = [&](const std::string& text) {
    const auto file = folder.file("run.takt", text);
    const auto run = Built{}.make();
    const std::string message =
        message_of<CheckpointError>([&] { takt::load_checkpoint(run->bus, file); });
    BOOST_TEST(message.starts_with(file.string() + ": "), message);
    BOOST_TEST(run->counters[0]->initialized == 0);
    return message.substr(file.string().size() + 2);
  };
  BOOST_TEST(said(bytes + "x") == "it goes on behind its end");
  BOOST_TEST(said(bytes.substr(0, 60)).starts_with("it is cut short"));
  BOOST_TEST(said("") == "it is cut short: not even its beginning is whole");
  BOOST_TEST(said("other") == "it is no checkpoint of takt");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_told) {
  const takt::test::ScratchFolder folder;
  const auto file = folder / "none.takt";
  EventBus bus;
  BOOST_TEST(message_of<CheckpointError>([&] { takt::load_checkpoint(bus, file); }) ==
             file.string() + ": it can't be read: No such file or directory");
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_state_are_refused_too) {
  std::istringstream in{Built{}.saved_after(1)};
  const std::string bytes = takt::detail::read_checkpoint(in) + "x";
  BOOST_TEST(refusal({}, takt::detail::checkpoint_header(bytes) + bytes) ==
             "the checkpoint: it goes on behind its end");
}

// ---- A bus that was built otherwise -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(sizes_that_are_others_are_named) {
  BOOST_TEST(refusal_of({.start = {.steps_per_epoch = 5}}) ==
             "the checkpoint: steps_per_epoch is 4 in the checkpoint and 5" + build_it_as_it_was);
  BOOST_TEST(refusal_of({.start = {}}) ==
             "the checkpoint: steps_per_epoch is 4 in the checkpoint and unset" +
                 build_it_as_it_was);
  BOOST_TEST(refusal_of({.start = {.steps_per_epoch = 4, .batches_per_step = 2}}) ==
             "the checkpoint: batches_per_step is unset in the checkpoint and 2" +
                 build_it_as_it_was);
  const std::string pairs =
      Built{.start = {.steps_per_epoch = 4, .invocations_per_step = 1}}.saved_after(1);
  const Built other{.start = {.steps_per_epoch = 4, .invocations_per_step = 3}};
  const auto run = other.make();
  BOOST_TEST(message_of<CheckpointError>([&] { run->load(pairs); }) ==
             "the checkpoint: invocations_per_step is 1 in the checkpoint and 3" +
                 build_it_as_it_was);
}

BOOST_AUTO_TEST_CASE(another_order_policy_is_named) {
  BOOST_TEST(refusal_of({.options = {.order = takt::OrderPolicy::several_steps}}) ==
             "the checkpoint: the order policy is one_step in the checkpoint and several_steps" +
                 build_it_as_it_was);
}

BOOST_AUTO_TEST_CASE(another_error_policy_is_no_matter_nor_are_other_counters_at_the_start) {
  const Built built{.start = {.steps_per_epoch = 4, .global_step = 7, .global_batch = 9},
                    .options = {.errors = ErrorPolicy::collect}};
  const auto run = built.make();
  run->load(Built{}.saved_after(3));
  run->batches(2);
  BOOST_TEST(run->seen() == Built{}.seen_after(5));
}

BOOST_AUTO_TEST_CASE(modifiers_that_are_missing_or_unknown_are_named) {
  BOOST_TEST(refusal_of(filled([](SavedRun& run) { run.add("other"); })) ==
             "the checkpoint: it has the state of 'every', 'window', which the bus lacks; add the "
             "same modifiers as before");
  BOOST_TEST(refusal_of(filled([](SavedRun& run) {
               Built{}.fill(run);
               run.add("more");
               run.add("most");
             })) ==
             "the checkpoint: the bus has 'more', 'most', of which it has no state; add the same "
             "modifiers as before");
}

BOOST_AUTO_TEST_CASE(modifiers_in_another_order_are_refused) {
  BOOST_TEST(refusal_of(filled([](SavedRun& run) {
               run.add("window", {.start = 0.5, .end = 1.5, .update = 0.5});
               run.add("every");
             })) ==
             "the checkpoint: modifier 'every' comes where the bus has 'window'; add them in the "
             "same order");
}

BOOST_AUTO_TEST_CASE(another_group_cadence_or_interest_is_named) {
  const auto last = [](const takt::Cadence& cadence, int group, const takt::Interests& interests) {
    return refusal_of(filled([=](SavedRun& run) {
      run.add("every");
      run.add("window", cadence, group, interests);
    }));
  };
  const takt::Cadence cadence{.start = 0.5, .end = 1.5, .update = 0.5};
  const takt::Interests interests{.due = takt::EventType::BATCH_END};
  BOOST_TEST(last(cadence, 2, interests) ==
             "the checkpoint: the group of modifier 'window' is 0 in the checkpoint and 2" +
                 build_it_as_it_was);
  BOOST_TEST(last({.start = 0.5, .update = 1}, 0, interests) ==
             "the checkpoint: the cadence of modifier 'window' is start 0.5, end 1.5, update 0.5 "
             "in the checkpoint and start 0.5, end unset, update 1" +
                 build_it_as_it_was);
  BOOST_TEST(
      last(cadence, 0,
           {.every = takt::EventSet{takt::EventType::BATCH_START, takt::EventType::BATCH_END}}) ==
      "the checkpoint: the set of events of modifier 'window' is due batch_end, every none in the "
      "checkpoint and due none, every batch_start batch_end" +
          build_it_as_it_was);
}

BOOST_AUTO_TEST_CASE(a_name_from_a_file_is_shown_without_what_a_terminal_obeys) {
  const std::string bytes = changed([](SavedBus& bus) { bus.modifiers[0].built.name = "\x1b[2J"; });
  const std::string message = refusal({}, bytes);
  BOOST_TEST(!has(message, "\x1b"), message);
  BOOST_TEST(has(message, "[2J"), message);
}

BOOST_AUTO_TEST_CASE(a_bus_that_is_initialized_takes_no_checkpoint_and_goes_on) {
  const Built built;
  const std::string bytes = built.saved_after(3);
  const auto run = built.make();
  run->bus.initialize();
  run->batches(2);
  BOOST_TEST(message_of<takt::LifecycleError>([&] { run->load(bytes); }) ==
             "a checkpoint was loaded into a bus that is initialized already; loading takes the "
             "place of initialize()");
  run->batches(2);
  BOOST_TEST(run->seen() == built.seen_after(4));
  const auto other = built.make();
  other->load(bytes);
  BOOST_CHECK_THROW(other->load(bytes), takt::LifecycleError);
  BOOST_TEST(other->seen() == built.seen_after(3));
}

// ---- The loop's part ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_loop_state_that_either_side_lacks_is_told) {
  const std::string without = changed([](SavedBus& bus) { bus.loop.reset(); });
  BOOST_TEST(refusal({}, without) ==
             "the checkpoint: it has nothing of the loop's own, for which the state has a "
             "LoopState; it was saved without one");
  EventBus bus{Event{.steps_per_epoch = 4}};
  std::istringstream in{Built{.fill = [](SavedRun&) {}}.saved_after(1)};
  BOOST_TEST(message_of<CheckpointError>([&] { takt::load_checkpoint(bus, in); }) ==
             "the checkpoint: it has 37 bytes of the loop's own, and the state has no LoopState "
             "to load them with; register it with state.set(loop_state)");
  bus.initialize();
}

BOOST_AUTO_TEST_CASE(a_loop_state_that_is_incomplete_is_told) {
  BOOST_TEST(refusal_of(filled([](SavedRun& run) {
               Built{}.fill(run);
               run.loop.load = nullptr;
             })) ==
             "the checkpoint: the loop's own part can't be saved: the state's LoopState has no "
             "load; it has to have both");
  BOOST_TEST(refusal_of(filled([](SavedRun& run) {
               Built{}.fill(run);
               run.loop.save = nullptr;
             })) ==
             "the checkpoint: the loop's own part can't be saved: the state's LoopState has no "
             "save; it has to have both");
}

BOOST_AUTO_TEST_CASE(what_the_loops_load_throws_is_nested_and_its_weights_are_put_back) {
  int loads = 0;
  const Built built = filled([&](SavedRun& run) {
    Built{}.fill(run);
    run.loop.load = [&, load = run.loop.load](std::istream& in) {
      load(in);
      if (++loads == 1) throw std::runtime_error("no such layer");
    };
  });
  BOOST_TEST(refusal_of(built) ==
             "the checkpoint: the loop's own part can't be loaded: no such layer");
  BOOST_TEST(loads == 2);  // the second time to put back what the first has changed
}

BOOST_AUTO_TEST_CASE(a_loop_that_reads_behind_its_bytes_is_told) {
  const Built built = filled([](SavedRun& run) {
    Built{}.fill(run);
    run.loop.load = [load = run.loop.load](std::istream& in) {
      load(in);
      char more = 0;
      in.read(&more, 1);
    };
  });
  BOOST_TEST(refusal_of(built) ==
             "the checkpoint: the loop's own part can't be loaded: its stream has failed; it has "
             "37 bytes");
}

BOOST_AUTO_TEST_CASE(what_the_loops_save_throws_while_loading_leaves_all_as_it_was) {
  const Built built;
  const std::string bytes = built.saved_after(3);
  const auto run = built.make();
  const takt::LoopState whole = run->loop;
  run->loop.save = [](std::ostream&) { throw std::runtime_error("no room"); };
  const std::string before = run->seen();
  BOOST_TEST(message_of<CheckpointError>([&] { run->load(bytes); }) ==
             "the checkpoint: the loop's own part can't be saved: no room");
  BOOST_TEST(run->seen() == before);
  run->loop = whole;
  run->load(bytes);
  BOOST_TEST(run->seen() == built.seen_after(3));
}

// ---- The modifiers' part ------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_modifier_that_refuses_its_state_is_named_and_all_are_put_back) {
  for (const int which : {0, 1}) {
    const auto loading = [which](std::function<void(std::istream&)> load) {
      return filled([=](SavedRun& run) {
        Built{}.fill(run);
        run.counters[static_cast<std::size_t>(which)]->instead_of_load = load;
      });
    };
    const std::string start = which == 0 ? "the checkpoint: modifier 'every' can't be loaded: "
                                         : "the checkpoint: modifier 'window' can't be loaded: ";
    BOOST_TEST(refusal_of(loading([](std::istream&) { throw std::runtime_error("x"); })) ==
               start + "x");
    BOOST_TEST(refusal_of(loading([](std::istream& in) {
                 in.ignore(1000);
                 in.get();
               })) == start + "it wants more than its bytes");
    BOOST_TEST(refusal_of(loading([](std::istream& in) { in.ignore(1); })) ==
               start + "it leaves some of its bytes, which are of another kind or release");
  }
}

BOOST_AUTO_TEST_CASE(state_of_another_modifier_is_refused_by_the_word_it_begins_with) {
  const std::string bytes = changed([](SavedBus& bus) {
    std::ostringstream out;
    takt::detail::StateWriter{out, "EMAModifier"}(1.0);
    bus.modifiers[1].state = out.str();
  });
  BOOST_TEST(refusal({}, bytes) ==
             "the checkpoint: modifier 'window' can't be loaded: it is the state of "
             "\"EMAModifier\"; that of \"counter\" is wanted");
}

BOOST_AUTO_TEST_CASE(what_on_initialize_throws_is_a_modifier_error_and_nothing_is_loaded) {
  for (const ErrorPolicy policy : {ErrorPolicy::propagate, ErrorPolicy::collect}) {
    for (const char* const name : {"every", "window"}) {
      const Built built;
      const auto run = std::make_unique<SavedRun>(built.start, takt::BusOptions{.errors = policy});
      built.fill(*run);
      for (const auto& counter : run->counters) {
        if (counter->name() != name) continue;
        counter->at_initialize = [](State&, const Event&) { throw std::runtime_error("no disk"); };
      }
      const std::string before = run->seen();
      const std::string message =
          message_of<takt::ModifierError>([&] { run->load(built.saved_after(3)); });
      BOOST_TEST(has(message, std::string{"'"} + name + "'"), message);
      BOOST_TEST(has(message, "no disk"), message);
      BOOST_TEST(run->seen() == before);
      for (const auto& counter : run->counters) {
        BOOST_TEST(counter->finalized == counter->initialized);
        counter->at_initialize = nullptr;
      }
      run->load(built.saved_after(3));  // now it works
      run->batches(2);
      BOOST_TEST(run->seen() == built.seen_after(5));
    }
  }
}

BOOST_AUTO_TEST_CASE(under_quarantine_one_that_cant_be_initialized_is_out_and_the_others_load) {
  const Built built{.options = {.errors = ErrorPolicy::quarantine}};
  const auto run = built.make();
  run->counters[0]->at_initialize = [](State&, const Event&) { throw std::runtime_error("x"); };
  int told = 0;
  run->bus.on_error([&](const takt::ModifierError&) { ++told; });
  run->load(built.saved_after(3));
  BOOST_TEST(told == 1);
  BOOST_TEST(run->counters[0]->phase() == Phase::quarantined);
  BOOST_TEST(run->counters[1]->phase() == Phase::active);
  BOOST_TEST(run->counters[1]->updates == 1);
}

BOOST_AUTO_TEST_CASE(children_that_on_initialize_added_are_gone_after_a_refusal) {
  int made = 0;
  const Built built = filled([&](SavedRun& run) {
    Built{}.fill(run);
    run.counters[0]->at_initialize = [&](State&, const Event&) {
      ++made;
      run.bus.add(std::make_shared<Counter>("child"));
    };
  });
  const auto run = built.make();
  BOOST_CHECK_THROW(run->load(Built{}.saved_after(3)), CheckpointError);  // it has no child
  BOOST_TEST(made == 1);
  BOOST_TEST(run->bus.modifiers().size() == 2U);
  run->load(built.saved_after(3));
  BOOST_TEST(run->bus.modifiers().size() == 3U);
}

BOOST_AUTO_TEST_CASE(work_that_on_initialize_put_off_is_dropped_by_a_refusal) {
  int done = 0;
  const Built built = filled([&](SavedRun& run) {
    Built{}.fill(run);
    run.counters[0]->at_initialize = [&, counter = run.counters[0].get()](State& state,
                                                                          const Event& event) {
      state.after_call(*counter, event, [&](EventBus&) { ++done; });
    };
  });
  const auto run = built.make();
  const std::string bytes = built.saved_after(3);
  done = 0;
  BOOST_CHECK_THROW(run->load(changed([](SavedBus& bus) { bus.modifiers[1].state = "?"; })),
                    CheckpointError);
  BOOST_TEST(done == 0);
  run->load(bytes);
  BOOST_TEST(done == 1);  // what the refused one put off does not come again
}

BOOST_AUTO_TEST_CASE(what_on_initialize_asked_of_the_loop_is_taken_back) {
  const std::string bytes = changed([](SavedBus& bus) { bus.modifiers[1].state = "?"; });
  for (const std::string before : {"", "SIGTERM", "enough"}) {
    const auto run = Built{}.make();
    takt::Control& control = run->bus.state().control;
    if (before == "enough") control.stop(before);
    if (before == "SIGTERM") control.interrupt(before);
    if (before.empty()) control.request_evaluate();
    run->counters[0]->at_initialize = [](State& state, const Event&) {
      state.control.stop("it is over");
      state.control.request_save();
      state.control.request_evaluate();
    };
    BOOST_CHECK_THROW(run->load(bytes), CheckpointError);
    BOOST_TEST(control.stop_requested() == !before.empty());
    BOOST_TEST(control.stop_reason() == before);
    BOOST_TEST(control.interrupted() == (before == "SIGTERM"));
    BOOST_TEST(control.lasting_stop_reason().has_value() == (before == "enough"));
    BOOST_TEST(!control.take_save_request());
    BOOST_TEST(control.take_evaluate_request() == before.empty());
  }
}

// ---- What no bus can have been ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(standings_that_no_bus_can_have_are_refused) {
  using Position = takt::detail::Lifecycle::Position;
  const auto standing = [](const auto& change) {
    return refusal({}, changed([&](SavedBus& bus) { change(bus.standing); }));
  };
  const std::string said =
      "the checkpoint: the bus can't stand where it says that it stood; takt wrote no such";
  BOOST_TEST(standing([](auto& s) { s.position = Position::created; }) == said);
  BOOST_TEST(standing([](auto& s) { s.position = Position::finalized; }) == said);
  BOOST_TEST(standing([](auto& s) { s.calibrating = true; }) == said);
  BOOST_TEST(standing([](auto& s) { s.position = Position::calibrating; }) == said);
  BOOST_TEST(standing([](auto& s) { s.position = Position::stepped, s.step_taken = false; }) ==
             said);
  BOOST_TEST(standing([](auto& s) { s.position = Position::batch_open, s.step_taken = true; }) ==
             said);
  BOOST_TEST(standing([](auto& s) { s.invocations = 1; }) == said);
  BOOST_TEST(standing([](auto& s) { s.invocations = -1; }) == said);
  BOOST_TEST(standing([](auto& s) { s.invocations_at_batch_start = 1; }) == said);
  BOOST_TEST(standing([](auto& s) { s.global_step = -1; }) == said);
  BOOST_TEST(standing([](auto& s) { s.global_batch = -1; }) == said);
  // There is no room for the end of this batch.
  BOOST_TEST(standing([](auto& s) {
               s.position = Position::batch_open, s.step_taken = false;
               s.global_batch = INT64_MAX;
             }) == said);
  BOOST_TEST(standing([](auto& s) {
               s.position = Position::stepped, s.step_taken = true;
               s.global_step = INT64_MAX;
             }) == said);
}

BOOST_AUTO_TEST_CASE(a_refused_checkpoint_at_the_last_counters_leaves_room_for_batches) {
  const std::string bytes = changed([](SavedBus& bus) {
    bus.standing.global_batch = INT64_MAX;
    bus.modifiers[1].state = "?";
  });
  BOOST_TEST(has(refusal({}, bytes), "modifier 'window' can't be loaded"));
}

BOOST_AUTO_TEST_SUITE_END()
