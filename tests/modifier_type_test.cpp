// SPDX-License-Identifier: BSL-1.0
#include "takt/modifier_type.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "takt/error.hpp"

namespace {

using takt::ModifierInfo;
using takt::ModifierType;
using takt::SettingInfo;
using takt::SettingType;
using takt::SettingValue;
using List = takt::SettingValue::List;
using Map = takt::SettingValue::Map;

struct DialSettings {
  std::string name = "dial";
  takt::Cadence cadence{.end = 8};
  std::string label = "not shown";
  double level = 0.5;
  float rate = 0.1F;
  std::int64_t count = 3;
  bool loud = true;
  std::string mode = "slow";
  std::optional<double> limit{};
  std::vector<std::string> targets{"all"};

  friend bool operator==(const DialSettings&, const DialSettings&) = default;
};

/// A modifier that keeps what it was built with.
class Dial : public takt::Modifier {
 public:
  explicit Dial(DialSettings with)
      : Modifier{with.name, with.cadence, {}}, settings{std::move(with)} {
    if (settings.label == "broken") throw std::domain_error("the dial is broken");
  }
  DialSettings settings;
};

ModifierType dial() {
  using S = DialSettings;
  return takt::ModifierBinding<Dial, S>{"DialModifier", "turns a dial"}
      .required("label", &S::label, "what is on it")
      .setting("level", &S::level, "how far it is turned", takt::between(0, 1))
      .setting("rate", &S::rate, "how fast it turns", takt::more_than(0))
      .setting("count", &S::count, "how often it turns", takt::at_least(1))
      .setting("loud", &S::loud, "whether it clicks")
      .setting("mode", &S::mode, "how it turns", takt::one_of({"slow", "fast"}))
      .setting("limit", &S::limit, "where it stops")
      .setting("targets", &S::targets, "what it turns")
      .also("level", "turned")
      .also("level", "position")
      .also("KnobModifier");
}

/// A binding with a setting that is no member, and something left to do at the end.
ModifierType percent_dial() {
  using S = DialSettings;
  return takt::ModifierBinding<Dial, S>{"PercentModifier", "turns a dial by percents"}
      .setting("count", &S::count, "how often it turns")
      .reads("percent", "number", "how far it is turned",
             [](S& settings, const SettingValue& value) {
               settings.level = SettingType<double>::read(value) / 100.0;
             })
      .finish([](S& settings) {
        settings.label = to_string(SettingValue{settings.count}) + " times " +
                         to_string(SettingValue{settings.level});
      });
}

const DialSettings& settings_of(const takt::Modifier& modifier) {
  return dynamic_cast<const Dial&>(modifier).settings;
}

/// The settings that a dial is made with when these are given and the label, unless it is given.
DialSettings made(Map given) {
  const auto is_label = [](const takt::SettingEntry& entry) { return entry.key == "label"; };
  if (std::ranges::none_of(given, is_label)) given.push_back({"label", "volume"});
  return settings_of(*dial().make(given));
}

const SettingInfo& info_of(const ModifierInfo& info, const std::string& name) {
  const SettingInfo* const found = info.setting(name);
  BOOST_REQUIRE_MESSAGE(found != nullptr, name);
  return *found;
}

/// That the settings are refused because of one of them, with a message that has all of `words`.
void check_refused(const Map& given, const std::string& setting,
                   const std::vector<std::string>& words) {
  try {
    (void)dial().make(given);
    BOOST_ERROR("not refused: " << to_string(SettingValue{given}));
  } catch (const takt::SettingError& error) {
    const std::string message = error.what();
    BOOST_TEST(error.setting() == setting, message);
    for (const std::string& word : words) {
      BOOST_TEST(message.find(word) != std::string::npos, "no " << word << " in: " << message);
    }
  }
}

/// Nothing, or a number below 8, which is where the default window ends.
rc::Gen<std::optional<double>> maybe_number() {
  return rc::gen::map(rc::gen::pair(rc::gen::arbitrary<bool>(), takt::test::real_of_any_size(0, 2)),
                      [](const std::pair<bool, double>& drawn) {
                        return drawn.first ? std::optional{drawn.second} : std::nullopt;
                      });
}

DialSettings any_settings() {
  DialSettings drawn;
  drawn.name = *rc::gen::nonEmpty<std::string>();
  drawn.label = *rc::gen::nonEmpty<std::string>();
  drawn.cadence = {*maybe_number(), std::nullopt, *maybe_number()};
  drawn.level = *takt::test::real_of_any_size(-30, -1);
  drawn.rate = static_cast<float>(*takt::test::evenly(1, 1'000'000)) * 0.001F;
  drawn.count = *takt::test::whole_of_any_size(50) + 1;
  drawn.loud = *rc::gen::arbitrary<bool>();
  drawn.mode = *rc::gen::element<std::string>("slow", "fast");
  drawn.limit = *maybe_number();
  drawn.targets = *rc::gen::arbitrary<std::vector<std::string>>();
  return drawn;
}

/// The settings as a recipe gives them, all of them.
Map written(const DialSettings& settings) {
  const takt::Cadence& cadence = settings.cadence;
  return {{"name", settings.name},
          {"start", SettingType<std::optional<double>>::write(cadence.start)},
          {"end", SettingType<std::optional<double>>::write(cadence.end)},
          {"update", SettingType<std::optional<double>>::write(cadence.update)},
          {"label", settings.label},
          {"level", settings.level},
          {"rate", SettingType<float>::write(settings.rate)},
          {"count", settings.count},
          {"loud", settings.loud},
          {"mode", settings.mode},
          {"limit", SettingType<std::optional<double>>::write(settings.limit)},
          {"targets", SettingType<std::vector<std::string>>::write(settings.targets)}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(modifier_type)

BOOST_AUTO_TEST_CASE(a_binding_has_the_name_and_summary_it_was_given) {
  const ModifierType type = dial();
  BOOST_TEST(type.info.name == "DialModifier");
  BOOST_TEST(type.info.summary == "turns a dial");
  BOOST_TEST((type.info.other_names == std::vector<std::string>{"KnobModifier"}));
}

BOOST_AUTO_TEST_CASE(settings_are_listed_in_the_order_in_which_they_were_bound) {
  const std::vector<std::string> expected{"label", "level", "rate",  "count",
                                          "loud",  "mode",  "limit", "targets"};
  std::vector<std::string> listed;
  for (const SettingInfo& setting : dial().info.settings) {
    if (std::ranges::find(expected, setting.name) != expected.end()) listed.push_back(setting.name);
  }
  BOOST_TEST(listed == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(name_start_end_and_update_are_bound_by_themselves) {
  const ModifierInfo info = dial().info;
  for (const char* const name : {"name", "start", "end", "update"}) {
    const SettingInfo& setting = info_of(info, name);
    BOOST_TEST(!setting.required, name);
    BOOST_TEST(!setting.meaning.empty(), name);
  }
  BOOST_TEST(info_of(info, "name").type == "text");
  BOOST_TEST(info_of(info, "start").type == "number");
}

BOOST_AUTO_TEST_CASE(the_defaults_that_are_shown_come_from_the_struct) {
  const ModifierInfo info = dial().info;
  BOOST_TEST((info_of(info, "name").default_value == SettingValue{"dial"}));
  BOOST_TEST((info_of(info, "start").default_value == SettingValue{}));
  BOOST_TEST((info_of(info, "end").default_value == SettingValue{8}));
  BOOST_TEST((info_of(info, "update").default_value == SettingValue{}));
  BOOST_TEST((info_of(info, "level").default_value == SettingValue{0.5}));
  BOOST_TEST((info_of(info, "rate").default_value == SettingValue{0.1}));
  BOOST_TEST((info_of(info, "count").default_value == SettingValue{3}));
  BOOST_TEST((info_of(info, "loud").default_value == SettingValue{true}));
  BOOST_TEST((info_of(info, "mode").default_value == SettingValue{"slow"}));
  BOOST_TEST((info_of(info, "limit").default_value == SettingValue{}));
  BOOST_TEST((info_of(info, "targets").default_value == SettingValue{List{"all"}}));
}

BOOST_AUTO_TEST_CASE(the_default_of_a_required_setting_is_not_shown) {
  const ModifierInfo info = dial().info;
  BOOST_TEST(info_of(info, "label").required);
  BOOST_TEST(info_of(info, "label").default_value.is_nothing());
}

BOOST_AUTO_TEST_CASE(type_range_and_meaning_are_shown_in_words) {
  const ModifierInfo info = dial().info;
  BOOST_TEST(info_of(info, "level").type == "number");
  BOOST_TEST(info_of(info, "level").range == "0 to 1");
  BOOST_TEST(info_of(info, "level").meaning == "how far it is turned");
  BOOST_TEST(info_of(info, "targets").type == "list of text");
  BOOST_TEST(info_of(info, "targets").range.empty());
}

BOOST_AUTO_TEST_CASE(a_setting_is_found_by_its_name_and_by_its_other_names) {
  const ModifierInfo info = dial().info;
  BOOST_TEST(info.setting("level") == info.setting("turned"));
  BOOST_TEST(info.setting("level") == info.setting("position"));
  BOOST_TEST(info_of(info, "turned").name == "level");
  BOOST_TEST(info.setting("Level") == nullptr);
  BOOST_TEST(info.setting("") == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_left_out_has_its_default) {
  DialSettings expected;
  expected.label = "volume";
  BOOST_TEST((made({}) == expected));
}

BOOST_AUTO_TEST_CASE(what_is_given_reaches_the_constructor) {
  BOOST_TEST(made({{"label", "tone"}}).label == "tone");
  BOOST_TEST(made({{"level", 0.25}}).level == 0.25);
  BOOST_TEST(made({{"rate", 0.3}}).rate == 0.3F);
  BOOST_TEST(made({{"count", 9}}).count == 9);
  BOOST_TEST(!made({{"loud", false}}).loud);
  BOOST_TEST(made({{"mode", "fast"}}).mode == "fast");
  BOOST_TEST((made({{"limit", 2}}).limit == std::optional{2.0}));
  BOOST_TEST((made({{"targets", List{"a", "b"}}}).targets == std::vector<std::string>{"a", "b"}));
  BOOST_TEST((made({{"targets", "a"}}).targets == std::vector<std::string>{"a"}));
}

BOOST_AUTO_TEST_CASE(name_and_cadence_reach_the_modifier) {
  const auto modifier =
      dial().make({{"label", "x"}, {"name", "mine"}, {"start", 1}, {"end", 4.5}, {"update", 0.5}});
  BOOST_TEST(modifier->name() == "mine");
  BOOST_TEST((modifier->cadence() == takt::Cadence{1.0, 4.5, 0.5}));
}

BOOST_AUTO_TEST_CASE(the_window_is_bound_by_the_names_of_older_recipes_too) {
  const DialSettings settings =
      made({{"start_epoch", 1}, {"end_epoch", 4.5}, {"update_frequency", 0.5}});
  BOOST_TEST((settings.cadence == takt::Cadence{1.0, 4.5, 0.5}));
}

BOOST_AUTO_TEST_CASE(minus_one_is_unset_in_older_recipes_alone) {
  const Map older{{"start_epoch", -1}, {"end_epoch", -1}, {"update_frequency", -1}};
  BOOST_TEST((made(older).cadence == takt::Cadence{}));
  BOOST_TEST((made({{"start", -1}}).cadence.start == std::optional{-1.0}));
}

BOOST_AUTO_TEST_CASE(nothing_unsets_what_can_be_unset) {
  BOOST_TEST((made({{"end", {}}}).cadence == takt::Cadence{}));
}

BOOST_AUTO_TEST_CASE(a_setting_is_read_by_its_other_names_too) {
  BOOST_TEST(made({{"turned", 0.25}}).level == 0.25);
  BOOST_TEST(made({{"position", 0.75}}).level == 0.75);
}

BOOST_AUTO_TEST_CASE(settings_that_are_written_make_the_same_modifier_in_any_order) {
  BOOST_TEST(rc::check("written and read again, settings are the same", [] {
    const DialSettings settings = any_settings();
    Map given = written(settings);
    for (std::size_t i = given.size() - 1; i > 0; --i) {
      std::swap(given[i], given[*takt::test::evenly<std::size_t>(0, i)]);
    }
    RC_ASSERT(made(given) == settings);
  }));
}

BOOST_AUTO_TEST_CASE(any_subset_of_the_settings_leaves_the_others_at_their_defaults) {
  BOOST_TEST(rc::check("what is not given is as in the struct", [] {
    const Map all = written(any_settings());
    DialSettings defaults;
    defaults.label = "volume";
    Map expected = written(defaults);
    Map given;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!*rc::gen::arbitrary<bool>()) continue;
      given.push_back(all[i]);
      expected[i] = all[i];
    }
    RC_ASSERT(written(made(given)) == expected);
  }));
}

BOOST_AUTO_TEST_CASE(each_call_makes_a_modifier_of_its_own) {
  const ModifierType type = dial();
  const auto first = type.make({{"label", "a"}, {"level", 1}});
  const auto second = type.make({{"label", "b"}});
  BOOST_TEST(first != second);
  BOOST_TEST(settings_of(*second).level == 0.5);
}

BOOST_AUTO_TEST_CASE(a_required_setting_that_is_missing_is_named_with_what_it_takes) {
  check_refused({{"level", 1}}, "label", {"DialModifier", "label", "what is on it", "text"});
}

BOOST_AUTO_TEST_CASE(an_unknown_setting_is_refused_with_the_nearest_and_all_there_are) {
  check_refused({{"label", "x"}, {"levle", 1}}, "levle",
                {"DialModifier", "\"levle\"", "\"level\"", "label", "rate", "targets", "update"});
  check_refused({{"label", "x"}, {"", 1}}, "", {"DialModifier"});
}

BOOST_AUTO_TEST_CASE(names_of_settings_are_told_apart_by_case) {
  check_refused({{"label", "x"}, {"Level", 1}}, "Level", {"\"Level\"", "\"level\""});
}

BOOST_AUTO_TEST_CASE(a_setting_that_is_given_twice_is_refused) {
  check_refused({{"label", "x"}, {"level", 1}, {"level", 1}}, "level",
                {"DialModifier", "level", "twice"});
}

BOOST_AUTO_TEST_CASE(a_setting_that_is_given_twice_by_different_names_is_refused_with_both) {
  check_refused({{"label", "x"}, {"level", 1}, {"turned", 1}}, "turned",
                {"DialModifier", "turned", "twice", "level"});
  check_refused({{"label", "x"}, {"position", 1}, {"turned", 1}}, "turned",
                {"turned", "twice", "position"});
}

BOOST_AUTO_TEST_CASE(a_value_of_the_wrong_type_is_refused_with_the_right_one) {
  check_refused({{"label", "x"}, {"level", "high"}}, "level",
                {"DialModifier", "level", "\"high\"", "text", "number"});
  check_refused({{"label", 5}}, "label", {"DialModifier", "label", "5", "text", "quotes"});
  check_refused({{"label", "x"}, {"count", 1.5}}, "count", {"1.5", "whole number"});
  check_refused({{"label", "x"}, {"start", "soon"}}, "start",
                {"DialModifier", "start", "soon", "number"});
  check_refused({{"label", {}}}, "label", {"DialModifier", "null", "text"});
}

BOOST_AUTO_TEST_CASE(a_value_out_of_its_range_is_refused_with_the_range) {
  check_refused({{"label", "x"}, {"level", 1.5}}, "level",
                {"DialModifier", "level", "1.5", "0 to 1"});
  check_refused({{"label", "x"}, {"mode", "fats"}}, "mode",
                {"DialModifier", "mode", "\"fats\"", "slow, fast", "\"fast\""});
}

BOOST_AUTO_TEST_CASE(an_error_names_the_setting_as_it_was_given) {
  check_refused({{"label", "x"}, {"turned", 1.5}}, "turned",
                {"DialModifier", "turned", "1.5", "0 to 1"});
}

BOOST_AUTO_TEST_CASE(a_number_is_taken_exactly_when_it_is_in_range) {
  BOOST_TEST(rc::check("level is 0 to 1", [] {
    const double level = *takt::test::real_of_any_size(-4, 2) * *rc::gen::element(-1.0, 1.0);
    const bool inside = level >= 0.0 && level <= 1.0;
    try {
      const double taken = made({{"level", level}}).level;
      RC_ASSERT(inside);
      RC_ASSERT(taken == level);
    } catch (const takt::SettingError& error) {
      RC_ASSERT(!inside);
      RC_ASSERT(error.setting() == "level");
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_setting_that_is_no_member_is_read_by_a_function) {
  const ModifierType type = percent_dial();
  BOOST_TEST(info_of(type.info, "percent").type == "number");
  BOOST_TEST(info_of(type.info, "percent").default_value.is_nothing());
  BOOST_TEST(settings_of(*type.make({{"percent", 25}})).level == 0.25);
}

BOOST_AUTO_TEST_CASE(what_a_reading_function_refuses_is_an_error_of_its_setting) {
  BOOST_CHECK_EXCEPTION((void)percent_dial().make({{"percent", "many"}}), takt::SettingError,
                        [](const takt::SettingError& error) {
                          return error.setting() == "percent" &&
                                 std::string{error.what()}.starts_with("PercentModifier: percent ");
                        });
}

BOOST_AUTO_TEST_CASE(what_is_left_to_do_is_done_when_all_settings_are_read) {
  const ModifierType type = percent_dial();
  BOOST_TEST(settings_of(*type.make({{"percent", 25}, {"count", 7}})).label == "7 times 0.25");
  BOOST_TEST(settings_of(*type.make({{"count", 7}, {"percent", 25}})).label == "7 times 0.25");
}

BOOST_AUTO_TEST_CASE(an_update_below_zero_is_refused) {
  BOOST_CHECK_EXCEPTION(made({{"update", -1}}), std::invalid_argument, [](const auto& error) {
    const std::string message = error.what();
    return message.find("update") != std::string::npos && message.find("-1") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(what_the_constructor_throws_is_passed_on) {
  BOOST_CHECK_THROW(made({{"label", "broken"}}), std::domain_error);
  BOOST_CHECK_THROW(made({{"start", 9}}), takt::InvalidCadence);  // ends at 8
}

BOOST_AUTO_TEST_CASE(a_setting_error_is_an_invalid_modifier) {
  BOOST_CHECK_THROW((void)dial().make({}), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(a_type_outlives_the_binding_that_it_was_made_from) {
  auto binding =
      std::make_unique<takt::ModifierBinding<Dial, DialSettings>>("DialModifier", "turns a dial");
  const ModifierType type = *binding;
  binding.reset();
  BOOST_TEST(type.make({{"name", "late"}})->name() == "late");
}

BOOST_AUTO_TEST_SUITE_END()
