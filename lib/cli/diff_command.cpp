// SPDX-License-Identifier: BSL-1.0
#include "diff_command.hpp"

#include <memory>
#include <string>

#include "comparison_report.hpp"
#include "option_checks.hpp"
#include "reading_progress.hpp"
#include "trace_input.hpp"

namespace takt::cli {
namespace {

struct Options {
  std::string first;
  std::string second;
  double loss_tolerance = 0.0;
  ComparisonReport report;
};

int run(const Options& options, const Screen& screen) {
  if (options.first == "-" && options.second == "-") {
    throw CLI::ValidationError("A and B", "only one of them can be standard input");
  }
  TraceReader first = open_trace(options.first, screen.in);
  TraceReader second = open_trace(options.second, screen.in);
  TraceComparison comparison;
  {
    ReadingProgress progress{first, options.first, screen};
    comparison = diff(first, second,
                      {.most = options.report.most(),
                       .loss_tolerance = options.loss_tolerance,
                       .on_entry = [&] { progress.tick(); }});
  }
  return options.report.write(comparison, first.name() + " and " + second.name(), screen);
}

}  // namespace

void add_diff_command(CLI::App& program, const Screen& screen, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = *program.add_subcommand("diff", "say what two recorded runs did differently");
  command.group("Commands");
  command.add_option("A", options->first, "a trace file; - reads standard input")
      ->required()
      ->type_name("")
      ->check(input_file());
  command.add_option("B", options->second, "another; one of the two may be -")
      ->required()
      ->type_name("")
      ->check(input_file());
  command
      .add_option("--loss-tolerance", options->loss_tolerance,
                  "how far losses may differ, relatively; inf: any")
      ->type_name("X")
      ->check(number_from_0());
  options->report.add_options(command);
  command.footer(
      "For example: takt diff before.jsonl after.jsonl --loss-tolerance 0.001\n"
      "Exit codes: 0 the same, 1 differences were found, 2 bad input.");
  command.callback([options, &screen, &exit_code] { exit_code = run(*options, screen); });
}

}  // namespace takt::cli
