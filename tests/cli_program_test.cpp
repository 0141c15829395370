// SPDX-License-Identifier: BSL-1.0
#include "cli/program.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli_run.hpp"
#include "scratch_folder.hpp"
#include "takt/registry.hpp"
#include "takt/version.hpp"

namespace {

using takt::test::check_refused;
using takt::test::has;
using takt::test::Outcome;
using takt::test::run_takt;
using takt::test::ScratchFolder;
using takt::test::widest_row;

/// `takt check -` of a text, with more arguments.
Outcome check(const std::string& recipe, const std::vector<std::string>& args = {}) {
  std::vector<std::string> all{"check", "-"};
  all.insert(all.end(), args.begin(), args.end());
  return run_takt(all, recipe);
}

const std::string recipe_text = R"(args: {epochs: 40, sparsity: 0.9}
rate_stage:
  rate_modifiers:
    - LearningRateModifier: {name: warm-up, learning_rate: 0.1, end: 1}
    - LearningRateModifier: {learning_rate: 0.01, start: 1, end: "{{epochs}}"}
sparsity_stage:
  pruning_modifiers:
    MagnitudePruningModifier:
      {start: 4, end: "{{0.7 * epochs}}", update: 0.5, final_sparsity: "{{sparsity}}"}
    ConstantPruningModifier: {start: "{{0.7 * epochs}}"}
)";

const std::string good_plugin = std::string{TAKT_TEST_PLUGINS} + "/libgood.so";

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_program)

// ---- The program

BOOST_AUTO_TEST_CASE(help_and_version_are_asked_for_and_go_to_the_output) {
  const Outcome help = run_takt({"--help"});
  BOOST_TEST(help.code == 0);
  BOOST_TEST(help.err.empty());
  for (const char* const word : {"modifiers", "check", "plan", "explain", "view", "replay", "diff",
                                 "--version", "Exit codes"}) {
    BOOST_TEST(has(help.out, word), help.out);
  }
  const Outcome version = run_takt({"--version"});
  BOOST_TEST(version.code == 0);
  BOOST_TEST(version.out == "takt " + std::string{takt::version} + "\n");
}

const std::vector<std::string> commands{"modifiers", "check",  "plan", "explain",
                                        "view",      "replay", "diff"};

BOOST_AUTO_TEST_CASE(all_help_fits_80_columns) {
  BOOST_TEST(widest_row(run_takt({"--help"}).out) <= 80);
  for (const std::string& command : commands) {
    const Outcome help = run_takt({command, "--help"});
    BOOST_TEST(help.code == 0);
    BOOST_TEST(help.out.find("Usage: takt " + command) != std::string::npos, help.out);
    BOOST_TEST(widest_row(help.out) <= 80, help.out);
    // No option stands there without a word on what it does.
    BOOST_TEST(!has(help.out, "\n                            "), help.out);
  }
}

BOOST_AUTO_TEST_CASE(the_example_of_each_help_is_a_command_line_that_is_understood) {
  for (const std::string& command : commands) {
    const std::string help = run_takt({command, "--help"}).out;
    const std::size_t begin = help.find("For example: takt ");
    BOOST_TEST_REQUIRE(begin != std::string::npos, help);
    std::istringstream line{help.substr(begin + 18, help.find('\n', begin) - begin - 18)};
    std::vector<std::string> args;
    for (std::string word; line >> word;) args.push_back(word);
    BOOST_TEST(!has(run_takt(args).err, "--help"), help);
  }
}

BOOST_AUTO_TEST_CASE(help_is_a_word_too) {
  BOOST_TEST(run_takt({"help"}).out == run_takt({"--help"}).out);
  BOOST_TEST(run_takt({"help", "view"}).out == run_takt({"view", "--help"}).out);
}

BOOST_AUTO_TEST_CASE(no_command_shows_the_help_and_is_bad_input) {
  const Outcome outcome = run_takt({});
  BOOST_TEST(outcome.code == 2);
  BOOST_TEST(outcome.out == run_takt({"--help"}).out);
}

