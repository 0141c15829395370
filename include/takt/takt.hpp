// SPDX-License-Identifier: BSL-1.0
/// \file
/// All of takt's core. Built-in modifiers have headers of their own: `<takt/modifiers/…>`.
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
