// SPDX-License-Identifier: BSL-1.0
#include "plan_command.hpp"

#include <memory>

#include "output_options.hpp"
#include "plan_report.hpp"
#include "recipe_source.hpp"
#include "run_options.hpp"

namespace takt::cli {
namespace {

struct Options {
  RecipeSource recipe;
  RunOptions run;
  OutputOptions output;
};

void run(const Options& options, const Screen& screen) {
  options.output.refuse_overwriting(options.recipe.name());
  const Recipe recipe = options.recipe.read(screen.in);
  options.run.require_length();
  const Plan plan{recipe.make(), options.run.shape()};
  write_plan(plan, options.recipe.name(), options.output, screen);
}

}  // namespace

void add_plan_command(CLI::App& program, const Screen& screen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *program.add_subcommand("plan", "say which steps each modifier of a recipe will touch");
  command.group("Commands");
  options->recipe.add_options(command);
  options->run.add_options(command);
  options->output.add_options(command);
  command.footer("For example: takt plan prune.yaml --epochs 40 --steps-per-epoch 44");
  command.callback([options, &screen] { run(*options, screen); });
}

}  // namespace takt::cli
