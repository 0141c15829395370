// SPDX-License-Identifier: BSL-1.0
/// \file
/// The entries of a trace, and who leaves the bus right after each.
#ifndef TAKT_LIB_ENTRY_LOOKAHEAD_HPP
#define TAKT_LIB_ENTRY_LOOKAHEAD_HPP

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "entry_source.hpp"

namespace takt::detail {

/// Reads a trace once, as far ahead as the next call.
class EntryLookahead {
 public:
  explicit EntryLookahead(EntrySource& source) : source_{source} {}

  /// Good until it is called again; null at the end. Throws `TraceError`.
  [[nodiscard]] const TraceEntry* next() {
    if (!read_.empty()) read_.pop_front();
    if (read_.empty() && !read()) return nullptr;
    if (read_.front().entry.kind == TraceKind::call) {
      while (!ends_at_a_call() && read()) {
      }
    }
    return &read_.front().entry;
  }

  /// Where that entry stands: "run.jsonl:12".
  [[nodiscard]] std::string here() const { return source_.place(read_.front().position); }

  /// The removals between that entry, a call, and the next one. Good as long as that entry is.
  [[nodiscard]] std::vector<const TraceEntry*> removals() const {
    std::vector<const TraceEntry*> found;
    for (auto ahead = read_.begin() + 1; ahead != read_.end(); ++ahead) {
      if (ahead->entry.kind == TraceKind::removal) found.push_back(&ahead->entry);
    }
    return found;
  }

 private:
  struct Read {
    TraceEntry entry{};
    std::int64_t position = 0;
  };

  bool read() {
    const TraceEntry* const entry = source_.next();
    if (entry != nullptr) read_.push_back({*entry, source_.position()});
    return entry != nullptr;
  }

  /// An exception aborts an open batch, and the calibration epoch around it, before the bus comes
  /// to what other threads have asked for; so that call is not the next.
  [[nodiscard]] bool ends_at_a_call() const {
    const TraceEntry& last = read_.back().entry;
    return read_.size() > 1 && last.kind == TraceKind::call &&
           last.call != BusCall::abort_calibration_epoch;
  }

  EntrySource& source_;
  std::deque<Read> read_;  // the front one is that which was returned
};

}  // namespace takt::detail

#endif
