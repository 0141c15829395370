// SPDX-License-Identifier: BSL-1.0
/// \file
/// The entries of a trace, one after the other, wherever they are.
#ifndef TAKT_LIB_ENTRY_SOURCE_HPP
#define TAKT_LIB_ENTRY_SOURCE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "takt/trace.hpp"

namespace takt::detail {

/// Reads a trace once, from its first entry to its last.
class EntrySource {
 public:
  EntrySource() = default;
  EntrySource(const EntrySource&) = delete;
  EntrySource& operator=(const EntrySource&) = delete;
  virtual ~EntrySource() = default;

  [[nodiscard]] virtual const TraceHeader& header() const = 0;
  /// Good until it is called again; null at the end. Throws `TraceError`.
  [[nodiscard]] virtual const TraceEntry* next() = 0;
  /// Of an entry that has been read.
  [[nodiscard]] virtual const TracedModifier& modifier(std::size_t position) const = 0;
  /// What people call it.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Where the last entry stands, and how people say that: "run.jsonl:12".
  [[nodiscard]] virtual std::int64_t position() const = 0;
  [[nodiscard]] virtual std::string place(std::int64_t position) const = 0;
  /// Whether it ended in a torn line.
  [[nodiscard]] virtual bool torn() const = 0;
};

/// From a reader, which outlives it.
class ReadEntries final : public EntrySource {
 public:
  explicit ReadEntries(TraceReader& reader) : reader_{reader} {}

  [[nodiscard]] const TraceHeader& header() const override { return reader_.header(); }
  [[nodiscard]] const TraceEntry* next() override {
    return reader_.next(entry_) ? &entry_ : nullptr;
  }
  [[nodiscard]] const TracedModifier& modifier(std::size_t position) const override {
    return reader_.modifiers().at(position);
  }
  [[nodiscard]] std::string name() const override { return reader_.name(); }
  [[nodiscard]] std::int64_t position() const override { return reader_.line(); }
  [[nodiscard]] std::string place(std::int64_t position) const override {
    return reader_.name() + ':' + std::to_string(position);
  }
  [[nodiscard]] bool torn() const override { return reader_.torn(); }

 private:
  TraceReader& reader_;
  TraceEntry entry_;
};

/// From a trace in memory, which outlives it.
class HeldEntries final : public EntrySource {
 public:
  HeldEntries(const Trace& trace, std::string name) : trace_{trace}, name_{std::move(name)} {}

  [[nodiscard]] const TraceHeader& header() const override { return trace_.header; }
  [[nodiscard]] const TraceEntry* next() override {
    return next_ == trace_.entries.size() ? nullptr : &trace_.entries[next_++];
  }
  [[nodiscard]] const TracedModifier& modifier(std::size_t position) const override {
    return trace_.modifier(position);
  }
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::int64_t position() const override { return static_cast<std::int64_t>(next_); }
  [[nodiscard]] std::string place(std::int64_t position) const override {
    return name_ + ", entry " + std::to_string(position);
  }
  [[nodiscard]] bool torn() const override { return false; }

 private:
  const Trace& trace_;
  std::string name_;
  std::size_t next_ = 0;
};

}  // namespace takt::detail

#endif
