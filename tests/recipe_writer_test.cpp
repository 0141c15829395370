// SPDX-License-Identifier: BSL-1.0
// How a recipe is written as YAML, and that it reads back as the same.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "number_text.hpp"
#include "recipe_cases.hpp"
#include "takt/recipe.hpp"

namespace {

using takt::Recipe;
using takt::RecipeModifier;
using takt::SettingValue;
using takt::test::evenly;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;
using Texts = std::vector<std::string>;

// ---- Recipes as JSON, written without yaml-cpp

std::string quoted(const std::string& text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string json = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') json += '\\';
    if (byte >= 0x20 && byte != 0x7F) {
      json += letter;
    } else {
      json += "\\u00";
      json += digits[byte / 16];
      json += digits[byte % 16];
    }
  }
  return json + '"';
}

std::string json_of(const SettingValue& value) {
  std::string json;
  if (const auto* const truth = value.get_if<bool>()) return *truth ? "true" : "false";
  if (const auto* const number = value.get_if<double>()) return takt::detail::text_of(*number);
  if (const auto* const text = value.get_if<std::string>()) return quoted(*text);
  if (const auto* const list = value.get_if<List>()) {
    for (const SettingValue& each : *list) json += (json.empty() ? "" : ", ") + json_of(each);
    return '[' + json + ']';
  }
  if (const auto* const map = value.get_if<Map>()) {
    for (const takt::SettingEntry& each : *map) {
      json += (json.empty() ? "" : ", ") + quoted(each.key) + ": " + json_of(each.value);
    }
    return '{' + json + '}';
  }
  return "null";
}

/// A recipe as it is drawn: modifiers in groups in stages. Names that are empty are left out.
struct Group {
  std::string name{};
  std::vector<RecipeModifier> modifiers{};
};
struct Stage {
  std::string name{};
  std::vector<Group> groups{};
};
using Stages = std::vector<Stage>;

SettingValue tree_of(const Stages& stages) {
  Map top;
  for (const Stage& stage : stages) {
    Map in_stage;
    Map& around = stage.name.empty() ? top : in_stage;
    for (const Group& group : stage.groups) {
      List items;
      for (const RecipeModifier& each : group.modifiers) {
        items.push_back(Map{{each.type, each.settings}});
      }
      around.push_back({group.name, items});
    }
    if (!stage.name.empty()) top.push_back({stage.name, in_stage});
  }
  return top;
}

std::vector<RecipeModifier> modifiers_of(const Stages& stages) {
  std::vector<RecipeModifier> all;
  for (const Stage& stage : stages) {
    for (const Group& group : stage.groups) {
      for (RecipeModifier each : group.modifiers) {
        each.stage = stage.name;
        each.group = group.name;
        all.push_back(each);
      }
    }
  }
  return all;
}

// ---- Random ones

using Settings = rc::Gen<Map>;
using Value = rc::Gen<SettingValue>;

Value number(double low, double high) {
  return rc::gen::map(evenly<std::int64_t>(0, 1'000'000), [=](std::int64_t drawn) {
    return SettingValue{low + (high - low) * static_cast<double>(drawn) / 1e6};
  });
}

Value whole(std::int64_t low, std::int64_t high) {
  return rc::gen::map(evenly(low, high), [](std::int64_t drawn) { return SettingValue{drawn}; });
}

Value choice(const Texts& texts) {
  return rc::gen::map(rc::gen::elementOf(texts),
                      [](const std::string& text) { return SettingValue{text}; });
}

