// SPDX-License-Identifier: BSL-1.0
#include "takt/trace_recorder.hpp"

#include <fstream>
#include <new>
#include <optional>
#include <ostream>
#include <utility>

#include "entry_log.hpp"
#include "output_file.hpp"
#include "trace_text.hpp"

namespace takt {
namespace detail {

/// One recording, whatever it goes to.
class TraceSession : public EntryLog {
 public:
  explicit TraceSession(EventBus& bus) : EntryLog{bus, true} {}

  virtual void flush() = 0;
  void set_handler(std::function<void(const TraceError&)> handler) {
    handler_ = std::move(handler);
  }
  [[nodiscard]] std::int64_t entries() const noexcept { return entries_; }
  void throw_if_failed() const {
    if (failure_) throw TraceError(*failure_);
  }
  [[nodiscard]] bool failed() const noexcept { return failure_.has_value(); }
  void close() {
    if (std::exchange(closed_, true)) return;
    detach();
    flush();
  }

 protected:
  void count_entry() noexcept { ++entries_; }
  std::optional<std::int64_t> on_checkpoint() override {
    flush();
    return from_the_start_ ? std::optional{entries_} : std::nullopt;
  }
  /// Those before a run that is resumed; nothing when nobody counted them.
  void count_entries(std::optional<std::int64_t> entries) noexcept {
    entries_ = entries.value_or(0);
    from_the_start_ = entries.has_value();
  }

  /// Ends the recording, and tells the handler. In a `catch`.
  void on_failure() noexcept override {
    if (failure_) return;
    detach();
    try {
      name_failure();
    } catch (const std::bad_alloc&) {
      failure_ = "out of memory";  // short enough to need none
    }
    if (!handler_) return;
    try {
      handler_(TraceError(*failure_));
    } catch (...) {  // NOLINT(bugprone-empty-catch): there is nobody left to tell
    }
  }

 private:
  /// In a `catch`.
  void name_failure() {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      failure_ = "out of memory";
    } catch (const std::exception& error) {
      failure_ = error.what();
    } catch (...) {
      failure_ = "the recording failed";
    }
  }

  std::function<void(const TraceError&)> handler_;
  std::optional<std::string> failure_;
  std::int64_t entries_ = 0;
  bool from_the_start_ = true;  // entries_ has all of the run
  bool closed_ = false;
};

namespace {

std::unique_ptr<OutputFile> opened(const std::filesystem::path& file) {
  try {
    return std::make_unique<OutputFile>(file);
  } catch (const std::runtime_error& error) {
    throw TraceError(error.what());
  }
}

struct KeptTrace {
  std::int64_t bytes = 0;
  std::int64_t nanoseconds = 0;  // of its last entry
};

bool ends_a_line(const std::string& file, std::int64_t bytes) {
  std::ifstream in{file, std::ios::binary};
  in.seekg(bytes - 1);
  return in.get() == '\n';
}

/// The beginning of a trace with so many entries, which are those before the counters of `now`.
KeptTrace first_entries(const std::string& file, std::int64_t entries, const Event& now) {
  TraceReader reader{std::filesystem::path{file}};
  TraceEntry entry;
  for (std::int64_t i = 0; i < entries; ++i) {
    if (reader.next(entry)) continue;
    throw TraceError(file + " is left as it is: it has " + std::to_string(i) +
                     " entries, and the run is resumed behind " + std::to_string(entries));
  }
  if (!ends_a_line(file, reader.bytes())) {
    throw TraceError(file +
                     " is left as it is: the entry that the run is resumed behind has lost " +
                     "the end of its line");
  }
  const bool closes_a_batch =
      entry.kind == TraceKind::call && entry.call == call_for(EventType::BATCH_END);
  const Event& start = reader.header().start;
  if (entry.batch + (closes_a_batch ? 1 : 0) != now.global_batch ||
      start.steps_per_epoch != now.steps_per_epoch) {
    throw TraceError(file + " is left as it is: it is the trace of another run than the one that " +
                     "is resumed");
  }
  return {.bytes = reader.bytes(), .nanoseconds = entry.nanoseconds};
}

/// Writes lines to a stream, many at a time.
class StreamSession final : public TraceSession {
 public:
  StreamSession(EventBus& bus, std::unique_ptr<OutputFile> file)
      : TraceSession{bus}, file_{std::move(file)}, out_{file_->stream()}, name_{file_->name()} {}
  StreamSession(EventBus& bus, std::ostream& out) : TraceSession{bus}, out_{out}, name_{"trace"} {}

  void flush() override {
    throw_if_failed();
    if (lines_.empty()) return;
    try {
      write();
    } catch (...) {
      on_failure();
      throw_if_failed();
    }
  }

