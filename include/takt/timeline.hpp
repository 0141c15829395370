// SPDX-License-Identifier: BSL-1.0
/// \file
/// A run drawn against time: one lane per modifier, with its window and its updates, and the loss.
/// All of it are values and functions, for any thread; the trace that is read and the stream that
/// is written are one thread's at a time.
#ifndef TAKT_TIMELINE_HPP
#define TAKT_TIMELINE_HPP

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "takt/plan.hpp"
#include "takt/step_runs.hpp"
#include "takt/trace.hpp"

namespace takt {

/// What one modifier does, or did. Steps are global steps.
struct TimelineLane {
  std::string name{};
  std::string cadence{};                 ///< in words: "from epoch 4 to 28, every 0.5 epochs"
  std::optional<std::int64_t> starts{};  ///< the step of its `on_start`; nothing = it never opens
  std::optional<std::int64_t> ends{};  ///< the last step of its window; nothing = it does not close
  std::int64_t updates = 0;            ///< calls of `on_update`
  std::int64_t events = 0;             ///< calls of `on_event`
  std::vector<StepRun> due{};          ///< the steps with an `on_update`
  bool due_complete = true;            ///< false when there are more than `due` has
  std::optional<std::int64_t> nanoseconds{};  ///< of all its hooks together; nothing = not measured
  std::int64_t throws = 0;                    ///< hooks that threw
};

/// The losses of the steps from `first` to `last`, both included.
struct LossSpan {
  std::int64_t first = 0;
  std::int64_t last = 0;
  double low = 0.0;
  double high = 0.0;
  double mean = 0.0;
};

/// A run to be drawn: a plan's, or a trace's. The steps are those from `first_step` to before
/// `end_step`.
struct Timeline {
  std::string title{};
  std::int64_t first_step = 0;
  std::int64_t end_step = 0;
  std::optional<std::int64_t> steps_per_epoch{};
  std::vector<TimelineLane> lanes{};
  /// In order, without gaps that matter; losses that are no finite number are left out.
  std::vector<LossSpan> losses{};
};

/// Of a plan, without a title. A lane whose steps with an `on_update` come to more than 100 000
/// runs has the first 100 000, and says so.
[[nodiscard]] Timeline timeline_of(const Plan& plan);

/// Of a recorded run; reads the trace to its end, and throws what that throws. Losses are put
/// together where there are more than a few thousand, and `on_entry` is called for each entry.
[[nodiscard]] Timeline timeline_of(TraceReader& trace, const std::function<void()>& on_entry = {});

struct TimelineText {
  int columns = 80;      ///< the width to fit; 40 at least are used
  bool colours = false;  ///< ANSI colours
};

/// For a terminal: the loss, then one line per lane.
void write_text(const Timeline& timeline, std::ostream& out, const TimelineText& options = {});
/// A picture: a whole SVG document.
void write_svg(const Timeline& timeline, std::ostream& out);
/// A page: one HTML document that needs nothing else. It zooms, says exact steps where the mouse
/// is, and has a table.
void write_html(const Timeline& timeline, std::ostream& out);

}  // namespace takt

#endif
