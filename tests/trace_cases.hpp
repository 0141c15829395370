// SPDX-License-Identifier: BSL-1.0
/// \file
/// Traces for tests: read from texts, written to them, and compared.
#ifndef TAKT_TESTS_TRACE_CASES_HPP
#define TAKT_TESTS_TRACE_CASES_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string>
#include <takt/error.hpp>
#include <takt/trace.hpp>
#include <vector>

namespace takt::test {

/// The shortest header there is.
inline const std::string bare_header = R"({"takt_trace":1,"start":{"step":0,"batch":0}})";

inline Trace trace_in(const std::string& text) {
  std::istringstream in{text};
  return read_trace(in);
}

/// What is said of a text that is no trace; empty when it is one.
inline std::string error_of(const std::string& text) {
  try {
    (void)trace_in(text);
  } catch (const TraceError& error) {
    return error.what();
  }
  return "";
}

inline std::string written(const Trace& trace, bool times = true) {
  std::ostringstream out;
  write_trace(trace, out, times);
  return out.str();
}

/// The lines of a text, without their newlines.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The same number, or both are none; zeros have a sign.
inline bool same_number(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}
inline bool same_number(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || same_number(*a, *b));
}

inline bool same(const TracedModifier& a, const TracedModifier& b) {
  return a.name == b.name && a.group == b.group && same_number(a.cadence.start, b.cadence.start) &&
         same_number(a.cadence.end, b.cadence.end) &&
         same_number(a.cadence.update, b.cadence.update) && a.interests.due == b.interests.due &&
         a.interests.every == b.interests.every;
}

inline bool same(const HookRun& a, const HookRun& b) {
  return a.modifier == b.modifier && a.hook == b.hook && a.nanoseconds == b.nanoseconds &&
         a.error == b.error;
}

bool same(const TraceEntry& a, const TraceEntry& b);

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::ranges::equal(a, b, [](const T& x, const T& y) { return same(x, y); });
}

inline bool same(const TraceEntry& a, const TraceEntry& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == TraceKind::call ? a.call != b.call : a.modifier != b.modifier) return false;
  return a.step == b.step && a.batch == b.batch && a.nanoseconds == b.nanoseconds &&
         same_number(a.loss, b.loss) && a.layers == b.layers && same(a.hooks, b.hooks);
}

inline bool same(const TraceHeader& a, const TraceHeader& b) {
  return a.start == b.start && a.options.order == b.options.order &&
         a.options.errors == b.options.errors && same(a.modifiers, b.modifiers);
}

inline bool same(const Trace& a, const Trace& b) {
  return same(a.header, b.header) && same(a.added, b.added) && same(a.entries, b.entries);
}

}  // namespace takt::test

#endif
