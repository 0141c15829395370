// SPDX-License-Identifier: BSL-1.0
/// \file
/// All of takt's core. Built-in modifiers have headers of their own: `<takt/modifiers/…>`.
///
/// *Threads.* takt starts none. Two threads may use two objects at once, also of one class, as long
/// as neither is handed what the other uses, such as a model or a stream. One object may be used by
/// several threads at once while all of them only read it, by members that are const. What is on a
/// bus or in its state, modifiers above all, changes with every call on that bus, and so belongs to
/// the thread of its loop, to read it too. Where a class allows more, or less, its head says so.
/// Free functions follow their arguments.
#ifndef TAKT_TAKT_HPP
#define TAKT_TAKT_HPP

// IWYU pragma: begin_exports
#include "takt/batch.hpp"
#include "takt/bus_call.hpp"
#include "takt/bus_options.hpp"
#include "takt/cadence.hpp"
#include "takt/checkpoint.hpp"
#include "takt/chrome_trace.hpp"
#include "takt/control.hpp"
#include "takt/error.hpp"
#include "takt/event.hpp"
#include "takt/event_bus.hpp"
#include "takt/event_type.hpp"
#include "takt/hook.hpp"
#include "takt/model.hpp"
#include "takt/modifier.hpp"
#include "takt/modifier_type.hpp"
#include "takt/optimizer.hpp"
#include "takt/plan.hpp"
#include "takt/plugin.hpp"
#include "takt/recipe.hpp"
#include "takt/registry.hpp"
#include "takt/replay.hpp"
#include "takt/setting_range.hpp"
#include "takt/setting_type.hpp"
#include "takt/setting_value.hpp"
#include "takt/state.hpp"
#include "takt/step_runs.hpp"
#include "takt/stop_on_signal.hpp"
#include "takt/testing.hpp"
#include "takt/timeline.hpp"
#include "takt/trace.hpp"
#include "takt/trace_recorder.hpp"
#include "takt/version.hpp"
// IWYU pragma: end_exports

#endif
