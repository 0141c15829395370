// SPDX-License-Identifier: BSL-1.0
#include "plan_report.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "json_text.hpp"
#include "run_options.hpp"
#include "table.hpp"
#include "takt/timeline.hpp"

namespace takt::cli {
namespace {

/// "176, 198, 220, ..., 1232": the first three due steps and the last.
std::string due_words(const Plan& plan, std::size_t position) {
  constexpr std::size_t shown = 3;
  const ModifierPlan& modifier = plan.modifiers()[position];
  if (modifier.updates == 0) return "-";
  const auto due = plan.due_steps(position, plan.first_step(), shown);
  std::string words;
  for (const std::int64_t step : due) {
    if (!words.empty()) words += ", ";
    words += std::to_string(step);
  }
  if (modifier.last_update && *modifier.last_update != due.back()) {
    words += modifier.due_steps == static_cast<std::int64_t>(shown) + 1 ? ", " : ", ..., ";
    words += std::to_string(*modifier.last_update);
  }
  return words;
}

void write_rows(const Plan& plan, const Screen& screen) {
  std::vector<Row> rows{{"modifier", "active at steps", "updates", "events", "due at steps"}};
  for (std::size_t i = 0; i < plan.modifiers().size(); ++i) {
    const ModifierPlan& modifier = plan.modifiers()[i];
    rows.push_back({modifier.name, window_steps(modifier.starts, modifier.ends, plan.end_step()),
                    std::to_string(modifier.updates), std::to_string(modifier.events),
                    due_words(plan, i)});
  }
  write_table(screen, rows);
}

}  // namespace

std::string window_steps(const std::optional<std::int64_t>& starts,
                         const std::optional<std::int64_t>& ends, std::int64_t end_step) {
  if (!starts) return "never";
  const std::int64_t last = ends.value_or(std::max(*starts, end_step - 1));
  if (*starts == last) return std::to_string(last);
  return std::to_string(*starts) + " to " + std::to_string(last);
}

void write_plan(const Plan& plan, const std::string& name, const OutputOptions& output,
                const Screen& screen) {
  Timeline timeline = timeline_of(plan);
  timeline.title = name;
  output.write_files(timeline, screen);
  if (output.json()) return write_json(json_of(timeline), screen);
  write_line(screen, name + ": " + length_words(plan));
  write_rows(plan, screen);
  draw(std::move(timeline), screen);
}

}  // namespace takt::cli
