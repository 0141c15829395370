// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a trace tells, in short lines for tests.
#ifndef TAKT_TESTS_TOLD_TRACE_HPP
#define TAKT_TESTS_TOLD_TRACE_HPP

#include <sstream>
#include <string>
#include <takt/trace.hpp>
#include <vector>

namespace takt::test {

/// "batch_start 3/5: prune.on_start prune.on_update(disk full)": what, the step and the batch, the
/// loss or layers if there are any, and the hooks with what they threw. Additions are "+late",
/// removals "-late".
inline std::string told(const Trace& trace, const TraceEntry& entry) {
  std::ostringstream line;
  if (entry.kind == TraceKind::call) {
    line << entry.call;
  } else {
    line << (entry.kind == TraceKind::addition ? '+' : '-') << trace.modifier(entry.modifier).name;
  }
  line << ' ' << entry.step << '/' << entry.batch;
  if (entry.loss) line << " loss " << *entry.loss;
  for (const std::string& layer : entry.layers) line << " layer " << layer;
  const char* separator = ": ";
  for (const HookRun& run : entry.hooks) {
    line << separator << trace.modifier(run.modifier).name << '.' << run.hook;
    if (run.error) line << '(' << *run.error << ')';
    separator = " ";
  }
  return line.str();
}

inline std::vector<std::string> told(const Trace& trace) {
  std::vector<std::string> lines;
  for (const TraceEntry& entry : trace.entries) lines.push_back(told(trace, entry));
  return lines;
}

}  // namespace takt::test

#endif
