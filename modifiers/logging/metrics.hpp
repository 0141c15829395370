// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that writes a run's numbers to a file.
#ifndef TAKT_MODIFIERS_METRICS_HPP
#define TAKT_MODIFIERS_METRICS_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <takt/cadence.hpp>
#include <takt/event.hpp>
#include <takt/modifier.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

struct ModifierType;
namespace detail {
class MetricsFile;
struct MetricsPlace;
struct MetricsRow;
class StateReader;
}  // namespace detail

/// How metrics are written.
enum class MetricsFormat : std::uint8_t {
  automatic,  ///< by the file's ending: .csv, or .jsonl and .ndjson
  csv,        ///< a table with a header, as in RFC 4180, but with line breaks of one character
  jsonl       ///< JSON Lines: an object for each row
};

/// What a `MetricsModifier` is built with.
struct MetricsSettings {
  std::string name = "MetricsModifier";  ///< unique on its bus
  Cadence cadence{};                     ///< when a row is written; unset = at every step
  std::string file{};                    ///< where to; required
  MetricsFormat format = MetricsFormat::automatic;
  /// The metrics to write, in this order, each once. Empty = all there are.
  std::vector<std::string> columns{};
  /// Go on behind what the file has, as when a run is resumed; unset = replace it.
  bool append = false;
  /// What time it is; empty = std::chrono::steady_clock::now. Called on the loop's thread.
  std::function<std::chrono::steady_clock::time_point()> clock{};
};

/// Writes a row at the BATCH_END of each step that is due: `step`, `batch`, `epoch` when the bus is
/// epoch based, `loss`, `learning_rate` when the state has an `Optimizer`, and the state's metrics,
/// by their names (a metric called like one of the five is written as metrics/NAME). Of the batches
/// of one step (gradients are accumulated) it is the one that makes it which has the row.
///
///     step,batch,epoch,loss,learning_rate,accuracy
///     0,0,0,2.3026,0.1,
///     100,100,1,0.5132,0.1,0.871
///
/// A number is as short as it can be and still read back as the same, or nan, inf, -inf, which JSON
/// has as text. What is not there is an empty field of a CSV, and lacks in an object of JSON.
///
/// A metric that comes later adds its column behind the others: the table is written anew under
/// that header, with empty fields in the rows before. `columns` fixes which metrics there are from
/// the first row. A CSV that goes to a pipe or a device can't be written anew, and needs `columns`.
///
/// Rows are gathered and written some at a time, whole ones only, at the latest when one comes a
/// second after the last write; so the file can be watched (`tail -F`), and a run that is killed
/// leaves its rows but for about the last second. A file has its name with its first row: until
/// then it is called NAME.new, and one that was there is kept. With `append`, half a row at the end
/// of the file, which a killed run may leave, is dropped, and a CSV goes on under its own header;
/// rows of steps that are trained again come again.
///
/// A checkpoint has all rows before it written, and keeps where they end, and whether the open
/// batch made a step. A run that is resumed goes on right there, whatever `append` says: rows that
/// were written later, and a CSV's columns that came later, are dropped with the first row that
/// comes, as these steps are trained again. Where the file is gone, is shorter, or is another one,
/// nothing is loaded, and it stays as it is. A pipe or a device is begun anew.
///
/// A file that can't be written when the bus is initialized, or that is not of this format when it
/// is to be gone on with, is an `InvalidModifier` thrown by `on_initialize`. When writing fails
/// later, a full disk say, that update throws, once, or the next one when a checkpoint was the
/// first to see it, and the bus's `ErrorPolicy` says what becomes of that: to train on whatever
/// happens, use `quarantine`. What was written stays, whole rows, and no more are. No two modifiers
/// write to one file at once, whatever thread they are on.
class MetricsModifier : public Modifier {
 public:
  /// Throws `InvalidModifier` for a setting that makes no sense, such as a file whose ending says
  /// no format, and `InvalidCadence` for a cadence that makes none. Touches no file.
  explicit MetricsModifier(MetricsSettings settings);
  /// Its name and settings, for a registry.
  [[nodiscard]] static ModifierType type();
  /// Writes what is left, as when an exception ended the run.
  ~MetricsModifier() override;

  void on_initialize(State& state, const Event& event) override;
  void on_start(State& state, const Event& event) override;
  void on_update(State& state, const Event& event) override;
  void on_end(State& state, const Event& event) override;
  void on_abort(State& state, const Event& event) noexcept override;
  void on_finalize(State& state, const Event& event) override;
  void save(std::ostream& out) override;
  void load(State& state, const Event& event, std::istream& in) override;

 private:
  void fill_row(const State& state, const Event& event);
  void fill_metrics(const State& state);
  void close();
  void tell_failure();
  [[nodiscard]] std::optional<detail::MetricsPlace> read_place(detail::StateReader& read) const;
  [[nodiscard]] std::unique_ptr<detail::MetricsFile> open(
      const std::optional<detail::MetricsPlace>& place) const;
  template <class Writing>
  void guarded(const Writing& writing);

  MetricsSettings settings_;
  std::unique_ptr<detail::MetricsFile> file_;  // null = nothing is written, before or any more
  std::unique_ptr<detail::MetricsRow> row_;    // kept for its memory
  std::chrono::steady_clock::time_point written_at_{};
  bool steps_ = false;                  // whether the open batch made a step
  std::optional<std::string> failure_;  // of the file, which nobody has been told yet
};

}  // namespace takt

#endif
