// SPDX-License-Identifier: BSL-1.0
#include "replay_command.hpp"

#include <memory>
#include <string>

#include "comparison_report.hpp"
#include "option_checks.hpp"
#include "reading_progress.hpp"
#include "recipe_source.hpp"
#include "trace_input.hpp"

namespace takt::cli {
namespace {

struct Options {
  std::string trace;
  RecipeSource recipe;
  ComparisonReport report;
};

int run(const Options& options, const CLI::App& command, const Screen& screen) {
  for (const char* const option : {"--plugin", "--arg", "--stage"}) {
    if (command.count(option) > 0 && !options.recipe.given()) {
      throw CLI::ValidationError(option, "that is for a recipe; give --recipe too");
    }
  }
  if (options.trace == "-" && options.recipe.is_standard_input()) {
    throw CLI::ValidationError("TRACE and --recipe", "only one of them can be standard input");
  }
  TraceReader trace = open_trace(options.trace, screen.in);
  TraceComparison comparison;
  std::string heading = trace.name();
  {
    ReadingProgress progress{trace, options.trace, screen};
    const ComparisonOptions how{.most = options.report.most(),
                                .on_entry = [&] { progress.tick(); }};
    if (options.recipe.given()) {
      heading += " with " + options.recipe.name();
      comparison = replay(trace, options.recipe.read(screen.in), how);
    } else {
      comparison = replay(trace, how);
    }
  }
  return options.report.write(comparison, heading, screen);
}

}  // namespace

void add_replay_command(CLI::App& program, const Screen& screen, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *program.add_subcommand("replay", "say whether a recorded run would run the same again");
  command.group("Commands");
  command.add_option("TRACE", options->trace, "a trace file; - reads standard input")
      ->required()
      ->type_name("")
      ->check(input_file());
  options->recipe.add_as_option(command, "say what would run with this recipe's modifiers");
  options->report.add_options(command);
  command.footer(
      "For example: takt replay run.jsonl --recipe prune.yaml\n"
      "Exit codes: 0 the same, 1 differences were found, 2 bad input.");
  command.callback(
      [options, &command, &screen, &exit_code] { exit_code = run(*options, command, screen); });
}

}  // namespace takt::cli
