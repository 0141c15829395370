// SPDX-License-Identifier: BSL-1.0
/// \file
/// The recorded events of a run, and how they are read.
///
/// A trace file is JSON Lines: one JSON object per line, UTF-8. The first is the header:
///
///     {"takt_trace":1,"start":{"step":0,"batch":0,"steps_per_epoch":44,"invocations_per_step":1},
///      "order":"one_step","errors":"propagate","modifiers":[{"name":"prune","start":4,"end":28,
///      "update":0.5,"group":0,"due":["batch_start"],"every":["optim_post_step"]}]}
///
/// (without the line breaks). Then comes a line for each event that was emitted, in order:
///
///     {"event":"batch_start","step":176,"batch":176,"t":81234567,"hooks":[
///      {"modifier":"prune","hook":"on_start","ns":1240},{"modifier":"prune","hook":"on_update",
///      "ns":90210}]}
///
/// `t` is when it began, in nanoseconds since the recording did, `ns` how long a hook took; both
/// may be absent, and so may `hooks` when none ran. LOSS_CALCULATED has a `loss`,
/// SEQUENTIAL_EPOCH_END its `layers`, and a hook that threw an `error`, the exception's text. A
/// batch or a calibration epoch that was aborted has `"call":"abort_batch"` or
/// `"call":"abort_calibration_epoch"` in place of the event. A modifier that joined or left while
/// the run went on has `"add":` and what the header says of one, or `"remove":` and its name.
/// Numbers that JSON does not have are the texts "nan", "inf" and "-inf". Keys that are not listed
/// here are ignored.
#ifndef TAKT_TRACE_HPP
#define TAKT_TRACE_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "takt/bus_call.hpp"
#include "takt/bus_options.hpp"
#include "takt/cadence.hpp"
#include "takt/event.hpp"
#include "takt/hook.hpp"
#include "takt/modifier.hpp"

namespace takt {

/// The version of the format that is written. A reader takes this one only.
inline constexpr int trace_version = 1;

/// What a trace knows of a modifier.
struct TracedModifier {
  std::string name{};
  Cadence cadence{};
  Interests interests{};
  int group = 0;
};

/// How the run began.
struct TraceHeader {
  Event start{};
  BusOptions options{};
  /// In the order in which they run.
  std::vector<TracedModifier> modifiers{};
};

/// One hook that ran.
struct HookRun {
  std::size_t modifier = 0;  ///< its position among the trace's modifiers
  Hook hook = Hook::on_initialize;
  std::int64_t nanoseconds = 0;        ///< how long it took; 0 when that was not recorded
  std::optional<std::string> error{};  ///< what it threw
};

/// What a line of a trace is about.
enum class TraceKind : std::uint8_t {
  call,      ///< an event that was emitted, or an abort
  addition,  ///< a modifier joined the bus after INITIALIZE
  removal    ///< a modifier left it before FINALIZE
};

/// One line of a trace after its header.
struct TraceEntry {
  TraceKind kind = TraceKind::call;
  BusCall call = BusCall::initialize;  ///< of a call
  std::size_t modifier = 0;            ///< of an addition or removal: which one
  std::int64_t step = 0;               ///< the bus's counters
  std::int64_t batch = 0;
  std::int64_t nanoseconds = 0;       ///< since the recording began
  std::optional<double> loss{};       ///< of LOSS_CALCULATED, when it was set
  std::vector<std::string> layers{};  ///< of SEQUENTIAL_EPOCH_END
  std::vector<HookRun> hooks{};       ///< in the order in which they ran
};

/// A whole trace in memory, for tests and short runs. A value, that several threads may read while
/// none writes it, nor a recorder records into it.
struct Trace {
  TraceHeader header{};
  /// Those that joined later, in the order of their entries; their positions go on from the
  /// header's.
  std::vector<TracedModifier> added{};
  std::vector<TraceEntry> entries{};

  /// By position, over the header's and then the added ones. Throws `std::out_of_range`.
  [[nodiscard]] const TracedModifier& modifier(std::size_t position) const;
};

/// Reads a trace line by line, so that it may be larger than memory. One thread at a time.
///
/// Whatever is wrong with the file is a `TraceError` that starts with its name and line. A last
/// line that does not end is no error: the run was cut off while it was written.
class TraceReader {
 public:
  /// Opens the file and reads the header.
  explicit TraceReader(const std::filesystem::path& file);
  /// Reads from a stream that outlives the reader. `name` stands in messages.
  explicit TraceReader(std::istream& in, std::string name = "trace");
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;
  ~TraceReader();

  [[nodiscard]] const TraceHeader& header() const noexcept;
  /// Reads the next line into `entry`; false at the end. After an error the reader is at its end.
  bool next(TraceEntry& entry);
  /// The modifiers so far: the header's, and those that have joined.
  [[nodiscard]] const std::vector<TracedModifier>& modifiers() const noexcept;

  [[nodiscard]] const std::string& name() const noexcept;
  /// Of the line that was read last, counted from 1.
  [[nodiscard]] std::int64_t line() const noexcept;
  /// Read so far.
  [[nodiscard]] std::int64_t bytes() const noexcept;
  /// Whether the last line was torn off, which `next` knows once it has returned false.
  [[nodiscard]] bool torn() const noexcept;

 private:
  class Lines;
  std::unique_ptr<Lines> lines_;
};

/// The whole trace. Throws `TraceError`.
[[nodiscard]] Trace read_trace(const std::filesystem::path& file);
[[nodiscard]] Trace read_trace(std::istream& in, const std::string& name = "trace");
/// Writes a trace as a file has it; without times if `times` is false, so that what is written
/// depends on what happened alone. A stream that fails is left to the caller to notice.
void write_trace(const Trace& trace, std::ostream& out, bool times = true);

}  // namespace takt

#endif
