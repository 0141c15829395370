// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/checkpoint_modifier.hpp>
#include <utility>
#include <vector>

#include "checkpoint_folder.hpp"
#include "saved_run.hpp"
#include "scratch_folder.hpp"
#include "takt/recipe.hpp"
#include "takt/registry.hpp"
#if defined(__unix__)
#include "full_disk.hpp"
#endif

namespace {

namespace fs = std::filesystem;
using takt::CheckpointError;
using takt::CheckpointModifier;
using takt::CheckpointSettings;
using takt::Event;
using takt::State;
using takt::test::has;
using takt::test::message_of;
using takt::test::SavedRun;
using takt::test::ScratchFolder;

using Names = std::vector<std::string>;

Names names_in(const fs::path& folder) {
  Names names;
  for (const auto& entry : fs::directory_iterator{folder}) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// A run that saves into a folder and keeps what it is told.
struct SavingRun : SavedRun {
  explicit SavingRun(const fs::path& folder, CheckpointSettings settings = {},
                     const Event& start = {}, const takt::BusOptions& options = {})
      : SavedRun{start, options} {
    add("counter");
    settings.folder = folder.string();
    settings.saved = [this](const fs::path& file) {
      saved_files.push_back(file.filename().string());
    };
    modifier = bus.emplace<CheckpointModifier>(std::move(settings));
  }
  /// A batch whose gradients are accumulated: it makes no step.
  void batch_without_step() {
    bus.batch([](takt::Batch& batch) { batch.loss(1); });
  }

  std::shared_ptr<CheckpointModifier> modifier;
  Names saved_files;
};

std::string refusal_of(const CheckpointSettings& settings) {
  return message_of<takt::InvalidModifier>([&] { CheckpointModifier{settings}; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_modifier)

// ---- When, and where to -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_checkpoint_is_saved_behind_each_due_step) {
  const ScratchFolder folder;
  SavingRun run{folder.path(), {.cadence = {.start = 2, .end = 9, .update = 3}, .keep = 9}};
  run.bus.initialize();
  run.batches(12);
  // Of the steps 3, 6 and 9, counted from 0; the names have how many are made.
  const Names expected{"00000001-step-4.takt", "00000002-step-7.takt", "00000003-step-10.takt"};
  BOOST_TEST(run.saved_files == expected, boost::test_tools::per_element());
  BOOST_TEST(names_in(folder.path()) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(it_has_the_clock_advanced_and_everything_of_the_batch_done) {
  const ScratchFolder folder;
  SavingRun run{folder.path(), {.cadence = {.update = 2}, .keep = 9}};
  run.counters[0]->at_update = [&](State& state, const Event&) {
    state.after_call(*run.counters[0], {}, [&](takt::EventBus& bus) { bus.state().loss = 42; });
  };
  run.bus.initialize();
  run.batches(1);
  SavedRun other;
  other.add("counter");
  const auto copy = other.bus.emplace<CheckpointModifier>(
      CheckpointSettings{.cadence = {.update = 2}, .folder = folder.path().string()});
  load_checkpoint(other.bus, takt::latest_checkpoint(folder.path()).value());
  BOOST_TEST(other.bus.now().global_step == 1);
  BOOST_TEST(other.bus.state().loss.value() == 42);
  BOOST_TEST(other.counters[0]->updates == 1);
}

BOOST_AUTO_TEST_CASE(of_accumulated_batches_it_is_the_one_that_makes_the_step) {
  const ScratchFolder folder;
  SavingRun run{folder.path(), {.keep = 9}};
  run.bus.initialize();
  for (int i = 0; i < 2; ++i) {
    run.batch_without_step();
    run.batch_without_step();
    run.batches(1);
    BOOST_TEST(run.saved_files.size() == static_cast<std::size_t>(i) + 1);
  }
  BOOST_TEST(run.saved_files.back() == "00000002-step-2.takt");
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_aborted_after_its_step_saves_nothing) {
  const ScratchFolder folder;
  SavingRun run{folder.path()};
  run.bus.initialize();
  run.bus.batch_start();
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  run.bus.abort_batch();
  run.batch_without_step();
  BOOST_TEST(run.saved_files.empty());
}

BOOST_AUTO_TEST_CASE(of_several_invocations_the_last_makes_the_step) {
  const ScratchFolder folder;
  SavingRun run{folder.path(), {}, {.invocations_per_step = 2}};
  run.bus.initialize();
  run.batches(4);
  BOOST_TEST(run.saved_files == (Names{"00000001-step-1.takt", "00000002-step-2.takt"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(numbers_go_on_from_the_highest_of_the_folder) {
  const ScratchFolder folder;
  (void)folder.file("00000041-step-9000.takt", "of another run");
  SavingRun run{folder.path()};
  run.bus.initialize();
  run.batches(1);
  BOOST_TEST(run.saved_files == Names{"00000042-step-1.takt"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(so_many_are_kept_the_last_ones_and_other_files_too) {
  for (const int keep : {1, 3}) {
    const ScratchFolder folder;
    (void)folder.file("best.takt", "");
    SavingRun run{folder.path(), {.keep = keep}};
    run.bus.initialize();
    run.batches(5);
    Names names = names_in(folder.path());
    BOOST_TEST(names.size() == static_cast<std::size_t>(keep) + 1);
    BOOST_TEST(names.back() == "best.takt");
    names.pop_back();
    BOOST_TEST(names.back() == "00000005-step-5.takt");
  }
}

BOOST_AUTO_TEST_CASE(the_folder_is_made_at_initialize_and_leftovers_are_removed) {
  const ScratchFolder folder;
  SavingRun run{folder / "a" / "b"};
  BOOST_TEST(!fs::exists(folder / "a"));
  run.bus.initialize();
  BOOST_TEST(fs::is_empty(folder / "a" / "b"));

  (void)folder.file("00000003-step-7.takt.new", "half");
  (void)folder.file("mine.new", "kept");
  SavingRun other{folder.path()};
  other.bus.initialize();
  BOOST_TEST(names_in(folder.path()) == (Names{"a", "mine.new"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_folder_that_cant_be_written_to_is_told_at_initialize) {
  const ScratchFolder folder;
  const fs::path file = folder.file("file", "kept");
  SavingRun run{file / "checkpoints"};
  const std::string message = message_of<takt::ModifierError>([&] { run.bus.initialize(); });
  BOOST_TEST(has(message, "on_initialize"), message);
  BOOST_TEST(has(message, (file / "checkpoints").string() + " can't be made"), message);
}

// ---- At a stop ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(when_the_loop_is_asked_to_stop_one_is_saved_once) {
  for (const bool on_stop : {true, false}) {
    const ScratchFolder folder;
    SavingRun run{folder.path(), {.cadence = {.start = 100}, .on_stop = on_stop}};
    SavingRun open{folder / "open", {.cadence = {.update = 100}, .on_stop = on_stop}};
    for (SavingRun* const each : {&run, &open}) {
      each->bus.initialize();
      each->batches(2);
      each->saved_files.clear();
      each->bus.state().control.interrupt("SIGTERM");
      each->batch_without_step();
      each->batches(2);
    }
    BOOST_TEST(run.saved_files.empty());  // its window is not open
    BOOST_TEST(open.saved_files.size() == (on_stop ? 1U : 0U));
  }
}

BOOST_AUTO_TEST_CASE(a_stop_at_a_due_step_saves_one) {
  const ScratchFolder folder;
  SavingRun run{folder.path()};
  run.bus.initialize();
  run.bus.state().control.stop("enough");
  run.batches(1);
  BOOST_TEST(run.saved_files.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_saved_at_an_interrupt_goes_on) {
  const ScratchFolder folder;
  const CheckpointSettings settings{.cadence = {.update = 100}};
  SavingRun run{folder.path(), settings};
  run.bus.initialize();
  run.batches(2);
  run.bus.state().control.interrupt("SIGTERM");
  run.batches(1);
  SavingRun other{folder.path(), settings};
  load_checkpoint(other.bus, takt::latest_checkpoint(folder.path()).value());
  BOOST_TEST(!other.bus.state().control.stop_requested());
  other.batches(2);
  BOOST_TEST(other.saved_files.empty());
  other.bus.state().control.interrupt("SIGTERM");
  other.batches(1);
  BOOST_TEST(other.saved_files.size() == 1U);
}

// ---- Runs that go on ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_run_that_is_killed_and_resumed_from_the_latest_is_the_uncut_one) {
  const ScratchFolder whole_folder;
  const CheckpointSettings settings{.cadence = {.update = 3}, .keep = 100};
  SavingRun whole{whole_folder.path(), settings};
  whole.bus.initialize();
  whole.batches(20);
  for (int killed_after = 1; killed_after < 20; ++killed_after) {
    const ScratchFolder folder;
    {
      SavingRun run{folder.path(), settings};
      run.bus.initialize();
      run.batches(killed_after);
    }
    SavingRun run{folder.path(), settings};
    load_checkpoint(run.bus, takt::latest_checkpoint(folder.path()).value());
    run.batches(static_cast<int>(20 - run.bus.now().global_step));
    BOOST_TEST(run.seen() == whole.seen(), "killed after " << killed_after);
    BOOST_TEST(names_in(folder.path()) == names_in(whole_folder.path()),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(saved_in_an_open_batch_it_goes_on_to_save_behind_its_step) {
  const ScratchFolder folder;
  SavingRun run{folder.path()};
  run.bus.initialize();
  run.bus.batch_start();
  run.bus.optim_pre_step();
  run.bus.optim_post_step();
  const std::string bytes = run.saved();
  SavingRun other{folder.path()};
  other.load(bytes);
  other.bus.batch_end();
  BOOST_TEST(other.saved_files == Names{"00000001-step-1.takt"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(removed_before_it_could_save_it_saves_on_another_bus) {
  const ScratchFolder folder;
  SavingRun run{folder.path()};
  const auto remover = run.add("remover", {}, 1);
  remover->at_update = [&](State&, const Event&) { run.bus.remove(run.modifier->name()); };
  run.bus.initialize();
  run.batches(1);
  BOOST_TEST(run.saved_files.empty());
  SavedRun other;
  other.bus.add(run.modifier);
  other.bus.initialize();
  other.batches(1);
  BOOST_TEST(run.saved_files.size() == 1U);
}

// ---- Failures -----------------------------------------------------------------------------------

/// Saves at every step, and counts what it is told of failures.
struct FailingRun : SavingRun {
  explicit FailingRun(const fs::path& folder, Names& told)
      : SavingRun{folder, {.keep = 2, .failed = [&](const CheckpointError& error) {
                             told.push_back(error.what());
                           }}} {}
  /// As long as it is set, the counter can't be saved.
  void break_saving(bool broken) {
    counters[0]->instead_of_save = nullptr;
    if (!broken) return;
    counters[0]->instead_of_save = [](std::ostream&) { throw std::runtime_error("broken"); };
  }
};

BOOST_AUTO_TEST_CASE(of_failures_in_a_row_the_first_is_told_and_training_goes_on) {
  const ScratchFolder folder;
  Names told;
  FailingRun run{folder.path(), told};
  run.bus.initialize();
  run.batches(2);
  for (std::size_t row = 1; row <= 2; ++row) {
    const Names before = names_in(folder.path());
    run.break_saving(true);
    run.batches(3);
    BOOST_TEST(told.size() == row);
    BOOST_TEST(told.back() == "modifier 'counter' can't be saved: broken");
    BOOST_TEST(names_in(folder.path()) == before, boost::test_tools::per_element());
    run.break_saving(false);
    run.batches(1);
  }
  BOOST_TEST(told.size() == 2U);
  BOOST_TEST(run.saved_files.size() == 4U);
  BOOST_TEST(run.counters[0]->updates == 10);
}

BOOST_AUTO_TEST_CASE(without_anyone_to_tell_it_is_thrown_as_the_error_policy_says) {
  using takt::ErrorPolicy;
  for (const ErrorPolicy policy :
       {ErrorPolicy::propagate, ErrorPolicy::collect, ErrorPolicy::quarantine}) {
    const ScratchFolder folder;
    SavingRun run{folder.path(), {}, {}, {.errors = policy}};
    Names told;
    run.bus.on_error([&](const takt::ModifierError& error) { told.push_back(error.what()); });
    run.bus.initialize();
    run.batches(1);
    run.counters[0]->instead_of_save = [](std::ostream&) { throw std::runtime_error("broken"); };
    const bool throws = policy != ErrorPolicy::quarantine;
    const std::string message =
        throws ? message_of<takt::ModifierError>([&] { run.batches(1); }) : "";
    if (!throws) run.batches(1);
    BOOST_TEST(has(throws ? message : told.at(0), "modifier 'counter' can't be saved: broken"));
    BOOST_TEST(run.bus.now().global_step == 2);  // the batch counts
    BOOST_TEST(run.saved_files.size() == 1U);
    run.counters[0]->instead_of_save = nullptr;
    run.batches(1);
    BOOST_TEST(run.saved_files.size() == (throws ? 2U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_removed_meanwhile_is_told_and_used_again_when_it_is_back) {
  const ScratchFolder folder;
  Names told;
  FailingRun run{folder / "there", told};
  run.bus.initialize();
  run.batches(1);
  fs::remove_all(folder / "there");
  run.batches(2);
  BOOST_TEST_REQUIRE(told.size() == 1U);
  BOOST_TEST(has(told[0], "00000001-step-2.takt.new can't be written: No such file"), told[0]);
  fs::create_directory(folder / "there");
  run.batches(1);
  BOOST_TEST(names_in(folder / "there") == Names{"00000001-step-4.takt"},
             boost::test_tools::per_element());
}

#if defined(__unix__)
BOOST_AUTO_TEST_CASE(on_a_full_disk_the_earlier_ones_stay_whole) {
  const ScratchFolder folder;
  Names told;
  FailingRun run{folder.path(), told};
  run.bus.initialize();
  run.batches(2);
  const Names before = names_in(folder.path());
  {
    const takt::test::FullDisk full{50};
    run.batches(3);
  }
  BOOST_TEST_REQUIRE(told.size() == 1U);
  BOOST_TEST(has(told[0], "00000003-step-3.takt.new can't be written: File too large"), told[0]);
  BOOST_TEST(names_in(folder.path()) == before, boost::test_tools::per_element());
  FailingRun other{folder.path(), told};
  load_checkpoint(other.bus, takt::latest_checkpoint(folder.path()).value());
  BOOST_TEST(other.bus.now().global_step == 2);
  run.batches(1);
  BOOST_TEST(run.saved_files.back() == "00000003-step-6.takt");
}
#endif

// ---- Settings -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense_are_refused) {
  BOOST_TEST(refusal_of({.folder = ""}) ==
             "checkpoint modifier \"CheckpointModifier\": folder is empty; it is the name of a "
             "folder");
  BOOST_TEST(refusal_of({.name = "mine", .keep = 0}) ==
             "checkpoint modifier \"mine\": keep is 0; it is 1 or more");
  BOOST_CHECK_THROW((CheckpointModifier{{.name = ""}}), takt::InvalidModifier);
  BOOST_CHECK_THROW((CheckpointModifier{{.cadence = {.start = 2, .end = 1}}}),
                    takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_recipe_has_one_too) {
  const ScratchFolder folder;
  const std::string yaml = "modifiers:\n  - CheckpointModifier: {folder: '" +
                           folder.path().string() + "', keep: 2, update: 2, on_stop: false}\n";
  takt::EventBus bus;
  bus.apply(takt::Recipe::from_string(yaml));
  bus.initialize();
  for (int i = 0; i < 9; ++i) bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  BOOST_TEST(names_in(folder.path()) == (Names{"00000004-step-7.takt", "00000005-step-9.takt"}),
             boost::test_tools::per_element());
  const auto& registry = takt::Registry::builtin();
  BOOST_CHECK_THROW((void)registry.make("CheckpointModifier", {{"keep", 0}}), takt::SettingError);
  BOOST_CHECK_THROW((void)registry.make("CheckpointModifier", {{"folder", ""}}),
                    takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(the_state_of_something_else_is_refused) {
  CheckpointModifier modifier{{}};
  State state;
  std::istringstream in{"something else"};
  BOOST_CHECK_THROW(modifier.load(state, {}, in), CheckpointError);
}

BOOST_AUTO_TEST_SUITE_END()
