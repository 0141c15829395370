// SPDX-License-Identifier: BSL-1.0
/// \file
/// For tests of your own modifiers and recipes: a whole lifecycle in a line, what ran in it as
/// values, and golden files. It works with any test framework:
///
///     using takt::testing::epochs, takt::testing::golden, takt::testing::run;
///
///     const auto ran = run(std::make_shared<Prune>(settings), epochs(2, {.steps_per_epoch = 10}),
///                          {.prepare = [&](takt::EventBus& bus) { bus.state().set(model); }});
///     BOOST_TEST(ran.count(takt::Hook::on_update) == 4);  // Boost.Test
///     EXPECT_EQ(ran, golden(DATA "/prune.calls", ran));   // GoogleTest
///     REQUIRE(ran == golden(DATA "/prune.calls", ran));   // Catch2
///
/// All of it belongs to one thread at a time, that of the bus, as loops do. Nothing here starts a
/// thread.
#ifndef TAKT_TESTING_HPP
#define TAKT_TESTING_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "takt/bus_call.hpp"
#include "takt/bus_options.hpp"
#include "takt/cadence.hpp"
#include "takt/event_bus.hpp"
#include "takt/hook.hpp"
#include "takt/modifier.hpp"
#include "takt/replay.hpp"
#include "takt/trace.hpp"

namespace takt::testing {

// ---- Lifecycles ---------------------------------------------------------------------------------

/// The losses of a made-up run. A number is the loss of every batch, and a callable is asked for
/// the loss of each: `.losses = [](std::int64_t batch) { return batch == 7 ? NAN : 0.5; }`. By
/// default they fall, from 1 in batch 0 towards 0.
class Losses {
 public:
  Losses() = default;
  // Implicit, so that either can stand where losses are expected.
  Losses(double constant) : of_{[constant](std::int64_t) { return constant; }} {}
  template <class Callable>
  Losses(Callable callable) requires(std::is_invocable_r_v<double, Callable&, std::int64_t>)
      : of_{std::move(callable)} {}

  /// Of the batch with that number, counted as events count them. What a callable throws passes on.
  [[nodiscard]] double of(std::int64_t batch) const {
    return of_ ? of_(batch) : 1.0 / (1.0 + 0.1 * static_cast<double>(batch));
  }

 private:
  std::function<double(std::int64_t)> of_;
};

/// How a lifecycle goes.
struct LifecycleOptions {
  /// Set = the bus counts in epochs.
  std::optional<std::int64_t> steps_per_epoch{};
  /// Gradient accumulation: only the last batch of a step has the two optimizer events.
  std::int64_t batches_per_step = 1;
  /// Pairs of optimizer calls that make one step, the last of which emits. Each batch of the step
  /// has one, as far as they go, and the last batch has what is left.
  std::int64_t invocations_per_step = 1;
  /// The index at which the run is resumed, in epochs or in steps. Its length counts from index 0
  /// all the same, as in `RunShape`: three epochs that are resumed at 2 have one epoch to go.
  double resume_at = 0.0;
  /// Of a calibration epoch before training, with a BATCH_START and a BATCH_END each; 0 = none.
  std::int64_t calibration_batches = 0;
  /// The calibration batches are shown once for each group of layers, and SEQUENTIAL_EPOCH_END
  /// comes after each group; once, and without that event, when there are none.
  std::vector<std::vector<std::string>> layer_groups{};
  /// Batches that are begun, have their loss, are aborted, and come again; a number that stands
  /// twice is aborted twice. Numbers are those of the events: calibration batches count, and a run
  /// that is resumed goes on counting.
  std::vector<std::int64_t> aborted_batches{};
  Losses losses{};
};

/// The calls of a loop that trains for `count` epochs, from INITIALIZE to FINALIZE, and the event
/// that its bus starts from. Each batch has BATCH_START, LOSS_CALCULATED, the optimizer's two
/// events in the last batch of a step, and BATCH_END.
///
/// Throws `InvalidEvent` for options that make no sense, for a run that is over before it is
/// resumed, and for more than five million calls, which are refused before they take memory.
[[nodiscard]] Sequence epochs(std::int64_t count, const LifecycleOptions& options);
/// The same for a loop that trains for `count` steps; on a bus that counts in steps, unless
/// `steps_per_epoch` is set.
[[nodiscard]] Sequence steps(std::int64_t count, const LifecycleOptions& options = {});

// ---- What ran -----------------------------------------------------------------------------------

/// One hook that ran.
struct Call {
  std::string modifier{};
  Hook hook = Hook::on_initialize;
  /// The call on the bus. A modifier that joins in mid-run is initialized, and one that leaves is
  /// finalized, as if it were there and then.
  BusCall at = BusCall::initialize;
  std::int64_t step = 0;  ///< the event's counters
  std::int64_t batch = 0;
  std::optional<std::string> error{};  ///< what it threw

  friend bool operator==(const Call&, const Call&) = default;
};
/// "step 3, batch 3, batch_start: on_update of prune", and ", which threw: " with the error's text.
std::ostream& operator<<(std::ostream& out, const Call& call);

/// The hooks that ran, in order. A value; equal when the same hooks ran, at the same places, in the
/// same order, and threw the same.
class Calls {
 public:
  Calls() = default;
  Calls(std::initializer_list<Call> calls) : calls_{calls} {}
  explicit Calls(std::vector<Call> calls) : calls_{std::move(calls)} {}

