// SPDX-License-Identifier: BSL-1.0
/// \file
/// A trace for the viewers of browsers.
#ifndef TAKT_CHROME_TRACE_HPP
#define TAKT_CHROME_TRACE_HPP

#include <functional>
#include <iosfwd>

#include "takt/trace.hpp"

namespace takt {

/// Writes a trace, which is read to its end, in the Trace Event Format (its JSON object form) that
/// Perfetto and chrome://tracing open: batches, optimizer steps and calibration epochs on one
/// track, each modifier's hooks on a track of its own, and the loss as a counter. The hooks of one
/// event are drawn one after the other from when the event began. A trace without times is drawn
/// with one microsecond for each event. Throws what reading throws; a stream that fails is left to
/// the caller to notice. `on_entry` is called for each entry. On any thread; reader and stream are
/// one thread's at a time.
///
/// The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
void write_chrome_trace(TraceReader& trace, std::ostream& out,
                        const std::function<void()>& on_entry = {});

}  // namespace takt

#endif
