// SPDX-License-Identifier: BSL-1.0
#include "takt/chrome_trace.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace takt {
namespace {

using Json = nlohmann::ordered_json;

constexpr int process = 1;
// Viewers take a thread 0 for an idle processor.
constexpr std::size_t loop_track = 1;
constexpr std::size_t track_of(std::size_t modifier) { return loop_track + 1 + modifier; }

/// Times are microseconds there.
double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

class ChromeWriter {
 public:
  explicit ChromeWriter(std::ostream& out) : out_{out} {
    out_ << R"({"displayTimeUnit":"ns","traceEvents":[)";
    write(named("process_name", loop_track, "training run"));
    write(named("thread_name", loop_track, "loop"));
  }

  void track(std::size_t modifier, const std::string& name) {
    write(named("thread_name", track_of(modifier), name));
  }

  void entry(const TraceEntry& entry, const TraceReader& trace) {
    timed_ = timed_ || entry.nanoseconds > 0;
    // What is drawn has to be in order, whatever the file says.
    now_ = std::max(now_, timed_ ? microseconds(entry.nanoseconds) : static_cast<double>(entries_));
    ++entries_;
    if (entry.kind == TraceKind::call) begin(entry);
    hooks(entry, trace);
    if (entry.kind == TraceKind::call) end(entry);
  }

  void finish() {
    for (; !open_.empty(); open_.pop_back()) write(phase("E", open_.back(), loop_track, now_));
    out_ << "\n]}\n";
  }

 private:
  static Json named(const char* what, std::size_t track, const std::string& name) {
    return {
        {"name", what}, {"ph", "M"}, {"pid", process}, {"tid", track}, {"args", {{"name", name}}}};
  }
  static Json phase(const char* ph, const std::string& name, std::size_t track, double at) {
    return {{"name", name}, {"ph", ph}, {"ts", at}, {"pid", process}, {"tid", track}};
  }

  void write(const Json& event) {
    out_ << separator_ << event.dump(-1, ' ', false, Json::error_handler_t::replace);
    separator_ = ",\n";
  }

  void open(const std::string& name, const TraceEntry& entry) {
    Json event = phase("B", name, loop_track, now_);
    event["args"] = {{"step", entry.step}, {"batch", entry.batch}};
    write(event);
    open_.push_back(name);
  }
  /// Closes what is open up to `name`; nothing when that is not open.
  void close(const std::string& name) {
    if (std::ranges::find(open_, name) == open_.end()) return;
    while (true) {
      const std::string top = open_.back();
      open_.pop_back();
      write(phase("E", top, loop_track, now_));
      if (top == name) return;
    }
  }

  void begin(const TraceEntry& entry) {
    switch (entry.call) {
      case BusCall::batch_start:
        return open("batch", entry);
      case BusCall::optim_pre_step:
        return open("optimizer step", entry);
      case BusCall::calibration_epoch_start:
        return open("calibration epoch", entry);
      case BusCall::loss_calculated:
        return loss(entry);
      case BusCall::batch_end:
      case BusCall::optim_post_step:
      case BusCall::calibration_epoch_end:
        return;
      default:
        return instant(entry);
    }
  }

  /// After the hooks, which belong to what ends.
  void end(const TraceEntry& entry) {
    switch (entry.call) {
      case BusCall::batch_end:
      case BusCall::abort_batch:
        return close("batch");
      case BusCall::optim_post_step:
        return close("optimizer step");
      case BusCall::calibration_epoch_end:
      case BusCall::abort_calibration_epoch:
        return close("calibration epoch");
      default:
        return;
    }
  }

  void instant(const TraceEntry& entry) {
    Json event = phase("i", to_string(entry.call), loop_track, now_);
    event["s"] = "t";
    event["args"] = {{"step", entry.step}};
    write(event);
  }

  void loss(const TraceEntry& entry) {
    if (!entry.loss || !std::isfinite(*entry.loss)) return;
    Json event = phase("C", "loss", loop_track, now_);
    event["args"] = {{"loss", *entry.loss}};
    write(event);
  }

  void hooks(const TraceEntry& entry, const TraceReader& trace) {
    for (const HookRun& run : entry.hooks) {
      Json event = phase("X", to_string(run.hook), track_of(run.modifier), now_);
      event["dur"] = microseconds(run.nanoseconds);
      event["args"] = {{"modifier", trace.modifiers()[run.modifier].name},
                       {"event", what_happens(entry)},
                       {"step", entry.step},
                       {"batch", entry.batch}};
      if (run.error) event["args"]["error"] = *run.error;
      write(event);
      now_ += microseconds(run.nanoseconds);
    }
  }

  static std::string what_happens(const TraceEntry& entry) {
    if (entry.kind == TraceKind::call) return to_string(entry.call);
    return entry.kind == TraceKind::addition ? "joins" : "leaves";
  }

  std::ostream& out_;
  const char* separator_ = "\n";
  std::vector<std::string> open_;
  double now_ = 0.0;
  std::int64_t entries_ = 0;
  bool timed_ = false;
};

}  // namespace

void write_chrome_trace(TraceReader& trace, std::ostream& out,
                        const std::function<void()>& on_entry) {
  ChromeWriter writer{out};
  std::size_t tracks = 0;
  const auto add_tracks = [&] {
    for (; tracks < trace.modifiers().size(); ++tracks) {
      writer.track(tracks, trace.modifiers()[tracks].name);
    }
  };
  add_tracks();
  for (TraceEntry entry; trace.next(entry);) {
    add_tracks();
    writer.entry(entry, trace);
    if (on_entry) on_entry();
  }
  writer.finish();
}

}  // namespace takt
