// SPDX-License-Identifier: BSL-1.0
// How the modifiers of a recipe come onto a bus.
#include <dlfcn.h>
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cadence_cases.hpp"
#include "number_text.hpp"
#include "probe.hpp"
#include "recipe_cases.hpp"
#include "takt/event_bus.hpp"
#include "takt/recipe.hpp"
#include "takt/registry.hpp"

namespace {

using takt::Recipe;
using takt::SettingValue;
using takt::test::has;
using Map = takt::SettingValue::Map;

std::optional<double> number_in(const Map& settings, std::string_view name) {
  const SettingValue whole{settings};
  const SettingValue* const value = whole.find(name);
  if (value == nullptr) return std::nullopt;
  return *value->get_if<double>();
}

/// A bus, and a registry whose only kind, "Beat", makes probes that write into the bus's log. With
/// the setting `breaks` a probe throws in that hook.
struct BeatBus : ProbedBus {
  explicit BeatBus(const takt::Event& start = {}, takt::BusOptions options = {})
      : ProbedBus{start, options} {
    registry.add(
        {.info = {.name = "Beat"}, .make = [this](const Map& settings) { return made(settings); }});
  }

  [[nodiscard]] Recipe read(std::string_view text) const {
    return Recipe::from_string(text, {.registry = registry});
  }
  Lines apply(std::string_view text) { return bus.apply(read(text)); }

  [[nodiscard]] Lines names() const {
    Lines names;
    for (const auto& each : bus.modifiers()) names.push_back(each->name());
    return names;
  }

  takt::Registry registry;

 private:
  std::shared_ptr<takt::Modifier> made(const Map& settings) {
    const SettingValue whole{settings};
    const SettingValue* const name = whole.find("name");
    auto probe = make(name == nullptr ? "Beat" : *name->get_if<std::string>(),
                      {.start = number_in(settings, "start"),
                       .end = number_in(settings, "end"),
                       .update = number_in(settings, "update")},
                      {.due = takt::EventType::BATCH_START});
    if (const auto* const hook = whole.find("breaks")) probe->breaks(*hook->get_if<std::string>());
    return probe;
  }
};

/// The steps at which the log has lines that start so.
std::vector<std::int64_t> steps_of(const Lines& log, std::string_view start) {
  std::vector<std::int64_t> steps;
  for (const std::string& line : log) {
    if (line.starts_with(start)) steps.push_back(std::stoll(line.substr(line.rfind(' '))));
  }
  return steps;
}

/// The whole numbers that a text has, up to the first '('.
std::vector<std::int64_t> numbers_in(std::string_view text) {
  std::vector<std::int64_t> numbers;
  const std::string words{text.substr(0, text.find('('))};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(words[i])) == 0) continue;
    std::size_t used = 0;
    numbers.push_back(std::stoll(words.substr(i), &used));
    i += used;
  }
  return numbers;
}

/// What follows `words` in the only line that has them; empty when none has.
std::string after(const Lines& lines, const std::string& words) {
  for (const std::string& line : lines) {
    const std::size_t at = line.find(words);
    if (at != std::string::npos) return line.substr(at + words.size());
  }
  return "";
}

std::filesystem::path plugin_file(const std::string& name) {
  return std::filesystem::path{TAKT_TEST_PLUGINS} / ("lib" + name + ".so");
}

bool is_loaded(const std::filesystem::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return false;
  dlclose(library);
  return true;
}

std::string plugin_recipe(const std::string& plugin, const std::string& modifiers) {
  return "plugins: ['" + plugin_file(plugin).string() + "']\nmodifiers: " + modifiers + '\n';
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recipe_apply)

BOOST_AUTO_TEST_CASE(the_modifiers_come_onto_the_bus_in_order_behind_those_there_are) {
  BeatBus beats;
  beats.add("first");
  beats.apply("a_stage: {x_modifiers: [Beat: {end: 2}, Beat]}\nmodifiers: [Beat: {name: last}]");
  BOOST_TEST((beats.names() == Lines{"first", "Beat", "Beat 2", "last"}));
  BOOST_TEST((beats.bus.modifiers()[1]->cadence() == takt::Cadence{.end = 2}));
}

