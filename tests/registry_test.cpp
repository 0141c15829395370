// SPDX-License-Identifier: BSL-1.0
#include "takt/registry.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "takt/error.hpp"

namespace {

using takt::ModifierInfo;
using takt::ModifierType;
using takt::Registry;
using takt::SettingInfo;
using takt::SettingValue;
using Map = takt::SettingValue::Map;
using Names = std::vector<std::string>;

/// A kind of modifier without settings, whose modifiers are called by the name of the kind.
ModifierType kind(const std::string& name, Names other_names = {}) {
  return {.info = {.name = name, .other_names = std::move(other_names)},
          .make = [name](const Map&) {
            return std::make_shared<takt::Modifier>(name, takt::Cadence{}, takt::Interests{});
          }};
}

ModifierType kind_with_settings(std::vector<SettingInfo> settings) {
  ModifierType type = kind("Kind");
  type.info.settings = std::move(settings);
  return type;
}

template <class... Kinds>
Registry registry_of(Kinds... kinds) {
  Registry registry;
  (registry.add(std::move(kinds)), ...);
  return registry;
}

Names names_in(const Registry& registry) {
  Names names;
  for (const ModifierInfo& info : registry.modifiers()) names.push_back(info.name);
  return names;
}

/// That adding a kind is refused with a message that has all of `words`, and changes nothing.
void check_refused(Registry& registry, const ModifierType& type, const Names& words) {
  const Names before = names_in(registry);
  try {
    registry.add(type);
    BOOST_ERROR("added: " << type.info.name);
  } catch (const takt::InvalidModifier& error) {
    const std::string message = error.what();
    for (const std::string& word : words) {
      BOOST_TEST(message.find(word) != std::string::npos, "no " << word << " in: " << message);
    }
  }
  BOOST_TEST(names_in(registry) == before, boost::test_tools::per_element());
}

/// Something that a setting takes, by what is shown of it.
SettingValue sample(const SettingInfo& setting) {
  const std::string choices{"one of "};
  if (setting.range.starts_with(choices)) {
    const std::string first = setting.range.substr(choices.size());
    return first.substr(0, first.find(','));
  }
  if (setting.type.find("text") != std::string::npos) return "x";
  if (setting.type == "true or false") return true;
  return setting.type == "number" ? 0.5 : 1.0;
}

/// The least that a built-in modifier is made with: what is required, and what its constructor asks
/// for by the defaults of the others.
Map least_settings(const ModifierInfo& info) {
  const std::map<std::string, Map> needed{
      {"LearningRateModifier", {{"learning_rate", 0.1}}},
      {"MagnitudePruningModifier", {{"final_sparsity", 0.5}, {"end", 4}}},
      {"MetricsModifier", {{"file", "x.csv"}}},
      {"LearningRateFunctionModifier",
       {{"lr_func", "linear"}, {"init_lr", 0.1}, {"final_lr", 0.01}, {"start", 0}, {"end", 4}}},
      {"EpochRangeModifier", {{"start", 0}, {"end", 4}}},
      {"GradientClipModifier", {{"max_norm", 1}}},
      {"QuantizationModifier", {{"scheme", "W8A16"}}}};
  Map given;
  const auto found = needed.find(info.name);
  if (found != needed.end()) {
    std::ranges::copy_if(found->second, std::back_inserter(given),
                         [&](const auto& entry) { return info.setting(entry.key) != nullptr; });
  }
  for (const SettingInfo& setting : info.settings) {
    const bool there = SettingValue{given}.find(setting.name) != nullptr;
    if (setting.required && !there) given.push_back({setting.name, sample(setting)});
  }
  return given;
}

void check_same(const takt::Modifier& made, const takt::Modifier& expected) {
  BOOST_TEST(made.name() == expected.name());
  BOOST_TEST((made.cadence() == expected.cadence()), made.name());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(a_default_registry_knows_no_modifier) {
  const Registry registry;
  BOOST_TEST(registry.modifiers().empty());
  BOOST_TEST(registry.plugins().empty());
  BOOST_TEST(registry.find("LearningRateModifier") == nullptr);
  BOOST_CHECK_THROW((void)registry.make("LearningRateModifier"), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(a_kind_that_was_added_is_found_by_its_name) {
  const Registry registry = registry_of(kind("A"), kind("B"));
  BOOST_REQUIRE(registry.find("B"));
  BOOST_TEST(registry.find("B")->name == "B");
  BOOST_TEST(registry.find("b") == nullptr);
  BOOST_TEST(registry.find("") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_kind_is_found_and_made_by_its_other_names) {
  const Registry registry = registry_of(kind("A", {"OldA", "OlderA"}), kind("B"));
  BOOST_TEST(registry.find("OldA") == registry.find("A"));
  BOOST_TEST(registry.find("OlderA") == registry.find("A"));
  BOOST_TEST(registry.make("OldA")->name() == "A");
}

BOOST_AUTO_TEST_CASE(any_kinds_are_listed_by_name_once_each) {
  BOOST_TEST(rc::check("the list is sorted, and each in it is found", [] {
    const auto names = *rc::gen::unique<Names>(rc::gen::nonEmpty<std::string>());
    Registry registry;
    for (const std::string& name : names) registry.add(kind(name));
    Names sorted = names;
    std::ranges::sort(sorted);
    RC_ASSERT(names_in(registry) == sorted);
    for (const std::string& name : names) {
      RC_ASSERT(registry.find(name) != nullptr);
      RC_ASSERT(registry.make(name)->name() == name);
    }
  }));
}

BOOST_AUTO_TEST_CASE(other_names_are_not_listed) {
  BOOST_TEST((names_in(registry_of(kind("B", {"A"}), kind("C"))) == Names{"B", "C"}));
}

BOOST_AUTO_TEST_CASE(what_is_added_stays_what_it_was) {
  ModifierType type = kind_with_settings({{.name = "level", .meaning = "how far"}});
  type.info.summary = "does it";
  const Registry registry = registry_of(type);
  const ModifierInfo* const info = registry.find("Kind");
  BOOST_REQUIRE(info);
  BOOST_TEST(info->summary == "does it");
  BOOST_REQUIRE(info->setting("level"));
  BOOST_TEST(info->setting("level")->meaning == "how far");
}

BOOST_AUTO_TEST_CASE(settings_are_passed_to_the_function_that_makes_it) {
  Map seen;
  ModifierType type = kind("A");
  type.make = [&seen](const Map& settings) {
    seen = settings;
    return std::make_shared<takt::Modifier>("a", takt::Cadence{}, takt::Interests{});
  };
  (void)registry_of(type).make("A", {{"level", 0.5}, {"mode", "x"}});
  BOOST_TEST((seen == Map{{"level", 0.5}, {"mode", "x"}}));
}

BOOST_AUTO_TEST_CASE(each_call_makes_a_modifier_of_its_own) {
  const Registry registry = registry_of(kind("A"));
  BOOST_TEST(registry.make("A") != registry.make("A"));
}

BOOST_AUTO_TEST_CASE(a_modifier_outlives_the_registry_that_made_it) {
  std::shared_ptr<takt::Modifier> modifier;
  {
    const Registry registry = registry_of(kind("A"));
    modifier = registry.make("A");
  }
  BOOST_TEST(modifier->name() == "A");
}

BOOST_AUTO_TEST_CASE(what_the_function_throws_is_passed_on) {
  ModifierType type = kind("A");
  type.make = [](const Map&) -> std::shared_ptr<takt::Modifier> { throw std::domain_error("no"); };
  BOOST_CHECK_THROW((void)registry_of(type).make("A"), std::domain_error);
}

BOOST_AUTO_TEST_CASE(a_function_that_makes_nothing_is_told_of) {
  ModifierType type = kind("A");
  type.make = [](const Map&) { return nullptr; };
  BOOST_CHECK_EXCEPTION(
      (void)registry_of(type).make("A"), takt::InvalidModifier, [](const auto& error) {
        const std::string message = error.what();
        return message.find('A') != std::string::npos && message.find("null") != std::string::npos;
      });
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_refused_with_the_nearest) {
  const Registry registry = registry_of(kind("PruningModifier"), kind("ProgressModifier"));
  const auto has_both = [](const std::string& message) {
    return message.find("\"PrunningModifier\"") != std::string::npos &&
           message.find("\"PruningModifier\"") != std::string::npos;
  };
  BOOST_TEST(has_both(registry.unknown("PrunningModifier")));
  BOOST_CHECK_EXCEPTION((void)registry.make("PrunningModifier"), takt::InvalidModifier,
                        [&](const auto& error) { return has_both(error.what()); });
}

BOOST_AUTO_TEST_CASE(the_nearest_may_be_another_name) {
  const Registry registry = registry_of(kind("A", {"GradualModifier"}), kind("B"));
  BOOST_TEST(registry.unknown("GradualModifer").find("\"GradualModifier\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_name_is_near_where_none_is_registered) {
  const std::string message = Registry{}.unknown("A");
  BOOST_TEST(message.find("\"A\"") != std::string::npos, message);
  BOOST_TEST(message.find("none is registered") != std::string::npos, message);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_is_refused) {
  Registry registry = registry_of(kind("A", {"OldA"}));
  check_refused(registry, kind("A"), {"\"A\"", "taken"});
  check_refused(registry, kind("OldA"), {"\"OldA\"", "taken"});
  check_refused(registry, kind("B", {"A"}), {"\"A\"", "taken"});
  check_refused(registry, kind("B", {"NewB", "OldA"}), {"\"OldA\"", "taken"});
  BOOST_TEST(registry.find("NewB") == nullptr);
  BOOST_TEST(registry.find("OldA")->name == "A");
}

BOOST_AUTO_TEST_CASE(a_name_that_one_kind_has_twice_is_refused) {
  Registry registry;
  check_refused(registry, kind("A", {"A"}), {"\"A\"", "twice"});
  check_refused(registry, kind("A", {"B", "B"}), {"\"B\"", "twice"});
  BOOST_TEST(registry.find("B") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_kind_without_a_name_is_refused) {
  Registry registry;
  check_refused(registry, kind(""), {"no name"});
}

BOOST_AUTO_TEST_CASE(a_kind_that_nothing_makes_is_refused) {
  Registry registry;
  check_refused(registry, {.info = {.name = "Thing"}}, {"Thing", "ModifierBinding"});
}

BOOST_AUTO_TEST_CASE(a_kind_with_two_settings_of_a_name_is_refused) {
  Registry registry;
  check_refused(registry, kind_with_settings({{.name = "a"}, {.name = "b"}, {.name = "a"}}),
                {"Kind", "\"a\""});
  check_refused(registry, kind_with_settings({{.name = "a"}, {.name = "b", .other_names = {"a"}}}),
                {"Kind", "\"a\""});
  check_refused(registry,
                kind_with_settings({{.name = "a", .other_names = {"c"}},  //
                                    {.name = "b", .other_names = {"c"}}}),
                {"Kind", "\"c\""});
}

BOOST_AUTO_TEST_CASE(a_kind_with_a_setting_without_a_name_is_refused) {
  Registry registry;
  check_refused(registry, kind_with_settings({{.name = "a"}, {}}), {"Kind", "without a name"});
}

BOOST_AUTO_TEST_CASE(a_copy_is_a_registry_of_its_own) {
  const Registry original = registry_of(kind("A", {"OldA"}));
  Registry copy = original;
  copy.add(kind("B", {"OldB"}));
  BOOST_TEST(original.find("B") == nullptr);
  BOOST_TEST(original.find("OldB") == nullptr);
  BOOST_TEST(copy.make("OldA")->name() == "A");
}

BOOST_AUTO_TEST_CASE(a_copy_outlives_what_it_was_copied_from) {
  Registry copy;
  {
    const Registry original = registry_of(kind("A", {"OldA"}));
    copy = original;
  }
  BOOST_TEST(copy.make("OldA")->name() == "A");
}

BOOST_AUTO_TEST_CASE(an_assigned_registry_knows_only_what_the_other_knows) {
  Registry registry = registry_of(kind("A", {"OldA"}));
  registry = registry_of(kind("B"));
  BOOST_TEST((names_in(registry) == Names{"B"}));
  BOOST_TEST(registry.find("OldA") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_moved_registry_takes_everything_along) {
  Registry original = registry_of(kind("A", {"OldA"}));
  const Registry moved = std::move(original);
  BOOST_TEST(moved.make("OldA")->name() == "A");
}

BOOST_AUTO_TEST_CASE(what_a_program_adds_is_from_no_plugin) {
  const Registry registry = registry_of(kind("A"));
  BOOST_TEST(!registry.plugin_of("A").has_value());
  BOOST_TEST(!registry.plugin_of("B").has_value());
  BOOST_TEST(registry.plugins().empty());
}

BOOST_AUTO_TEST_CASE(the_built_in_modifiers_are_there) {
  for (const char* const name :
       {"CheckpointModifier", "ConstantPruningModifier", "EMAModifier", "EarlyStoppingModifier",
        "GradientClipModifier", "LearningRateModifier", "MagnitudePruningModifier",
        "MetricsModifier", "NanGuardModifier", "ProgressModifier", "QuantizationModifier",
        "TimerModifier"}) {
    const ModifierInfo* const info = Registry::builtin().find(name);
    BOOST_REQUIRE_MESSAGE(info != nullptr, name);
    BOOST_TEST(info->name == name);
    BOOST_TEST(!Registry::builtin().plugin_of(name).has_value());
  }
  BOOST_TEST(Registry::builtin().plugins().empty());
}

BOOST_AUTO_TEST_CASE(there_is_one_built_in_registry) {
  BOOST_TEST(&Registry::builtin() == &Registry::builtin());
}

BOOST_AUTO_TEST_CASE(the_built_in_registry_is_extended_in_a_copy) {
  Registry registry = Registry::builtin();
  registry.add(kind("MyModifier"));
  BOOST_TEST(registry.find("LearningRateModifier") != nullptr);
  BOOST_TEST(Registry::builtin().find("MyModifier") == nullptr);
}

BOOST_AUTO_TEST_CASE(each_built_in_says_what_it_does) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    BOOST_TEST(!info.summary.empty(), info.name);
    BOOST_TEST(info.summary.find('\n') == std::string::npos, info.name);
  }
}

BOOST_AUTO_TEST_CASE(each_built_in_setting_has_a_meaning_and_a_type) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    for (const SettingInfo& setting : info.settings) {
      BOOST_TEST(!setting.meaning.empty(), info.name << " " << setting.name);
      BOOST_TEST(!setting.type.empty(), info.name << " " << setting.name);
    }
    for (const char* const name : {"name", "start", "end", "update"}) {
      BOOST_TEST(info.setting(name) != nullptr, info.name << " " << name);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_built_in_modifier_is_called_by_its_class_unless_it_is_named) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    Map given = least_settings(info);
    BOOST_TEST(Registry::builtin().make(info.name, given)->name() == info.name);
    given.push_back({"name", "mine"});
    BOOST_TEST(Registry::builtin().make(info.name, given)->name() == "mine");
  }
}

BOOST_AUTO_TEST_CASE(each_built_in_is_made_by_its_other_names) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    for (const std::string& other : info.other_names) {
      BOOST_TEST(Registry::builtin().make(other, least_settings(info))->name() == info.name, other);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_defaults_that_are_shown_make_the_same_modifier_when_they_are_given) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    const Map least = least_settings(info);
    Map all = least;
    for (const SettingInfo& setting : info.settings) {
      const bool there = SettingValue{least}.find(setting.name) != nullptr;
      if (there || setting.default_value.is_nothing()) continue;
      all.push_back({setting.name, setting.default_value});
    }
    BOOST_TEST_CONTEXT(info.name << " with " << to_string(SettingValue{all})) {
      const auto expected = Registry::builtin().make(info.name, least);
      BOOST_CHECK_NO_THROW(check_same(*Registry::builtin().make(info.name, all), *expected));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_setting_that_a_built_in_requires_is_asked_for) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    for (const SettingInfo& setting : info.settings) {
      if (!setting.required) continue;
      Map given = least_settings(info);
      std::erase_if(given, [&](const auto& entry) { return entry.key == setting.name; });
      BOOST_CHECK_EXCEPTION(
          (void)Registry::builtin().make(info.name, given), takt::SettingError,
          [&](const takt::SettingError& error) { return error.setting() == setting.name; });
    }
  }
}

BOOST_AUTO_TEST_CASE(a_setting_that_a_built_in_does_not_have_is_refused) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    Map given = least_settings(info);
    given.push_back({"no_such_setting", 1});
    BOOST_CHECK_EXCEPTION((void)Registry::builtin().make(info.name, given), takt::SettingError,
                          [&](const takt::SettingError& error) {
                            return error.setting() == "no_such_setting" &&
                                   std::string{error.what()}.starts_with(info.name);
                          });
  }
}

BOOST_AUTO_TEST_CASE(the_window_of_a_built_in_takes_no_text) {
  for (const ModifierInfo& info : Registry::builtin().modifiers()) {
    for (const std::string name : {"start", "end", "update"}) {
      Map given = least_settings(info);
      std::erase_if(given, [&](const auto& entry) { return entry.key == name; });
      given.push_back({name, "soon"});
      BOOST_CHECK_EXCEPTION(
          (void)Registry::builtin().make(info.name, given), takt::SettingError,
          [&](const takt::SettingError& error) { return error.setting() == name; });
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
