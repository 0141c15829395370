// SPDX-License-Identifier: BSL-1.0
#include "takt/recipe.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recipe_cases.hpp"
#include "takt/plugin.hpp"
#include "takt/registry.hpp"

namespace {

namespace fs = std::filesystem;
using takt::Mark;
using takt::Recipe;
using takt::RecipeModifier;
using takt::RecipeOptions;
using takt::SettingValue;
using takt::test::has;
using takt::test::ScratchFolder;
using Lines = std::vector<std::string>;
using Map = takt::SettingValue::Map;

constexpr std::string_view two_stages = R"(args:
  sparsity: 0.9
sparsity_stage:
  pruning_modifiers:
    MagnitudePruningModifier:
      targets: ['re:.*weight']
      init_sparsity: 0.05
      final_sparsity: "{{sparsity}}"
      start: 1.0
      end: 8.0
      update: 0.5
    ConstantPruningModifier:
      start: 8
tuning_stage:
  rate_modifiers:
    LearningRateModifier:
      learning_rate: 0.1
  logging_modifiers:
    ProgressModifier:
)";

Recipe read(std::string_view text, const RecipeOptions& options = {}) {
  return Recipe::from_string(text, options);
}

/// "stage > group > type", a line for each modifier.
Lines places_in(const Recipe& recipe) {
  Lines places;
  for (const RecipeModifier& each : recipe.modifiers()) {
    std::string place = each.stage;
    place += " > " + each.group;
    place += " > " + each.type;
    places.push_back(place);
  }
  return places;
}

Lines names_in(const Recipe& recipe) {
  Lines names;
  for (const RecipeModifier& each : recipe.modifiers()) names.push_back(each.name);
  return names;
}

/// That a recipe has the same modifiers as the two of `rates` below.
void check_two_rates(const Recipe& recipe, const std::string& place) {
  BOOST_TEST((places_in(recipe) ==
              Lines{place + "LearningRateModifier", place + "SetLearningRateModifier"}));
  BOOST_REQUIRE_EQUAL(recipe.modifiers().size(), 2U);
  BOOST_TEST((recipe.modifiers()[0].settings == Map{{"learning_rate", 0.1}, {"end", 4}}));
  BOOST_TEST((recipe.modifiers()[1].settings == Map{{"learning_rate", 0.2}, {"start", 4}}));
}

fs::path plugin_file(const std::string& name) {
  return fs::path{TAKT_TEST_PLUGINS} / ("lib" + name + ".so");
}

bool is_loaded(const fs::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return false;
  dlclose(library);
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe)

// ---- Stages, groups, classes, settings

BOOST_AUTO_TEST_CASE(modifiers_stand_in_stages_and_groups_under_their_class) {
  const Recipe recipe = read(two_stages);
  BOOST_TEST(
      (places_in(recipe) == Lines{"sparsity_stage > pruning_modifiers > MagnitudePruningModifier",
                                  "sparsity_stage > pruning_modifiers > ConstantPruningModifier",
                                  "tuning_stage > rate_modifiers > LearningRateModifier",
                                  "tuning_stage > logging_modifiers > ProgressModifier"}));
  BOOST_TEST((recipe.stages() == Lines{"sparsity_stage", "tuning_stage"}));
  BOOST_TEST(recipe.plugins().empty());
  BOOST_TEST(recipe.warnings().empty());
}

BOOST_AUTO_TEST_CASE(settings_are_kept_as_given_and_args_put_in) {
  const Recipe recipe = read(two_stages);
  BOOST_TEST((recipe.modifiers()[0].settings == Map{{"targets", SettingValue::List{"re:.*weight"}},
                                                    {"init_sparsity", 0.05},
                                                    {"final_sparsity", 0.9},
                                                    {"start", 1},
                                                    {"end", 8},
                                                    {"update", 0.5}}));
  BOOST_TEST(recipe.modifiers()[3].settings.empty());
}

BOOST_AUTO_TEST_CASE(a_modifier_has_the_cadence_that_its_settings_come_to) {
  const Recipe recipe = read(two_stages);
  BOOST_TEST((recipe.modifiers()[0].cadence == takt::Cadence{.start = 1, .end = 8, .update = 0.5}));
  BOOST_TEST((recipe.modifiers()[1].cadence == takt::Cadence{.start = 8}));
  BOOST_TEST((recipe.modifiers()[3].cadence == takt::Cadence{}));
}

