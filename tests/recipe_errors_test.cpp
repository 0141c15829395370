// SPDX-License-Identifier: BSL-1.0
// What a recipe is refused with: where, which text, and what would be right.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "recipe_cases.hpp"
#include "recipe_text.hpp"
#include "takt/recipe.hpp"

namespace {

namespace fs = std::filesystem;
using takt::Recipe;
using takt::RecipeError;
using takt::RecipeOptions;
using takt::test::has;
using takt::test::refusal;
using takt::test::ScratchFolder;
using Texts = std::vector<std::string>;

void check_words(const std::string& message, const Texts& words) {
  for (const std::string& word : words) {
    BOOST_TEST(has(message, word), "no " << word << " in: " << message);
  }
}

/// That a text is refused at `place`, "line:column", with a message that has all of `words`.
/// Without a place the message starts with the file's name alone.
void check_refused(std::string_view text, const std::string& place, const Texts& words,
                   const RecipeOptions& options = {}) {
  const std::string message = refusal(text, options);
  const std::string start = "recipe:" + place + (place.empty() ? " " : ": ");
  BOOST_TEST(message.starts_with(start), "expected " << start << " of\n"
                                                     << text.substr(0, 500) << "\ngot " << message);
  check_words(message, words);
}

/// That a file is refused with a message that starts with its name, and no place.
void check_file_refused(const fs::path& file, const Texts& words) {
  const auto read = [&] { (void)Recipe::from_file(file); };
  const std::string message = takt::test::message_of<RecipeError>(read);
  BOOST_TEST(message.starts_with(file.string() + ": "), message);
  check_words(message, words);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_errors)

// ---- Where it happened

BOOST_AUTO_TEST_CASE(a_message_starts_with_the_name_the_line_and_the_column) {
  const auto named = [] { (void)Recipe::from_string("- NoModifier", {}, "over there"); };
  BOOST_TEST(takt::test::message_of<RecipeError>(named).starts_with("over there:1:3: "));
  const ScratchFolder folder;
  const fs::path file = folder.file("r.yaml", "a_stage:\n  b_modifiers:\n    - NoModifier\n");
  const auto read = [&] { (void)Recipe::from_file(file); };
  BOOST_TEST(takt::test::message_of<RecipeError>(read).starts_with(file.string() + ":3:7: "));
}

BOOST_AUTO_TEST_CASE(of_two_problems_the_first_in_the_file_is_told) {
  check_refused("modifiers:\n  - NoSuchModifier:\n  - ProgressModifier: {x: 1}\n", "2:5",
                {"NoSuchModifier"});
  check_refused("modifiers:\n  - ProgressModifier: {x: 1}\n  - NoSuchModifier:\n", "2:24",
                {"\"x\""});
  check_refused("a_stage: {m_modifiers: {ProgressModifier: {x: 1, columns: -1}}}", "1:44",
                {"\"x\""});
}

BOOST_AUTO_TEST_CASE(bad_yaml_comes_before_all_other_problems) {
  check_refused("modifiers:\n  - NoSuchModifier:\n  - }\n", "3:5", {"YAML"});
}

// ---- Classes and settings

BOOST_AUTO_TEST_CASE(an_unknown_class_is_told_with_the_nearest) {
  const Texts words{"there is no modifier \"MagnitdePruningModifier\"",
                    "the nearest is \"MagnitudePruningModifier\""};
  check_refused("a_stage:\n  p_modifiers:\n    MagnitdePruningModifier:\n      end: 1\n", "3:5",
                words);
  check_refused("a_stage:\n  MagnitdePruningModifier:\n", "2:3", words);
  check_refused("MagnitdePruningModifier: {end: 1}", "1:1", words);
  check_refused("- MagnitdePruningModifier: {end: 1}", "1:3", words);
  check_refused("modifiers:\n  - !MagnitdePruningModifier\n    end: 1\n", "2:5", words);
  check_refused("modifiers: [MagnitdePruningModifier]", "1:13", words);
}

BOOST_AUTO_TEST_CASE(an_unknown_class_that_resembles_an_older_name_is_told_that) {
  check_refused("[GMPrunningModifier]", "1:2", {"the nearest is \"GMPruningModifier\""});
}

BOOST_AUTO_TEST_CASE(an_unknown_setting_is_told_with_the_nearest_and_all_there_are) {
  check_refused("modifiers:\n  - SetLearningRateModifier:\n      learning_rte: 1\n", "3:7",
                {"SetLearningRateModifier", "\"learning_rte\"", "the nearest is \"learning_rate\"",
                 "name, start, end, update, learning_rate"});
}

BOOST_AUTO_TEST_CASE(an_unknown_name_in_a_map_is_told_where_the_map_is) {
  check_refused(
      "- LearningRateModifier:\n    lr_class: StepLR\n    lr_kwargs:\n      gama: 2\n    init_lr: "
      "1",
      "4:7", {"lr_kwargs", "\"gama\"", "gamma, step_size"});
}

BOOST_AUTO_TEST_CASE(a_value_of_the_wrong_type_is_told_with_the_type_it_should_be) {
  const auto refused = [](const std::string& setting, const std::string& column,
                          const Texts& words) {
    check_refused(
        "- MagnitudePruningModifier: {end: 4, final_sparsity: 0.5}\n- "
        "MagnitudePruningModifier: {" +
            setting + "}",
        "2:" + column, words);
  };
  refused("final_sparsity: high", "46", {"final_sparsity is \"high\", text", "a number"});
  refused("final_sparsity: \"0.5\"", "46", {"\"0.5\", text", "a number"});
  refused("final_sparsity: [0.5]", "46", {"[0.5], a list", "a number"});
  refused("leave_enabled: yes", "45", {"\"yes\", text", "true or false"});
  refused("leave_enabled: 1", "45", {"is 1, a number", "true or false"});
  refused("targets: [fc1, 5]", "39", {"is 5, a number", "text", "quotes"});
  refused("name: 3", "36", {"name is 3, a number", "text", "quotes"});
  refused("end: soon", "35", {"end is \"soon\", text", "a number"});
  refused("init_sparsity: {a: 1}", "45", {"{a: 1}, a map", "a number"});
  check_refused("- ProgressModifier: {total_steps: 2.5}", "1:35", {"2.5", "a whole number"});
}

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_told_with_the_range) {
  check_refused("modifiers:\n  - MagnitudePruningModifier:\n      final_sparsity: 1.5\n", "3:23",
                {"final_sparsity is 1.5", "0 to 1"});
  check_refused("- SetLearningRateModifier: {learning_rate: -1}", "1:44", {"is -1", "0 or more"});
  check_refused("- ProgressModifier: {columns: 0}", "1:31", {"columns is 0", "1 or more"});
  check_refused("- ProgressModifier: {mode: bars}", "1:28",
                {"\"bars\"", "one of automatic, bar, lines", "nearest is \"bar\""});
  check_refused("- MagnitudePruningModifier: {score_type: movement}", "1:42",
                {"score_type is \"movement\"", "magnitude"});
}

