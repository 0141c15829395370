// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "bus_policies.hpp"
#include "takt/error.hpp"
#include "trace_text.hpp"

namespace takt::detail {
namespace {

using nlohmann::json;

std::string shown(const std::string& text) {
  constexpr std::size_t most = 60;
  std::string result =
      json(text.substr(0, most)).dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > most) result += "...";
  return result;
}

std::string shown(const json& value) {
  if (value.is_string()) return shown(value.get_ref<const std::string&>());
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return value.dump();
}

/// No line of a trace is deeper; the JSON library would take memory for any depth.
void require_shallow(std::string_view line) {
  constexpr int deepest = 16;
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) throw TraceLineError("is nested too deep for a trace");
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

json object_in(std::string_view line) {
  require_shallow(line);
  // The JSON library takes it for the end.
  const auto null = line.find('\0');
  if (null != std::string_view::npos) {
    throw TraceSyntaxError("is no valid JSON from column " + std::to_string(null + 1) + " on");
  }
  json value;
  try {
    value = json::parse(line);
  } catch (const json::parse_error& error) {
    throw TraceSyntaxError("is no valid JSON from column " + std::to_string(error.byte) + " on");
  } catch (const json::exception&) {
    throw TraceLineError("has a number that is too large");
  }
  if (!value.is_object()) throw TraceLineError("is no JSON object");
  return value;
}

/// The members of a JSON object, each checked when it is asked for.
class Fields {
 public:
  explicit Fields(const json& object) : object_{object} {
    if (!object.is_object()) throw TraceLineError(shown(object) + " stands where an object should");
  }

  [[nodiscard]] const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  [[nodiscard]] const json& get(const char* key) const {
    if (const json* const value = find(key)) return *value;
    throw TraceLineError("has no " + shown(std::string{key}));
  }

  [[nodiscard]] const std::string& text(const char* key) const { return text_of(get(key), key); }
  [[nodiscard]] std::int64_t whole(const char* key, std::int64_t least = 0) const {
    return whole_of(get(key), key, least);
  }
  [[nodiscard]] std::int64_t whole_or_0(const char* key) const {
    const json* const value = find(key);
    return value == nullptr ? 0 : whole_of(*value, key, 0);
  }
  [[nodiscard]] std::optional<std::int64_t> maybe_whole(const char* key, std::int64_t least) const {
    const json* const value = find(key);
    if (value == nullptr) return std::nullopt;
    return whole_of(*value, key, least);
  }
  [[nodiscard]] std::optional<double> maybe_number(const char* key) const {
    const json* const value = find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) return value->get<double>();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (*value == "inf") return infinity;
    if (*value == "-inf") return -infinity;
    if (*value == "nan") return std::numeric_limits<double>::quiet_NaN();
    throw wrong(key, *value, R"(a number, "nan", "inf" or "-inf")");
  }
  /// A list, or nothing when there is none.
  [[nodiscard]] const json* maybe_list(const char* key) const {
    const json* const value = find(key);
    if (value != nullptr && !value->is_array()) throw wrong(key, *value, "a list");
    return value;
  }

  static const std::string& text_of(const json& value, const char* key) {
    if (!value.is_string()) throw wrong(key, value, "a text");
    return value.get_ref<const std::string&>();
  }
  static TraceLineError wrong(const char* key, const json& value, const std::string& right) {
    TraceLineError error{shown(std::string{key}) + " is " + shown(value) + "; it is " + right};
    return error;
  }

 private:
  static std::int64_t whole_of(const json& value, const char* key, std::int64_t least) {
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() ||
                       value.get<std::uint64_t>() <=
                           static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) &&
                      value.get<std::int64_t>() >= least;
    if (!fits) throw wrong(key, value, "a whole number from " + std::to_string(least) + " on");
    return value.get<std::int64_t>();
  }

  const json& object_;
};

EventType event_type_in(const std::string& name) {
  try {
    return event_type_from_string(name);
  } catch (const InvalidEvent& error) {
    throw TraceLineError(std::string{"has an event that is not known: "} + error.what());
  }
}

EventSet events_in(const Fields& fields, const char* key) {
  EventSet events;
  const json* const names = fields.maybe_list(key);
  if (names == nullptr) return events;
  for (const json& name : *names) events = events | event_type_in(Fields::text_of(name, key));
  return events;
}

template <class Policy, std::size_t count>
Policy policy_in(const Fields& fields, const char* key,
                 const std::array<std::string_view, count>& names) {
  const json* const value = fields.find(key);
  if (value == nullptr) return Policy{};
  const std::string& name = Fields::text_of(*value, key);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<Policy>(found - names.begin());
  std::string right = "one of";
  for (const std::string_view known : names) (right += ' ') += known;
  throw Fields::wrong(key, *value, right);
}

Event start_in(const Fields& fields) {
  const Fields start{fields.get("start")};
  return {.steps_per_epoch = start.maybe_whole("steps_per_epoch", 1),
          .batches_per_step = start.maybe_whole("batches_per_step", 1),
          .invocations_per_step = start.maybe_whole("invocations_per_step", 1).value_or(1),
          .global_step = start.whole("step"),
          .global_batch = start.whole("batch")};
}

