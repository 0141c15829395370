// SPDX-License-Identifier: BSL-1.0
#include "json_text.hpp"

#include <cmath>
#include <ostream>

#include "number_text.hpp"

namespace takt::cli {
namespace {

Json json_of_lane(const TimelineLane& lane) {
  Json due = Json::array();
  for (const StepRun& run : lane.due) {
    due.push_back({{"first", run.first}, {"count", run.count}, {"stride", run.stride}});
  }
  Json json{{"name", lane.name},
            {"cadence", lane.cadence},
            {"starts", json_of(lane.starts)},
            {"ends", json_of(lane.ends)},
            {"updates", lane.updates},
            {"events", lane.events},
            {"due", due},
            {"due_complete", lane.due_complete}};
  if (lane.nanoseconds) json["nanoseconds"] = *lane.nanoseconds;
  if (lane.throws > 0) json["throws"] = lane.throws;
  return json;
}

}  // namespace

Json json_of(const std::optional<double>& number) {
  if (!number) return nullptr;
  if (std::isfinite(*number)) return *number;
  return detail::text_of(*number);
}

Json json_of(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json json_of(const Cadence& cadence) {
  return {{"start", json_of(cadence.start)},
          {"end", json_of(cadence.end)},
          {"update", json_of(cadence.update)}};
}

Json json_of(const Timeline& timeline) {
  Json modifiers = Json::array();
  for (const TimelineLane& lane : timeline.lanes) modifiers.push_back(json_of_lane(lane));
  Json losses = Json::array();
  for (const LossSpan& span : timeline.losses) {
    losses.push_back({{"first", span.first},
                      {"last", span.last},
                      {"low", span.low},
                      {"high", span.high},
                      {"mean", span.mean}});
  }
  return {{"title", timeline.title},       {"first_step", timeline.first_step},
          {"end_step", timeline.end_step}, {"steps_per_epoch", json_of(timeline.steps_per_epoch)},
          {"modifiers", modifiers},        {"losses", losses}};
}

void write_json(const Json& json, const Screen& screen) {
  screen.out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace takt::cli
