// SPDX-License-Identifier: BSL-1.0
#include "takt/batch.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "takt/event_bus.hpp"

namespace {

using takt::Batch;
using takt::Event;
using takt::EventType;
using takt::LifecycleError;
using takt::OrderPolicy;
using takt::State;
using takt::StepWrapper;
using enum takt::EventType;

static_assert(!std::is_copy_constructible_v<Batch>);
static_assert(!std::is_constructible_v<Batch, takt::EventBus&>);

struct Broken : std::runtime_error {
  Broken() : std::runtime_error{"broken"} {}
};

using Types = std::vector<EventType>;

/// An initialized bus that writes down what it emits, and throws where it is told to.
struct Loop {
  explicit Loop(const Event& at = {}, OrderPolicy order = OrderPolicy::one_step)
      : bus{at, {.order = order}} {
    bus.add(std::make_shared<Aborts>(*this));
    for (const EventType type : takt::EventSet::all()) {
      bus.connect(type, [this](const Event& event, const State& state) {
        seen.push_back(*event.type);
        if (event.type == LOSS_CALCULATED) losses.push_back(state.loss.value_or(-1.0));
        if (broken_observers.contains(*event.type)) throw Broken{};
      });
    }
    bus.initialize();
    seen.clear();
  }

  [[nodiscard]] std::int64_t batches() const { return bus.now().global_batch; }
  [[nodiscard]] std::int64_t steps() const { return bus.now().global_step; }
  /// What was emitted since the last time it was asked.
  Types take() { return std::exchange(seen, {}); }
  /// Whether a whole batch with a step can follow.
  bool is_idle() {
    const std::int64_t batches_before = batches();
    take();
    bus.batch([](Batch& batch) { batch.step([] {}); });
    return batches() == batches_before + 1 &&
           take() == Types{BATCH_START, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END};
  }

  /// Counts the aborts, and throws from `on_update` at the events it is told.
  class Aborts final : public takt::Modifier {
   public:
    explicit Aborts(Loop& loop)
        : Modifier{"aborts", {}, {.due = takt::EventSet::all()}}, loop_{loop} {}
    void on_update(State&, const Event& event) override {
      if (loop_.broken_hooks.contains(*event.type)) throw Broken{};
    }
    void on_abort(State&, const Event&) noexcept override { ++loop_.aborts; }

   private:
    Loop& loop_;
  };

