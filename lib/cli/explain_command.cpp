// SPDX-License-Identifier: BSL-1.0
#include "explain_command.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "json_text.hpp"
#include "option_checks.hpp"
#include "output_options.hpp"
#include "recipe_source.hpp"
#include "run_options.hpp"
#include "takt/error.hpp"

namespace takt::cli {
namespace {

struct Options {
  RecipeSource recipe;
  RunOptions run;
  std::int64_t step = 0;
  bool json = false;
};

/// What one modifier does at one step.
class Explanation {
 public:
  Explanation(const Plan& plan, const Event& start, std::int64_t step)
      : plan_{plan}, start_{start}, step_{step} {
    for (const HookCall& call : plan.calls(step, step)) calls_[call.modifier].push_back(call);
  }

  /// Its calls, and the words that say why.
  [[nodiscard]] Json json(std::size_t position) const {
    const auto next = next_update(position);
    Json calls = Json::array();
    const auto found = calls_.find(position);
    if (found != calls_.end()) {
      for (const HookCall& call : found->second) {
        calls.push_back({{"event", to_string(call.event)},
                         {"batch", call.batch},
                         {"hook", to_string(call.hook)}});
      }
    }
    return {{"name", plan_.modifiers()[position].name},
            {"runs", !calls.empty()},
            {"why", words(position)},
            {"next_due", json_of(next)},
            {"calls", calls}};
  }

  [[nodiscard]] std::string words(std::size_t position) const {
    const ModifierPlan& modifier = plan_.modifiers()[position];
    if (!modifier.starts) return "never runs: no step of the run is in its window";
    if (step_ < *modifier.starts) {
      return "not yet: its window opens at " + step_name(*modifier.starts, start_);
    }
    if (modifier.ends && step_ > *modifier.ends) {
      return "no more: its window closed at " + step_name(*modifier.ends, start_);
    }
    std::string words = ran(position);
    if (words.empty()) words = "active, and not due";
    if (modifier.updates == 0) return words;
    const auto next = next_update(position);
    if (!next) return words + "; not due again";
    return words + "; next due at " + step_name(*next, start_);
  }

 private:
  /// The next step after this one with an `on_update`.
  [[nodiscard]] std::optional<std::int64_t> next_update(std::size_t position) const {
    if (plan_.modifiers()[position].updates == 0) return std::nullopt;
    const auto next = plan_.due_steps(position, step_ + 1, 1);
    return next.empty() ? std::nullopt : std::optional{next.front()};
  }

  /// "on_start and on_update at batch_start; on_end at batch_end"
  [[nodiscard]] std::string ran(std::size_t position) const {
    const auto found = calls_.find(position);
    if (found == calls_.end()) return "";
    std::vector<std::string> parts;
    std::vector<EventType> events;
    for (const HookCall& call : found->second) {
      const auto known = std::ranges::find(events, call.event);
      const std::string hook = to_string(call.hook);
      if (known == events.end()) {
        events.push_back(call.event);
        parts.push_back(hook);
      } else {
        std::string& part = parts[static_cast<std::size_t>(known - events.begin())];
        if (part.find(hook) == std::string::npos) part += " and " + hook;
      }
    }
    return joined(events, parts);
  }

  /// Events with the same hooks stand together.
  static std::string joined(const std::vector<EventType>& events,
                            const std::vector<std::string>& parts) {
    std::string words;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0 && parts[i] == parts[i - 1]) {
        words += ", " + to_string(events[i]);
        continue;
      }
      words += (i == 0 ? "runs " : "; ") + parts[i] + " at " + to_string(events[i]);
    }
    return words;
  }

  const Plan& plan_;
  const Event& start_;
  std::int64_t step_;
  std::map<std::size_t, std::vector<HookCall>> calls_;
};

RunShape shape_of(const Options& options) {
  RunShape shape = options.run.shape();
  // A run without a length goes on for longer than anyone asks about.
  constexpr std::int64_t long_enough = std::int64_t{1} << 40;
  if (!options.run.has_length()) shape.steps = long_enough;
  return shape;
}

void run(const Options& options, const Screen& screen) {
  const Recipe recipe = options.recipe.read(screen.in);
  const RunShape shape = shape_of(options);
  const Plan plan{recipe.make(), shape};
  if (options.step < plan.first_step() || options.step >= plan.end_step()) {
    throw InvalidEvent("step " + std::to_string(options.step) +
                       " is not in the run; it has steps " + std::to_string(plan.first_step()) +
                       " to " + std::to_string(plan.end_step() - 1));
  }
  const Explanation explanation{plan, shape.start, options.step};
  if (options.json) {
    Json modifiers = Json::array();
    for (std::size_t i = 0; i < plan.modifiers().size(); ++i) {
      modifiers.push_back(explanation.json(i));
    }
    return write_json({{"step", options.step}, {"modifiers", modifiers}}, screen);
  }
  write_line(screen, options.recipe.name() + " at " + step_name(options.step, shape.start));
  int widest = 0;
  for (const ModifierPlan& modifier : plan.modifiers()) {
    widest = std::max(widest, width_of(modifier.name));
  }
  for (std::size_t i = 0; i < plan.modifiers().size(); ++i) {
    write_line(screen, "  " + padded(plan.modifiers()[i].name, widest + 2) + explanation.words(i),
               widest + 4);
  }
}

}  // namespace

void add_explain_command(CLI::App& program, const Screen& screen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *program.add_subcommand("explain", "say what each modifier does at one step, and why");
  command.group("Commands");
  options->recipe.add_options(command);
  command.add_option("--step", options->step, "the step to explain; it has to be given")
      ->type_name("STEP")
      ->required()
      ->check(whole_number(0));
  options->run.add_options(command);
  add_json_option(command, options->json);
  command.footer("For example: takt explain prune.yaml --step 600 --steps-per-epoch 44");
  command.callback([options, &screen] { run(*options, screen); });
}

}  // namespace takt::cli