BOOST_AUTO_TEST_CASE(an_unknown_command_is_refused_with_the_nearest) {
  check_refused(run_takt({"chek", "x.yaml"}), {"no command \"chek\"", "\"check\"", "takt --help"});
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_names_the_help_of_its_command) {
  check_refused(run_takt({"check"}), {"RECIPE", "takt check --help"});
  check_refused(run_takt({"check", "a", "b"}),
                {"\"b\" is one argument too many", "takt check --help"});
  check_refused(run_takt({"check", "a", "--shout"}),
                {"no option \"--shout\"", "takt check --help"});
  check_refused(run_takt({"plan", "a", "--epoch", "4"}), {"no option \"--epoch\"", "\"--epochs\""});
  check_refused(run_takt({"plan", "a", "--epoch=4"}), {"no option \"--epoch\"", "\"--epochs\""});
  check_refused(run_takt({"check", ""}), {"RECIPE", "names no file"});
  check_refused(run_takt({"--bogus"}), {"no option \"--bogus\"", "takt --help"});
  check_refused(run_takt({"check", "a", "--plugin"}), {"--plugin", "takt check --help"});
  check_refused(run_takt({"modifiers", "A", "B"}), {"B", "takt modifiers --help"});
}

BOOST_AUTO_TEST_CASE(output_that_can_t_be_written_is_an_error) {
  std::istringstream in;
  std::ofstream nowhere{"/no/such/folder/out"};
  std::ostringstream err;
  BOOST_TEST(takt::cli::run({"modifiers"}, {in, nowhere, err, std::nullopt}) == 2);
  BOOST_TEST(has(err.str(), "can't be written"));
}

BOOST_AUTO_TEST_CASE(what_is_told_does_not_move_the_terminal_s_cursor) {
  check_refused(run_takt({"check", "\x1b[2J\a.yaml"}), {"no such file"});
  BOOST_TEST(!has(run_takt({"check", "\x1b[2J\a.yaml"}).err, "\x1b"));
  const Outcome named = check("modifiers:\n  - ConstantPruningModifier: {name: \"\\e[2Jred\"}\n");
  BOOST_TEST(named.code == 0);
  BOOST_TEST(has(named.out, "[2Jred"), named.out);
  BOOST_TEST(!has(named.out, "\x1b"), named.out);
}

// ---- takt modifiers

BOOST_AUTO_TEST_CASE(modifiers_lists_every_builtin_one_with_its_summary_in_80_columns) {
  const Outcome outcome = run_takt({"modifiers"});
  BOOST_TEST(outcome.code == 0);
  for (const auto& info : takt::Registry::builtin().modifiers()) {
    BOOST_TEST(has(outcome.out, info.name + " "), info.name);
    BOOST_TEST(has(outcome.out, " " + info.summary + "\n"), info.name);
  }
  BOOST_TEST(widest_row(outcome.out) <= 80, outcome.out);
  BOOST_TEST(!has(outcome.out, "\x1b"));
}

BOOST_AUTO_TEST_CASE(one_modifier_is_shown_with_all_its_settings) {
  for (const auto& info : takt::Registry::builtin().modifiers()) {
    const Outcome outcome = run_takt({"modifiers", info.name});
    BOOST_TEST(outcome.code == 0);
    BOOST_TEST(outcome.out.starts_with(info.name + ": " + info.summary + "\n"));
    for (const auto& setting : info.settings) {
      BOOST_TEST(has(outcome.out, "\n  " + setting.name), setting.name);
      BOOST_TEST(has(outcome.out, "\n      " + setting.meaning + "\n"), setting.name);
      BOOST_TEST(has(outcome.out, setting.range), setting.name);
    }
  }
  const Outcome pruning = run_takt({"modifiers", "GMPruningModifier"});
  BOOST_TEST(has(pruning.out, "  init_sparsity: number, 0 to 1; default 0.05\n"), pruning.out);
  BOOST_TEST(has(pruning.out, "  start (also start_epoch): number\n"), pruning.out);
  BOOST_TEST(has(pruning.out, "also GMPruningModifier\n"), pruning.out);
}

