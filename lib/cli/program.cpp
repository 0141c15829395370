// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <exception>
#include <ostream>

#include "check_command.hpp"
#include "explain_command.hpp"
#include "modifiers_command.hpp"
#include "nearest_name.hpp"
#include "plan_command.hpp"
#include "takt/version.hpp"

namespace takt::cli {
namespace {

constexpr int bad_input = 2;

/// What is wrong with a command line, and where to read what would be right.
std::string problem(const CLI::ParseError& error, const std::vector<std::string>& args,
                    const CLI::App& program) {
  const CLI::App* used = nullptr;
  std::vector<std::string> commands;
  for (const CLI::App* const command :
       program.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
    if (command->parsed()) used = command;
  }
  std::string text = error.what();
  std::string help = "takt --help";
  if (used != nullptr) {
    help = "takt " + used->get_name() + " --help";
  } else {
    text = "there is no command \"" + args.front() + "\"; the nearest is \"" +
           detail::nearest_name(args.front(), commands) + '"';
  }
  return text + "\nRun " + help + " to see what there is.";
}

int run_command(const std::vector<std::string>& args, const Screen& screen) {
  CLI::App program{"takt: modifiers and recipes for training loops."};
  program.name("takt");
  program.set_version_flag("--version", "takt " + std::string{version}, "print takt's version");
  program.set_help_flag("-h,--help", "print this help");
  program.get_formatter()->column_width(26);
  program.get_formatter()->label("SUBCOMMAND", "COMMAND");
  program.get_formatter()->label("Positionals", "Arguments");
  program.get_formatter()->label("REQUIRED", "");
  program.require_subcommand(1);
  program.footer("takt COMMAND --help tells more. Exit codes: 0 all is well, 2 bad input.");
  add_modifiers_command(program, screen);
  add_check_command(program, screen);
  add_plan_command(program, screen);
  add_explain_command(program, screen);
  if (args.empty()) {
    screen.out << program.help();
    return bad_input;
  }
  try {
    // CLI11 takes them from the back.
    program.parse(std::vector<std::string>{args.rbegin(), args.rend()});
  } catch (const CLI::Success& asked) {
    return program.exit(asked, screen.out, screen.err);
  } catch (const CLI::ParseError& error) {
    screen.err << "takt: " << problem(error, args, program) << '\n';
    return bad_input;
  }
  return 0;
}

}  // namespace

int run(const std::vector<std::string>& args, const Screen& screen) {
  try {
    const int code = run_command(args, screen);
    screen.out.flush();
    if (screen.out) return code;
    screen.err << "takt: the output can't be written\n";
  } catch (const std::exception& error) {
    screen.out.flush();
    screen.err << "takt: " << error.what() << '\n';
  }
  return bad_input;
}

}  // namespace takt::cli
