// SPDX-License-Identifier: BSL-1.0
// Whatever is thrown, and whoever is dropped, in the middle of a quantized batch, full-precision
// weights are left, bit for bit those that the optimizer made of them.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "quantization_cases.hpp"
#include "vector_model.hpp"

namespace {

using takt::Batch;
using takt::Cadence;
using takt::ErrorPolicy;
using takt::EventType;
using takt::QuantizationModifier;
using takt::test::all_as;
using takt::test::three_bits;
using enum takt::EventType;
using Values = std::vector<float>;

constexpr std::array policies{ErrorPolicy::propagate, ErrorPolicy::collect,
                              ErrorPolicy::quarantine};
constexpr std::array batch_events{BATCH_START, LOSS_CALCULATED, OPTIM_PRE_STEP, OPTIM_POST_STEP,
                                  BATCH_END};

/// How a loop makes its calls, and what it does when one of them throws.
enum class Loop : std::uint8_t {
  scoped,   // bus.batch, which aborts
  aborts,   // call by call, and abort_batch
  goes_on,  // call by call, as if nothing had been thrown, but for the optimizer's step
};
constexpr std::array loops{Loop::scoped, Loop::aborts, Loop::goes_on};

struct RunOptions {
  ErrorPolicy errors = ErrorPolicy::propagate;
  Cadence cadence{.start = 1.0, .end = 4.0, .update = 2.0};
  Loop loop = Loop::scoped;
  int batches_per_step = 1;
  int invocations_per_step = 1;
  bool moves_at_every_invocation = false;
};

std::string text_of(const RunOptions& options) {
  return "policy " + std::to_string(static_cast<int>(options.errors)) + ", loop " +
         std::to_string(static_cast<int>(options.loop)) + ", batches per step " +
         std::to_string(options.batches_per_step) + ", invocations per step " +
         std::to_string(options.invocations_per_step) +
         (options.moves_at_every_invocation ? ", each moves" : "");
}

/// A training run whose optimizer is also kept book of, on weights that nobody quantizes.
class Run {
 public:
  explicit Run(const RunOptions& options)
      : bus{{.invocations_per_step = options.invocations_per_step}, {.errors = options.errors}},
        options_{options},
        book_{model[0].values} {
    bus.state().set(model);
    bus.connect(OPTIM_PRE_STEP, [this](const takt::Event&, const takt::State&) { emits_ = true; });
  }

  void quantize() {
    quantizer = bus.emplace<QuantizationModifier>(takt::QuantizationSettings{
        .cadence = options_.cadence, .config_groups = all_as(three_bits)});
  }
  /// Throws the n-th time that it hears of an event, counted from 0.
  void fail_at(EventType type, int n) {
    bus.on({type}, {}, [n, heard = 0]() mutable {
      if (heard++ == n) throw std::runtime_error{"a fault"};
    });
  }

  /// Batches, after each of which the weights are those of the book.
  void train(int batches) {
    for (int i = 0; i < batches; ++i) {
      one_batch();
      check();
    }
  }
  void one_batch() {
    const bool steps = ++batch_ % options_.batches_per_step == 0;
    options_.loop == Loop::scoped ? scoped_batch(steps) : plain_batch(steps);
  }
  void check() const {
    BOOST_TEST(!quantizer->applied());
    BOOST_TEST(model.parameters[0].values == book_, boost::test_tools::per_element());
  }
  void end() {
    call([&] { bus.finalize(); });
    check();
  }
  /// The optimizer's step.
  void move() {
    const auto by = 0.37F * static_cast<float>(++moves_);
    for (float& weight : model[0].values) weight -= by;
    // Where no event told of the step, quantized weights were moved, and that is undone.
    if (!emits_ && quantizer->phase() == takt::Phase::active) return;
    for (float& weight : book_) weight -= by;
  }

  /// What the loop itself does in a batch: after its start, after its loss, in its step.
  std::array<std::function<void()>, 3> then{};
  int quantized_batches = 0;

  VectorModel model{{{.name = "w", .shape = {2, 2}, .values = {3.5, 0.71F, -1.23F, 0}}}};
  takt::EventBus bus;
  std::shared_ptr<QuantizationModifier> quantizer;

 private:
  void look() {
    if (!quantizer->applied()) return;
    ++quantized_batches;
    BOOST_TEST((model[0].values != book_));
  }
  void also(std::size_t where) const {
    if (then.at(where)) then.at(where)();
  }
  [[nodiscard]] bool may_move() const { return emits_ || options_.moves_at_every_invocation; }

  void scoped_batch(bool steps) {
    call([&] {
      bus.batch([&](Batch& batch) {
        look();
        also(0);
        batch.loss(0.5);
        also(1);
        if (!steps) return;
        emits_ = false;
        batch.step([&] {
          if (may_move()) move();
          also(2);
        });
      });
    });
  }