BOOST_AUTO_TEST_CASE(on_a_terminal_its_rows_fit) {
  const Outcome outcome = run_takt({"modifiers", "MagnitudePruningModifier"}, "", 40);
  BOOST_TEST(widest_row(outcome.out) <= 40, outcome.out);
}

BOOST_AUTO_TEST_CASE(an_unknown_modifier_is_refused_with_the_nearest) {
  check_refused(run_takt({"modifiers", "Magnitude"}),
                {"\"Magnitude\"", "\"MagnitudePruningModifier\""});
}

BOOST_AUTO_TEST_CASE(the_modifiers_of_a_plugin_are_listed_with_it) {
  const Outcome all = run_takt({"modifiers", "--plugin", good_plugin});
  BOOST_TEST(all.code == 0);
  BOOST_TEST(has(all.out, "counts (plugin good)\n"), all.out);
  BOOST_TEST(has(all.out, "ProgressModifier"), all.out);
  const Outcome one = run_takt({"modifiers", "CountModifier", "--plugin", good_plugin});
  BOOST_TEST(has(one.out, "of plugin good 2.5, "), one.out);
  BOOST_TEST(has(one.out, "by: number, more than 0; default 1\n"), one.out);
  check_refused(run_takt({"modifiers", "--plugin", "/no/such/plugin.so"}),
                {"/no/such/plugin.so", "no such file"});
}

// ---- takt check

BOOST_AUTO_TEST_CASE(a_right_recipe_is_told_in_words_a_line_for_each_modifier) {
  const Outcome outcome = check(recipe_text);
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.err.empty());
  BOOST_TEST(outcome.out == R"(standard input: 4 modifiers in 2 stages
rate_stage
  warm-up (LearningRateModifier)  until epoch 1, at every step
  LearningRateModifier            from epoch 1 to 40, at every step
sparsity_stage
  MagnitudePruningModifier        from epoch 4 to 28, every 0.5 epochs
  ConstantPruningModifier         from epoch 28 on, at every step
)");
}

BOOST_AUTO_TEST_CASE(with_steps_per_epoch_the_steps_are_told_too) {
  const Outcome outcome = check(recipe_text, {"--steps-per-epoch", "44", "--stage", "sparsity"});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(outcome.out ==
             R"(standard input: 2 modifiers in 2 stages, counted in epochs of 44 steps
sparsity_stage
  MagnitudePruningModifier  from epoch 4 to 28, every 0.5 epochs: steps 176 to 1232
  ConstantPruningModifier   from epoch 28 on, at every step: from step 1232 on
)");
}

BOOST_AUTO_TEST_CASE(for_a_bus_that_counts_in_steps_the_words_say_so_and_warn) {
  const Outcome outcome = check(recipe_text, {"--in-steps", "--stage", "sparsity_stage"});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(has(outcome.out, "counted in steps\n"), outcome.out);
  BOOST_TEST(has(outcome.out, "from step 4 to 28, every 0.5 steps: steps 4 to 28\n"), outcome.out);
  BOOST_TEST(has(outcome.out, "\nwarning: MagnitudePruningModifier: update 0.5"), outcome.out);
  BOOST_TEST(!has(check(recipe_text).out, "warning"));
}

BOOST_AUTO_TEST_CASE(warnings_of_the_recipe_are_told_without_steps_too) {
  const Outcome outcome =
      check("one_stage:\n  run_type: oneshot\n  m_modifiers: {ConstantPruningModifier: {}}\n");
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(has(outcome.out, "warning: "), outcome.out);
}

