// SPDX-License-Identifier: BSL-1.0
/// \file
/// Saves a run, and resumes it as if it had never been cut.
#ifndef TAKT_CHECKPOINT_HPP
#define TAKT_CHECKPOINT_HPP

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>

#include "takt/error.hpp"
#include "takt/event_bus.hpp"

namespace takt {

/// The loop's own part of a checkpoint: its weights, the optimizer and its learning rate, the order
/// of the data, generators of random numbers; whatever the rest of the run depends on. Register it
/// with `bus.state().set(loop)`; it is not copied. `load` gets the bytes that `save` has written,
/// and no others. What they throw becomes a `CheckpointError`, with it nested, and so does a stream
/// that they leave failed. Neither may call the bus. On the loop's thread.
struct LoopState {
  std::function<void(std::ostream&)> save{};
  std::function<void(std::istream&)> load{};
};

/// \name Checkpoints
/// A checkpoint has the bus's clock and where its lifecycle stands, the phase and the state of each
/// modifier, the state's loss, metrics, layers and requests, the learning rate of its `Optimizer`,
/// and what its `LoopState` writes:
///
///     takt::LoopState loop{.save = [&](std::ostream& out) { write(out, network, adam, random); },
///                          .load = [&](std::istream& in) { read(in, network, adam, random); }};
///     bus.state().set(loop);
///     if (const auto file = takt::latest_checkpoint("checkpoints")) {
///       takt::load_checkpoint(bus, *file);
///     } else {
///       bus.initialize();
///     }
///     while (bus.now().global_step < steps) bus.batch(…);
///
/// It is in Cereal's portable binary, behind a magic number and a version, under a checksum, and
/// the same on every machine. The whole of it is in memory while it is written and read: a model
/// too large for that writes files of its own, and their names into the checkpoint.
///
/// On the loop's thread. A `CheckpointModifier` saves on a cadence.
/// @{

/// Saves a bus between any two calls of its loop, also in an open batch. Work that other threads
/// have queued is done before, and what it throws passes on. Throws `LifecycleError` before
/// `initialize`, after `finalize`, and from inside a hook or observer, and `CheckpointError` when
/// something can't be saved, or the stream has failed.
void save_checkpoint(EventBus& bus, std::ostream& out);
/// The same to a file, which is there whole or, if anything fails, as it was before: it is written
/// under the name FILE.new and, when the disk has it, renamed.
void save_checkpoint(EventBus& bus, const std::filesystem::path& file);

/// In place of `initialize`, on a bus that was built as the saved one was: of the same start event
/// but for its counters, order policy, and modifiers. Their `on_initialize` runs; then `loop.load`,
/// and then their `load`. Observers are not called. A `TraceRecorder` and a `MetricsModifier` go on
/// in their files behind the last line that the checkpoint knows of.
///
/// The run then goes on with the call after the one that the checkpoint was saved after.
///
/// Throws `CheckpointError` for what is no checkpoint, is cut short or damaged, was written by
/// another release, or is of a bus that was built otherwise; `LifecycleError` for a bus that is
/// initialized; and `ModifierError` when an `on_initialize` throws, as `initialize` does. Then
/// nothing is loaded: the bus and its modifiers are as before, and so is what `loop.load` has
/// loaded, as far as that can be saved and loaded back.
void load_checkpoint(EventBus& bus, std::istream& in);
void load_checkpoint(EventBus& bus, const std::filesystem::path& file);

/// The one that a `CheckpointModifier` has saved last in a folder, of those that are whole; nothing
/// when there is none, or no such folder. Throws `CheckpointError` for a folder that can't be read,
/// and when there are some of which none is whole.
[[nodiscard]] std::optional<std::filesystem::path> latest_checkpoint(
    const std::filesystem::path& folder);
/// @}

}  // namespace takt

#endif
