// SPDX-License-Identifier: BSL-1.0
#include "check_command.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cadence_advice.hpp"
#include "json_text.hpp"
#include "option_checks.hpp"
#include "output_options.hpp"
#include "recipe_source.hpp"
#include "window_words.hpp"

namespace takt::cli {
namespace {

struct Options {
  RecipeSource recipe;
  std::int64_t steps_per_epoch = 0;  // 0 = not given
  bool in_steps = false;
  bool yaml = false;
  bool json = false;

  /// The bus that the recipe is for, as far as it is known.
  [[nodiscard]] std::optional<Event> start() const {
    if (steps_per_epoch > 0) return Event{.steps_per_epoch = steps_per_epoch};
    if (in_steps) return Event{};
    return std::nullopt;
  }
};

std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

/// What a recipe means, line by line.
class Report {
 public:
  Report(const Recipe& recipe, std::optional<Event> start, const Screen& screen)
      : recipe_{recipe}, start_{start}, screen_{screen} {}

  void write(const std::string& name) const {
    write_line(screen_, name + ": " + heading());
    int widest = 0;
    for (const auto& modifier : recipe_.modifiers()) {
      widest = std::max(widest, width_of(shown_name(modifier)));
    }
    const std::string* stage = nullptr;
    for (const auto& modifier : recipe_.modifiers()) {
      if (!modifier.stage.empty() && (stage == nullptr || *stage != modifier.stage)) {
        write_line(screen_, modifier.stage);
      }
      stage = &modifier.stage;
      write_line(screen_, "  " + padded(shown_name(modifier), widest + 2) + words(modifier.cadence),
                 widest + 4);
    }
    for (const std::string& warning : warnings()) write_line(screen_, "warning: " + warning, 2);
  }

  [[nodiscard]] Json json() const {
    Json modifiers = Json::array();
    for (const auto& modifier : recipe_.modifiers()) {
      modifiers.push_back({{"name", modifier.name},
                           {"type", modifier.type},
                           {"stage", modifier.stage},
                           {"group", modifier.group},
                           {"cadence", json_of(modifier.cadence)},
                           {"words", words(modifier.cadence)}});
    }
    return {{"modifiers", modifiers}, {"warnings", warnings()}};
  }

 private:
  [[nodiscard]] std::string heading() const {
    std::string text = count_of(recipe_.modifiers().size(), "modifier");
    if (!recipe_.stages().empty()) text += " in " + count_of(recipe_.stages().size(), "stage");
    if (!recipe_.plugins().empty()) text += ", " + count_of(recipe_.plugins().size(), "plugin");
    if (!start_) return text;
    if (!start_->steps_per_epoch) return text + ", counted in steps";
    return text + ", counted in epochs of " +
           count_of(static_cast<std::size_t>(*start_->steps_per_epoch), "step");
  }

  /// "warm-up (LearningRateModifier)"
  static std::string shown_name(const RecipeModifier& modifier) {
    if (modifier.name.starts_with(modifier.type)) return modifier.name;
    return modifier.name + " (" + modifier.type + ')';
  }

  [[nodiscard]] std::string words(const Cadence& cadence) const {
    if (!start_) return detail::window_words(cadence, true);
    std::string text = detail::window_words(cadence, start_->steps_per_epoch.has_value());
    return text + ": " + detail::step_words(cadence, *start_);
  }

  [[nodiscard]] std::vector<std::string> warnings() const {
    std::vector<std::string> all = recipe_.warnings();
    if (!start_) return all;
    for (const auto& modifier : recipe_.modifiers()) {
      for (const auto& line : detail::cadence_advice(modifier.cadence, start_->steps_per_epoch)) {
        all.push_back(modifier.name + ": " + line);
      }
    }
    return all;
  }

  const Recipe& recipe_;
  std::optional<Event> start_;
  const Screen& screen_;
};

void run(const Options& options, const Screen& screen) {
  if (options.in_steps && options.steps_per_epoch > 0) {
    throw CLI::ValidationError("--in-steps and --steps-per-epoch", "a bus counts in one of them");
  }
  if (options.yaml && options.json) {
    throw CLI::ValidationError("--yaml and --json", "give one of them");
  }
  const Recipe recipe = options.recipe.read(screen.in);
  if (options.yaml) {
    screen.out << recipe.to_yaml();
    return;
  }
  const Report report{recipe, options.start(), screen};
  if (options.json) return write_json(report.json(), screen);
  report.write(options.recipe.name());
}

}  // namespace

void add_check_command(CLI::App& program, const Screen& screen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = *program.add_subcommand("check", "say what a recipe means, or what is wrong");
  command.group("Commands");
  options->recipe.add_options(command);
  command
      .add_option("--steps-per-epoch", options->steps_per_epoch,
                  "say steps too, in epochs of so many")
      ->type_name("N")
      ->check(whole_number(1));
  command.add_flag("--in-steps", options->in_steps,
                   "read it for a run that counts in steps, not epochs");
  command.add_flag("--yaml", options->yaml, "print the recipe, with its args put in");
  add_json_option(command, options->json);
  command.footer("For example: takt check prune.yaml --arg sparsity=0.8 --steps-per-epoch 44");
  command.callback([options, &screen] { run(*options, screen); });
}

}  // namespace takt::cli
