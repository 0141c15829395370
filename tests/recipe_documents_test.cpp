// SPDX-License-Identifier: BSL-1.0
// Recipes in the forms that LLM Compressor's and SparseML's documentation has them in.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "number_text.hpp"
#include "recipe_cases.hpp"
#include "takt/event_bus.hpp"
#include "takt/recipe.hpp"

namespace {

namespace fs = std::filesystem;
using takt::Recipe;
using takt::RecipeModifier;
using takt::RecipeOptions;
using takt::SettingValue;
using takt::test::has;
using Lines = std::vector<std::string>;
using List = takt::SettingValue::List;

const fs::path folder{TAKT_TEST_RECIPES};

/// What each recipe comes to: stage, group, class, and when it is on; `leave_enabled` has no end.
const std::map<std::string, Lines> documents{
    {"stage_group_class.yaml",
     {"first_stage holding_modifiers ConstantPruningModifier from 0 to 6"}},
    {"two_in_a_group.yaml",
     {"sparse_stage pruning_modifiers MagnitudePruningModifier from 2 to 12 every 0.25",
      "sparse_stage pruning_modifiers ConstantPruningModifier from 12"}},
    {"two_groups.yaml",
     {"rising_stage pruning_modifiers MagnitudePruningModifier from 0 to 4",
      "rising_stage holding_modifiers ConstantPruningModifier from 4"}},
    {"class_right_in_a_stage.yaml",
     {"one_stage holding_modifiers ConstantPruningModifier to 3",
      "other_stage - MagnitudePruningModifier from 3 to 9"}},
    {"open_arg.yaml", {"late_stage holding_modifiers ConstantPruningModifier from 4 to 6.5"}},
    {"args_at_the_top.yaml",
     {"sparse_stage pruning_modifiers MagnitudePruningModifier from 3 to 15 every 1"}},
    {"json.json", {"sparse_stage pruning_modifiers MagnitudePruningModifier from 1 to 5"}},
    {"tagged_list.yaml",
     {"- modifiers EpochRangeModifier from 0 to 48", "- modifiers LearningRateModifier from 0",
      "- modifiers GMPruningModifier from 2 to 30 every 0.5"}},
    {"indented_list.yaml",
     {"- modifiers SetLearningRateModifier from 1.5", "- modifiers ConstantPruningModifier"}},
    {"variables.yaml",
     {"- training_modifiers EpochRangeModifier from 0 to 36",
      "- training_modifiers LearningRateFunctionModifier from 0 to 3",
      "- training_modifiers LearningRateFunctionModifier from 3 to 36",
      "- pruning_modifiers GMPruningModifier from 3 every 0.5"}},
    {"anchors.yaml",
     {"- training_modifiers EpochRangeModifier from 0 to 64",
      "- training_modifiers LearningRateModifier from 44 to 64",
      "- pruning_modifiers GMPruningModifier from 3 to 44 every 1"}},
    {"single.yaml", {"- - GMPruningModifier from 1 every 2"}},
    {"tag_with_colon.yaml", {"- - EpochRangeModifier from 0 to 55"}},
    {"learning_rates.yaml",
     {"- training_modifiers SetLearningRateModifier from 0",
      "- training_modifiers LearningRateModifier from 1 to 8",
      "- training_modifiers LearningRateModifier from 8 to 16",
      "- training_modifiers LearningRateFunctionModifier from 16 to 20"}},
    {"staged.yaml",
     {"dense_phase training_modifiers EpochRangeModifier from 0 to 10",
      "dense_phase training_modifiers LearningRateFunctionModifier from 0 to 10",
      "sparse_phase training_modifiers EpochRangeModifier from 10 to 25",
      "sparse_phase training_modifiers LearningRateFunctionModifier from 10 to 25",
      "sparse_phase holding_modifiers ConstantPruningModifier from 10"}},
    {"quantized.yaml",
     {"dense_stage pruning_modifiers MagnitudePruningModifier from 0 to 6 every 0.5",
      "quant_stage quant_modifiers QuantizationModifier from 6"}},
    {"quantization_schemes.yaml", {"quant_stage quant_modifiers QuantizationModifier"}},
    {"front_matter.md",
     {"- modifiers EpochRangeModifier from 0 to 12", "- modifiers ConstantPruningModifier from 0"}},
    {"metadata.yaml", {"- holding_modifiers ConstantPruningModifier from 0"}},
};

/// The modifier that takt lacks, where it is named, and the nearest there is.
struct Lacking {
  std::string place{};
  std::string type{};
  std::string nearest{};
};
const std::map<std::string, Lacking> lacking{
    {"quantization.yaml", {"7:5", "LegacyQuantizationModifier", "QuantizationModifier"}},
    {"sparse_gpt.yaml", {"4:5", "SparseGPTModifier", "EMAModifier"}},
    {"trainable_params.yaml", {"1:7", "TrainableParamsModifier", "GradientClipModifier"}},
    {"weight_decay.yaml", {"5:5", "SetWeightDecayModifier", "MetricsModifier"}},
    {"global_magnitude.yaml",
     {"2:5", "GlobalMagnitudePruningModifier", "MagnitudePruningModifier"}},
    {"acdc.yaml", {"2:5", "ACDCPruningModifier", "GMPruningModifier"}},
};

/// What the program has to say to `open_arg.yaml`.
RecipeOptions options_for(const std::string& name) {
  RecipeOptions options;
  if (name == "open_arg.yaml") options.args = {{"holding_epoch", 4}};
  return options;
}

Recipe read(const std::string& name) { return Recipe::from_file(folder / name, options_for(name)); }

std::string line_of(const RecipeModifier& modifier) {
  std::string line = modifier.stage.empty() ? "-" : modifier.stage;
  line += ' ' + (modifier.group.empty() ? "-" : modifier.group) + ' ' + modifier.type;
  const auto& [start, end, update] = modifier.cadence;
  if (start) line += " from " + takt::detail::text_of(*start);
  if (end) line += " to " + takt::detail::text_of(*end);
  if (update) line += " every " + takt::detail::text_of(*update);
  return line;
}

std::set<std::string> files_in(const fs::path& there) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator{there}) {
    if (entry.is_regular_file()) names.insert(entry.path().filename().string());
  }
  return names;
}

