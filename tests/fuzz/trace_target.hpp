// SPDX-License-Identifier: BSL-1.0
/// \file
/// What holds for any bytes that are read as a trace. The fuzz target and the test of its corpus
/// share it.
#ifndef TAKT_TESTS_FUZZ_TRACE_TARGET_HPP
#define TAKT_TESTS_FUZZ_TRACE_TARGET_HPP

#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <takt/error.hpp>
#include <takt/replay.hpp>
#include <takt/trace.hpp>

#include "../trace_cases.hpp"

namespace takt::fuzz {

/// The trace in a text; nothing when it is refused, as the contract has it.
inline std::optional<Trace> trace_in(std::string_view text) {
  std::istringstream in{std::string{text}};
  try {
    return read_trace(in);
  } catch (const TraceError&) {
    return std::nullopt;
  }
}

/// How a trace compares with what stand-ins run today; nothing when no bus could have run so.
inline std::optional<TraceComparison> replay_of(std::string_view text) {
  std::istringstream in{std::string{text}};
  try {
    TraceReader reader{in};
    return replay(reader);
  } catch (const TraceError&) {
    return std::nullopt;
  }
}

/// That a trace reads back as it was written, differs from nothing but another, and can be
/// replayed. Throws `std::logic_error` for what does not hold; whatever else is thrown is a fault
/// as well.
inline void check_trace(std::string_view text) {
  const std::optional<Trace> trace = trace_in(text);
  const std::optional<TraceComparison> comparison = replay_of(text);
  if (!trace) {
    if (comparison) throw std::logic_error("what can't be read is replayed");
    return;
  }
  const std::string written = test::written(*trace);
  const std::optional<Trace> again = trace_in(written);
  if (!again) throw std::logic_error("what is written can't be read:\n" + written);
  if (!test::same(*again, *trace)) {
    throw std::logic_error("what is written reads back as another trace:\n" + written);
  }
  if (test::written(*again) != written) {
    throw std::logic_error("what is written is written otherwise a second time:\n" + written);
  }
  if (!diff(*trace, *again).equal()) {
    throw std::logic_error("what is written differs from itself:\n" + written);
  }
  const std::optional<TraceComparison> repeated = replay_of(written);
  if (comparison.has_value() != repeated.has_value() ||
      (comparison && comparison->differing != repeated->differing)) {
    throw std::logic_error("what is written is replayed otherwise:\n" + written);
  }
}

}  // namespace takt::fuzz

#endif