  void plain_batch(bool steps) {
    std::vector<std::function<void()>> calls{[&] { bus.batch_start(); }, [&] { look(); },
                                             [&] { also(0); }, [&] { bus.loss_calculated(0.5); },
                                             [&] { also(1); }};
    bool stepping = true;
    if (steps) {
      calls.emplace_back([&] {
        emits_ = stepping = false;
        bus.optim_pre_step();
        stepping = true;
      });
      calls.emplace_back([&] {
        if (stepping && may_move()) move();
        also(2);
      });
      calls.emplace_back([&] { bus.optim_post_step(); });
    }
    for (const auto& each : calls) {
      if (call(each) || options_.loop == Loop::goes_on) continue;
      bus.abort_batch();
      return;
    }
    call([&] { bus.batch_end(); });  // closes the batch, whatever it throws
  }

  /// False when it throws.
  template <class Call>
  static bool call(const Call& make) {
    try {
      make();
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  RunOptions options_;
  Values book_;
  bool emits_ = false;
  int batch_ = 0;
  int moves_ = 0;
};

template <class Callable>
void in_every_loop(const Callable& check) {
  for (const ErrorPolicy errors : policies) {
    for (const Loop loop : loops) {
      for (const int batches_per_step : {1, 2}) {
        for (const int invocations_per_step : {1, 2}) {
          const RunOptions options{.errors = errors,
                                   .loop = loop,
                                   .batches_per_step = batches_per_step,
                                   .invocations_per_step = invocations_per_step};
          BOOST_TEST_CONTEXT(text_of(options)) { check(options); }
        }
      }
    }
  }
}

/// A run in which a modifier throws once.
void check_fault(const RunOptions& options, EventType type, int n, bool before) {
  BOOST_TEST_CONTEXT("a fault at " << type << " number " << n << (before ? " before" : " after")) {
    Run run{options};
    if (before) run.fail_at(type, n);
    run.quantize();
    if (!before) run.fail_at(type, n);
    run.bus.initialize();
    run.train(6 * options.batches_per_step * options.invocations_per_step);
    BOOST_TEST(run.quantized_batches >= 3);
    run.end();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_faults)

BOOST_AUTO_TEST_CASE(a_run_without_faults_leaves_what_the_optimizer_made) {
  in_every_loop([](const RunOptions& options) {
    Run run{options};
    run.quantize();
    run.bus.initialize();
    run.train(7 * options.batches_per_step * options.invocations_per_step);
    BOOST_TEST(run.quantized_batches ==
               4 * options.batches_per_step * options.invocations_per_step);
    run.end();
  });
}

BOOST_AUTO_TEST_CASE(another_modifier_throws_at_any_event_before_or_after) {
  in_every_loop([](const RunOptions& options) {
    for (const EventType type : batch_events) {
      for (int n = 0; n < 6; ++n) {
        check_fault(options, type, n, true);
        check_fault(options, type, n, false);
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_batch_is_aborted_anywhere) {
  in_every_loop([](const RunOptions& options) {
    if (options.loop == Loop::goes_on) return;
    for (std::size_t where = 0; where < 3; ++where) {
      BOOST_TEST_CONTEXT("the body throws at " << where) {
        Run run{options};
        run.quantize();
        run.bus.initialize();
        run.then.at(where) = [n = 0]() mutable {
          if (n++ % 3 == 1) throw std::runtime_error{"a fault of the loop"};
        };
        run.train(8 * options.batches_per_step);
        BOOST_TEST(run.quantized_batches > 0);
        run.end();
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(what_moves_at_an_optimizer_call_that_emits_nothing_is_undone) {
  for (const Loop loop : loops) {
    Run run{{.loop = loop, .invocations_per_step = 2, .moves_at_every_invocation = true}};
    run.quantize();
    run.bus.initialize();
    run.train(2);  // step 0 is before the window
    run.train(8);
    BOOST_TEST(run.quantized_batches == 8);
    run.end();
  }
}

BOOST_AUTO_TEST_CASE(training_is_finalized_between_any_two_batches) {
  for (const int batches_per_step : {1, 2}) {
    for (int batches = 0; batches < 12; ++batches) {
      Run run{{.batches_per_step = batches_per_step}};
      run.quantize();
      run.bus.initialize();
      run.train(batches);
      run.end();
    }
  }
}

BOOST_AUTO_TEST_CASE(the_loop_removes_it_in_the_middle_of_a_batch) {
  in_every_loop([](const RunOptions& options) {
    for (std::size_t where = 0; where < 3; ++where) {
      BOOST_TEST_CONTEXT("removed at " << where) {
        Run run{options};
        run.quantize();
        run.bus.initialize();
        run.then.at(where) = [&run, n = 0]() mutable {
          if (n++ != 3) return;
          BOOST_TEST(run.bus.remove("QuantizationModifier"));
          run.check();
        };
        run.train(7 * options.batches_per_step);
        BOOST_TEST((run.quantizer->phase() == takt::Phase::finalized));
        run.end();
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(another_modifier_removes_it_in_a_hook_and_throws_too) {
  in_every_loop([](const RunOptions& options) {
    for (const EventType type : batch_events) {
      for (const bool before : {true, false}) {
        BOOST_TEST_CONTEXT("removed at " << type << (before ? " before" : " after")) {
          Run run{options};
          const auto remove_and_throw = [&run, n = 0]() mutable {
            if (n++ != 2) return;
            run.bus.remove("QuantizationModifier");
            throw std::runtime_error{"a fault"};
          };
          if (before) run.bus.on({type}, {}, remove_and_throw);
          run.quantize();
          if (!before) run.bus.on({type}, {}, remove_and_throw);
          run.bus.initialize();
          run.train(7 * options.batches_per_step * options.invocations_per_step);
          BOOST_TEST((run.quantizer->phase() == takt::Phase::finalized));
          run.end();
        }
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(it_is_quarantined_itself) {
  Run run{{.errors = ErrorPolicy::quarantine}};
  run.quantize();
  run.bus.initialize();
  run.train(2);
  run.quantizer->apply(run.model);
  run.one_batch();  // which it refuses to start with what is applied
  run.check();
  BOOST_TEST((run.quantizer->phase() == takt::Phase::quarantined));
  run.train(3);
  const auto successor = run.bus.emplace<QuantizationModifier>(
      takt::QuantizationSettings{.name = "successor", .scheme = "W8A16"});
  run.train(1);
  BOOST_TEST((successor->phase() == takt::Phase::active));
  run.end();
}

BOOST_AUTO_TEST_CASE(one_that_is_quarantined_as_it_starts_leaves_its_parameters_to_another) {
  VectorModel model{{{.name = "w", .shape = {2, 2}, .values = {3.5, 1, 0, 0}}}};
  takt::EventBus bus{{}, {.errors = ErrorPolicy::quarantine}};
  bus.state().set(model);
  const auto first = bus.emplace<QuantizationModifier>(
      takt::QuantizationSettings{.name = "first", .config_groups = all_as(three_bits)});
  bus.initialize();
  model[0].values.pop_back();
  bus.batch([](Batch&) {});
  BOOST_TEST((first->phase() == takt::Phase::quarantined));
  model[0].values.push_back(0);
  const auto second = bus.emplace<QuantizationModifier>(
      takt::QuantizationSettings{.name = "second", .config_groups = all_as(three_bits)});
  bus.batch([](Batch&) {});
  BOOST_TEST((second->phase() == takt::Phase::active));
}

// A model that can't show a parameter, once.

namespace {

class FlakyModel final : public takt::Model {
 public:
  [[nodiscard]] std::size_t parameter_count() const override { return 2; }
  [[nodiscard]] takt::Parameter parameter(std::size_t i) override {
    if (left-- == 0) throw std::runtime_error{"the weights are elsewhere"};
    return {.name = i == 0 ? "a" : "b", .shape = shape, .values = values.at(i)};
  }

  int left = -1;  // calls until it throws; negative = it does not
  std::vector<std::int64_t> shape{1, 2};
  std::array<Values, 2> values{{{3.5, 0.71F}, {3.5, -1.23F}}};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_model_that_fails_once_has_full_precision_weights_in_the_end) {
  for (const ErrorPolicy errors : policies) {
    for (const bool steps : {true, false}) {
      for (int calls = 0; calls < 30; ++calls) {
        BOOST_TEST_CONTEXT("policy " << static_cast<int>(errors) << ", steps " << steps << ", call "
                                     << calls) {
          FlakyModel model;
          const std::array<Values, 2> before = model.values;
          takt::EventBus bus{{}, {.errors = errors}};
          bus.state().set<takt::Model>(model);
          bus.emplace<QuantizationModifier>(
              takt::QuantizationSettings{.config_groups = all_as(three_bits)});
          bus.initialize();
          model.left = calls;
          for (int i = 0; i < 3; ++i) {
            try {
              bus.batch([&](Batch& batch) {
                if (steps) batch.step([&] { BOOST_TEST((model.values == before)); });
              });
            } catch (const std::exception&) {
            }
            if (errors == ErrorPolicy::quarantine || steps) BOOST_TEST((model.values == before));
          }
          bus.finalize();
          BOOST_TEST((model.values == before));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