BOOST_AUTO_TEST_CASE(settings_under_their_older_names_are_kept_under_those) {
  const Recipe recipe = read(
      "modifiers: [{GMPruningModifier: {params: __ALL_PRUNABLE__, init_sparsity: 0.1, "
      "final_sparsity: 0.5, start_epoch: 1, end_epoch: 5, update_frequency: 0.5}}]");
  const RecipeModifier& modifier = recipe.modifiers().at(0);
  BOOST_TEST(modifier.type == "GMPruningModifier");
  BOOST_TEST(modifier.name == "MagnitudePruningModifier");
  BOOST_TEST(modifier.settings.front().key == "params");
  BOOST_TEST((modifier.cadence == takt::Cadence{.start = 1, .end = 5, .update = 0.5}));
}

BOOST_AUTO_TEST_CASE(a_modifier_and_its_settings_know_where_they_were_written) {
  const Recipe recipe = read(two_stages);
  BOOST_TEST((recipe.modifiers()[0].mark == Mark{5, 5}));
  BOOST_TEST((recipe.modifiers()[1].mark == Mark{12, 5}));
  BOOST_TEST((recipe.modifiers()[0].settings[0].mark == Mark{6, 7}));
  BOOST_TEST((recipe.modifiers()[0].settings[0].value.mark == Mark{6, 16}));
  BOOST_TEST((recipe.modifiers()[0].settings[2].value.mark == Mark{8, 23}));
}

BOOST_AUTO_TEST_CASE(groups_may_stand_at_the_top) {
  check_two_rates(read(R"(rate_modifiers:
  LearningRateModifier: {learning_rate: 0.1, end: 4}
  SetLearningRateModifier: {learning_rate: 0.2, start: 4}
)"),
                  " > rate_modifiers > ");
}

BOOST_AUTO_TEST_CASE(classes_may_stand_at_the_top_and_right_in_a_stage) {
  check_two_rates(read(R"(LearningRateModifier: {learning_rate: 0.1, end: 4}
SetLearningRateModifier: {learning_rate: 0.2, start: 4}
)"),
                  " >  > ");
  check_two_rates(read(R"(a_stage:
  LearningRateModifier: {learning_rate: 0.1, end: 4}
  SetLearningRateModifier: {learning_rate: 0.2, start: 4}
)"),
                  "a_stage >  > ");
}

BOOST_AUTO_TEST_CASE(a_recipe_may_be_nothing_but_a_list_of_modifiers) {
  check_two_rates(read(R"(- LearningRateModifier: {learning_rate: 0.1, end: 4}
- SetLearningRateModifier: {learning_rate: 0.2, start: 4}
)"),
                  " > modifiers > ");
}

BOOST_AUTO_TEST_CASE(a_group_may_be_a_list_with_classes_as_tags) {
  for (const char* const colon : {"", ":"}) {
    std::string text = "training_modifiers:\n  - !LearningRateModifier";
    text += colon;
    text += "\n    learning_rate: 0.1\n    end: 4\n  - !SetLearningRateModifier";
    text += colon;
    text += "\n    learning_rate: 0.2\n    start: 4\n";
    check_two_rates(read(text), " > training_modifiers > ");
  }
}

BOOST_AUTO_TEST_CASE(a_recipe_may_be_one_tag) {
  const Recipe recipe = read("!LearningRateModifier\nlearning_rate: 0.1\n");
  BOOST_TEST((places_in(recipe) == Lines{" >  > LearningRateModifier"}));
  BOOST_TEST((recipe.modifiers()[0].settings == Map{{"learning_rate", 0.1}}));
}

BOOST_AUTO_TEST_CASE(json_is_read_like_yaml) {
  check_two_rates(read(R"({"a_stage": {"rate_modifiers": {
  "LearningRateModifier": {"learning_rate": 1e-1, "end": 4},
  "SetLearningRateModifier": {"learning_rate": 0.2, "start": 4.0}
}}})"),
                  "a_stage > rate_modifiers > ");
}

BOOST_AUTO_TEST_CASE(a_modifier_without_settings_may_be_a_name_or_have_none_after_it) {
  for (const char* const text : {"[ProgressModifier]", "[{ProgressModifier: }]",
                                 "[{ProgressModifier: {}}]", "ProgressModifier: null"}) {
    const Recipe recipe = read(text);
    BOOST_REQUIRE_EQUAL(recipe.modifiers().size(), 1U);
    BOOST_TEST(recipe.modifiers()[0].type == "ProgressModifier");
    BOOST_TEST(recipe.modifiers()[0].settings.empty());
  }
}

