// SPDX-License-Identifier: BSL-1.0
#include "window_words.hpp"

#include <cstdint>
#include <optional>

#include "last_due_step.hpp"
#include "number_text.hpp"

namespace takt::detail {
namespace {

// Beyond it a step is no number that is told apart from the next one.
constexpr double largest_step = 9007199254740992.0;  // 2^53

std::string rate_words(const Cadence& cadence, const std::string& unit) {
  const double update = cadence.update.value_or(0.0);
  if (update == 0.0) return "at every step";
  if (update == 1.0) return "every " + unit;
  return "every " + text_of(update) + ' ' + unit + 's';
}

/// The last step at which it is due; nothing when there is no last one.
std::optional<std::int64_t> last_step(const Cadence& cadence, const Event& start) {
  const double steps_per_index = static_cast<double>(start.steps_per_epoch.value_or(1));
  if (!cadence.end || *cadence.end * steps_per_index >= largest_step) return std::nullopt;
  Event after = start;
  after.set_current_index(*cadence.end);
  after.global_step += 2;  // the index is met within a tolerance
  return last_due_step_before(cadence, after);
}

}  // namespace

std::string window_words(const Cadence& cadence, bool epochs) {
  const std::string unit = epochs ? "epoch" : "step";
  const bool opens = cadence.start && *cadence.start > 0.0;
  const bool closes = cadence.end && *cadence.end < largest_step;
  std::string rate = rate_words(cadence, unit);
  if (!opens && !closes) return rate;
  if (cadence.start && closes && *cadence.start == *cadence.end) {
    return "at " + unit + ' ' + text_of(*cadence.end);
  }
  std::string words;
  if (opens && closes) {
    words = "from " + unit + ' ' + text_of(*cadence.start) + " to " + text_of(*cadence.end);
  } else if (opens) {
    words = "from " + unit + ' ' + text_of(*cadence.start) + " on";
  } else {
    words = "until " + unit + ' ' + text_of(*cadence.end);
  }
  return words + ", " + rate;
}

std::string step_words(const Cadence& cadence, const Event& start) {
  const auto first = cadence.next_update(start);
  if (!first) return "never";
  const auto last = last_step(cadence, start);
  if (!last) return "from step " + std::to_string(*first) + " on";
  if (*first == *last) return "step " + std::to_string(*first);
  return "steps " + std::to_string(*first) + " to " + std::to_string(*last);
}

}  // namespace takt::detail
