// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <ostream>

#include "takt/error.hpp"
#include "takt/trace.hpp"
#include "trace_text.hpp"

namespace takt {

using detail::TraceLineError;
using detail::TraceSyntaxError;

/// The lines of a stream, and what has been understood of them.
class TraceReader::Lines {
 public:
  Lines(std::istream& in, std::string name) : in_{in}, name_{std::move(name)} { read_header(); }
  Lines(std::unique_ptr<std::istream> file, std::string name)
      : owned_{std::move(file)}, in_{*owned_}, name_{std::move(name)} {
    read_header();
  }

  bool next(TraceEntry& entry) {
    if (ended_) return false;
    try {
      do {
        if (!read_line()) return false;
      } while (is_blank(line_));
      parser_.entry(line_, entry);
      return true;
    } catch (const TraceSyntaxError& error) {
      ended_ = true;
      // A torn line may be whole JSON, when only its newline is missing; then it counts.
      if (!torn_off_) throw error_here(error.what());
      torn_ = true;
      return false;
    } catch (const TraceLineError& error) {
      ended_ = true;
      throw error_here(error.what());
    }
  }

  [[nodiscard]] const TraceHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::vector<TracedModifier>& modifiers() const noexcept {
    return parser_.modifiers();
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::int64_t line() const noexcept { return line_number_; }
  [[nodiscard]] std::int64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool torn() const noexcept { return torn_; }

 private:
  [[nodiscard]] static bool is_blank(std::string_view line) noexcept {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
  }

  [[nodiscard]] TraceError error_here(const std::string& what) const {
    TraceError error{name_ + ':' + std::to_string(line_number_) + ": " + what};
    return error;
  }

  void read_header() {
    try {
      if (!read_line()) {
        line_number_ = 1;
        throw TraceLineError("is empty; the first line of a trace says what it is");
      }
      header_ = parser_.header(line_);
    } catch (const TraceSyntaxError& error) {
      std::string what = error.what();
      if (torn_off_) what += ", and ends before the line does";
      throw error_here(what);
    } catch (const TraceLineError& error) {
      throw error_here(error.what());
    }
  }

  /// The next line, without its newline; false at the end.
  bool read_line() {
    constexpr std::size_t longest = std::size_t{64} << 20U;
    line_.clear();
    while (true) {
      if (place_ == chunk_.size() && !fill()) break;
      const std::size_t newline = chunk_.find('\n', place_);
      const bool ends = newline != std::string::npos;
      line_.append(chunk_, place_, ends ? newline - place_ : newline);
      place_ = ends ? newline : chunk_.size();
      if (line_.size() > longest) {
        ++line_number_;
        throw TraceLineError("is longer than 64 MiB, which no line of a trace is");
      }
      if (ends) {
        ++place_;
        ++line_number_;
        bytes_ += static_cast<std::int64_t>(line_.size()) + 1;
        return true;
      }
    }
    ended_ = true;
    if (line_.empty()) return false;
    torn_off_ = true;
    ++line_number_;
    bytes_ += static_cast<std::int64_t>(line_.size());
    return true;
  }

  bool fill() {
    constexpr std::size_t size = std::size_t{1} << 16U;
    chunk_.resize(size);
    try {
      in_.read(chunk_.data(), static_cast<std::streamsize>(size));
    } catch (...) {  // NOLINT(bugprone-empty-catch): its state says the same
    }
    if (in_.bad()) {
      ended_ = true;
      throw TraceError(name_ + " can't be read to its end");
    }
    chunk_.resize(static_cast<std::size_t>(in_.gcount()));
    place_ = 0;
    return !chunk_.empty();
  }

  std::unique_ptr<std::istream> owned_;
  std::istream& in_;
  std::string name_;
  std::string chunk_;
  std::size_t place_ = 0;  // in the chunk
  std::string line_;
  std::int64_t line_number_ = 0;
  std::int64_t bytes_ = 0;
  bool ended_ = false;
  bool torn_off_ = false;  // the last line has no newline
  bool torn_ = false;
  detail::TraceParser parser_;
  TraceHeader header_;
};

namespace {

std::unique_ptr<std::istream> opened(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) {
    throw TraceError(file.string() + " is a folder; give a trace file");
  }
  errno = 0;
  auto stream = std::make_unique<std::ifstream>(file, std::ios::binary);
  if (!*stream) {
    throw TraceError(file.string() + " can't be read: " +
                     (errno != 0 ? std::strerror(errno) : "it can't be opened"));
  }
  return stream;
}

Trace all_of(TraceReader reader) {
  Trace trace;
  trace.header = reader.header();
  for (TraceEntry entry; reader.next(entry);) trace.entries.push_back(std::move(entry));
  const auto first_added = static_cast<std::ptrdiff_t>(trace.header.modifiers.size());
  trace.added.assign(reader.modifiers().begin() + first_added, reader.modifiers().end());
  return trace;
}

}  // namespace

TraceReader::TraceReader(const std::filesystem::path& file)
    : lines_{std::make_unique<Lines>(opened(file), file.string())} {}
TraceReader::TraceReader(std::istream& in, std::string name)
    : lines_{std::make_unique<Lines>(in, std::move(name))} {}
TraceReader::TraceReader(TraceReader&&) noexcept = default;
TraceReader& TraceReader::operator=(TraceReader&&) noexcept = default;
TraceReader::~TraceReader() = default;

const TraceHeader& TraceReader::header() const noexcept { return lines_->header(); }
bool TraceReader::next(TraceEntry& entry) { return lines_->next(entry); }
const std::vector<TracedModifier>& TraceReader::modifiers() const noexcept {
  return lines_->modifiers();
}
const std::string& TraceReader::name() const noexcept { return lines_->name(); }
std::int64_t TraceReader::line() const noexcept { return lines_->line(); }
std::int64_t TraceReader::bytes() const noexcept { return lines_->bytes(); }
bool TraceReader::torn() const noexcept { return lines_->torn(); }

const TracedModifier& Trace::modifier(std::size_t position) const {
  const std::size_t first_added = header.modifiers.size();
  return position < first_added ? header.modifiers[position] : added.at(position - first_added);
}

Trace read_trace(const std::filesystem::path& file) { return all_of(TraceReader{file}); }
Trace read_trace(std::istream& in, const std::string& name) {
  return all_of(TraceReader{in, name});
}

void write_trace(const Trace& trace, std::ostream& out, bool times) {
  detail::TraceWriter writer{times};
  std::string line;
  writer.header(trace.header, line);
  out << line;
  for (const TraceEntry& entry : trace.entries) {
    line.clear();
    if (entry.kind == TraceKind::addition) {
      writer.addition(entry, trace.modifier(entry.modifier), line);
    } else {
      writer.entry(entry, line);
    }
    out << line;
  }
}

}  // namespace takt