TracedModifier modifier_in(const json& value) {
  const Fields fields{value};
  TracedModifier modifier;
  modifier.name = fields.text("name");
  if (modifier.name.empty()) throw TraceLineError("has a modifier without a name");
  modifier.cadence = {.start = fields.maybe_number("start"),
                      .end = fields.maybe_number("end"),
                      .update = fields.maybe_number("update")};
  try {
    modifier.cadence.validate();
  } catch (const InvalidCadence& error) {
    throw TraceLineError("has a modifier " + shown(modifier.name) +
                         " that can't be: " + error.what());
  }
  modifier.interests = {.due = events_in(fields, "due"), .every = events_in(fields, "every")};
  constexpr std::int64_t least = std::numeric_limits<int>::min();
  const std::int64_t group = fields.maybe_whole("group", least).value_or(0);
  if (group > std::numeric_limits<int>::max())
    throw TraceLineError("has a group that is too large");
  modifier.group = static_cast<int>(group);
  return modifier;
}

BusCall call_in(const Fields& fields) {
  if (const json* const name = fields.find("event")) {
    return call_for(event_type_in(Fields::text_of(*name, "event")));
  }
  const json* const name = fields.find("call");
  if (name == nullptr) {
    throw TraceLineError(R"(has no "event", "call", "add" or "remove", and so says nothing)");
  }
  for (const BusCall call : {BusCall::abort_batch, BusCall::abort_calibration_epoch}) {
    if (Fields::text_of(*name, "call") == to_string(call)) return call;
  }
  throw Fields::wrong("call", *name, "abort_batch or abort_calibration_epoch");
}

}  // namespace

TraceHeader TraceParser::header(std::string_view line) {
  if (line.find('{') == std::string_view::npos) {
    throw TraceLineError("is no takt trace; the first line of one begins with {\"takt_trace\"");
  }
  const json value = object_in(line);
  const Fields fields{value};
  if (fields.find("takt_trace") == nullptr) {
    throw TraceLineError("is no takt trace; the first line of one has \"takt_trace\"");
  }
  if (*fields.find("takt_trace") != trace_version) {
    throw TraceLineError("is a trace of version " + shown(*fields.find("takt_trace")) +
                         "; this takt reads version " + std::to_string(trace_version));
  }
  TraceHeader header;
  header.start = start_in(fields);
  header.options.order = policy_in<OrderPolicy>(fields, "order", order_policy_names);
  header.options.errors = policy_in<ErrorPolicy>(fields, "errors", error_policy_names);
  std::unordered_map<std::string, std::size_t> positions;
  if (const json* const modifiers = fields.maybe_list("modifiers")) {
    for (const json& modifier : *modifiers) {
      header.modifiers.push_back(modifier_in(modifier));
      const std::string& name = header.modifiers.back().name;
      if (!positions.emplace(name, header.modifiers.size() - 1).second) {
        throw TraceLineError("has two modifiers called " + shown(name));
      }
    }
  }
  modifiers_ = header.modifiers;
  positions_ = std::move(positions);
  return header;
}

std::size_t TraceParser::position_of(const std::string& name) const {
  const auto found = positions_.find(name);
  if (found != positions_.end()) return found->second;
  throw TraceLineError("names a modifier " + shown(name) + " that is not on the bus by then");
}

void TraceParser::entry(std::string_view line, TraceEntry& entry) {
  const json value = object_in(line);
  const Fields fields{value};
  TraceEntry read;
  std::optional<TracedModifier> joined;
  if (const json* const added = fields.find("add")) {
    read.kind = TraceKind::addition;
    joined = modifier_in(*added);
    read.modifier = modifiers_.size();
    if (positions_.contains(joined->name)) {
      throw TraceLineError("adds a modifier " + shown(joined->name) + " that is there already");
    }
  } else if (const json* const removed = fields.find("remove")) {
    read.kind = TraceKind::removal;
    read.modifier = position_of(Fields::text_of(*removed, "remove"));
  } else {
    read.call = call_in(fields);
  }
  read.step = fields.whole("step");
  read.batch = fields.whole("batch");
  read.nanoseconds = fields.whole_or_0("t");
  read.loss = fields.maybe_number("loss");
  if (const json* const layers = fields.maybe_list("layers")) {
    for (const json& layer : *layers) read.layers.push_back(Fields::text_of(layer, "layers"));
  }
  if (const json* const hooks = fields.maybe_list("hooks")) {
    for (const json& hook : *hooks) {
      const Fields run{hook};
      const std::string& name = run.text("modifier");
      const bool by_joined = joined && joined->name == name;
      const auto known = hook_from_string(run.text("hook"));
      if (!known)
        throw TraceLineError("names a hook " + shown(run.text("hook")) + " that no modifier has");
      read.hooks.push_back(
          {by_joined ? read.modifier : position_of(name), *known, run.whole_or_0("ns"), {}});
      if (const json* const error = run.find("error")) {
        read.hooks.back().error = Fields::text_of(*error, "error");
      }
    }
  }
  if (joined) {
    positions_.emplace(joined->name, modifiers_.size());
    modifiers_.push_back(std::move(*joined));
  } else if (read.kind == TraceKind::removal) {
    positions_.erase(modifiers_[read.modifier].name);
  }
  entry = std::move(read);
}

}  // namespace takt::detail