/// Text that does not ask for args: letters, what YAML has a meaning for, controls and UTF-8.
Value any_text() {
  const Texts letters{"a", "B",  "_",  "0",    ".5",   "-",    " ",      "\t",         "\n",
                      ":", ": ", " #", "'",    "\"",   "\\",   "{",      "}",          "[",
                      ",", "&",  "*",  "!",    "%",    "?",    "|",      ">",          "~",
                      "@", "<<", "\r", "\x01", "\x7f", "null", "\u00e9", "\u2028",     "\ufeff",
                      "=", "`",  "y",  "true", "1e5",  "---",  "...",    "\U0001f600", "\u0085"};
  return rc::gen::map(rc::gen::resize(8, rc::gen::container<Texts>(rc::gen::elementOf(letters))),
                      [](const Texts& drawn) {
                        std::string text;
                        for (const std::string& each : drawn) text += each;
                        for (std::size_t at = 0; (at = text.find("{{")) != std::string::npos;) {
                          text.erase(at, 1);
                        }
                        return SettingValue{text};
                      });
}

Value any_value(int depth) {
  const auto truth =
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool drawn) { return SettingValue{drawn}; });
  const auto real =
      rc::gen::map(rc::gen::pair(takt::test::real_of_any_size(-1022, 1022), evenly(0, 1)),
                   [](const std::pair<double, int>& drawn) {
                     return SettingValue{drawn.second == 0 ? drawn.first : -drawn.first};
                   });
  if (depth == 0) {
    return rc::gen::oneOf(rc::gen::construct<SettingValue>(), truth, real, any_text());
  }
  const auto list = rc::gen::map(rc::gen::resize(3, rc::gen::container<List>(any_value(depth - 1))),
                                 [](const List& drawn) { return SettingValue{drawn}; });
  const auto map = rc::gen::map(
      rc::gen::resize(3, rc::gen::container<std::vector<std::pair<SettingValue, SettingValue>>>(
                             rc::gen::pair(any_text(), any_value(depth - 1)))),
      [](const auto& drawn) {
        Map made;
        for (const auto& [key, value] : drawn) {
          const std::string& name = *key.template get_if<std::string>();
          if (name != "<<" && SettingValue{made}.find(name) == nullptr) {
            made.push_back({name, value});
          }
        }
        return SettingValue{made};
      });
  return rc::gen::oneOf(any_value(0), list, map);
}

/// Some of the settings that are offered, and all that are needed.
Map draw(const std::vector<std::pair<std::string, Value>>& needed,
         const std::vector<std::pair<std::string, Value>>& offered) {
  Map settings;
  for (const auto& [name, value] : needed) settings.push_back({name, *value});
  for (const auto& [name, value] : offered) {
    if (*rc::gen::arbitrary<bool>()) settings.push_back({name, *value});
  }
  return settings;
}

