// SPDX-License-Identifier: BSL-1.0
// Checkpoints that are saved, and loaded into a bus that was built as the saved one was. What is
// refused stands in the files beside this one.
#include "takt/checkpoint.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "saved_run.hpp"
#include "scratch_folder.hpp"

namespace {

using takt::CheckpointError;
using takt::Event;
using takt::EventBus;
using takt::LifecycleError;
using takt::Modifier;
using takt::Phase;
using takt::State;
using takt::test::Built;
using takt::test::Counter;
using takt::test::has;
using takt::test::message_of;
using takt::test::SavedRun;

/// A run of so many batches, saved after some of them and gone on with in another bus.
std::unique_ptr<SavedRun> resumed(const Built& built, int before, int after) {
  auto run = built.make();
  run->load(built.saved_after(before));
  run->batches(after);
  return run;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

// ---- Runs that go on ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_run_goes_on_where_it_was_saved) {
  const Built built;
  for (int before = 0; before < 9; ++before) {
    const auto run = resumed(built, before, 9 - before);
    BOOST_TEST(run->seen() == built.seen_after(9), "saved after " << before);
  }
}

BOOST_AUTO_TEST_CASE(what_is_loaded_and_saved_again_has_the_same_bytes) {
  const Built built;
  for (int batches = 0; batches < 9; ++batches) {
    const std::string bytes = built.saved_after(batches);
    const auto run = built.make();
    run->load(bytes);
    BOOST_TEST((run->saved() == bytes), batches);
  }
}

BOOST_AUTO_TEST_CASE(saving_changes_nothing) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  for (int i = 0; i < 9; ++i) {
    (void)run->saved();
    run->batches(1);
  }
  BOOST_TEST(run->seen() == built.seen_after(9));
}

BOOST_AUTO_TEST_CASE(saving_asks_for_no_hook_and_loading_for_on_initialize_alone) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  run->batches(3);
  const auto before = run->counters;
  const std::string bytes = run->saved();
  const auto other = built.make();
  int observed = 0;
  other->bus.connect(takt::EventType::INITIALIZE, [&](const Event&, const State&) { ++observed; });
  other->load(bytes);
  for (const auto& counter : other->counters) {
    BOOST_TEST(counter->initialized == 1);
    BOOST_TEST(counter->started + counter->ended + counter->finalized == 0);
    BOOST_TEST(counter->phase() == Phase::active);
  }
  BOOST_TEST(observed == 0);
  other->batches(4);
  BOOST_TEST(other->counters[1]->ended == 1);  // its window has closed
  other->bus.finalize();
  BOOST_TEST(other->counters[0]->ended == 1);
  BOOST_TEST(other->counters[0]->finalized == 1);
}

BOOST_AUTO_TEST_CASE(a_batch_and_a_calibration_epoch_go_on_that_were_open) {
  const Built built{.start = {.steps_per_epoch = 4, .invocations_per_step = 2}};
  using Call = void (EventBus::*)();
  const std::vector<Call> calls{
      &EventBus::batch_start,    &EventBus::optim_pre_step,  &EventBus::optim_post_step,
      &EventBus::optim_pre_step, &EventBus::optim_post_step, &EventBus::batch_end,
      &EventBus::batch_start,    &EventBus::abort_batch,     &EventBus::calibration_epoch_start,
      &EventBus::batch_start,    &EventBus::batch_end,       &EventBus::calibration_epoch_end,
      &EventBus::finalize};
  const auto whole = built.make();
  whole->bus.initialize();
  for (const Call call : calls) (whole->bus.*call)();
  for (std::size_t cut = 0; cut < calls.size(); ++cut) {
    const auto run = built.make();
    run->bus.initialize();
    for (std::size_t i = 0; i < cut; ++i) (run->bus.*calls[i])();
    const auto other = built.make();
    other->load(run->saved());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      // What is refused is refused by both.
      if (i == cut) break;
      BOOST_CHECK_EQUAL(message_of<LifecycleError>([&] { run->bus.initialize(); }),
                        message_of<LifecycleError>([&] { other->bus.initialize(); }));
    }
    for (std::size_t i = cut; i < calls.size(); ++i) (other->bus.*calls[i])();
    BOOST_TEST(other->seen() == whole->seen(), "cut before call " << cut);
  }
}

