// SPDX-License-Identifier: BSL-1.0
/// \file
/// Records a bus.
#ifndef TAKT_TRACE_RECORDER_HPP
#define TAKT_TRACE_RECORDER_HPP

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>

#include "takt/error.hpp"
#include "takt/event_bus.hpp"
#include "takt/trace.hpp"

namespace takt {

namespace detail {
class TraceSession;
}

/// Writes down each event of a bus, and which hooks of which modifiers ran at it:
///
///     takt::TraceRecorder recorder{bus, "run.jsonl"};
///     bus.initialize();
///     …
///
/// Lines are gathered and written some at a time, whole ones only, at the latest when an event
/// comes a second after the last write; so a run that is killed leaves its trace but for the events
/// of a second. The file has its name once INITIALIZE is recorded: until then it is called
/// NAME.new, and one that was there before is kept.
///
/// Where a run is resumed (`load_checkpoint` in place of `initialize`), the recording goes on
/// behind the last entry that the checkpoint knows of: what a file has behind that is dropped,
/// since these events come again. So a run that was killed and resumed leaves the trace of one that
/// never was. A file that is not the trace of that run is left as it is, and the recording fails. A
/// stream, or a trace in memory, gets what comes from then on.
///
/// A recorder belongs to the loop's thread. It may outlive its bus. Several may record one bus,
/// each with a file or stream of its own; and those of several buses may work on several threads.
class TraceRecorder {
 public:
  /// Throws `LifecycleError` when the bus is initialized already, since a trace has to begin with
  /// the run, and `TraceError` when the file can't be written.
  TraceRecorder(EventBus& bus, const std::filesystem::path& file);
  /// The stream outlives the recorder.
  TraceRecorder(EventBus& bus, std::ostream& out);
  /// Into memory. The trace outlives the recorder, and what was in it is dropped.
  TraceRecorder(EventBus& bus, Trace& trace);
  TraceRecorder(TraceRecorder&&) noexcept;
  TraceRecorder& operator=(TraceRecorder&&) noexcept;
  /// Writes what is left, as `close` does, but throws nothing.
  ~TraceRecorder();

  /// When the file or stream can't be written, a full disk say, the recording stops and the run
  /// goes on. Then `handler` is called once, on the loop's thread, and `close` throws. Without a
  /// handler `close` alone tells. The handler must not destroy the recorder.
  void on_error(std::function<void(const TraceError&)> handler);

  /// Writes what has been gathered. Throws `TraceError` when the recording has failed.
  void flush();
  /// Writes what is left and stops recording. Throws `TraceError` when the recording has failed.
  /// Closing again does nothing.
  void close();
  /// Lines recorded so far, without the header.
  [[nodiscard]] std::int64_t entries() const noexcept;

 private:
  std::unique_ptr<detail::TraceSession> session_;
};

}  // namespace takt

#endif