  Types seen;
  std::vector<double> losses;
  takt::EventSet broken_hooks;
  takt::EventSet broken_observers;
  int aborts = 0;
  takt::EventBus bus;
};

const Types whole_batch{BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END};

void run_whole_batch(Loop& loop) {
  loop.bus.batch([](Batch& batch) {
    batch.loss(1.0);
    batch.step([] {});
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch)

BOOST_AUTO_TEST_CASE(a_batch_emits_its_events_around_what_it_runs) {
  Loop loop;
  loop.bus.batch([&](Batch& batch) {
    BOOST_TEST((loop.take() == Types{BATCH_START}));
    batch.loss(0.25);
    BOOST_TEST((loop.take() == Types{LOSS_CALCULATED}));
    BOOST_TEST((loop.bus.state().loss == 0.25));
    batch.step([&] { BOOST_TEST((loop.take() == Types{OPTIM_PRE_STEP})); });
    BOOST_TEST((loop.take() == Types{OPTIM_POST_STEP}));
  });
  BOOST_TEST((loop.take() == Types{BATCH_END}));
  BOOST_TEST(loop.steps() == 1);
  BOOST_TEST(loop.batches() == 1);
  BOOST_TEST(loop.aborts == 0);
}

BOOST_AUTO_TEST_CASE(a_batch_that_takes_no_step_counts_as_a_batch_only) {
  Loop loop;
  loop.bus.batch([](Batch&) {});
  loop.bus.batch([](Batch& batch) {
    batch.loss(1.0);
    batch.loss(2.0);
  });
  BOOST_TEST(loop.batches() == 2);
  BOOST_TEST(loop.steps() == 0);
  BOOST_TEST(loop.losses == (std::vector{1.0, 2.0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callable_that_can_only_be_moved_or_called_once_will_do) {
  struct Once {
    void operator()() && { ++*calls; }
    std::unique_ptr<int> calls;
  };
  Loop loop;
  Once once{std::make_unique<int>(0)};
  loop.bus.batch([owned = std::make_unique<int>(3), &once](Batch& batch) mutable {
    *owned += 1;
    batch.step(std::move(once));
  });
  BOOST_TEST(*once.calls == 1);
  BOOST_TEST(loop.steps() == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_anywhere_in_a_batch_aborts_it_and_passes_on) {
  using Run = std::function<void(Batch&)>;
  const std::vector<std::pair<Run, Types>> runs{
      {[](Batch&) { throw Broken{}; }, {BATCH_START}},
      {[](Batch& batch) { batch.loss(1.0), throw Broken{}; }, {BATCH_START, LOSS_CALCULATED}},
      {[](Batch& batch) { batch.step([] { throw Broken{}; }); }, {BATCH_START, OPTIM_PRE_STEP}},
      {[](Batch& batch) { batch.step([] {}), throw Broken{}; },
       {BATCH_START, OPTIM_PRE_STEP, OPTIM_POST_STEP}}};
  for (const auto& [run, events] : runs) {
    Loop loop;
    BOOST_CHECK_THROW(loop.bus.batch(run), Broken);
    BOOST_TEST((loop.take() == events));
    BOOST_TEST(loop.aborts == 1);
    BOOST_TEST(loop.batches() == 0);
    BOOST_TEST(loop.steps() == 0);
    BOOST_TEST(loop.is_idle());
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_exception_class_passes_through_as_well) {
  Loop loop;
  BOOST_CHECK_THROW(loop.bus.batch([](Batch&) { throw 7; }), int);
  BOOST_TEST(loop.aborts == 1);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_hook_or_observer_that_throws_before_the_end_of_a_batch_aborts_it) {
  for (const EventType type : {BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP}) {
    Loop loop;
    loop.broken_hooks = type;
    BOOST_CHECK_THROW(run_whole_batch(loop), takt::ModifierError);
    BOOST_TEST(loop.seen.back() == type);
    BOOST_TEST(loop.aborts == 1);
    loop.broken_hooks = {};
    loop.broken_observers = type;
    BOOST_CHECK_THROW(run_whole_batch(loop), Broken);
    BOOST_TEST(loop.seen.back() == type);
    BOOST_TEST(loop.aborts == 2);
    loop.broken_observers = {};
    BOOST_TEST(loop.batches() == 0);
    BOOST_TEST(loop.steps() == 0);
    BOOST_TEST(loop.is_idle());
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_run_in_a_batch_whose_start_fails) {
  Loop loop;
  loop.broken_hooks = BATCH_START;
  bool ran = false;
  BOOST_CHECK_THROW(loop.bus.batch([&](Batch&) { ran = true; }), takt::ModifierError);
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(no_step_is_taken_when_a_hook_before_it_fails) {
  Loop loop;
  loop.broken_hooks = OPTIM_PRE_STEP;
  bool stepped = false;
  BOOST_CHECK_THROW(loop.bus.batch([&](Batch& batch) { batch.step([&] { stepped = true; }); }),
                    takt::ModifierError);
  BOOST_TEST(!stepped);
}

BOOST_AUTO_TEST_CASE(a_batch_whose_end_fails_is_closed_and_counts) {
  Loop loop;
  loop.broken_hooks = BATCH_END;
  BOOST_CHECK_THROW(run_whole_batch(loop), takt::ModifierError);
  loop.broken_hooks = {};
  loop.broken_observers = BATCH_END;
  BOOST_CHECK_THROW(run_whole_batch(loop), Broken);
  loop.broken_observers = {};
  BOOST_TEST(loop.batches() == 2);
  BOOST_TEST(loop.steps() == 2);
  BOOST_TEST(loop.aborts == 0);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_batch_that_can_not_start_runs_nothing) {
  takt::EventBus bus;
  bool ran = false;
  const auto run = [&](Batch&) { ran = true; };
  BOOST_CHECK_THROW(bus.batch(run), LifecycleError);
  bus.initialize();
  bus.finalize();
  BOOST_CHECK_THROW(bus.batch(run), LifecycleError);
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(a_batch_in_a_batch_is_refused_and_leaves_the_outer_one_open) {
  Loop loop;
  loop.bus.batch([&](Batch& batch) {
    batch.loss(1.0);
    bool ran = false;
    BOOST_CHECK_THROW(loop.bus.batch([&](Batch&) { ran = true; }), LifecycleError);
    BOOST_TEST(!ran);
    BOOST_TEST((loop.bus.state().loss == 1.0));
    batch.step([] {});
  });
  BOOST_TEST((loop.take() == whole_batch));
  BOOST_TEST(loop.aborts == 0);
}

BOOST_AUTO_TEST_CASE(a_refused_batch_in_a_batch_aborts_the_outer_one_when_it_passes) {
  Loop loop;
  BOOST_CHECK_THROW(loop.bus.batch([&](Batch&) { run_whole_batch(loop); }), LifecycleError);
  BOOST_TEST((loop.take() == Types{BATCH_START}));
  BOOST_TEST(loop.aborts == 1);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_batch_that_a_hook_or_observer_tries_to_run_does_not_touch_the_open_one) {
  Loop loop;
  int refused = 0;
  const auto intrude = [&] {
    BOOST_CHECK_THROW(run_whole_batch(loop), LifecycleError);
    BOOST_CHECK_THROW(loop.bus.calibration_epoch([] {}), LifecycleError);
    BOOST_CHECK_THROW(StepWrapper{loop.bus}([] {}), LifecycleError);
    ++refused;
  };
  loop.bus.on({BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}, {},
              intrude);
  loop.bus.connect(LOSS_CALCULATED, [&](const Event&, const State&) { intrude(); });
  run_whole_batch(loop);
  BOOST_TEST(refused == 6);
  BOOST_TEST((loop.take() == whole_batch));
  BOOST_TEST(loop.aborts == 0);
}

BOOST_AUTO_TEST_CASE(a_callable_may_end_its_batch_by_itself) {
  Loop loop;
  loop.bus.batch([&](Batch&) { loop.bus.batch_end(); });
  BOOST_TEST((loop.take() == Types{BATCH_START, BATCH_END}));
  BOOST_TEST(loop.batches() == 1);
  BOOST_TEST(loop.aborts == 0);
}

BOOST_AUTO_TEST_CASE(an_exception_after_a_callable_has_ended_its_batch_only_passes_on) {
  Loop loop;
  BOOST_CHECK_THROW(loop.bus.batch([&](Batch&) { loop.bus.batch_end(), throw Broken{}; }), Broken);
  BOOST_TEST(loop.batches() == 1);
  BOOST_TEST(loop.aborts == 0);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_callable_may_abort_its_batch_by_itself) {
  Loop loop;
  loop.bus.batch([&](Batch& batch) {
    batch.step([] {});
    loop.bus.abort_batch();
  });
  BOOST_CHECK_THROW(loop.bus.batch([&](Batch&) { loop.bus.abort_batch(), throw Broken{}; }),
                    Broken);
  BOOST_TEST(loop.aborts == 2);
  BOOST_TEST(loop.batches() == 0);
  BOOST_TEST(loop.steps() == 0);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_step_that_is_left_open_is_an_error_that_aborts_the_batch) {
  Loop loop;
  BOOST_CHECK_EXCEPTION(loop.bus.batch([&](Batch&) { loop.bus.optim_pre_step(); }), LifecycleError,
                        [](const auto& error) {
                          return std::string{error.what()}.starts_with(
                              "batch_end() was called while an optimizer step is open");
                        });
  BOOST_TEST((loop.take() == Types{BATCH_START, OPTIM_PRE_STEP}));
  BOOST_TEST(loop.aborts == 1);
  BOOST_TEST(loop.batches() == 0);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_step_whose_exception_is_swallowed_is_still_open) {
  Loop loop;
  const auto swallow = [](Batch& batch) {
    BOOST_CHECK_THROW(batch.step([] { throw Broken{}; }), Broken);
  };
  BOOST_CHECK_THROW(loop.bus.batch(swallow), LifecycleError);
  BOOST_TEST(loop.aborts == 1);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_loss_or_a_step_after_the_step_is_refused_and_not_taken) {
  Loop loop;
  bool twice = false;
  loop.bus.batch([&](Batch& batch) {
    batch.loss(1.0);
    batch.step([] {});
    BOOST_CHECK_THROW(batch.loss(2.0), LifecycleError);
    BOOST_CHECK_THROW(batch.step([&] { twice = true; }), LifecycleError);
  });
  BOOST_TEST(!twice);
  BOOST_TEST((loop.bus.state().loss == 1.0));
  BOOST_TEST((loop.take() == whole_batch));
}

BOOST_AUTO_TEST_CASE(a_step_in_a_step_is_refused) {
  Loop loop;
  loop.bus.batch([&](Batch& batch) {
    batch.step([&] {
      BOOST_CHECK_THROW(batch.step([] {}), LifecycleError);
      BOOST_CHECK_THROW(batch.loss(1.0), LifecycleError);
      BOOST_CHECK_THROW(loop.bus.batch_end(), LifecycleError);
    });
  });
  BOOST_TEST((loop.take() == Types{BATCH_START, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}));
}

BOOST_AUTO_TEST_CASE(several_steps_may_repeat_the_round_in_one_batch) {
  Loop loop{{}, OrderPolicy::several_steps};
  loop.bus.batch([](Batch& batch) {
    for (const double loss : {1.0, 2.0}) {
      batch.loss(loss);
      batch.step([] {});
    }
  });
  BOOST_TEST((loop.take() == Types{BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP,
                                   LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}));
  BOOST_TEST(loop.steps() == 1);
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_emits_its_events_around_what_it_runs) {
  Loop loop;
  loop.bus.calibration_epoch([&] {
    BOOST_TEST((loop.take() == Types{CALIBRATION_EPOCH_START}));
    loop.bus.batch([](Batch&) {});
    loop.bus.sequential_epoch_end({"fc1"});
    BOOST_TEST((loop.take() == Types{BATCH_START, BATCH_END, SEQUENTIAL_EPOCH_END}));
  });
  BOOST_TEST((loop.take() == Types{CALIBRATION_EPOCH_END}));
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(an_exception_anywhere_in_a_calibration_epoch_aborts_it_and_passes_on) {
  using Run = std::function<void(Loop&)>;
  const std::vector<std::pair<Run, int>> runs_and_aborted_batches{
      {[](Loop&) { throw Broken{}; }, 0},
      {[](Loop& loop) { loop.bus.batch([](Batch&) { throw Broken{}; }); }, 1},
      {[](Loop& loop) { loop.bus.batch_start(), throw Broken{}; }, 1},
      {[](Loop& loop) { loop.bus.batch_start(), loop.bus.optim_pre_step(), throw Broken{}; }, 1},
      {[](Loop& loop) { loop.bus.sequential_epoch_end(), throw Broken{}; }, 0}};
  for (const auto& [run, aborted] : runs_and_aborted_batches) {
    Loop loop;
    BOOST_CHECK_THROW(loop.bus.calibration_epoch([&, &run = run] { run(loop); }), Broken);
    BOOST_TEST(loop.seen.back() != CALIBRATION_EPOCH_END);
    BOOST_TEST(loop.aborts == aborted);
    BOOST_TEST(loop.batches() == 0);
    BOOST_TEST(loop.is_idle());
    loop.bus.calibration_epoch([] {});
  }
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_whose_start_fails_runs_nothing_and_is_aborted) {
  Loop loop;
  bool ran = false;
  loop.broken_hooks = CALIBRATION_EPOCH_START;
  BOOST_CHECK_THROW(loop.bus.calibration_epoch([&] { ran = true; }), takt::ModifierError);
  loop.broken_hooks = {};
  BOOST_TEST(!ran);
  BOOST_TEST((loop.take() == Types{CALIBRATION_EPOCH_START}));
  loop.bus.calibration_epoch([] {});
  loop.bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_whose_end_fails_is_closed) {
  Loop loop;
  loop.broken_hooks = CALIBRATION_EPOCH_END;
  BOOST_CHECK_THROW(loop.bus.calibration_epoch([] {}), takt::ModifierError);
  loop.broken_hooks = {};
  loop.broken_observers = CALIBRATION_EPOCH_END;
  BOOST_CHECK_THROW(loop.bus.calibration_epoch([] {}), Broken);
  loop.broken_observers = {};
  loop.bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_batch_that_a_calibration_epoch_leaves_open_is_an_error_that_aborts_both) {
  Loop loop;
  BOOST_CHECK_THROW(loop.bus.calibration_epoch([&] { loop.bus.batch_start(); }), LifecycleError);
  BOOST_TEST((loop.take() == Types{CALIBRATION_EPOCH_START, BATCH_START}));
  BOOST_TEST(loop.aborts == 1);
  BOOST_TEST(loop.is_idle());
  loop.bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_callable_may_close_its_calibration_epoch_by_itself) {
  Loop loop;
  loop.bus.calibration_epoch([&] { loop.bus.calibration_epoch_end(); });
  loop.bus.calibration_epoch([&] { loop.bus.abort_calibration_epoch(); });
  BOOST_CHECK_THROW(
      loop.bus.calibration_epoch([&] { loop.bus.calibration_epoch_end(), throw Broken{}; }),
      Broken);
  BOOST_TEST(
      (loop.take() == Types{CALIBRATION_EPOCH_START, CALIBRATION_EPOCH_END, CALIBRATION_EPOCH_START,
                            CALIBRATION_EPOCH_START, CALIBRATION_EPOCH_END}));
  loop.bus.finalize();
}

BOOST_AUTO_TEST_CASE(a_calibration_epoch_that_can_not_start_runs_nothing_and_closes_nothing) {
  Loop loop;
  bool ran = false;
  const auto calibrate = [&] {
    BOOST_CHECK_THROW(loop.bus.calibration_epoch([&] { ran = true; }), LifecycleError);
  };
  loop.bus.calibration_epoch(calibrate);
  loop.bus.batch([&](Batch&) { calibrate(); });
  loop.bus.calibration_epoch([&] { loop.bus.batch([&](Batch&) { calibrate(); }); });
  BOOST_TEST((loop.take() == Types{CALIBRATION_EPOCH_START, CALIBRATION_EPOCH_END, BATCH_START,
                                   BATCH_END, CALIBRATION_EPOCH_START, BATCH_START, BATCH_END,
                                   CALIBRATION_EPOCH_END}));
  loop.bus.finalize();
  calibrate();
  BOOST_TEST(!ran);
  BOOST_TEST(loop.aborts == 0);
}

BOOST_AUTO_TEST_SUITE_END()