BOOST_AUTO_TEST_CASE(a_setting_that_is_missing_is_told_at_its_class) {
  check_refused("modifiers:\n  - SetLearningRateModifier:\n      start: 5\n", "2:5",
                {"SetLearningRateModifier needs learning_rate", "number, 0 or more"});
  check_refused("modifiers:\n  - LearningRateModifier:\n      start: 5\n", "2:5",
                {"learning_rate is not set"});
}

BOOST_AUTO_TEST_CASE(settings_that_do_not_fit_together_are_told_at_one_of_them) {
  check_refused(
      "modifiers:\n  - MagnitudePruningModifier:\n      end: 4\n      init_sparsity: 0.8\n"
      "      final_sparsity: 0.5\n",
      "5:23", {"final_sparsity", "0.5", "0.8"});
  check_refused("- LearningRateModifier: {learning_rate: 1, schedule: step}", "1:54", {"step"});
}

BOOST_AUTO_TEST_CASE(an_end_before_its_start_is_told_at_the_end) {
  check_refused("modifiers:\n  - ProgressModifier:\n      start: 5\n      end: 2\n", "4:12",
                {"ProgressModifier", "end 2", "start 5"});
  check_refused("modifiers:\n  - ProgressModifier:\n      end_epoch: 2\n      start_epoch: 5\n",
                "3:18", {"end 2", "start 5"});
}

BOOST_AUTO_TEST_CASE(a_cadence_that_makes_no_sense_is_told_at_its_setting) {
  check_refused("- ProgressModifier: {update: -0.5}", "1:30", {"update is -0.5"});
  check_refused("- ProgressModifier: {end: .nan}", "1:27", {"end is NaN"});
  check_refused("- ProgressModifier: {columns: 9, start: .inf}", "1:41", {"start"});
}

BOOST_AUTO_TEST_CASE(a_setting_that_is_given_twice_is_told_at_the_second) {
  check_refused("- ProgressModifier: {start: 1, end: 2, start: 3}", "1:40",
                {"\"start\" is given twice"});
  check_refused("- ProgressModifier:\n    start: 1\n    start_epoch: 1\n", "3:18",
                {"start_epoch is given twice", "the first time as start"});
}