BOOST_AUTO_TEST_CASE(wherever_windows_lie_and_runs_are_cut_they_go_on) {
  BOOST_TEST(rc::check("a run that is cut is the one that is not", [] {
    struct Window {
      double start = 0;
      double length = 0;
      double update = 0;
      int group = 0;
    };
    const auto windows = *rc::gen::container<std::vector<Window>>(rc::gen::construct<Window>(
        rc::gen::element(0.0, 0.3, 1.0, 2.5), rc::gen::element(0.0, 0.5, 1.0, 9.0),
        rc::gen::element(0.0, 0.3, 1.0), rc::gen::inRange(-1, 2)));
    const Built built{.start = {.steps_per_epoch = *rc::gen::inRange(1, 5),
                                .global_step = *rc::gen::element(0, 3)},
                      .fill = [&](SavedRun& run) {
                        int number = 0;
                        for (const Window& window : windows) {
                          run.add("counter " + std::to_string(++number),
                                  {.start = window.start,
                                   .end = window.start + window.length,
                                   .update = window.update},
                                  window.group);
                        }
                      }};
    const int before = *rc::gen::inRange(0, 14);
    const int after = *rc::gen::inRange(0, 14);
    RC_ASSERT(resumed(built, before, after)->seen() == built.seen_after(before + after));
  }));
}

// ---- Streams and files --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(streams_have_one_behind_the_other) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  std::stringstream stream;
  takt::save_checkpoint(run->bus, stream);
  run->batches(3);
  takt::save_checkpoint(run->bus, stream);
  stream << "and more";
  const auto first = built.make();
  takt::load_checkpoint(first->bus, stream);
  const auto second = built.make();
  takt::load_checkpoint(second->bus, stream);
  BOOST_TEST(first->seen() == built.seen_after(0));
  BOOST_TEST(second->seen() == built.seen_after(3));
  std::string rest;
  std::getline(stream, rest);
  BOOST_TEST(rest == "and more");
}

BOOST_AUTO_TEST_CASE(files_have_what_a_stream_has) {
  const takt::test::ScratchFolder folder;
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  run->batches(5);
  const auto file = folder.file("run.takt", "another file");
  takt::save_checkpoint(run->bus, file);
  std::ifstream in{file, std::ios::binary};
  BOOST_TEST((std::string{std::istreambuf_iterator<char>{in}, {}} == run->saved()));
  const auto other = built.make();
  takt::load_checkpoint(other->bus, file);
  BOOST_TEST(other->seen() == run->seen());
}

BOOST_AUTO_TEST_CASE(a_stream_that_has_failed_is_told) {
  const auto run = Built{}.make();
  run->bus.initialize();
  std::ostringstream out;
  out.setstate(std::ios::failbit);
  const std::string message =
      message_of<CheckpointError>([&] { takt::save_checkpoint(run->bus, out); });
  BOOST_TEST(message == "the checkpoint's stream has failed; the disk may be full");
}

BOOST_AUTO_TEST_CASE(a_file_that_cant_be_written_is_told_by_its_name) {
  const takt::test::ScratchFolder folder;
  const auto run = Built{}.make();
  run->bus.initialize();
  const auto file = folder / "no folder" / "run.takt";
  const auto save = [&] { takt::save_checkpoint(run->bus, file); };
  const std::string message = message_of<CheckpointError>(save);
  BOOST_TEST(message == file.string() + ".new can't be written: No such file or directory");
}

// ---- Where there is nothing to save -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(before_initialize_and_after_finalize_there_is_nothing_to_save) {
  const auto run = Built{}.make();
  const auto save = [&] { (void)run->saved(); };
  BOOST_TEST(message_of<LifecycleError>(save) ==
             "a checkpoint was asked for while the bus is not initialized; there is nothing to "
             "resume");
  run->bus.initialize();
  run->bus.finalize();
  BOOST_TEST(message_of<LifecycleError>(save) ==
             "a checkpoint was asked for while the bus is finalized; there is nothing to resume");
}

BOOST_AUTO_TEST_CASE(hooks_and_observers_are_told_to_save_later) {
  const auto run = Built{}.make();
  std::vector<std::string> told;
  const auto save = [&] {
    told.push_back(message_of<LifecycleError>([&] { (void)run->saved(); }));
  };
  run->counters[0]->at_update = [&](State&, const Event&) { save(); };
  run->bus.connect(takt::EventType::BATCH_START, [&](const Event&, const State&) { save(); });
  run->counters[0]->instead_of_save = [&](std::ostream&) { save(); };
  run->bus.initialize();
  run->batches(1);
  (void)run->saved();
  BOOST_TEST_REQUIRE(told.size() == 3U);
  for (const std::string& message : told) {
    BOOST_TEST(message ==
               "a checkpoint was asked for from inside a hook or observer; it is taken between "
               "two calls, so use a CheckpointModifier, or State::after_call");
  }
}

BOOST_AUTO_TEST_CASE(what_saves_or_loads_must_not_emit) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  const std::string bytes = run->saved();
  std::string told;
  run->counters[0]->instead_of_save = [&](std::ostream&) {
    told = message_of<LifecycleError>([&] { run->bus.batch_start(); });
  };
  (void)run->saved();
  BOOST_TEST(has(told, "a checkpoint is saved; what saves must not emit"), told);
  const auto other = built.make();
  other->counters[0]->instead_of_load = [&](std::istream& in) {
    told = message_of<LifecycleError>([&] { other->bus.batch_start(); });
    in.ignore(100);
    in.clear(std::ios::eofbit);
  };
  other->load(bytes);
  BOOST_TEST(has(told, "was called from inside initialize()"), told);
}

