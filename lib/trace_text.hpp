// SPDX-License-Identifier: BSL-1.0
/// \file
/// A trace as text: its lines, written and read. What they mean stands in `trace.hpp`.
#ifndef TAKT_LIB_TRACE_TEXT_HPP
#define TAKT_LIB_TRACE_TEXT_HPP

#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "takt/trace.hpp"

namespace takt::detail {

/// Appends the lines of one trace to a text, newlines included.
class TraceWriter {
 public:
  /// Without times, `t` and `ns` are left out.
  explicit TraceWriter(bool times) : times_{times} {}

  void header(const TraceHeader& header, std::string& out);
  /// The entry of an addition comes with what has joined.
  void addition(const TraceEntry& entry, const TracedModifier& joined, std::string& out);
  /// Any other entry.
  void entry(const TraceEntry& entry, std::string& out) const;

 private:
  void finish(const TraceEntry& entry, std::string& out) const;

  bool times_;
  std::vector<std::string> names_;  // as JSON texts, by position
};

/// What is wrong with a line; the reader says where.
class TraceLineError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The line is no JSON. Any line is that once its end is torn off.
class TraceSyntaxError : public TraceLineError {
 public:
  using TraceLineError::TraceLineError;
};

/// Understands the lines of one trace.
class TraceParser {
 public:
  /// Each throws `TraceLineError`, and is then as before.
  [[nodiscard]] TraceHeader header(std::string_view line);
  void entry(std::string_view line, TraceEntry& entry);

  /// Those that the header and additions have named.
  [[nodiscard]] const std::vector<TracedModifier>& modifiers() const noexcept { return modifiers_; }

 private:
  [[nodiscard]] std::size_t position_of(const std::string& name) const;

  std::vector<TracedModifier> modifiers_;
  std::unordered_map<std::string, std::size_t> positions_;  // of those on the bus, by name
};

}  // namespace takt::detail

#endif
