// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <exception>
#include <ostream>
#include <sstream>

#include "check_command.hpp"
#include "diff_command.hpp"
#include "explain_command.hpp"
#include "modifiers_command.hpp"
#include "nearest_name.hpp"
#include "plan_command.hpp"
#include "replay_command.hpp"
#include "shown_text.hpp"
#include "takt/version.hpp"
#include "view_command.hpp"

namespace takt::cli {
namespace {

constexpr int bad_input = 2;

/// "there is no option "--stps""
std::string there_is_no(const std::string& what, const std::string& name) {
  std::string text = "there is no ";
  text += what;
  text += " \"";
  text += name;
  text += '"';
  return text;
}

/// What is said of an argument that a command does not know.
std::string unexpected(const std::string& argument, const CLI::App& command) {
  const std::string name = argument.substr(0, argument.find('='));
  if (!name.starts_with('-')) return '"' + argument + "\" is one argument too many";
  std::vector<std::string> options;
  for (const CLI::Option* const option : command.get_options()) {
    if (option->nonpositional()) options.push_back(option->get_name());
  }
  return there_is_no("option", name) + "; the nearest is \"" + detail::nearest_name(name, options) +
         '"';
}

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
    const std::vector<std::string> left = program.remaining(true);
    const auto first = std::ranges::find_first_of(args, left);
    const bool unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    if (unknown && first != args.end()) text = unexpected(*first, *used);
  } else if (args.front().starts_with('-')) {
    text = there_is_no("option", args.front());
  } else {
    text = there_is_no("command", args.front());
    text += "; the nearest is \"" + detail::nearest_name(args.front(), commands) + '"';
  }
  return text + "\nRun " + help + " to see what there is.";
}

/// Tells what went wrong. Texts out of files don't move the terminal's cursor.
void tell(const Screen& screen, const std::string& problem) {
  std::string text = "takt: ";
  text += problem;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    screen.err << detail::shown_text(line) << '\n';
  }
}

int run_command(std::vector<std::string> args, const Screen& screen) {
  if (!args.empty() && args.front() == "help") {  // "takt help plan" is "takt plan --help"
    std::rotate(args.begin(), args.begin() + 1, args.end());
    args.back() = "--help";
  }
  int exit_code = 0;
  CLI::App program{"takt: modifiers, recipes and traces for training loops."};
  program.name("takt");
  program.set_version_flag("--version", "takt " + std::string{version}, "print takt's version");
  program.set_help_flag("-h,--help", "print this help");
  program.get_formatter()->column_width(28);
  program.get_formatter()->label("SUBCOMMAND", "COMMAND");
  program.get_formatter()->label("Positionals", "Arguments");
  program.get_formatter()->label("REQUIRED", "");
  program.require_subcommand(1);
  program.footer(
      "takt COMMAND --help tells more.\n"
      "Exit codes: 0 all is well, 1 differences were found, 2 bad input.");
  add_modifiers_command(program, screen);
  add_check_command(program, screen);
  add_plan_command(program, screen);
  add_explain_command(program, screen);
  add_view_command(program, screen);
  add_replay_command(program, screen, exit_code);
  add_diff_command(program, screen, exit_code);
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
    tell(screen, problem(error, args, program));
    return bad_input;
  }
  return exit_code;
}

}  // namespace

int run(const std::vector<std::string>& args, const Screen& screen) {
  try {
    const int code = run_command(args, screen);
    screen.out.flush();
    if (screen.out) return code;
    tell(screen, "the output can't be written");
  } catch (const std::exception& error) {
    screen.out.flush();
    tell(screen, error.what());
  }
  return bad_input;
}

}  // namespace takt::cli