template <class Table>
std::set<std::string> names_in(const Table& table) {
  std::set<std::string> names;
  for (const auto& [name, expected] : table) names.insert(name);
  return names;
}

/// The setting of that name of the modifier at that position in a file.
SettingValue setting(const std::string& file, std::size_t position, const std::string& name) {
  const Recipe recipe = read(file);
  const SettingValue settings{recipe.modifiers().at(position).settings};
  const SettingValue* const value = settings.find(name);
  return value == nullptr ? SettingValue{"not there"} : *value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_documents)

BOOST_AUTO_TEST_CASE(every_file_of_the_folder_is_looked_at) {
  std::set<std::string> expected = names_in(documents);
  expected.insert("README.md");
  BOOST_TEST(files_in(folder) == expected, boost::test_tools::per_element());
  BOOST_TEST(files_in(folder / "lacking") == names_in(lacking), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_recipe_loads_and_comes_to_what_it_says) {
  for (const auto& [name, expected] : documents) {
    BOOST_TEST_CONTEXT(name) {
      const Recipe recipe = read(name);
      Lines lines;
      for (const RecipeModifier& each : recipe.modifiers()) lines.push_back(line_of(each));
      BOOST_TEST(lines == expected, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(each_recipe_reads_back_from_what_it_is_written_as) {
  for (const auto& [name, expected] : documents) {
    const Recipe recipe = read(name);
    const std::string yaml = recipe.to_yaml();
    BOOST_TEST((Recipe::from_string(yaml) == recipe), name << "\n" << yaml);
    BOOST_TEST(!has(yaml, "eval("), name << "\n" << yaml);
  }
}

BOOST_AUTO_TEST_CASE(each_recipe_comes_onto_a_bus_with_names_of_its_own) {
  for (const auto& [name, expected] : documents) {
    takt::EventBus bus{takt::Event{.steps_per_epoch = 8}};
    const Lines warnings = bus.apply(read(name));
    BOOST_TEST(bus.modifiers().size() == expected.size(), name);
    BOOST_TEST(warnings.empty(), name << ": " << (warnings.empty() ? "" : warnings[0]));
  }
}

BOOST_AUTO_TEST_CASE(a_recipe_with_a_modifier_that_takt_lacks_is_told_which_and_the_nearest) {
  for (const auto& [name, expected] : lacking) {
    const fs::path file = folder / "lacking" / name;
    const auto load = [&] { (void)Recipe::from_file(file); };
    const std::string message = takt::test::message_of<takt::RecipeError>(load);
    std::string whole = file.string();
    whole += ':' + expected.place + ": there is no modifier \"" + expected.type;
    whole += "\"; the nearest is \"" + expected.nearest + '"';
    BOOST_TEST(message == whole);
  }
}

BOOST_AUTO_TEST_CASE(the_stage_that_takt_can_run_of_such_a_recipe_loads_alone) {
  const Recipe recipe =
      Recipe::from_file(folder / "lacking" / "sparse_gpt.yaml", {.stages = {"tuning"}});
  BOOST_REQUIRE_EQUAL(recipe.modifiers().size(), 1U);
  BOOST_TEST(line_of(recipe.modifiers()[0]) ==
             "tuning_stage holding_modifiers ConstantPruningModifier from 0");
}

BOOST_AUTO_TEST_CASE(an_arg_that_is_left_open_needs_the_program) {
  const auto load = [] { (void)Recipe::from_file(folder / "open_arg.yaml"); };
  const std::string message = takt::test::message_of<takt::RecipeError>(load);
  BOOST_TEST(has(message, ":5:20: there is no arg \"holding_epoch\""), message);
}

BOOST_AUTO_TEST_CASE(variables_of_every_kind_are_put_in) {
  BOOST_TEST((setting("variables.yaml", 1, "final_lr") == SettingValue{0.08}));
  BOOST_TEST((setting("variables.yaml", 2, "lr_func") == SettingValue{"cosine"}));
  BOOST_TEST((setting("variables.yaml", 3, "params") == SettingValue{List{"re:block.*weight"}}));
  BOOST_TEST((setting("anchors.yaml", 2, "mask_type") == SettingValue{List{1, 4}}));
}

BOOST_AUTO_TEST_CASE(a_variable_of_a_stage_stands_before_the_recipes) {
  BOOST_TEST((setting("staged.yaml", 1, "final_lr") == SettingValue{0.002}));
  BOOST_TEST((setting("staged.yaml", 3, "final_lr") == SettingValue{0.0002}));
  BOOST_TEST((setting("staged.yaml", 3, "init_lr") == SettingValue{0.0002 * 20}));
}

BOOST_AUTO_TEST_CASE(a_number_without_a_point_is_a_number) {
  BOOST_TEST((setting("learning_rates.yaml", 0, "learning_rate") == SettingValue{0.005}));
  BOOST_TEST((setting("learning_rates.yaml", 3, "final_lr") == SettingValue{8e-6}));
}

BOOST_AUTO_TEST_SUITE_END()