BOOST_AUTO_TEST_CASE(a_modifier_that_cant_be_saved_is_named_and_the_run_goes_on) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  run->counters[1]->instead_of_save = [](std::ostream&) { throw std::runtime_error("no room"); };
  const auto save = [&] { (void)run->saved(); };
  BOOST_TEST(message_of<CheckpointError>(save) == "modifier 'window' can't be saved: no room");
  run->counters[1]->instead_of_save = [](std::ostream& out) { out.setstate(std::ios::badbit); };
  BOOST_TEST(message_of<CheckpointError>(save) ==
             "modifier 'window' can't be saved: its stream has failed");
  run->batches(4);
  BOOST_TEST(run->seen() == built.seen_after(4));
}

BOOST_AUTO_TEST_CASE(a_loop_that_cant_be_saved_is_told_and_the_run_goes_on) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  const auto save = [&] { (void)run->saved(); };
  const takt::LoopState whole = run->loop;
  run->loop.save = [](std::ostream&) { throw std::runtime_error("no room"); };
  BOOST_TEST(message_of<CheckpointError>(save) == "the loop's own part can't be saved: no room");
  run->loop.save = [](std::ostream& out) { out.setstate(std::ios::failbit); };
  BOOST_TEST(message_of<CheckpointError>(save) ==
             "the loop's own part can't be saved: its stream has failed");
  run->loop.save = nullptr;
  BOOST_TEST(message_of<CheckpointError>(save) ==
             "the loop's own part can't be saved: the state's LoopState has no save; it has to "
             "have both");
  run->loop = {.save = whole.save};
  BOOST_TEST(message_of<CheckpointError>(save) ==
             "the loop's own part can't be saved: the state's LoopState has no load; it has to "
             "have both");
  run->loop = whole;
  run->batches(4);
  BOOST_TEST(run->seen() == built.seen_after(4));
}

// ---- Who is on the bus --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(modifiers_that_on_initialize_adds_are_loaded_too) {
  const Built built{.fill = [](SavedRun& run) {
    const auto parent = run.add("parent");
    parent->at_initialize = [&run](State&, const Event&) {
      const auto child = std::make_shared<Counter>("child");
      child->at_initialize = [&run](State&, const Event&) { run.add("grandchild", {}, -1); };
      run.bus.add(child);
    };
  }};
  const auto run = resumed(built, 3, 2);
  BOOST_TEST(run->seen() == built.seen_after(5));
  BOOST_TEST(run->bus.modifiers().size() == 3U);
  BOOST_TEST(has(run->seen(), "grandchild active 5"), run->seen());
}

BOOST_AUTO_TEST_CASE(modifiers_that_on_initialize_removes_are_gone_again) {
  const Built built{.fill = [](SavedRun& run) {
    run.add("other");
    run.add("first")->at_initialize = [&run](State&, const Event&) { run.bus.remove("other"); };
  }};
  const auto run = resumed(built, 3, 2);
  BOOST_TEST(run->seen() == built.seen_after(5));
  BOOST_TEST(run->bus.modifiers().size() == 1U);
  BOOST_TEST(run->counters[0]->finalized == 1);
}

BOOST_AUTO_TEST_CASE(a_quarantined_modifier_stays_so_and_none_of_its_hooks_runs) {
  const Built built{.options = {.errors = takt::ErrorPolicy::quarantine},
                    .fill = [](SavedRun& run) {
                      run.add("good");
                      const auto bad = run.add("bad");
                      bad->at_update = [](State&, const Event&) { throw std::runtime_error("x"); };
                      bad->instead_of_save = [](std::ostream&) { throw std::runtime_error("y"); };
                    }};
  const auto run = resumed(built, 3, 2);
  BOOST_TEST(run->counters[1]->phase() == Phase::quarantined);
  BOOST_TEST(run->counters[1]->initialized == 0);
  BOOST_TEST(run->counters[1]->finalized == 0);
  BOOST_TEST(run->bus.quarantined().size() == 1U);
  BOOST_TEST(run->counters[0]->updates == 5);
  run->bus.finalize();
  BOOST_TEST(run->counters[1]->finalized == 0);
}

BOOST_AUTO_TEST_CASE(a_modifier_whose_removal_another_thread_has_queued_is_not_saved) {
  const Built built;
  const auto run = built.make();
  run->bus.initialize();
  run->batches(2);
  std::thread{[&] { run->bus.remove("window"); }}.join();
  const std::string bytes = run->saved();
  BOOST_TEST(run->counters[1]->finalized == 1);  // queued work is done before
  const Built less{.fill = [](SavedRun& other) { other.add("every"); }};
  const auto other = less.make();
  other->load(bytes);
  BOOST_TEST(other->seen() == run->seen());
}