Map draw_settings(const std::string& type) {
  const Value update = rc::gen::oneOf(number(0, 3), rc::gen::construct<SettingValue>());
  const Value start = number(-1, 5);
  const Value end = number(6, 30);
  const Value targets = rc::gen::oneOf(
      any_text(), rc::gen::map(rc::gen::resize(3, rc::gen::container<List>(any_text())),
                               [](const List& drawn) { return SettingValue{drawn}; }));
  if (type == "EpochRangeModifier") return draw({{"end", end}}, {{"start_epoch", start}});
  if (type == "SetLearningRateModifier") {
    return draw({{"learning_rate", number(0, 2)}}, {{"start", start}, {"log_types", any_value(3)}});
  }
  if (type == "EarlyStoppingModifier") {
    return draw({}, {{"monitor", choice({"loss", "accuracy", "time/data"})},
                     {"mode", choice({"min", "max"})},
                     {"patience", whole(1, std::int64_t{1} << 53)},
                     {"min_delta", number(0, 1)},
                     {"threshold", number(-1, 1)},
                     {"start", start}});
  }
  if (type == "ProgressModifier") {
    return draw({}, {{"total_steps", whole(1, std::int64_t{1} << 53)},
                     {"mode", choice({"automatic", "bar", "lines"})},
                     {"columns", whole(1, 300)},
                     {"update", update}});
  }
  if (type == "MetricsModifier") {
    return draw({{"file", choice({"run.csv", "run.jsonl"})}},
                {{"format", choice({"automatic", "csv", "jsonl"})},
                 {"columns", choice({"accuracy", "time/data"})},
                 {"update", update}});
  }
  const Value truth =
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool drawn) { return SettingValue{drawn}; });
  if (type == "TimerModifier") return draw({}, {{"print", truth}, {"update", update}});
  if (type == "CheckpointModifier") {
    return draw({}, {{"folder", choice({"checkpoints", "runs/7"})},
                     {"keep", whole(1, std::int64_t{1} << 53)},
                     {"on_stop", truth},
                     {"update", update}});
  }
  if (type == "QuantizationModifier") {
    const SettingValue weights{{"num_bits", *whole(2, 8)},
                               {"strategy", "group"},
                               {"group_size", *whole(1, 256)},
                               {"observer", "mse"},
                               {"observer_kwargs", {{"maxshrink", *number(0.1, 1)}}},
                               {"actorder", SettingValue{}}};
    const SettingValue groups{{"group_0", {{"targets", "Linear"}, {"weights", weights}}}};
    const std::vector<std::pair<std::string, Value>> offered{
        {"start", start}, {"end", end}, {"update", update}, {"ignore", targets}};
    if (*rc::gen::arbitrary<bool>()) {
      return draw({{"scheme", choice({"W8A16", "w4a16_asym"})}, {"targets", targets}}, offered);
    }
    return draw({{"config_groups", rc::gen::just(groups)}}, offered);
  }
  if (type == "ConstantPruningModifier") {
    return draw({}, {{"start", start}, {"end", end}, {"params", targets}, {"ignore", targets}});
  }
  if (type == "LearningRateFunctionModifier") {
    return draw({{"init_lr", number(0, 1)},
                 {"final_lr", number(0, 1)},
                 {"start", start},
                 {"end_epoch", end}},
                {{"lr_func", choice({"linear", "cosine", "constant"})}, {"update", update}});
  }
  if (type == "LearningRateModifier") {
    const SettingValue kwargs{{"gamma", *number(0.1, 1)}, {"step_size", *number(1, 3)}};
    if (*rc::gen::arbitrary<bool>()) {
      return draw({{"lr_class", choice({"StepLR"})},
                   {"lr_kwargs", rc::gen::just(kwargs)},
                   {"init_lr", number(0.001, 1)}},
                  {{"constant_logging", any_value(3)}});
    }
    return draw({{"learning_rate", number(0, 1)}, {"end", end}},
                {{"schedule", choice({"constant", "cosine", "linear_warmup"})},
                 {"final_lr", number(0, 1)},
                 {"start", start}});
  }
  return draw({{"init_sparsity", number(0, 0.4)}, {"final_sparsity", number(0.5, 1)}, {"end", end}},
              {{"start", start},
               {"update", update},
               {"targets", targets},
               {"update_scheduler", choice({"linear", "cubic", "polynomial"})},
               {"mask_structure", choice({"unstructured", "channel", "filter", "block_1,4"})},
               {"leave_enabled", truth}});
}

Stages draw_recipe() {
  const Texts types{"CheckpointModifier",
                    "ConstantPruningModifier",
                    "EarlyStoppingModifier",
                    "EpochRangeModifier",
                    "LearningRateModifier",
                    "LearningRateFunctionModifier",
                    "MagnitudePruningModifier",
                    "GMPruningModifier",
                    "MetricsModifier",
                    "ProgressModifier",
                    "QuantizationModifier",
                    "SetLearningRateModifier",
                    "TimerModifier"};
  Stages stages;
  int names = 0;
  const auto stage_count = *evenly(1, 3);
  for (int i = 0; i < stage_count; ++i) {
    Stage stage;
    // At most one has no name, for there is one top.
    if (i > 0) stage.name = *SettingValue{*any_text()}.get_if<std::string>();
    if (i > 0) stage.name += std::to_string(i) + "_stage";
    const auto group_count = *evenly(1, 3);
    for (int j = 0; j < group_count; ++j) {
      Group group{.name = j == 0 ? "modifiers" : std::to_string(j) + "_modifiers"};
      const auto modifier_count = *evenly(1, 3);
      for (int k = 0; k < modifier_count; ++k) {
        RecipeModifier modifier{.type = *rc::gen::elementOf(types)};
        modifier.settings = draw_settings(modifier.type);
        if (*evenly(0, 3) == 0) {
          const SettingValue name = *any_text();
          modifier.settings.push_back(
              {"name", *name.get_if<std::string>() + std::to_string(++names)});
        }
        group.modifiers.push_back(modifier);
      }
      stage.groups.push_back(group);
    }
    stages.push_back(stage);
  }
  return stages;
}

