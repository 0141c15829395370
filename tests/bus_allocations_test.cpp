// SPDX-License-Identifier: BSL-1.0
// Counts what a bus allocates.
#include <boost/test/unit_test.hpp>

#include "allocations.hpp"

#if !TAKT_ALLOCATIONS_ARE_SEEN

BOOST_AUTO_TEST_SUITE(bus_allocations)

BOOST_AUTO_TEST_CASE(nothing_is_counted_in_this_build) {
  BOOST_TEST_MESSAGE("operator new belongs to a sanitizer, or to MSVC's run time");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <cstddef>
#include <cstdint>
#include <new>
#include <ostream>
#include <streambuf>
#include <string>
#include <takt/modifiers/checkpoint_modifier.hpp>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/gradient_clip.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/nan_guard.hpp>
#include <takt/modifiers/quantization.hpp>
#include <vector>

#include "scratch_folder.hpp"
#include "takt/event_bus.hpp"
#include "takt/modifiers/early_stopping.hpp"
#include "takt/modifiers/timer.hpp"
#include "takt/trace_recorder.hpp"
#include "vector_model.hpp"

namespace {

using takt::At;
using takt::Cadence;
using takt::Event;
using takt::EventBus;
using takt::EventSet;
using takt::Interests;
using takt::State;
using takt::test::allocations_in;
using enum takt::EventType;

constexpr int run_length = 100'000;
constexpr int steps_per_epoch = 7;

/// How often the hooks of some modifiers ran.
struct Tally {
  std::int64_t starts = 0;
  std::int64_t events = 0;
  std::int64_t updates = 0;
  std::int64_t ends = 0;
};

class Counting final : public takt::Modifier {
 public:
  Counting(const std::string& name, const Cadence& cadence, const Interests& interests,
           Tally& tally)
      : Modifier{name, cadence, interests}, tally_{tally} {}
  void on_start(State&, const Event&) override { ++tally_.starts; }
  void on_event(State&, const Event&) override { ++tally_.events; }
  void on_update(State&, const Event&) override { ++tally_.updates; }
  void on_end(State&, const Event&) override { ++tally_.ends; }

 private:
  Tally& tally_;
};

/// Adds one counting modifier per cadence.
void add_all(EventBus& bus, const std::vector<Cadence>& cadences, const Interests& interests,
             Tally& tally) {
  for (const Cadence& cadence : cadences) {
    bus.emplace<Counting>(std::to_string(bus.modifiers().size()), cadence, interests, tally);
  }
}

void run_batches(EventBus& bus, int count) {
  for (int i = 0; i < count; ++i) {
    bus.batch_start();
    bus.loss_calculated(0.5);
    bus.optim_pre_step();
    bus.optim_post_step();
    bus.batch_end();
  }
}

/// Takes whatever is written, and forgets it.
class Nowhere final : public std::streambuf {
  std::streamsize xsputn(const char*, std::streamsize count) override { return count; }
  int_type overflow(int_type c) override { return traits_type::not_eof(c); }
};

/// What a bus allocates in a long run once its first epoch has passed.
std::uint64_t allocations_after_the_first_epoch(EventBus& bus) {
  run_batches(bus, steps_per_epoch);
  return allocations_in([&] { run_batches(bus, run_length); });
}

/// The steps of such a run at which a cadence is due.
std::int64_t due_steps(const Cadence& cadence, Event event) {
  std::int64_t count = 0;
  for (; event.global_step < run_length + steps_per_epoch; ++event.global_step) {
    if (cadence.should_update(event)) ++count;
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_allocations)

BOOST_AUTO_TEST_CASE(allocations_of_every_form_are_counted) {
  constexpr std::align_val_t wide{64};
  BOOST_TEST(allocations_in([] { ::operator delete(::operator new(8)); }) == 1U);
  BOOST_TEST(allocations_in([] { ::operator delete[](::operator new[](0)); }) == 1U);
  BOOST_TEST(allocations_in([] { ::operator delete(::operator new(8, std::nothrow)); }) == 1U);
  bool is_aligned = false;
  BOOST_TEST(allocations_in([&] {
               void* const memory = ::operator new(65, wide);
               is_aligned = reinterpret_cast<std::uintptr_t>(memory) % 64 == 0;
               ::operator delete(memory, wide);
             }) == 1U);
  BOOST_TEST(is_aligned);
}

BOOST_AUTO_TEST_CASE(what_the_library_allocates_is_counted) {
  EventBus bus;
  BOOST_TEST(allocations_in([&] {
               bus.on(
                   {BATCH_END}, {}, [] {}, "counted");
             }) > 0U);
}

BOOST_AUTO_TEST_CASE(a_bus_with_nothing_on_it_never_allocates) {
  EventBus bus;
  BOOST_TEST(allocations_in([&] {
               bus.initialize();
               run_batches(bus, run_length);
               bus.finalize();
             }) == 0U);
}

BOOST_AUTO_TEST_CASE(modifiers_that_are_due_every_few_steps_allocate_nothing) {
  EventBus bus;
  Tally tally;
  std::int64_t expected = 0;
  std::vector<Cadence> cadences{{}};
  for (int i = 1; i <= 40; ++i) cadences.push_back({.update = 1.25 * i});
  add_all(bus, cadences, {.due = BATCH_START}, tally);
  for (const Cadence& cadence : cadences) expected += due_steps(cadence, {});
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(tally.updates == expected);
}

BOOST_AUTO_TEST_CASE(modifiers_that_are_due_at_parts_of_an_epoch_allocate_nothing) {
  const Event start{.steps_per_epoch = steps_per_epoch};
  EventBus bus{start};
  Tally tally;
  std::int64_t expected = 0;
  const std::vector<Cadence> cadences{{.update = 0.3},         {.update = 0.1},   {.update = 0.5},
                                      {.update = 1.0 / 7.0},   {.update = 1.0},   {.update = 2.0},
                                      {.update = 3.7},         {.update = 0.123}, {.update = 1e-12},
                                      {.update = 2.0 / 7.0},   {.update = 1e3},   {.update = 0.0},
                                      {.update = 3.141592653}, {.update = 1e9}};
  add_all(bus, cadences, {.due = LOSS_CALCULATED, .every = OPTIM_PRE_STEP}, tally);
  for (const Cadence& cadence : cadences) expected += due_steps(cadence, start);
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(tally.updates == expected);
}

BOOST_AUTO_TEST_CASE(after_initialize_not_even_the_first_batches_allocate) {
  EventBus bus;
  Tally tally;
  std::vector<Cadence> cadences;
  for (int i = 0; i < 100; ++i) cadences.push_back({.end = 0.5 * i, .update = 1.0 * (i % 5)});
  add_all(bus, cadences, {.due = EventSet::all(), .every = BATCH_END}, tally);
  bus.initialize();
  BOOST_TEST(allocations_in([&] { run_batches(bus, 100); }) == 0U);
  BOOST_TEST(tally.ends == 100);
}

BOOST_AUTO_TEST_CASE(windows_that_open_and_close_during_the_run_allocate_nothing) {
  constexpr int count = 400;
  EventBus bus{Event{.steps_per_epoch = steps_per_epoch}};
  Tally tally;
  std::vector<Cadence> cadences;
  for (int i = 1; i <= count; ++i) {
    // Many of them start at the same step, last for different times and overlap.
    const double start = 1000.0 * (1 + i % 10);
    cadences.push_back({.start = start, .end = start + 5.0 * i, .update = 0.5 * (i % 9)});
  }
  add_all(bus, cadences, {.due = EventSet::all(), .every = OPTIM_POST_STEP}, tally);
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(tally.starts == count);
  BOOST_TEST(tally.ends == count);
}

BOOST_AUTO_TEST_CASE(windows_that_all_open_at_one_step_allocate_nothing) {
  constexpr int count = 300;
  EventBus bus;
  Tally tally;
  const Cadence cadence{.start = 5000.0, .end = 6000.0, .update = 100.0};
  add_all(bus, std::vector<Cadence>(count, cadence), {.due = EventSet::all()}, tally);
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(tally.updates == count * 11 * 5);
  BOOST_TEST(tally.ends == count);
}

BOOST_AUTO_TEST_CASE(built_in_modifiers_that_act_at_every_step_allocate_nothing) {
  VectorModel model{{{.name = "a name that has no room in a small string",
                      .shape = {3},
                      .values = {1, 2, 3},
                      .gradients = {4, 5, 6}},
                     {.name = "fc.bias", .shape = {1}, .values = {7}}}};
  EventBus bus;
  bus.state().set(model);
  bus.emplace<takt::NanGuardModifier>(takt::NanGuardSettings{.action = "restore", .patience = 3});
  const auto clip = bus.emplace<takt::GradientClipModifier>(
      takt::GradientClipSettings{.max_norm = 2, .max_value = 1});
  const auto ema = bus.emplace<takt::EMAModifier>(takt::EMASettings{.warm_up = true});
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(clip->last_norm() > 1.0);
  BOOST_TEST(ema->updates() == run_length + steps_per_epoch);
  BOOST_TEST(allocations_in([&] { ema->with_averages(model, [] {}); }) == 0U);
}

BOOST_AUTO_TEST_CASE(batches_that_run_on_quantized_weights_allocate_nothing) {
  VectorModel model{{{.name = "a name that has no room in a small string",
                      .shape = {2, 4},
                      .values = {1, -2, 3, 4, 5, -6, 7, 8},
                      .gradients = {1, 1, 1, 1, 1, 1, 1, 1}},
                     {.name = "fc.bias", .shape = {1}, .values = {7}}}};
  EventBus bus;
  bus.state().set(model);
  // Before and after one that takes quantized weights out to prune, under an average.
  const auto quantize = [&](const char* name, const char* target, takt::WeightQuantization how) {
    return bus.emplace<takt::QuantizationModifier>(takt::QuantizationSettings{
        .name = name,
        .cadence = {.update = 3},
        .config_groups = {{.name = "all", .targets = {target}, .weights = how}}});
  };
  const auto first = quantize("first", "__ALL_PRUNABLE__",
                              {.num_bits = 4,
                               .strategy = takt::QuantizationStrategy::group,
                               .group_size = 2,
                               .observer = takt::QuantizationObserver::mse});
  bus.emplace<takt::MagnitudePruningModifier>(
      takt::MagnitudePruningSettings{.cadence = {.start = 0, .end = 1e6, .update = 2},
                                     .init_sparsity = 0.25,
                                     .final_sparsity = 0.75});
  (void)quantize("second", "fc.bias", {.num_bits = 8, .symmetric = false});
  bus.emplace<takt::EMAModifier>(takt::EMASettings{});
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(allocations_in([&] { first->with_quantized(model, [] {}); }) == 0U);
}

BOOST_AUTO_TEST_CASE(batches_that_are_observed_allocate_nothing) {
  EventBus bus;
  std::int64_t calls = 0;
  const auto count = [&](const Event&, const State&) { ++calls; };
  bus.connect(BATCH_START, count, At::before);
  bus.connect(BATCH_END, count);
  bus.connect(BATCH_END, 3, count);
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(calls == 3 * (run_length + steps_per_epoch));
}

BOOST_AUTO_TEST_CASE(observers_next_to_modifiers_allocate_nothing) {
  EventBus bus{Event{.steps_per_epoch = steps_per_epoch}};
  Tally tally;
  std::int64_t calls = 0;
  add_all(bus, {{.update = 0.3}, {.start = 9.5, .end = 99.5}, {}}, {.due = BATCH_END}, tally);
  bus.connect(BATCH_END, [&](const Event&, const State&) { ++calls; });
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(calls == run_length + steps_per_epoch);
  BOOST_TEST(tally.ends == 1);
}

BOOST_AUTO_TEST_CASE(an_observer_that_was_disconnected_leaves_nothing_to_allocate) {
  EventBus bus;
  std::int64_t calls = 0;
  bus.connect(BATCH_END, [&](const Event&, const State&) { ++calls; }).disconnect();
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE(scoped_batches_allocate_nothing) {
  EventBus bus;
  Tally tally;
  add_all(bus, {{.update = 3.0}}, {.due = LOSS_CALCULATED}, tally);
  bus.initialize();
  const auto one_batch = [&] {
    bus.batch([](takt::Batch& batch) {
      batch.loss(0.5);
      batch.step([] {});
    });
  };
  one_batch();
  BOOST_TEST(allocations_in([&] {
               for (int i = 1; i < run_length; ++i) one_batch();
             }) == 0U);
  BOOST_TEST(tally.updates == (run_length + 2) / 3);
}

BOOST_AUTO_TEST_CASE(batches_without_a_step_and_aborted_ones_allocate_nothing) {
  EventBus bus;
  Tally tally;
  add_all(bus, {{}, {.update = 5.0}}, {.due = BATCH_START}, tally);
  bus.initialize();
  run_batches(bus, steps_per_epoch);
  BOOST_TEST(allocations_in([&] {
               for (int i = 0; i < run_length; ++i) {
                 bus.batch_start();
                 if (i % 2 == 0) {
                   bus.abort_batch();
                 } else {
                   bus.batch_end();
                 }
               }
             }) == 0U);
}

BOOST_AUTO_TEST_CASE(calibration_epochs_allocate_nothing) {
  EventBus bus{Event{.steps_per_epoch = steps_per_epoch}};
  Tally tally;
  add_all(bus, {{.update = 0.3}, {.start = 20.0, .end = 30.0}},
          {.due = CALIBRATION_EPOCH_START | SEQUENTIAL_EPOCH_END, .every = CALIBRATION_EPOCH_END},
          tally);
  bus.initialize();
  run_batches(bus, steps_per_epoch);
  BOOST_TEST(allocations_in([&] {
               for (int i = 0; i < run_length / 10; ++i) {
                 bus.calibration_epoch_start();
                 run_batches(bus, 2);
                 bus.emit(SEQUENTIAL_EPOCH_END);
                 bus.calibration_epoch_end();
               }
             }) == 0U);
  BOOST_TEST(tally.ends == 1);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_recorded_allocates_nothing) {
  EventBus bus{Event{.steps_per_epoch = steps_per_epoch}};
  Nowhere nowhere;
  std::ostream out{&nowhere};
  takt::TraceRecorder recorder{bus, out};
  Tally tally;
  add_all(bus, {{.update = 0.3}, {}, {.start = 20.0, .end = 30.0}},
          {.due = BATCH_END | LOSS_CALCULATED, .every = OPTIM_PRE_STEP}, tally);
  bus.initialize();
  // The text that is gathered before it is written has its size once that has been done.
  run_batches(bus, 1000);
  BOOST_TEST(allocations_in([&] {
               for (int i = 0; i < run_length / 10; ++i) {
                 bus.batch_start();
                 bus.loss_calculated(1.0 / (3.0 + i));  // a long number
                 bus.optim_pre_step();
                 bus.optim_post_step();
                 bus.batch_end();
                 bus.batch_start();
                 bus.abort_batch();
               }
             }) == 0U);
  BOOST_TEST(recorder.entries() == 1 + 5 * 1000 + 7 * (run_length / 10));
}

BOOST_AUTO_TEST_CASE(built_in_modifiers_that_watch_a_run_allocate_nothing) {
  EventBus bus{Event{.steps_per_epoch = steps_per_epoch}};
  // The loss stays, so one stops training, and is asked again at each step from then on.
  bus.emplace<takt::EarlyStoppingModifier>(takt::EarlyStoppingSettings{.patience = 2});
  bus.emplace<takt::EarlyStoppingModifier>(takt::EarlyStoppingSettings{
      .name = "metric", .monitor = "time/optimizer", .patience = run_length, .save_best = true});
  const auto timer = bus.emplace<takt::TimerModifier>(takt::TimerSettings{});
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(bus.state().control.stop_requested());
  BOOST_TEST(timer->summary().batches == run_length + steps_per_epoch);
}

BOOST_AUTO_TEST_CASE(between_two_checkpoints_nothing_is_allocated) {
  const takt::test::ScratchFolder folder;
  EventBus bus;
  bus.emplace<takt::CheckpointModifier>(
      takt::CheckpointSettings{.cadence = {.update = 1e6}, .folder = folder.path().string()});
  bus.initialize();
  BOOST_TEST(allocations_after_the_first_epoch(bus) == 0U);
  BOOST_TEST(!std::filesystem::is_empty(folder.path()));  // saved after the first step
}

BOOST_AUTO_TEST_CASE(looking_at_the_counters_allocates_nothing) {
  EventBus bus;
  bus.initialize();
  BOOST_TEST(allocations_in([&] {
               for (int i = 0; i < 100; ++i) (void)bus.now();
             }) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

#endif