BOOST_AUTO_TEST_CASE(an_empty_group_or_stage_adds_nothing) {
  const Recipe recipe = read(R"(a_stage:
b_stage:
  pruning_modifiers:
  more_modifiers: []
  logging_modifiers: {ProgressModifier: }
)");
  BOOST_TEST(recipe.modifiers().size() == 1U);
  BOOST_TEST((recipe.stages() == Lines{"a_stage", "b_stage"}));
}

BOOST_AUTO_TEST_CASE(a_map_with_a_group_or_a_class_in_it_is_a_stage_whatever_its_name) {
  const Recipe recipe = read(R"(ac_dc_phase:
  modifiers: [ProgressModifier]
next:
  SetLearningRateModifier: {learning_rate: 1}
)");
  BOOST_TEST((recipe.stages() == Lines{"ac_dc_phase", "next"}));
  BOOST_TEST((places_in(recipe) == Lines{"ac_dc_phase > modifiers > ProgressModifier",
                                         "next >  > SetLearningRateModifier"}));
}

BOOST_AUTO_TEST_CASE(stages_may_stand_under_stages_without_their_ending) {
  const Recipe recipe = read("stages: {a: {modifiers: [ProgressModifier]}, b_stage: }");
  BOOST_TEST((recipe.stages() == Lines{"a_stage", "b_stage"}));
  BOOST_TEST((places_in(recipe) == Lines{"a_stage > modifiers > ProgressModifier"}));
}

BOOST_AUTO_TEST_CASE(what_is_for_people_is_not_read) {
  const Recipe recipe = read(R"(version: 1.1.0
metadata: {x_modifiers: {NoSuchModifier: }}
__metadata__: [{deep: 1}]
a_stage:
  metadata: {x_modifiers: {NoSuchModifier: }}
  version: {a: 1}
  modifiers: [ProgressModifier]
)");
  BOOST_TEST(recipe.modifiers().size() == 1U);
  BOOST_TEST((recipe.stages() == Lines{"a_stage"}));
}

// ---- Names

BOOST_AUTO_TEST_CASE(a_second_of_a_kind_has_a_number_after_its_name) {
  const Recipe recipe = read(R"(modifiers:
  - SetLearningRateModifier: {learning_rate: 1}
  - ProgressModifier
  - SetLearningRateModifier: {learning_rate: 2}
b_stage:
  modifiers: {SetLearningRateModifier: {learning_rate: 3}}
)");
  BOOST_TEST((names_in(recipe) == Lines{"SetLearningRateModifier", "ProgressModifier",
                                        "SetLearningRateModifier 2", "SetLearningRateModifier 3"}));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_given_is_kept_and_not_taken_by_another) {
  const Recipe recipe = read(R"(modifiers:
  - SetLearningRateModifier: {learning_rate: 1}
  - SetLearningRateModifier: {learning_rate: 1}
  - SetLearningRateModifier: {learning_rate: 1, name: SetLearningRateModifier 2}
  - SetLearningRateModifier: {learning_rate: 1, name: cold}
  - ProgressModifier: {name: SetLearningRateModifier}
)");
  BOOST_TEST(
      (names_in(recipe) == Lines{"SetLearningRateModifier 3", "SetLearningRateModifier 4",
                                 "SetLearningRateModifier 2", "cold", "SetLearningRateModifier"}));
}

BOOST_AUTO_TEST_CASE(modifiers_are_made_in_order_with_their_names_and_cadences) {
  const Recipe recipe = read(two_stages);
  const auto made = recipe.make();
  BOOST_REQUIRE_EQUAL(made.size(), 4U);
  for (std::size_t i = 0; i < made.size(); ++i) {
    BOOST_TEST(made[i]->name() == recipe.modifiers()[i].name);
    BOOST_TEST((made[i]->cadence() == recipe.modifiers()[i].cadence));
  }
  BOOST_TEST(recipe.make()[0] != made[0]);
}

BOOST_AUTO_TEST_CASE(modifiers_are_made_with_the_names_that_tell_them_apart) {
  const auto made =
      read("[ProgressModifier, ProgressModifier, ProgressModifier: {name: p}]").make();
  BOOST_REQUIRE_EQUAL(made.size(), 3U);
  BOOST_TEST(made[0]->name() == "ProgressModifier");
  BOOST_TEST(made[1]->name() == "ProgressModifier 2");
  BOOST_TEST(made[2]->name() == "p");
}

// ---- Which stages

BOOST_AUTO_TEST_CASE(only_the_stages_that_are_asked_for_are_kept) {
  for (const char* const name : {"tuning", "tuning_stage"}) {
    const Recipe recipe = read(two_stages, {.stages = {name}});
    BOOST_TEST((names_in(recipe) == Lines{"LearningRateModifier", "ProgressModifier"}));
    BOOST_TEST((recipe.stages() == Lines{"sparsity_stage", "tuning_stage"}));
  }
  BOOST_TEST(read(two_stages, {.stages = {"tuning", "sparsity"}}).modifiers().size() == 4U);
}

