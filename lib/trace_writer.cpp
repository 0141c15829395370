// SPDX-License-Identifier: BSL-1.0
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bus_policies.hpp"
#include "number_text.hpp"
#include "trace_text.hpp"

// Objects and arrays of numbers are put down as they come, which takes a tenth of the time of
// building a JSON value first. Texts are the JSON library's.

namespace takt::detail {
namespace {

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append(std::string& out, std::int64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

void append(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += '"';
    out += text_of(std::isnan(value) ? std::abs(value) : value);
    out += '"';
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
  // As a whole number it would lose its sign.
  if (value == 0.0 && std::signbit(value)) out += ".0";
}

template <class Number>
void append_field(std::string& out, std::string_view key, Number value) {
  out += ",\"";
  out += key;
  out += "\":";
  append(out, value);
}

void append_bound(std::string& out, std::string_view key, const std::optional<double>& value) {
  if (value) append_field(out, key, *value);
}

void append_events(std::string& out, std::string_view key, EventSet events) {
  out += ",\"";
  out += key;
  out += "\":[";
  const char* separator = "\"";
  for (const EventType type : events) {
    out += separator;
    out += to_string(type);
    out += '"';
    separator = ",\"";
  }
  out += ']';
}

void append_modifier(std::string& out, const TracedModifier& modifier) {
  out += R"({"name":)";
  out += json_text(modifier.name);
  append_bound(out, "start", modifier.cadence.start);
  append_bound(out, "end", modifier.cadence.end);
  append_bound(out, "update", modifier.cadence.update);
  append_field(out, "group", std::int64_t{modifier.group});
  append_events(out, "due", modifier.interests.due);
  append_events(out, "every", modifier.interests.every);
  out += '}';
}

void append_start(std::string& out, const Event& start) {
  out += R"({"step":)";
  append(out, start.global_step);
  append_field(out, "batch", start.global_batch);
  if (start.steps_per_epoch) append_field(out, "steps_per_epoch", *start.steps_per_epoch);
  if (start.batches_per_step) append_field(out, "batches_per_step", *start.batches_per_step);
  append_field(out, "invocations_per_step", start.invocations_per_step);
  out += '}';
}

}  // namespace

void TraceWriter::header(const TraceHeader& header, std::string& out) {
  out += R"({"takt_trace":)";
  append(out, std::int64_t{trace_version});
  out += R"(,"start":)";
  append_start(out, header.start);
  out += R"(,"order":")";
  out += name_of(header.options.order);
  out += R"(","errors":")";
  out += name_of(header.options.errors);
  out += R"(","modifiers":[)";
  names_.clear();
  for (const TracedModifier& modifier : header.modifiers) {
    if (!names_.empty()) out += ',';
    append_modifier(out, modifier);
    names_.push_back(json_text(modifier.name));
  }
  out += "]}\n";
}

void TraceWriter::addition(const TraceEntry& entry, const TracedModifier& joined,
                           std::string& out) {
  out += R"({"add":)";
  append_modifier(out, joined);
  names_.push_back(json_text(joined.name));
  finish(entry, out);
}

void TraceWriter::entry(const TraceEntry& entry, std::string& out) const {
  if (entry.kind == TraceKind::removal) {
    out += R"({"remove":)";
    out += names_.at(entry.modifier);
  } else {
    out += event_of(entry.call) ? R"({"event":")" : R"({"call":")";
    out += to_string(entry.call);
    out += '"';
  }
  finish(entry, out);
}

void TraceWriter::finish(const TraceEntry& entry, std::string& out) const {
  append_field(out, "step", entry.step);
  append_field(out, "batch", entry.batch);
  if (times_) append_field(out, "t", entry.nanoseconds);
  if (entry.loss) append_field(out, "loss", *entry.loss);
  if (!entry.layers.empty()) {
    out += R"(,"layers":[)";
    for (const std::string& layer : entry.layers) {
      if (&layer != entry.layers.data()) out += ',';
      out += json_text(layer);
    }
    out += ']';
  }
  if (!entry.hooks.empty()) {
    const char* separator = R"(,"hooks":[{"modifier":)";
    for (const HookRun& run : entry.hooks) {
      out += separator;
      out += names_.at(run.modifier);
      out += R"(,"hook":")";
      out += to_string(run.hook);
      out += '"';
      if (times_) append_field(out, "ns", run.nanoseconds);
      if (run.error) {
        out += R"(,"error":)";
        out += json_text(*run.error);
      }
      out += '}';
      separator = R"(,{"modifier":)";
    }
    out += ']';
  }
  out += "}\n";
}

}  // namespace takt::detail
