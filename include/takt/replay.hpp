// SPDX-License-Identifier: BSL-1.0
/// \file
/// Drives a bus as a recorded run went, and says what ran otherwise.
///
/// *Threads.* Who replays on a bus is its loop, on the calling thread from beginning to end, and
/// `on_entry` is called there. Several threads may replay at once, each on a bus and with a reader
/// of its own; a `Trace` in memory, or a recipe, they may have in common.
#ifndef TAKT_REPLAY_HPP
#define TAKT_REPLAY_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "takt/bus_call.hpp"
#include "takt/event.hpp"
#include "takt/event_bus.hpp"
#include "takt/recipe.hpp"
#include "takt/trace.hpp"

namespace takt {

/// One call of a loop.
struct SequenceCall {
  BusCall call = BusCall::initialize;
  std::optional<double> loss{};       ///< of `loss_calculated`; unset = the state's is left alone
  std::vector<std::string> layers{};  ///< of `sequential_epoch_end`

  friend bool operator==(const SequenceCall&, const SequenceCall&) = default;
};
std::ostream& operator<<(std::ostream& out, const SequenceCall& call);

/// A loop's calls, for a bus that is built from `start`.
struct Sequence {
  Event start{};
  std::vector<SequenceCall> calls{};
};

/// One thing that happened otherwise.
struct TraceDifference {
  std::int64_t step = 0;
  std::int64_t batch = 0;
  /// A sentence that says where, and what: "step 1200, batch_start: prune ran, the trace says it
  /// did not".
  std::string text{};
};
std::ostream& operator<<(std::ostream& out, const TraceDifference& difference);

/// What came of a comparison.
struct TraceComparison {
  std::int64_t entries = 0;    ///< events, aborts, additions and removals that were compared
  std::int64_t differing = 0;  ///< those at which something differs; headers count with the first
  /// The first ones, in order; those of the headers first.
  std::vector<TraceDifference> differences{};
  bool torn = false;  ///< a trace ended in a torn line, which was left out

  [[nodiscard]] bool equal() const noexcept { return differing == 0; }
};
/// "equal in 7042 events", or the differences, a line each.
std::ostream& operator<<(std::ostream& out, const TraceComparison& comparison);

struct ComparisonOptions {
  std::size_t most = 10;  ///< differences to list
  /// For traces that are compared with each other: losses that are further apart differ. Relative
  /// to the larger of the two; infinity = losses are not compared.
  double loss_tolerance = 0.0;
  /// Called after each entry, for instance to show progress.
  std::function<void()> on_entry{};
};

/// Makes the calls on the bus, which was built from the sequence's start and is not initialized.
/// What the bus throws passes on.
void replay(EventBus& bus, const Sequence& sequence);

/// Makes a trace's calls on a bus, with the recorded losses and layers, and compares what runs with
/// what ran. The bus is not initialized, has the modifiers to be tested, and was built from
/// `trace.header().start` and `.options`; its clock goes its own way, and is compared. A modifier
/// that joined in the trace and that the bus does not have by then is missing, which is a
/// difference; one that left is removed. What hooks throw is compared too, and does not pass on,
/// but not its text. Throws `TraceError` when the bus does not accept a call, with the line, and
/// `LifecycleError` when the bus is initialized already.
[[nodiscard]] TraceComparison replay(EventBus& bus, TraceReader& trace,
                                     const ComparisonOptions& options = {});
[[nodiscard]] TraceComparison replay(EventBus& bus, const Trace& trace,
                                     const ComparisonOptions& options = {});

/// With stand-ins: modifiers that have the recorded names, cadences and interests, do nothing, and
/// throw where a recorded one did. So it says whether this takt runs the same hooks.
[[nodiscard]] TraceComparison replay(TraceReader& trace, const ComparisonOptions& options = {});
/// With stand-ins for a recipe's modifiers: what would run if that had been the recipe.
[[nodiscard]] TraceComparison replay(TraceReader& trace, const Recipe& recipe,
                                     const ComparisonOptions& options = {});

/// Compares two recorded runs, `b` with `a`: how they began, their modifiers, what ran, and losses.
/// Times are not compared. Where the two runs part, so that one has another event than the other,
/// the comparison ends.
[[nodiscard]] TraceComparison diff(TraceReader& a, TraceReader& b,
                                   const ComparisonOptions& options = {});
[[nodiscard]] TraceComparison diff(const Trace& a, const Trace& b,
                                   const ComparisonOptions& options = {});

}  // namespace takt

#endif