BOOST_AUTO_TEST_CASE(stages_that_are_not_kept_are_not_looked_at) {
  const std::string text = R"(a_stage:
  modifiers: [ProgressModifier]
b_stage:
  run_type: never
  modifiers: [NoSuchModifier]
c_stage: 7
x_modifiers: [NoSuchModifier]
OtherModifier:
)";
  BOOST_TEST((names_in(read(text, {.stages = {"a"}})) == Lines{"ProgressModifier"}));
}

BOOST_AUTO_TEST_CASE(what_stands_in_no_stage_is_the_default_one) {
  const std::string text = "modifiers: [ProgressModifier]\na_stage: {modifiers: [NoSuchModifier]}";
  BOOST_TEST((names_in(read(text, {.stages = {"default"}})) == Lines{"ProgressModifier"}));
}

BOOST_AUTO_TEST_CASE(a_stage_that_is_kept_may_have_no_modifiers) {
  const Recipe recipe =
      read("a_stage:\nb_stage: {modifiers: [ProgressModifier]}", {.stages = {"a"}});
  BOOST_TEST(recipe.modifiers().empty());
  BOOST_TEST(recipe.make().empty());
}

BOOST_AUTO_TEST_CASE(a_stage_that_is_not_enabled_is_left_out) {
  const Recipe recipe = read(R"(a_stage:
  enabled: false
  modifiers: [NoSuchModifier]
b_stage:
  enabled: true
  modifiers: [ProgressModifier]
)");
  BOOST_TEST((places_in(recipe) == Lines{"b_stage > modifiers > ProgressModifier"}));
  BOOST_TEST((recipe.stages() == Lines{"a_stage", "b_stage"}));
}

BOOST_AUTO_TEST_CASE(one_shot_makes_no_difference_and_that_is_said) {
  const Recipe recipe = read(R"(a_stage:
  run_type: oneshot
  modifiers: [ProgressModifier]
b_stage:
  run_type: train
  modifiers: [ProgressModifier]
)");
  BOOST_REQUIRE_EQUAL(recipe.warnings().size(), 1U);
  BOOST_TEST(has(recipe.warnings()[0], "a_stage has run_type oneshot"));
  BOOST_TEST(recipe.modifiers().size() == 2U);
}

// ---- Files

BOOST_AUTO_TEST_CASE(a_file_is_read_like_its_text) {
  const ScratchFolder folder;
  const Recipe recipe = Recipe::from_file(folder.file("recipe.yaml", two_stages));
  BOOST_TEST((recipe == read(two_stages)));
  BOOST_TEST((names_in(recipe) == names_in(read(two_stages))));
  BOOST_TEST((recipe.modifiers()[1].mark == Mark{12, 5}));
}

BOOST_AUTO_TEST_CASE(the_options_are_those_of_a_text) {
  const ScratchFolder folder;
  const Recipe recipe = Recipe::from_file(folder.file("recipe.yaml", two_stages),
                                          {.args = {{"sparsity", 0.7}}, .stages = {"sparsity"}});
  BOOST_TEST(recipe.modifiers().size() == 2U);
  BOOST_TEST((recipe.modifiers()[0].settings[2].value == SettingValue{0.7}));
}

BOOST_AUTO_TEST_CASE(of_a_markdown_file_the_front_matter_is_read_and_its_lines_counted) {
  const ScratchFolder folder;
  std::string text = "<!-- a licence -->\n---\n";
  text += two_stages;
  text += "---\n# How it was trained\nmodifiers: [NoSuchModifier]\n---\n";
  const Recipe recipe = Recipe::from_file(folder.file("recipe.md", text));
  BOOST_TEST((recipe == read(two_stages)));
  BOOST_TEST((recipe.modifiers()[0].mark == Mark{7, 5}));
}

// ---- Which modifiers there are

BOOST_AUTO_TEST_CASE(the_registry_says_which_modifiers_a_recipe_may_name) {
  takt::Registry registry;
  registry.add({.info = {.name = "Beat"}, .make = [](const Map&) {
                  return std::make_shared<takt::Modifier>("beat", takt::Cadence{.start = 3},
                                                          takt::Interests{});
                }});
  const Recipe recipe = read("Beat:\na_stage: {b_modifiers: [Beat]}", {.registry = registry});
  BOOST_TEST((names_in(recipe) == Lines{"beat", "beat 2"}));
  BOOST_TEST((recipe.modifiers()[0].cadence == takt::Cadence{.start = 3}));
  BOOST_TEST(recipe.registry().find("Beat") != nullptr);
  BOOST_TEST(recipe.registry().find("ProgressModifier") == nullptr);
  BOOST_CHECK_THROW((void)read("[ProgressModifier]", {.registry = registry}), takt::RecipeError);
}