std::string written(std::string_view text) { return Recipe::from_string(text).to_yaml(); }

/// That a recipe reads back from what it is written as, and is written the same again.
void check_round_trip(std::string_view text) {
  const Recipe recipe = Recipe::from_string(text);
  const std::string yaml = recipe.to_yaml();
  try {
    const Recipe again = Recipe::from_string(yaml);
    BOOST_TEST((again == recipe), text << "\nis written as\n" << yaml);
    BOOST_TEST(again.to_yaml() == yaml);
  } catch (const takt::RecipeError& error) {
    BOOST_ERROR(error.what() << "\n" << yaml);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_writer)

BOOST_AUTO_TEST_CASE(a_recipe_is_written_with_stages_groups_and_args_put_in) {
  BOOST_TEST(written(R"(args: {sparsity: 0.9}
version: 1
a_stage:
  run_type: train
  pruning_modifiers:
    MagnitudePruningModifier:
      targets: ['re:.*weight', __ALL__]
      init_sparsity: 0.05
      final_sparsity: "{{sparsity}}"
      end: 8.0
      leave_enabled: true
      update: null
  logging_modifiers: {ProgressModifier: }
)") ==
             R"(a_stage:
  pruning_modifiers:
    MagnitudePruningModifier:
      targets: ["re:.*weight", "__ALL__"]
      init_sparsity: 0.05
      final_sparsity: 0.9
      end: 8
      leave_enabled: true
      update: ~
  logging_modifiers:
    ProgressModifier: ~
)");
}

BOOST_AUTO_TEST_CASE(a_group_where_a_class_stands_twice_is_written_as_a_list) {
  BOOST_TEST(written("modifiers: [ProgressModifier, ProgressModifier: {columns: 9}]") ==
             "modifiers:\n  - ProgressModifier: ~\n  - ProgressModifier:\n      columns: 9\n");
}

BOOST_AUTO_TEST_CASE(modifiers_without_a_group_or_stage_are_written_without) {
  const std::string yaml = "a_stage:\n  ProgressModifier:\n    columns: 9\nProgressModifier: ~\n";
  BOOST_TEST(written(yaml) == yaml);
}

BOOST_AUTO_TEST_CASE(a_name_that_was_not_given_is_not_written) {
  const std::string yaml =
      written("[ProgressModifier, ProgressModifier, ProgressModifier: {name: p}]");
  BOOST_TEST(!takt::test::has(yaml, "ProgressModifier 2"));
  BOOST_TEST(takt::test::has(yaml, "name: \"p\""));
}

BOOST_AUTO_TEST_CASE(plugins_are_written_first) {
  std::string text = "modifiers: [ProgressModifier]\nplugins: [";
  const std::string plugin = quoted(std::string{TAKT_TEST_PLUGINS} + "/libgood.so");
  text += plugin + "]\n";
  BOOST_TEST(written(text) == "plugins: [" + plugin + "]\nmodifiers:\n  ProgressModifier: ~\n");
}

BOOST_AUTO_TEST_CASE(stages_that_are_not_kept_are_not_written) {
  const Recipe recipe = Recipe::from_string(
      "a_stage: {modifiers: [ProgressModifier]}\nb_stage: {modifiers: [ProgressModifier]}",
      {.stages = {"b"}});
  BOOST_TEST(recipe.to_yaml() == "b_stage:\n  modifiers:\n    ProgressModifier: ~\n");
}

BOOST_AUTO_TEST_CASE(text_that_looks_like_something_else_reads_back_as_text) {
  for (const char* const text : {"null", "~", "true", "1", "0.5", ".inf", ".nan", " ", "- a",
                                 "a: b", "# a", "'", "\\\"", "!a", "*a", "{", "a}}"}) {
    std::string recipe = "[ProgressModifier: {name: " + quoted(text) + "}, ";
    recipe += "SetLearningRateModifier: {learning_rate: 1, log_types: {" + quoted(text) + ": " +
              quoted(text) + "}}]";
    check_round_trip(recipe);
  }
}

BOOST_AUTO_TEST_CASE(numbers_read_back_to_the_last_bit) {
  using Limits = std::numeric_limits<double>;
  for (const double each : {0.1, 1.0 / 3.0, 1e-300, 5e-324, 1e300, Limits::max(), -0.0, 4e15}) {
    check_round_trip("[SetLearningRateModifier: {learning_rate: 1, log_types: [" +
                     takt::detail::text_of(each) + "]}]");
  }
  const Recipe recipe = Recipe::from_string("[ConstantPruningModifier: {end: .inf, start: -5}]");
  BOOST_TEST(recipe.to_yaml() ==
             "modifiers:\n  ConstantPruningModifier:\n    end: .inf\n    start: -5\n");
  check_round_trip("[SetLearningRateModifier: {learning_rate: 1, log_types: [.inf, -.inf]}]");
}

BOOST_AUTO_TEST_CASE(a_number_that_is_none_is_written_as_such) {
  BOOST_TEST(takt::test::has(
      written("[SetLearningRateModifier: {learning_rate: 1, log_types: [.NaN]}]"), "[.nan]"));
}

BOOST_AUTO_TEST_CASE(a_value_as_deep_as_settings_may_be_reads_back_at_its_deepest_place) {
  for (std::size_t depth = 40; depth < 64; ++depth) {
    const std::string value =
        "{learning_rate: 1, log_types: " + std::string(depth, '[') + std::string(depth, ']') + "}";
    const std::string text = "[SetLearningRateModifier: " + value + "]";
    const std::string twice = "a_stage: {modifiers: {SetLearningRateModifier: " + value +
                              "}}\nstages: {b: {modifiers: [!SetLearningRateModifier " + value +
                              ", SetLearningRateModifier: " + value + "]}}";
    for (const std::string& each : {text, twice}) {
      if (takt::test::refusal(each) == "nothing was thrown") {
        check_round_trip(each);
      } else {
        BOOST_TEST(depth > 50U);
        BOOST_TEST(takt::test::has(takt::test::refusal(each), "too deep"));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(any_recipe_reads_back_as_the_same_from_what_it_is_written_as) {
  BOOST_TEST(rc::check("reading, writing and reading again lose nothing", [] {
    const Stages stages = draw_recipe();
    const std::string text = json_of(tree_of(stages));
    RC_LOG() << text << '\n';
    const Recipe recipe = Recipe::from_string(text);
    RC_ASSERT(recipe.modifiers() == modifiers_of(stages));
    const std::string yaml = recipe.to_yaml();
    RC_LOG() << yaml;
    const Recipe again = Recipe::from_string(yaml);
    RC_ASSERT(again == recipe);
    RC_ASSERT(again.to_yaml() == yaml);
    for (std::size_t i = 0; i < again.modifiers().size(); ++i) {
      RC_ASSERT(again.modifiers()[i].name == recipe.modifiers()[i].name);
      RC_ASSERT(again.modifiers()[i].cadence == recipe.modifiers()[i].cadence);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
