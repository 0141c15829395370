// SPDX-License-Identifier: BSL-1.0
#include "plan_command.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "recipe_source.hpp"
#include "run_options.hpp"

namespace takt::cli {
namespace {

struct Options {
  RecipeSource recipe;
  RunOptions run;
};

/// "0 to 44", "12", "never".
std::string window_of(const ModifierPlan& modifier, const Plan& plan) {
  if (!modifier.starts) return "never";
  const std::int64_t first = *modifier.starts;
  const std::int64_t last = modifier.ends.value_or(std::max(first, plan.end_step() - 1));
  if (first == last) return std::to_string(first);
  return std::to_string(first) + " to " + std::to_string(last);
}

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

using Row = std::vector<std::string>;

void write_table(const Screen& screen, const std::vector<Row>& rows) {
  std::vector<int> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const Row& row : rows) {
    std::string line;
    int indent = 0;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      line += padded(row[i], widths[i] + 2);
      indent += widths[i] + 2;
    }
    write_line(screen, line + row.back(), indent);
  }
}

void run(const Options& options, const Screen& screen) {
  const Recipe recipe = options.recipe.read(screen.in);
  const RunShape shape = options.run.shape();
  const Plan plan{recipe.make(), shape};
  write_line(screen, options.recipe.name() + ": " + length_words(shape, plan));
  std::vector<Row> rows{{"modifier", "active at steps", "updates", "events", "due at steps"}};
  for (std::size_t i = 0; i < plan.modifiers().size(); ++i) {
    const ModifierPlan& modifier = plan.modifiers()[i];
    rows.push_back({modifier.name, window_of(modifier, plan), std::to_string(modifier.updates),
                    std::to_string(modifier.events), due_words(plan, i)});
  }
  write_table(screen, rows);
}

}  // namespace

void add_plan_command(CLI::App& program, const Screen& screen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *program.add_subcommand("plan", "say which steps each modifier of a recipe will touch");
  command.group("Commands");
  options->recipe.add_options(command);
  options->run.add_options(command);
  command.callback([options, &screen] { run(*options, screen); });
}

}  // namespace takt::cli
