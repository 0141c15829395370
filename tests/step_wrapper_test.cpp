// SPDX-License-Identifier: BSL-1.0
// Of batch.hpp: the wrapper of an optimizer's step. The rest is in batch_test.cpp.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "takt/event_bus.hpp"

namespace {

using takt::Batch;
using takt::Event;
using takt::EventType;
using takt::LifecycleError;
using takt::StepWrapper;
using enum takt::EventType;

static_assert(std::is_copy_constructible_v<StepWrapper>);

struct Broken : std::runtime_error {
  Broken() : std::runtime_error{"broken"} {}
};

using Types = std::vector<EventType>;

/// An initialized bus that writes down what it emits.
struct Loop {
  explicit Loop(const Event& at = {}) : bus{at} {
    bus.initialize();
    for (const EventType type : takt::EventSet::all()) {
      bus.connect(type, [this](const Event& event, const takt::State& state) {
        seen.push_back(*event.type);
        if (event.type == LOSS_CALCULATED) losses.push_back(state.loss.value_or(-1.0));
      });
    }
  }

  [[nodiscard]] std::int64_t batches() const { return bus.now().global_batch; }
  [[nodiscard]] std::int64_t steps() const { return bus.now().global_step; }
  /// What was emitted since the last time it was asked.
  Types take() { return std::exchange(seen, {}); }
  /// Whether a batch can follow.
  bool is_idle() {
    take();
    bus.batch([](Batch&) {});
    return take() == Types{BATCH_START, BATCH_END};
  }

  Types seen;
  std::vector<double> losses;
  takt::EventBus bus;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(step_wrapper)

BOOST_AUTO_TEST_CASE(a_wrapped_step_without_a_loss_is_a_batch_around_the_step) {
  Loop loop;
  StepWrapper wrapper{loop.bus};
  int steps = 0;
  wrapper([&] {
    ++steps;
    BOOST_TEST((loop.take() == Types{BATCH_START, OPTIM_PRE_STEP}));
  });
  BOOST_TEST(steps == 1);
  BOOST_TEST((loop.take() == Types{OPTIM_POST_STEP, BATCH_END}));
  BOOST_TEST(loop.steps() == 1);
  BOOST_TEST(!loop.bus.state().loss.has_value());
}

BOOST_AUTO_TEST_CASE(a_wrapper_asks_its_callable_for_the_loss_of_each_batch) {
  Loop loop{{.batches_per_step = 2}};
  StepWrapper wrapper{loop.bus, [loss = 0]() mutable { return ++loss; }};
  for (int i = 0; i < 2; ++i) wrapper([] {});
  BOOST_TEST(loop.losses == (std::vector{1.0, 2.0, 3.0, 4.0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_wrapper_reads_a_variable_where_it_stands) {
  Loop loop;
  float loss = 0.0F;
  const float& view = loss;
  StepWrapper wrapper{loop.bus, loss};
  StepWrapper viewer{loop.bus, view};
  loss = 0.5F;
  wrapper([] {});
  loss = 0.25F;
  wrapper([] {});
  viewer([] {});
  BOOST_TEST(loop.losses == (std::vector{0.5, 0.25, 0.25}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_wrapper_keeps_a_value) {
  Loop loop;
  double loss = 4.0;
  StepWrapper wrapper{loop.bus, std::move(loss)};
  loss = 1.0;
  wrapper([] {});
  StepWrapper{loop.bus, 3}([] {});
  BOOST_TEST(loop.losses == (std::vector{4.0, 3.0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_wrapped_step_comes_in_the_last_of_its_batches) {
  Loop loop{{.batches_per_step = 3}};
  StepWrapper wrapper{loop.bus, 1.0};
  int steps = 0;
  wrapper([&] { ++steps; });
  BOOST_TEST((loop.take() == Types{BATCH_START, LOSS_CALCULATED, BATCH_END, BATCH_START,
                                   LOSS_CALCULATED, BATCH_END, BATCH_START, LOSS_CALCULATED,
                                   OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}));
  BOOST_TEST(steps == 1);
  BOOST_TEST(loop.steps() == 1);
  BOOST_TEST(loop.batches() == 3);
}

BOOST_AUTO_TEST_CASE(wrapped_steps_count_as_one_after_as_many_invocations_as_make_a_step) {
  Loop loop{{.invocations_per_step = 2}};
  StepWrapper wrapper{loop.bus};
  int steps = 0;
  wrapper([&] { ++steps; });
  BOOST_TEST((loop.take() == Types{BATCH_START, BATCH_END}));
  wrapper([&] { ++steps; });
  BOOST_TEST((loop.take() == Types{BATCH_START, OPTIM_PRE_STEP, OPTIM_POST_STEP, BATCH_END}));
  BOOST_TEST(steps == 2);
  BOOST_TEST(loop.steps() == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_from_a_wrapped_step_aborts_its_batch_and_passes_on) {
  Loop loop{{.batches_per_step = 2}};
  StepWrapper wrapper{loop.bus};
  BOOST_CHECK_THROW(wrapper([] { throw Broken{}; }), Broken);
  BOOST_TEST((loop.take() == Types{BATCH_START, BATCH_END, BATCH_START, OPTIM_PRE_STEP}));
  BOOST_TEST(loop.batches() == 1);
  BOOST_TEST(loop.steps() == 0);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(an_exception_from_a_wrapper_s_loss_aborts_the_batch_before_the_step) {
  Loop loop;
  StepWrapper wrapper{loop.bus, []() -> double { throw Broken{}; }};
  bool stepped = false;
  BOOST_CHECK_THROW(wrapper([&] { stepped = true; }), Broken);
  BOOST_TEST(!stepped);
  BOOST_TEST((loop.take() == Types{BATCH_START}));
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_wrapped_step_in_an_open_batch_is_refused_not_taken_and_leaves_it_open) {
  Loop loop;
  StepWrapper wrapper{loop.bus};
  bool stepped = false;
  loop.bus.batch(
      [&](Batch&) { BOOST_CHECK_THROW(wrapper([&] { stepped = true; }), LifecycleError); });
  BOOST_TEST(!stepped);
  BOOST_TEST((loop.take() == Types{BATCH_START, BATCH_END}));
}

BOOST_AUTO_TEST_CASE(a_failing_hook_before_a_wrapped_step_aborts_the_batch_without_the_step) {
  Loop loop;
  const auto broken = loop.bus.on(
      OPTIM_PRE_STEP, {.end = 0.0}, [] { throw Broken{}; }, "broken");
  StepWrapper wrapper{loop.bus};
  bool stepped = false;
  BOOST_CHECK_THROW(wrapper([&] { stepped = true; }), takt::ModifierError);
  BOOST_TEST(!stepped);
  BOOST_TEST(loop.batches() == 0);
  BOOST_TEST(loop.is_idle());
}

BOOST_AUTO_TEST_CASE(a_wrapped_step_before_initialize_is_refused_and_not_taken) {
  takt::EventBus bus;
  StepWrapper wrapper{bus, 1.0};
  bool stepped = false;
  BOOST_CHECK_THROW(wrapper([&] { stepped = true; }), LifecycleError);
  BOOST_TEST(!stepped);
}

BOOST_AUTO_TEST_CASE(a_wrapped_step_may_be_an_object_that_is_called_once) {
  struct Once {
    void operator()() && { ++calls; }
    int& calls;
  };
  Loop loop;
  int calls = 0;
  StepWrapper{loop.bus}(Once{calls});
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()
