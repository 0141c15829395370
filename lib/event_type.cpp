// SPDX-License-Identifier: BSL-1.0
#include "takt/event_type.hpp"

#include <algorithm>
#include <array>
#include <ostream>

#include "takt/error.hpp"

namespace takt {
namespace {

const std::array<std::string, event_type_count>& names() {
  static const std::array<std::string, event_type_count> all{"initialize",
                                                             "finalize",
                                                             "batch_start",
                                                             "loss_calculated",
                                                             "batch_end",
                                                             "calibration_epoch_start",
                                                             "sequential_epoch_end",
                                                             "calibration_epoch_end",
                                                             "optim_pre_step",
                                                             "optim_post_step"};
  return all;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

const std::string& to_string(EventType type) {
  const auto value = static_cast<std::size_t>(type);
  if (value >= event_type_count) {
    throw InvalidEvent("no event type has the value " + std::to_string(value) +
                       "; they are numbered 0 to 9");
  }
  return names()[value];
}

EventType event_type_from_string(std::string_view name) {
  std::string wanted{name};
  std::ranges::transform(wanted, wanted.begin(), lower);
  const auto* const found = std::ranges::find(names(), wanted);
  if (found != names().end()) return static_cast<EventType>(found - names().begin());

  std::string message = "no event type is called '" + std::string{name} + "'; there are ";
  for (const std::string& known : names()) {
    if (&known != names().data()) message += ", ";
    message += known;
  }
  throw InvalidEvent(message);
}

std::ostream& operator<<(std::ostream& out, EventType type) { return out << to_string(type); }

}  // namespace takt