  // No members, or test frameworks would take it for a standard container: Boost.Test would print
  // nothing of it, and GoogleTest all in one line.
  [[nodiscard]] friend auto begin(const Calls& calls) noexcept { return calls.calls_.begin(); }
  [[nodiscard]] friend auto end(const Calls& calls) noexcept { return calls.calls_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return calls_.size(); }
  [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
  /// Throws `std::out_of_range` when there are not as many.
  [[nodiscard]] const Call& operator[](std::size_t position) const { return calls_.at(position); }
  void push_back(Call call) { calls_.push_back(std::move(call)); }
  void clear() noexcept { calls_.clear(); }

  /// Those of one modifier, of one hook, or at one call on the bus, which may be none; one behind
  /// the other, as in `ran.of("prune").of(Hook::on_update)`.
  [[nodiscard]] Calls of(std::string_view modifier) const;
  [[nodiscard]] Calls of(Hook hook) const;
  [[nodiscard]] Calls of(BusCall at) const;
  /// How often a hook ran.
  [[nodiscard]] std::int64_t count(Hook hook) const noexcept;
  /// The steps at which a hook ran, one for each time.
  [[nodiscard]] std::vector<std::int64_t> steps(Hook hook) const;

  friend bool operator==(const Calls&, const Calls&) = default;

 private:
  std::vector<Call> calls_;
};
/// "no calls", or "3 calls:" and a line for each.
std::ostream& operator<<(std::ostream& out, const Calls& calls);

/// The hooks that ran in a recorded run, for loops of your own: `TraceRecorder` writes the trace.
[[nodiscard]] Calls calls_of(const Trace& trace);

// ---- Running ------------------------------------------------------------------------------------

struct RunOptions {
  /// Called with the bus before INITIALIZE, with the modifiers on it: to fill its state, connect
  /// observers, or apply a recipe.
  std::function<void(EventBus&)> prepare{};
  BusOptions bus{};
  /// Goes on when a modifier throws, as a loop does that catches `ModifierError`. What was thrown
  /// stands in the calls either way; this is for tests that look at it there.
  bool go_on = false;
};

/// Runs modifiers, in this order, on a bus of their own, and returns which of their hooks ran.
///
/// What a hook throws passes on as the bus's `ModifierError`, which says where, so that a test of a
/// modifier that fails does not pass unnoticed; unless `go_on` is set, or the bus's `ErrorPolicy`
/// is `quarantine`. The bus is gone then, and FINALIZE was not reached. Whatever else is thrown
/// passes on always: `LifecycleError` for a sequence that a bus does not accept, or what an
/// observer or `prepare` throws.
Calls run(const std::vector<std::shared_ptr<Modifier>>& modifiers, const Sequence& sequence,
          const RunOptions& options = {});
/// A single one.
inline Calls run(const std::shared_ptr<Modifier>& modifier, const Sequence& sequence,
                 const RunOptions& options = {}) {
  return run(std::vector{modifier}, sequence, options);
}
/// `run({prune, hold}, …)`
inline Calls run(std::initializer_list<std::shared_ptr<Modifier>> modifiers,
                 const Sequence& sequence, const RunOptions& options = {}) {
  return run(std::vector(modifiers), sequence, options);
}
/// What `prepare` puts on the bus, such as a recipe.
inline Calls run(const Sequence& sequence, const RunOptions& options) {
  return run(std::vector<std::shared_ptr<Modifier>>{}, sequence, options);
}

/// Does nothing but write down its hooks: for tests of loops, recipes and cadences. It may be told
/// to throw. Its calls may be read when the loop's thread is in none of them.
class ProbeModifier final : public Modifier {
 public:
  /// Throws as `Modifier` does.
  explicit ProbeModifier(std::string name = "probe", Cadence cadence = {},
                         Interests interests = {.due = EventType::BATCH_START});

  /// Its hooks so far, in order.
  [[nodiscard]] const Calls& calls() const noexcept { return calls_; }
  void forget() noexcept { calls_.clear(); }
  /// From now on the hook throws a `std::runtime_error` whenever it runs at that step, with this
  /// text. Throws `InvalidModifier` for `on_abort`, which can't.
  void throw_at(Hook hook, std::int64_t step, std::string text = "as the test wants it");

  void on_initialize(State&, const Event& at) override { run(Hook::on_initialize, at); }
  void on_start(State&, const Event& at) override { run(Hook::on_start, at); }
  void on_event(State&, const Event& at) override { run(Hook::on_event, at); }
  void on_update(State&, const Event& at) override { run(Hook::on_update, at); }
  void on_end(State&, const Event& at) override { run(Hook::on_end, at); }
  // A test that has no memory left for it may end.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  void on_abort(State&, const Event& at) noexcept override { run(Hook::on_abort, at); }
  void on_finalize(State&, const Event& at) override { run(Hook::on_finalize, at); }

 private:
  struct Throw {
    Hook hook = Hook::on_initialize;
    std::int64_t step = 0;
    std::string text{};
  };

  void run(Hook hook, const Event& at);

  Calls calls_;
  std::vector<Throw> throws_;
};

// ---- Golden files -------------------------------------------------------------------------------

/// What a golden file holds, to be compared with what the test got:
///
///     BOOST_TEST(ran == golden(DATA "/prune.calls", ran));
///
/// With `TAKT_UPDATE_GOLDEN=1` in the environment the file is written from `calls` first, whole or
/// not at all, so that one run of the tests accepts what there is now; look at the difference
/// before you commit it. The file has a line of JSON for each call, behind a first line that says
/// what it is. A relative path starts where the test runs, which is rarely beside its source.
///
/// Throws `TraceError`, which starts with the file and its line: it is missing, can't be read or
/// written, or holds something else.
[[nodiscard]] Calls golden(const std::filesystem::path& file, const Calls& calls);
/// The same for a trace, written without its times. Compare the two with `diff`, which leaves times
/// out: `diff(golden(DATA "/run.jsonl", trace), trace)`.
[[nodiscard]] Trace golden(const std::filesystem::path& file, const Trace& trace);

}  // namespace takt::testing

#endif
