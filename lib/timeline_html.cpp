// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "takt/timeline.hpp"
#include "timeline_page.hpp"

namespace takt {
namespace {

using Json = nlohmann::ordered_json;

/// JSON that can stand inside of a script element: nothing in it can be read as markup, and
/// characters other than ASCII are escaped. Bytes that are no UTF-8 become U+FFFD.
std::string script_text(const Json& value) {
  std::string text;
  for (const char c : value.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else if (c == '>') {
      text += "\\u003e";
    } else if (c == '&') {
      text += "\\u0026";
    } else {
      text += c;
    }
  }
  return text;
}

/// As the text of an element. Bytes that are no UTF-8 become U+FFFD, control characters spaces.
std::string markup_text(const std::string& text) {
  const Json quoted = Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
  std::string result;
  for (const char c : quoted.get<std::string>()) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += ' ';
    } else {
      result += c;
    }
  }
  return result;
}

Json number_or_null(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

/// One array of numbers, which a browser reads in a fraction of the time that objects take.
Json due_json(const TimelineLane& lane) {
  Json numbers = Json::array();
  for (const StepRun& run : lane.due) {
    if (run.count < 1) continue;
    numbers.push_back(run.first);
    numbers.push_back(run.count);
    numbers.push_back(std::max<std::int64_t>(run.stride, 1));
  }
  return numbers;
}

Json lane_json(const TimelineLane& lane) {
  Json value = Json::object();
  value["name"] = lane.name;
  value["cadence"] = lane.cadence;
  value["starts"] = number_or_null(lane.starts);
  value["ends"] = number_or_null(lane.ends);
  value["updates"] = lane.updates;
  value["events"] = lane.events;
  value["due"] = due_json(lane);
  value["due_complete"] = lane.due_complete;
  value["nanoseconds"] = number_or_null(lane.nanoseconds);
  value["throws"] = lane.throws;
  return value;
}

Json losses_json(const Timeline& timeline) {
  Json numbers = Json::array();
  for (const LossSpan& span : timeline.losses) {
    if (!std::isfinite(span.low) || !std::isfinite(span.high) || !std::isfinite(span.mean))
      continue;
    numbers.push_back(span.first);
    numbers.push_back(span.last);
    numbers.push_back(span.low);
    numbers.push_back(span.high);
    numbers.push_back(span.mean);
  }
  return numbers;
}

/// Lane by lane: as JSON values, all steps of a long run would take many times the page's size.
void write_data(const Timeline& timeline, std::ostream& out) {
  Json head = Json::object();
  head["first_step"] = timeline.first_step;
  head["end_step"] = timeline.end_step;
  const bool epoch_based = timeline.steps_per_epoch.value_or(0) >= 1;
  head["steps_per_epoch"] = number_or_null(epoch_based ? timeline.steps_per_epoch : std::nullopt);
  head["losses"] = losses_json(timeline);
  std::string text = script_text(head);
  text.pop_back();
  out << text << ",\"lanes\":[";
  const char* separator = "\n";
  for (const TimelineLane& lane : timeline.lanes) {
    out << separator << script_text(lane_json(lane));
    separator = ",\n";
  }
  out << "]}";
}

}  // namespace

void write_html(const Timeline& timeline, std::ostream& out) {
  constexpr std::string_view title_place = "{{title}}";
  constexpr std::string_view data_place = "{{data}}";
  const std::string title = timeline.title.empty() ? "Timeline" : markup_text(timeline.title);
  std::string_view page = detail::timeline_page();
  while (!page.empty()) {
    const auto place = std::min(page.find(title_place), page.find(data_place));
    out << page.substr(0, place);
    if (place == std::string_view::npos) return;
    page.remove_prefix(place);
    const bool is_title = page.substr(0, title_place.size()) == title_place;
    if (is_title) {
      out << title;
    } else {
      write_data(timeline, out);
    }
    page.remove_prefix(is_title ? title_place.size() : data_place.size());
  }
}

}  // namespace takt