BOOST_AUTO_TEST_CASE(a_recipe_loads_the_plugins_that_it_names) {
  std::string text = "modifiers: [CountModifier: {by: 2}]\nplugins: ['";
  text += plugin_file("good").string() + "']\n";
  {
    const Recipe recipe = read(text);
    BOOST_TEST((recipe.plugins() == Lines{plugin_file("good").string()}));
    BOOST_TEST((names_in(recipe) == Lines{"CountModifier"}));
    BOOST_TEST(recipe.registry().plugins().size() == 1U);
    BOOST_TEST((read(recipe.to_yaml()) == recipe));
  }
  BOOST_TEST(takt::Registry::builtin().find("CountModifier") == nullptr);
  BOOST_TEST(!is_loaded(plugin_file("good")));
}

BOOST_AUTO_TEST_CASE(a_relative_path_of_a_plugin_starts_at_the_recipe) {
  const ScratchFolder folder;
  fs::create_directory(folder / "lib");
  fs::create_symlink(plugin_file("good"), folder / "lib" / "mine.so");
  const fs::path file = folder.file(
      "recipe.yaml", "plugins: [lib/mine.so, ./lib/mine.so]\nmodifiers: [CountModifier]");
  const Recipe recipe = Recipe::from_file(file);
  BOOST_TEST((recipe.plugins() == Lines{"lib/mine.so", "./lib/mine.so"}));
  BOOST_TEST(recipe.modifiers().size() == 1U);
  const Recipe elsewhere =
      Recipe::from_file(file.parent_path() / "." / "lib" / ".." / "recipe.yaml");
  BOOST_TEST((elsewhere == recipe));
}

BOOST_AUTO_TEST_CASE(a_recipe_keeps_its_plugins_loaded) {
  std::string text = "modifiers: [CountModifier]\nplugins: '";
  text += plugin_file("good").string() + "'\n";
  std::optional<Recipe> recipe{read(text)};
  std::optional<Recipe> copy{recipe};
  recipe.reset();
  BOOST_TEST(is_loaded(plugin_file("good")));
  BOOST_TEST(copy->make().at(0)->name() == "CountModifier");
  copy.reset();
  BOOST_TEST(!is_loaded(plugin_file("good")));
}

BOOST_AUTO_TEST_CASE(a_plugin_that_was_loaded_beforehand_serves_a_recipe_that_names_none) {
  RecipeOptions options;
  load_plugin(plugin_file("good"), options.registry);
  options.load_plugins = false;
  BOOST_TEST((names_in(read("plugins: []\nmodifiers: [TallyModifier]", options)) ==
              Lines{"CountModifier"}));
}

// ---- What is the same

BOOST_AUTO_TEST_CASE(recipes_are_equal_when_they_say_the_same) {
  const std::string text = "a_stage: {b_modifiers: {ProgressModifier: {columns: 40}}}";
  BOOST_TEST((read(text) == read("# elsewhere\n\n" + text)));
  BOOST_TEST((read(text) == read("args: {n: 40}\na_stage:\n  b_modifiers:\n  - "
                                 "ProgressModifier: {columns: '{{n}}'}")));
  for (const char* const other :
       {"b_stage: {b_modifiers: {ProgressModifier: {columns: 40}}}",
        "a_stage: {c_modifiers: {ProgressModifier: {columns: 40}}}",
        "a_stage: {b_modifiers: {ProgressModifier: {columns: 41}}}",
        "a_stage: {b_modifiers: {ProgressModifier: {columns: 40, name: a}}}",
        "a_stage: {b_modifiers: {SetLearningRateModifier: {learning_rate: 40}}}",
        "a_stage: {b_modifiers: [ProgressModifier: {columns: 40}, ProgressModifier]}"}) {
    BOOST_TEST((read(text) != read(other)), other);
  }
}

BOOST_AUTO_TEST_CASE(recipes_with_other_plugins_differ) {
  std::string text = "modifiers: [ProgressModifier]\n";
  const Recipe without = read(text);
  text += "plugins: ['" + plugin_file("good").string() + "']\n";
  BOOST_TEST((read(text) != without));
}

BOOST_AUTO_TEST_SUITE_END()