BOOST_AUTO_TEST_CASE(args_are_replaced_by_values_written_as_in_a_recipe) {
  const Outcome outcome = check(recipe_text, {"--arg", "epochs=20", "--arg", "sparsity=0.5"});
  BOOST_TEST(has(outcome.out, "from epoch 1 to 20"), outcome.out);
  BOOST_TEST(has(outcome.out, "from epoch 4 to 14"), outcome.out);
  const std::string layers =
      "args: {layers: a}\nmodifiers:\n  - ConstantPruningModifier:\n"
      "      targets: \"{{layers}}\"\n";
  const Outcome list = check(layers, {"--yaml", "--arg", "layers=[b, 're:c.*']"});
  BOOST_TEST(list.code == 0);
  BOOST_TEST(has(list.out, "re:c.*"), list.out);
  BOOST_TEST(!has(list.out, "{{"), list.out);
}

BOOST_AUTO_TEST_CASE(yaml_is_the_recipe_with_its_args_put_in_and_reads_again) {
  const Outcome yaml = check(recipe_text, {"--yaml"});
  BOOST_TEST(yaml.code == 0);
  BOOST_TEST(has(yaml.out, "final_sparsity: 0.9\n"), yaml.out);
  BOOST_TEST(check(yaml.out).out == check(recipe_text).out);
}

BOOST_AUTO_TEST_CASE(a_file_is_named_where_it_is_wrong) {
  const ScratchFolder folder;
  const std::string right = folder.file("right.yaml", recipe_text).string();
  BOOST_TEST(run_takt({"check", right}).out.starts_with(right + ": 4 modifiers"));
  const std::string wrong =
      folder.file("wrong.yaml", "modifiers:\n  - MagnitudePruningModifer:\n      start: 1\n")
          .string();
  check_refused(run_takt({"check", wrong}),
                {wrong + ":2:5", "MagnitudePruningModifer", "MagnitudePruningModifier"});
  check_refused(run_takt({"check", "/no/such/recipe.yaml"}),
                {"/no/such/recipe.yaml", "no such file"});
  check_refused(run_takt({"check", "/"}), {"folder"});
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_recipe_is_told_once_and_nothing_else) {
  check_refused(check(""), {"standard input", "empty"});
  check_refused(check(std::string(2'000'000, ' ')), {"standard input", "1048576 bytes"});
  check_refused(check(recipe_text, {"--stage", "sparse"}), {"\"sparse\"", "\"sparsity\""});
  check_refused(check(recipe_text, {"--arg", "sparsity=2"}), {"final_sparsity", "0 to 1"});
  check_refused(check(recipe_text, {"--arg", "sparsty=0.5"}), {"sparsty", "sparsity"});
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused) {
  check_refused(check(recipe_text, {"--arg", "sparsity"}), {"NAME=VALUE"});
  check_refused(check(recipe_text, {"--arg", "=1"}), {"NAME=VALUE"});
  check_refused(check(recipe_text, {"--arg", "sparsity=[1"}), {"--arg sparsity"});
  for (const char* const count : {"0", "-3", "4.5", "many", "1e3", ""}) {
    check_refused(check(recipe_text, {"--steps-per-epoch", count}), {"whole number from 1 on"});
  }
  check_refused(check(recipe_text, {"--in-steps", "--steps-per-epoch", "4"}),
                {"--in-steps", "--steps-per-epoch"});
}

BOOST_AUTO_TEST_CASE(a_recipe_may_name_a_plugin_s_modifiers_when_it_is_loaded) {
  const std::string counting = "modifiers:\n  - CountModifier: {by: 2, update: 3}\n";
  check_refused(check(counting), {"CountModifier"});
  const Outcome outcome = check(counting, {"--plugin", good_plugin});
  BOOST_TEST(outcome.code == 0);
  BOOST_TEST(has(outcome.out, "  CountModifier  every 3 epochs\n"), outcome.out);
  BOOST_TEST(run_takt({"check", "--plugin", good_plugin, "-"}, counting).code == 0);
  BOOST_TEST(run_takt({"modifiers", "--plugin", good_plugin, "CountModifier"}).code == 0);
  const Outcome named = check("plugins: [" + good_plugin + "]\n" + counting);
  BOOST_TEST(named.code == 0);
  BOOST_TEST(has(named.out, "1 modifier, 1 plugin\n"), named.out);
}

BOOST_AUTO_TEST_SUITE_END()