BOOST_AUTO_TEST_CASE(a_class_that_stands_twice_in_a_map_is_told_with_the_way_out) {
  check_refused("modifiers:\n  ProgressModifier:\n  ProgressModifier:\n", "3:3",
                {"\"ProgressModifier\" is given twice", "list", "dash"});
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_is_told_with_the_line_that_took_it) {
  check_refused("- ProgressModifier: {name: a}\n- ConstantPruningModifier: {name: a}\n", "2:35",
                {"\"a\" is taken", "line 1"});
}

BOOST_AUTO_TEST_CASE(an_empty_name_is_refused) {
  check_refused("- ProgressModifier: {name: ''}", "1:28", {"name"});
}

// ---- How a recipe is laid out

BOOST_AUTO_TEST_CASE(what_is_no_recipe_is_told_what_one_is) {
  check_refused("hello", "1:1", {"\"hello\"", "a map of stages, or a list of modifiers"});
  check_refused("\n\n  7.5\n", "3:3", {"is 7.5", "map of stages"});
  check_refused("~", "1:1", {"null", "map of stages"});
}

BOOST_AUTO_TEST_CASE(a_recipe_without_modifiers_is_refused) {
  for (const char* const text :
       {"{}", "[]", "args: {a: 1}", "version: 1", "a_stage:", "a_stage: {x_modifiers: }", "n: 5"}) {
    check_refused(text, "1:1", {"no modifiers", "<name>_stage > <group>_modifiers > class"});
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_part_of_a_recipe_is_told_with_the_nearest) {
  check_refused("ProgressModifier:\narg:\n  x: 1\n", "2:1", {"\"arg\"", "nearest is \"args\""});
  check_refused("sparsity:\n  x: {a: 1}\n", "1:1", {"\"sparsity\"", "\"sparsity_stage\""});
  check_refused("- 1\n- x: {a: 1}\n", "1:3", {"is 1", "one class with its settings"});
  check_refused("a_stage:\n  pruning:\n    x: {y: 1}\n", "2:3",
                {"\"pruning\"", "in a stage", "\"pruning_modifiers\""});
  check_refused("? ''\n: {modifiers: [ProgressModifier]}\n", "1:3", {"there is no \"\""});
}

BOOST_AUTO_TEST_CASE(a_part_that_is_no_map_or_list_is_told_what_it_should_be) {
  check_refused("a_stage: 3", "1:10", {"a_stage is 3", "<group>_modifiers > class > settings"});
  check_refused("a_stage:\n  x_modifiers: 3\n", "2:16", {"x_modifiers is 3", "map or a list"});
  check_refused("stages: [a]", "1:9", {"stages is [\"a\"]", "map of stages"});
  check_refused("args: 3\nProgressModifier:", "1:7", {"args is 3", "name: value"});
  check_refused("a_stage:\n  args: [1]\n", "2:9", {"args is [1]", "name: value"});
  check_refused("ProgressModifier: 3", "1:19", {"ProgressModifier are 3", "name: value"});
  check_refused("- ProgressModifier:\n    - start: 1\n", "2:5", {"[{start: 1}]", "name: value"});
}

BOOST_AUTO_TEST_CASE(settings_that_are_not_indented_below_their_class_are_told_so) {
  check_refused("modifiers:\n  - ProgressModifier:\n    columns: 3\n", "2:5",
                {"{ProgressModifier: null, columns: 3}", "Indent"});
  const std::string two = "- ProgressModifier: {}\n  SetLearningRateModifier: {}\n";
  check_refused(two, "1:3", {"one class"});
  BOOST_TEST(!has(refusal(two), "Indent"));
}

BOOST_AUTO_TEST_CASE(a_second_stage_of_a_name_is_refused) {
  check_refused("stages: {a: , b: }\na_stage: {modifiers: [ProgressModifier]}", "2:1",
                {"a second stage \"a_stage\""});
  check_refused("stages: {a: , a_stage: }", "1:15", {"a second stage \"a_stage\""});
}

BOOST_AUTO_TEST_CASE(an_unknown_run_type_is_told_with_the_nearest) {
  check_refused("a_stage:\n  run_type: trian\n", "2:13",
                {"\"trian\"", "train, oneshot", "\"train\""});
  check_refused("a_stage:\n  run_type: 3\n", "2:13", {"run_type is 3", "text"});
}

BOOST_AUTO_TEST_CASE(an_unknown_stage_to_keep_is_told_with_the_nearest) {
  const std::string text = "sparsity_stage: {modifiers: [ProgressModifier]}\nb_stage:\n";
  check_refused(text, "", {"no stage \"sparse\"", "nearest is \"sparsity\""},
                {.stages = {"sparse"}});
  check_refused(text, "", {"no stage \"bb_stage\"", "nearest is \"b_stage\""},
                {.stages = {"sparsity", "bb_stage"}});
  check_refused("ProgressModifier:", "", {"no stage \"a\"", "has no stages"}, {.stages = {"a"}});
}

// ---- Plugins

BOOST_AUTO_TEST_CASE(plugins_that_are_no_list_of_text_are_refused) {
  check_refused("ProgressModifier:\nplugins: 1", "2:10", {"plugins is 1", "text"});
  check_refused("ProgressModifier:\nplugins: {a: b}", "2:10", {"plugins is {a: \"b\"}", "text"});
  check_refused("ProgressModifier:\nplugins: [a, [b]]", "2:10", {"plugins is [\"b\"]", "text"});
  check_refused("plugins:\nProgressModifier:", "1:1", {"plugins is null", "list of text"});
}

BOOST_AUTO_TEST_CASE(a_plugin_that_can_t_be_loaded_is_a_plugin_error_with_its_place) {
  const auto read = [] { (void)Recipe::from_string("plugins:\n  - ./none.so\n"); };
  const std::string message = takt::test::message_of<takt::PluginError>(read);
  BOOST_TEST(message.starts_with("recipe:2:3: "), message);
  check_words(message, {"none.so", "no such file"});
}

BOOST_AUTO_TEST_CASE(a_recipe_that_names_a_plugin_is_refused_where_none_is_loaded) {
  std::string text = "modifiers: [CountModifier]\nplugins: ['";
  text += std::string{TAKT_TEST_PLUGINS} + "/libgood.so']";
  check_refused(text, "2:10", {"names the plugin", "libgood.so", "not loaded here"},
                {.load_plugins = false});
}

// ---- YAML

BOOST_AUTO_TEST_CASE(bad_yaml_is_told_where_the_parser_stopped) {
  check_refused("modifiers:\n\t- x\n", "2:2", {"YAML"});
  check_refused("modifiers: [ProgressModifier: {start: 1}\n", "2:1", {"YAML", "end of sequence"});
  check_refused("a: b: c\n", "1:5", {"YAML"});
  check_refused("a: \"\\q\"\n", "1:7", {"YAML", "escape"});
}

BOOST_AUTO_TEST_CASE(a_quote_that_is_not_closed_is_refused_whatever_comes_after_it) {
  for (const char* const quote : {"'", "\""}) {
    for (const char* const rest : {"", "\n", "\n\n", "\r\n", "\n    columns: 3\n", "\n# end\n"}) {
      std::string text = "- ProgressModifier:\n    name: ";
      text += quote;
      text += std::string{"a"} + rest;
      BOOST_TEST(has(refusal(text), "YAML: illegal EOF"), text << refusal(text));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_is_left_out_is_told_at_its_name) {
  check_refused("- ProgressModifier:\n    mode:\n    columns: 3\n", "2:5", {"mode is null"});
  check_refused("- ProgressModifier:\n    mode: ~\n    columns: 3\n", "2:11", {"mode is null"});
  check_refused("- ProgressModifier: {mode: , columns: 3}\n", "1:28", {"mode is null"});
}

BOOST_AUTO_TEST_CASE(a_second_document_is_refused) {
  check_refused("modifiers: [ProgressModifier]\n---\nmodifiers: [ProgressModifier]\n", "2:1",
                {"second document"});
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_told_what_a_recipe_lists) {
  for (const char* const text : {"", "\n", "# nothing\n\n", "   ", "\xEF\xBB\xBF", "---", "..."}) {
    const std::string message = refusal(text);
    BOOST_TEST(message.starts_with("recipe:1:"), message);
    BOOST_TEST((has(message, "is empty") || has(message, "is null")), message);
  }
}

BOOST_AUTO_TEST_CASE(bombs_are_refused) {
  std::string aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string name = std::to_string(i);
    const std::string before = std::to_string(i - 1);
    aliases += "a" + name + ": &a" + name + " [*a" + before + ", *a" + before + ", *a" + before +
               ", *a" + before + ", *a" + before + ", *a" + before + ", *a" + before + "]\n";
  }
  BOOST_TEST(has(refusal(aliases + "ProgressModifier:\n"), "too many values"));
  BOOST_TEST(has(refusal("a: " + std::string(100'000, '[')), "nested too deep"));
  std::string maps = "a_stage: ";
  for (int i = 0; i < 100; ++i) maps += "{x_modifiers: ";
  check_refused(maps + std::string(100, '}'), "1:892", {"nested too deep", "64 levels"});
}

// ---- Bytes

BOOST_AUTO_TEST_CASE(a_byte_order_mark_and_windows_line_ends_change_no_place) {
  const std::string text = "modifiers:\n  - ProgressModifier:\n      x: 1\n";
  std::string windows = "\xEF\xBB\xBF";
  for (const char letter : text)
    windows += letter == '\n' ? std::string{"\r\n"} : std::string{letter};
  check_refused(text, "3:7", {"\"x\""});
  check_refused("\xEF\xBB\xBF" + text, "3:7", {"\"x\""});
  check_refused(windows, "3:7", {"\"x\""});
}

BOOST_AUTO_TEST_CASE(binary_bytes_are_refused_and_shown_as_plain_text) {
  check_refused("\x7f\x45LF\x01\x02", "1:1", {R"("\x7fELF\x01\x02")", "map of stages"});
  check_refused("\x89PNG\r\n\x1a\n", "1:1", {"UTF-8"});
  check_refused("modifiers:\n  - Pro\x04gress\n", "2:5", {R"("Pro\x04gress")"});
  check_refused(std::string{"- Pro\0gress: 1", 14}, "1:8", {"YAML"});
}

BOOST_AUTO_TEST_CASE(bytes_of_any_kind_are_read_or_refused) {
  BOOST_TEST(rc::check("nothing but a RecipeError is thrown", [] {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    const std::string before = *rc::gen::elementOf(
        Texts{"", "- ProgressModifier: {name: \"", "- ProgressModifier: {name: ", "args: {a: "});
    RC_ASSERT_THROWS_AS(
        {
          (void)Recipe::from_string(before + bytes, {.load_plugins = false});
          throw RecipeError("read");
        },
        RecipeError);
  }));
}

BOOST_AUTO_TEST_CASE(text_in_utf_16_is_read_when_it_says_so) {
  std::string wide = "\xFF\xFE";
  for (const char letter : std::string{"- ProgressModifier: {x: 1}"}) wide += {letter, '\0'};
  check_refused(wide, "1:22", {"\"x\""});
}

BOOST_AUTO_TEST_CASE(text_that_is_no_utf_8_is_refused) {
  check_refused("ProgressModifier: {name: gr\xFCn}", "1:26", {"UTF-8"});
  check_refused("gr\xFCn: 1\nProgressModifier:", "1:1", {"UTF-8"});
  check_refused("- !gr\xFCn {a: 1}", "1:3", {"UTF-8"});
  check_refused("- ProgressModifier: {name: \"\\uFFFF\"}", "1:28", {"no characters"});
}

// ---- Files

BOOST_AUTO_TEST_CASE(a_file_that_can_t_be_read_is_told_why) {
  const ScratchFolder folder;
  check_file_refused(folder / "none.yaml", {"no such file", "YAML or JSON"});
  check_file_refused(folder.path(), {"is a folder", "a file in it"});
  check_file_refused(folder.file("a", "") / "b.yaml", {"no such file"});
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_refused_like_an_empty_text) {
  const ScratchFolder folder;
  const fs::path file = folder.file("empty.yaml", "");
  const auto read = [&] { (void)Recipe::from_file(file); };
  const std::string message = takt::test::message_of<RecipeError>(read);
  BOOST_TEST(message.starts_with(file.string() + ":1:1: is empty"), message);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_too_long_is_refused) {
  const ScratchFolder folder;
  const fs::path file = folder.file("long.yaml", "");
  fs::resize_file(file, 100'000'000);
  check_file_refused(file, {"too long", "1048576 bytes"});
  check_file_refused("/dev/zero", {"too long", "1048576 bytes"});
}

BOOST_AUTO_TEST_CASE(a_recipe_may_be_as_long_as_it_may_be_and_no_longer) {
  std::string text = "ProgressModifier:\n#";
  text.resize(takt::detail::longest_recipe, '#');
  BOOST_TEST(Recipe::from_string(text).modifiers().size() == 1U);
  const ScratchFolder folder;
  BOOST_TEST(Recipe::from_file(folder.file("a.yaml", text)).modifiers().size() == 1U);
  text += '#';
  check_refused(text, "", {"too long"});
  check_file_refused(folder.file("a.yaml", text), {"too long"});
}

BOOST_AUTO_TEST_CASE(a_markdown_file_without_a_whole_front_matter_is_refused) {
  const ScratchFolder folder;
  check_file_refused(folder.file("a.md", "# Text\n"), {"no recipe", "two lines of ---"});
  check_file_refused(folder.file("b.md", "---\nProgressModifier:\n"), {"no end", "---"});
}

BOOST_AUTO_TEST_SUITE_END()