 private:
  std::optional<std::int64_t> on_checkpoint() override {
    const auto entries = TraceSession::on_checkpoint();
    if (file_) file_->sync();
    return entries;
  }

  // A stream gets what comes now, and whoever has it knows what came before.
  std::int64_t on_resumed(const TraceHeader& now, std::optional<std::int64_t> entries) override {
    std::string header;
    writer_.header(now, header);  // for the names
    count_entries(entries);
    if (!file_ || !file_->replaces()) return 0;
    if (!entries) {
      throw TraceError(name_ +
                       " is left as it is: the checkpoint was saved on a bus that was not "
                       "recorded, so what comes now can't go on behind it");
    }
    const KeptTrace kept = first_entries(name_, *entries, now.start);
    file_->go_on_behind(kept.bytes);
    bytes_ = kept.bytes;
    written_at_ = kept.nanoseconds;
    return kept.nanoseconds;
  }

  void on_header(const TraceHeader& header) override {
    writer_.header(header, lines_);
    write();
    if (file_) file_->take_name();
  }

  void on_entry(TraceEntry& entry, const TracedModifier* joined) override {
    if (joined != nullptr) {
      writer_.addition(entry, *joined, lines_);
    } else {
      writer_.entry(entry, lines_);
    }
    count_entry();
    constexpr std::size_t many = std::size_t{1} << 16U;
    constexpr std::int64_t second = 1'000'000'000;
    const bool last = entry.kind == TraceKind::call && entry.call == BusCall::finalize;
    finalized_ = finalized_ || last;  // what comes then is the last, or nearly
    if (finalized_ || lines_.size() >= many || entry.nanoseconds - written_at_ >= second) {
      written_at_ = entry.nanoseconds;
      write();
    }
  }

  void write() {
    out_.write(lines_.data(), static_cast<std::streamsize>(lines_.size()));
    out_.flush();
    if (out_) {
      bytes_ += static_cast<std::int64_t>(lines_.size());
      lines_.clear();
      return;
    }
    lines_.clear();
    if (file_) file_->cut_behind(bytes_);  // half a line
    throw TraceError(name_ + " can't be written any more; the disk may be full");
  }

  std::unique_ptr<OutputFile> file_;
  std::ostream& out_;
  std::string name_;
  TraceWriter writer_{true};
  std::string lines_;
  std::int64_t written_at_ = 0;  // nanoseconds since the recording began
  std::int64_t bytes_ = 0;       // of a file, written
  bool finalized_ = false;
};

class MemorySession final : public TraceSession {
 public:
  MemorySession(EventBus& bus, Trace& trace) : TraceSession{bus}, trace_{trace} { trace_ = {}; }
  void flush() override { throw_if_failed(); }

 private:
  void on_header(const TraceHeader& header) override { trace_.header = header; }
  std::int64_t on_resumed(const TraceHeader& now, std::optional<std::int64_t> entries) override {
    trace_.header = now;
    count_entries(entries);
    return 0;
  }
  void on_entry(TraceEntry& entry, const TracedModifier* joined) override {
    if (joined != nullptr) trace_.added.push_back(*joined);
    trace_.entries.push_back(entry);
    count_entry();
  }

  Trace& trace_;
};

}  // namespace
}  // namespace detail

TraceRecorder::TraceRecorder(EventBus& bus, const std::filesystem::path& file)
    : session_{std::make_unique<detail::StreamSession>(bus, detail::opened(file))} {}
TraceRecorder::TraceRecorder(EventBus& bus, std::ostream& out)
    : session_{std::make_unique<detail::StreamSession>(bus, out)} {}
TraceRecorder::TraceRecorder(EventBus& bus, Trace& trace)
    : session_{std::make_unique<detail::MemorySession>(bus, trace)} {}
TraceRecorder::TraceRecorder(TraceRecorder&&) noexcept = default;
TraceRecorder& TraceRecorder::operator=(TraceRecorder&& other) noexcept {
  TraceRecorder old{std::move(*this)};  // writes what is left
  session_ = std::move(other.session_);
  return *this;
}

TraceRecorder::~TraceRecorder() {
  if (!session_ || session_->failed()) return;
  try {
    close();
  } catch (const TraceError&) {  // NOLINT(bugprone-empty-catch): the handler has been told
  }
}

void TraceRecorder::on_error(std::function<void(const TraceError&)> handler) {
  session_->set_handler(std::move(handler));
}
void TraceRecorder::flush() { session_->flush(); }
void TraceRecorder::close() { session_->close(); }
std::int64_t TraceRecorder::entries() const noexcept { return session_->entries(); }

}  // namespace takt