BOOST_AUTO_TEST_CASE(the_modifiers_run_as_their_settings_say) {
  BeatBus beats{{.steps_per_epoch = 4}};
  const Lines warnings = beats.apply("[Beat: {start: 0.5, end: 1.5, update: 0.5}]");
  BOOST_TEST(warnings.empty());
  beats.bus.initialize();
  beats.step(10);
  beats.bus.finalize();
  BOOST_TEST(beats.log == (Lines{"Beat on_initialize initialize 0", "Beat on_start batch_start 2",
                                 "Beat on_update batch_start 2", "Beat on_update batch_start 4",
                                 "Beat on_update batch_start 6", "Beat on_end batch_end 6",
                                 "Beat on_finalize finalize 10"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_recipe_makes_new_modifiers_for_each_bus) {
  BeatBus beats;
  const Recipe recipe = beats.read("[Beat]");
  takt::EventBus one;
  takt::EventBus other;
  one.apply(recipe);
  other.apply(recipe);
  BOOST_TEST(one.modifiers().at(0) != other.modifiers().at(0));
}

BOOST_AUTO_TEST_CASE(a_recipe_without_modifiers_changes_nothing) {
  BeatBus beats;
  const Recipe recipe = Recipe::from_string("a_stage:", {.stages = {"a"}});
  BOOST_TEST(beats.bus.apply(recipe).empty());
  BOOST_TEST(beats.names().empty());
}

BOOST_AUTO_TEST_CASE(built_in_modifiers_are_applied) {
  takt::EventBus bus{takt::Event{.steps_per_epoch = 10}};
  bus.apply(Recipe::from_string("[EpochRangeModifier: {end: 2}]"));
  bus.initialize();
  std::int64_t steps = 0;
  for (; !bus.state().control.stop_requested() && steps < 100; ++steps) {
    bus.batch([](takt::Batch& batch) { batch.step([] {}); });
  }
  BOOST_TEST(steps == 20);
}

// ---- When

BOOST_AUTO_TEST_CASE(on_a_running_bus_the_modifiers_are_initialized_at_once) {
  BeatBus beats;
  beats.begin();
  beats.step(3);
  beats.apply("[Beat: {start: 4}, Beat]");
  BOOST_TEST((beats.take() ==
              Lines{"Beat on_initialize initialize 3", "Beat 2 on_initialize initialize 3"}));
  beats.step(2);
  BOOST_TEST((beats.take("Beat on_start") == Lines{"Beat on_start batch_start 4"}));
}

BOOST_AUTO_TEST_CASE(applied_in_a_hook_they_are_initialized_after_the_call) {
  BeatBus beats;
  const Recipe recipe = beats.read("[Beat, Beat]");
  const auto probe = beats.add("probe", {}, {.due = takt::EventType::LOSS_CALCULATED});
  probe->then["on_update"] = [&](takt::State&, const takt::Event&) {
    beats.bus.apply(recipe);
    BOOST_TEST(beats.names().size() == 3U);
    BOOST_TEST(steps_of(beats.log, "Beat").empty());
  };
  beats.begin();
  beats.bus.batch_start();
  beats.bus.loss_calculated(1);
  BOOST_TEST((beats.take("Beat") ==
              Lines{"Beat on_initialize initialize 0", "Beat 2 on_initialize initialize 0"}));
}

BOOST_AUTO_TEST_CASE(after_finalize_a_recipe_is_refused) {
  BeatBus beats;
  beats.bus.initialize();
  beats.bus.finalize();
  BOOST_CHECK_THROW(beats.apply("[Beat]"), takt::LifecycleError);
  BOOST_TEST(beats.names().empty());
}

// ---- All or none

BOOST_AUTO_TEST_CASE(a_name_that_is_on_the_bus_leaves_the_bus_as_it_was) {
  BeatBus beats;
  beats.add("taken");
  const std::string text =
      "[Beat: {name: a}, Beat: {name: b}, Beat: {name: taken}, Beat: {name: c}]";
  const auto apply = [&] { beats.apply(text); };
  BOOST_TEST(has(takt::test::message_of<takt::InvalidModifier>(apply), "'taken'"));
  BOOST_TEST((beats.names() == Lines{"taken"}));
  beats.begin();
  BOOST_CHECK_THROW(apply(), takt::InvalidModifier);
  BOOST_TEST((beats.names() == Lines{"taken"}));
  beats.log.clear();
  beats.step();
  BOOST_TEST((beats.take() == Lines{"taken on_start batch_start 0"}));
}

BOOST_AUTO_TEST_CASE(a_recipe_that_is_on_the_bus_is_refused_and_stays) {
  BeatBus beats;
  beats.apply("[Beat, Beat]");
  const auto before = beats.bus.modifiers();
  BOOST_CHECK_THROW(beats.apply("[Beat: {name: x}, Beat]"), takt::InvalidModifier);
  BOOST_TEST((beats.bus.modifiers() == before));
}

BOOST_AUTO_TEST_CASE(after_a_refusal_the_same_recipe_can_be_applied) {
  BeatBus beats;
  beats.add("taken");
  const Recipe recipe = beats.read("[Beat, Beat: {name: taken}]");
  BOOST_CHECK_THROW(beats.bus.apply(recipe), takt::InvalidModifier);
  beats.bus.remove("taken");
  beats.bus.apply(recipe);
  BOOST_TEST((beats.names() == Lines{"Beat", "taken"}));
}

BOOST_AUTO_TEST_CASE(one_that_throws_as_it_is_initialized_takes_all_back) {
  for (const takt::ErrorPolicy policy :
       {takt::ErrorPolicy::propagate, takt::ErrorPolicy::collect}) {
    BeatBus beats{{}, {.errors = policy}};
    beats.add("there");
    beats.begin();
    const auto apply = [&] {
      beats.apply("[Beat: {name: a}, Beat: {name: b, breaks: on_initialize}, Beat: {name: c}]");
    };
    BOOST_TEST(has(takt::test::message_of<takt::ModifierError>(apply), "b broke on_initialize"));
    BOOST_TEST((beats.names() == Lines{"there"}));
    const Lines log = beats.take();
    BOOST_TEST((std::ranges::count(log, "a on_initialize initialize 0") == 1));
    BOOST_TEST((std::ranges::count(log, "a on_finalize finalize 0") == 1));
    BOOST_TEST((std::ranges::count(log, "c on_initialize initialize 0") == 0));
    beats.step();
    BOOST_TEST((beats.take() == Lines{"there on_start batch_start 0"}));
  }
}

BOOST_AUTO_TEST_CASE(one_that_throws_as_it_is_taken_back_does_not_hide_the_first_error) {
  BeatBus beats;
  beats.begin();
  const auto apply = [&] {
    beats.apply("[Beat: {name: a, breaks: on_finalize}, Beat: {name: b, breaks: on_initialize}]");
  };
  BOOST_TEST(has(takt::test::message_of<takt::ModifierError>(apply), "b broke on_initialize"));
  BOOST_TEST(beats.names().empty());
}

BOOST_AUTO_TEST_CASE(before_initialize_one_that_would_throw_there_is_applied) {
  BeatBus beats;
  beats.apply("[Beat: {name: b, breaks: on_initialize}]");
  BOOST_CHECK_THROW(beats.bus.initialize(), takt::ModifierError);
  BOOST_TEST((beats.names() == Lines{"b"}));
}

BOOST_AUTO_TEST_CASE(under_quarantine_one_that_throws_is_quarantined_and_the_rest_runs) {
  BeatBus beats{{}, {.errors = takt::ErrorPolicy::quarantine}};
  beats.begin();
  beats.apply("[Beat: {name: a, breaks: on_initialize}, Beat: {name: b}]");
  BOOST_TEST(beats.bus.quarantined().size() == 1U);
  beats.log.clear();
  beats.step();
  BOOST_TEST((beats.take("b on_update") == Lines{"b on_update batch_start 0"}));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_taken_in_a_hook_leaves_the_bus_as_it_was) {
  BeatBus beats;
  const Recipe recipe = beats.read("[Beat: {name: a}, Beat: {name: probe}]");
  const auto probe = beats.add("probe", {}, {.due = takt::EventType::BATCH_START});
  int refused = 0;
  probe->then["on_update"] = [&](takt::State&, const takt::Event&) {
    try {
      beats.bus.apply(recipe);
    } catch (const takt::InvalidModifier&) {
      ++refused;
    }
    BOOST_TEST((beats.names() == Lines{"probe"}));
  };
  beats.begin();
  beats.step();
  BOOST_TEST(refused == 1);
  BOOST_TEST((beats.names() == Lines{"probe"}));
  BOOST_TEST(beats.take("a on_update").empty());
}

// ---- Warnings

BOOST_AUTO_TEST_CASE(warnings_start_with_the_modifier_and_come_after_those_of_the_recipe) {
  BeatBus beats{{.steps_per_epoch = 47}};
  const Lines warnings = beats.apply(R"(a_stage:
  run_type: oneshot
  modifiers:
    - Beat: {update: 0.5}
    - Beat: {update: 1}
    - Beat: {start: 0.1, end: 0.99}
)");
  BOOST_REQUIRE_EQUAL(warnings.size(), 4U);
  BOOST_TEST(warnings[0].starts_with("a_stage has run_type oneshot"));
  BOOST_TEST(warnings[1] ==
             "Beat: update 0.5 epochs is 23.5 steps, no whole number of steps; it is due at steps "
             "0, 47, 94, ...");
  BOOST_TEST(warnings[2].starts_with("Beat 3: start 0.1 epochs is 4.7 steps"));
  BOOST_TEST(warnings[3].starts_with("Beat 3: end 0.99 epochs is 46.53 steps"));
}

BOOST_AUTO_TEST_CASE(warnings_are_those_of_the_bus_it_is_applied_to) {
  BeatBus beats;
  const Recipe recipe = beats.read("[Beat: {update: 0.5}]");
  takt::EventBus even{takt::Event{.steps_per_epoch = 10}};
  BOOST_TEST(even.apply(recipe).empty());
  takt::EventBus steps;
  BOOST_REQUIRE_EQUAL(steps.apply(recipe).size(), 1U);
  takt::EventBus again{takt::Event{.steps_per_epoch = 3}};
  BOOST_TEST(again.apply(recipe).at(0) ==
             "Beat: update 0.5 epochs is 1.5 steps, no whole number of steps; it is due at steps "
             "0, 3, 6, ...");
}

BOOST_AUTO_TEST_CASE(any_warning_names_the_steps_at_which_the_modifier_really_runs) {
  BOOST_TEST(rc::check("starts, ends and updates that lie between steps", [] {
    const auto steps_per_epoch = *takt::test::evenly<std::int64_t>(0, 12);
    takt::Event start;
    if (steps_per_epoch > 0) start.steps_per_epoch = steps_per_epoch;
    BeatBus beats{start};
    std::string settings;
    const auto set = [&](const std::string& name, int least, int most) {
      if (*takt::test::evenly(0, 3) == 0) return;
      const double index = *takt::test::evenly(least, most) / 20.0;
      settings += (settings.empty() ? "" : ", ") + name + ": " + takt::detail::text_of(index);
    };
    set("start", -10, 60);
    set("end", 60, 160);
    set("update", 0, 40);
    const Lines warnings = beats.apply("[Beat: {" + settings + "}]");
    RC_LOG() << settings << " at " << steps_per_epoch << " steps\n";
    for (const std::string& line : warnings) RC_LOG() << line << '\n';

    beats.bus.initialize();
    beats.step(1600);  // beyond any end and third due step
    const auto opened = steps_of(beats.log, "Beat on_start");
    const auto closed = steps_of(beats.log, "Beat on_end");
    const auto ran = steps_of(beats.log, "Beat on_update");

    const std::string opens_at = after(warnings, "its window opens at");
    if (!opens_at.empty()) RC_ASSERT(numbers_in(opens_at) == opened);
    const std::string last = after(warnings, "the last step of its window is");
    if (!last.empty()) RC_ASSERT(numbers_in(last) == closed);
    if (!after(warnings, "it never run").empty()) RC_ASSERT(opened.empty());
    if (!after(warnings, "it is never du").empty()) RC_ASSERT(ran.empty());
    const std::string due = after(warnings, "it is due at");
    if (has(due, "only")) {
      RC_ASSERT(numbers_in(due) == ran);
    } else if (!due.empty()) {
      auto first = ran;
      first.resize(3);
      RC_ASSERT(numbers_in(due) == first);
    } else if (warnings.empty()) {
      RC_ASSERT(!ran.empty());
    }
  }));
}

// ---- Plugins

BOOST_AUTO_TEST_CASE(modifiers_of_a_plugin_run_after_the_recipe_and_its_registry_are_gone) {
  std::optional<takt::EventBus> bus{std::in_place};
  bus->apply(Recipe::from_string(plugin_recipe("good", "[CountModifier: {by: 2}]")));
  BOOST_TEST(is_loaded(plugin_file("good")));
  bus->initialize();
  for (int i = 0; i < 3; ++i) bus->batch([](takt::Batch& batch) { batch.step([] {}); });
  BOOST_TEST(bus->state().metrics["counted"] == 6.0);
  bus->finalize();
  bus.reset();
  BOOST_TEST(!is_loaded(plugin_file("good")));
}

BOOST_AUTO_TEST_CASE(the_plugins_of_a_recipe_stay_loaded_as_long_as_the_bus) {
  std::optional<takt::EventBus> bus{std::in_place};
  bus->apply(Recipe::from_string(plugin_recipe("good", "[CountModifier]")));
  bus->remove("CountModifier");
  BOOST_TEST(is_loaded(plugin_file("good")));
  bus.reset();
  BOOST_TEST(!is_loaded(plugin_file("good")));
}

BOOST_AUTO_TEST_CASE(what_a_modifier_of_a_plugin_throws_outlives_the_bus) {
  std::string message;
  try {
    takt::EventBus bus;
    bus.apply(Recipe::from_string(plugin_recipe("own_errors", "[ThrowingModifier: {from: hook}]")));
    bus.initialize();
    bus.batch_start();
  } catch (const takt::ModifierError& error) {
    message = error.what();
  }
  BOOST_TEST(has(message, "own error from a hook"), message);
  BOOST_TEST(!is_loaded(plugin_file("own_errors")));
}

BOOST_AUTO_TEST_SUITE_END()