BOOST_AUTO_TEST_CASE(what_queued_work_throws_passes_on) {
  const auto run = Built{}.make();
  run->bus.initialize();
  run->counters[1]->at_finalize = [](State&, const Event&) { throw std::runtime_error("late"); };
  std::thread{[&] { run->bus.remove("window"); }}.join();
  BOOST_CHECK_THROW((void)run->saved(), takt::ModifierError);
  (void)run->saved();
}

BOOST_AUTO_TEST_CASE(a_modifier_that_other_threads_add_and_remove_meanwhile_is_no_matter) {
  const Built built;
  const std::string bytes = built.saved_after(2);
  const auto run = built.make();
  const auto guest = std::make_shared<Counter>("guest");
  guest->at_initialize = [&](State&, const Event&) {
    std::thread{[&] { run->bus.remove("guest"); }}.join();
  };
  run->counters[0]->at_initialize = [&](State&, const Event&) {
    std::thread{[&] { run->bus.add(guest); }}.join();
  };
  run->load(bytes);
  BOOST_TEST(guest->initialized == guest->finalized);
  run->batches(3);
  BOOST_TEST(run->seen() == built.seen_after(5));
}

BOOST_AUTO_TEST_CASE(callables_without_names_get_numbers_that_were_not_given_before) {
  const auto named = [](EventBus& bus) {
    return bus.on(takt::EventType::BATCH_END, {}, [] {})->name();
  };
  SavedRun run;
  run.bus.initialize();
  const std::string first = named(run.bus);
  const std::string second = named(run.bus);
  run.bus.remove(first);
  run.bus.remove(second);
  const std::string bytes = run.saved();
  SavedRun other;
  other.load(bytes);
  BOOST_TEST(named(other.bus) == named(run.bus));
}

// ---- What is asked of the loop ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_stop_for_good_is_kept_and_an_interrupt_forgotten) {
  const auto reason = [](const std::vector<std::string>& asked) {
    SavedRun run;
    run.bus.initialize();
    for (const std::string& each : asked) {
      if (each.starts_with("SIG")) {
        run.bus.state().control.interrupt(each);
      } else {
        run.bus.state().control.stop(each);
      }
    }
    SavedRun other;
    other.load(run.saved());
    const takt::Control& control = other.bus.state().control;
    BOOST_TEST(!control.interrupted());
    return control.stop_requested() ? control.stop_reason() : "no stop";
  };
  BOOST_TEST(reason({}) == "no stop");
  BOOST_TEST(reason({"no better"}) == "no better");
  BOOST_TEST(reason({"SIGTERM"}) == "no stop");
  BOOST_TEST(reason({"SIGTERM", "no better"}) == "no better");
  BOOST_TEST(reason({"no better", "SIGTERM", "too long"}) == "no better");
}

BOOST_AUTO_TEST_CASE(the_reason_of_the_saved_stop_comes_before_that_of_on_initialize) {
  SavedRun run;
  run.add("counter");
  run.bus.initialize();
  run.bus.state().control.stop("no better");
  SavedRun other;
  other.add("counter")->at_initialize = [](State& state, const Event&) {
    state.control.stop("at its end");
  };
  other.load(run.saved());
  BOOST_TEST(other.bus.state().control.stop_reason() == "no better");
}

BOOST_AUTO_TEST_CASE(requests_to_save_and_to_evaluate_are_kept_where_they_are_and_loaded) {
  for (const bool save : {false, true}) {
    for (const bool evaluate : {false, true}) {
      SavedRun run;
      run.bus.initialize();
      if (save) run.bus.state().control.request_save();
      if (evaluate) run.bus.state().control.request_evaluate();
      SavedRun other;
      other.load(run.saved());
      for (SavedRun* const each : {&run, &other}) {
        BOOST_TEST(each->bus.state().control.take_save_request() == save);
        BOOST_TEST(each->bus.state().control.take_evaluate_request() == evaluate);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(without_an_optimizer_or_a_loop_takts_own_part_is_saved) {
  EventBus bus;
  bus.initialize();
  bus.state().metrics["accuracy"] = 0.5;
  bus.state().layers = {"fc"};
  std::stringstream stream;
  takt::save_checkpoint(bus, stream);
  EventBus other;
  other.state().metrics["of before"] = 1;
  takt::load_checkpoint(other, stream);
  BOOST_TEST(other.state().metrics.size() == 1U);
  BOOST_TEST(other.state().metrics.at("accuracy") == 0.5);
  BOOST_TEST((other.state().layers == std::vector<std::string>{"fc"}));
}

BOOST_AUTO_TEST_SUITE_END()
