// SPDX-License-Identifier: BSL-1.0
// What the program prints with --json.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli_run.hpp"
#include "scratch_folder.hpp"
#include "takt/registry.hpp"

namespace {

using Json = nlohmann::json;
using takt::test::Outcome;
using takt::test::recorded_text;
using takt::test::run_takt;
using takt::test::ScratchFolder;

/// A command's output, which is JSON and nothing else.
Json json_of(std::vector<std::string> args, const std::string& input, int code = 0) {
  args.emplace_back("--json");
  const Outcome outcome = run_takt(args, input);
  BOOST_TEST(outcome.code == code);
  BOOST_TEST(outcome.err.empty(), outcome.err);
  BOOST_TEST(outcome.out.ends_with("\n"));
  const Json json = Json::parse(outcome.out, nullptr, false);
  BOOST_TEST(!json.is_discarded(), outcome.out);
  return json;
}

/// Exactly this, or the test shows both.
void check_equal(const Json& json, const std::string& expected) {
  BOOST_TEST(json == Json::parse(expected), json.dump(2));
}

const std::string recipe_text = R"(args: {sparsity: 0.9}
sparsity_stage:
  pruning_modifiers:
    MagnitudePruningModifier:
      {name: prune, start: 4, end: 28, update: 0.5, final_sparsity: "{{sparsity}}"}
    ConstantPruningModifier: {start: 28}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_json)

BOOST_AUTO_TEST_CASE(a_plan_has_what_each_modifier_does) {
  check_equal(json_of({"plan", "-", "--epochs", "40", "--steps-per-epoch", "44"}, recipe_text), R"({
    "title": "standard input", "first_step": 0, "end_step": 1760, "steps_per_epoch": 44,
    "modifiers": [
      {"name": "prune", "cadence": "from epoch 4 to 28, every 0.5 epochs",
       "starts": 176, "ends": 1232, "updates": 49, "events": 2114,
       "due": [{"first": 176, "count": 49, "stride": 22}], "due_complete": true},
      {"name": "ConstantPruningModifier", "cadence": "from epoch 28 on, at every step",
       "starts": 1232, "ends": null, "updates": 0, "events": 1056,
       "due": [], "due_complete": true}],
    "losses": []})");
  const Json in_steps = json_of({"plan", "-", "--steps", "2"}, recipe_text);
  BOOST_TEST(in_steps["steps_per_epoch"].is_null());
  BOOST_TEST(in_steps["modifiers"][0]["starts"].is_null());
}

BOOST_AUTO_TEST_CASE(a_step_s_explanation_has_calls_and_words) {
  const Json json =
      json_of({"explain", "-", "--step", "176", "--steps-per-epoch", "44"}, recipe_text);
  BOOST_TEST(json["step"] == 176);
  const Json& prune = json["modifiers"][0];
  BOOST_TEST(prune["name"] == "prune");
  BOOST_TEST(prune["runs"] == true);
  BOOST_TEST(prune["next_due"] == 198);
  BOOST_TEST(prune["why"].get<std::string>().ends_with("next due at step 198 (epoch 4.5)"));
  BOOST_TEST(prune["calls"].size() == 4U, prune.dump(2));
  BOOST_TEST(prune["calls"][0] ==
             Json::parse(R"({"event": "batch_start", "batch": 176, "hook": "on_start"})"));
  check_equal(json["modifiers"][1], R"json({
    "name": "ConstantPruningModifier", "runs": false,
    "why": "not yet: its window opens at step 1232 (epoch 28)", "next_due": null, "calls": []
})json");
}

BOOST_AUTO_TEST_CASE(a_modifier_that_is_never_updated_is_never_due) {
  const Json json =
      json_of({"explain", "-", "--step", "1300", "--steps-per-epoch", "44"}, recipe_text);
  BOOST_TEST(json["modifiers"][1]["runs"] == true);
  BOOST_TEST(json["modifiers"][1]["next_due"].is_null());
}

BOOST_AUTO_TEST_CASE(a_checked_recipe_has_cadences_and_warnings) {
  check_equal(
      json_of({"check", "-", "--steps-per-epoch", "47", "--arg", "sparsity=0.5"}, recipe_text), R"({
    "modifiers": [
      {"name": "prune", "type": "MagnitudePruningModifier", "stage": "sparsity_stage",
       "group": "pruning_modifiers", "cadence": {"start": 4, "end": 28, "update": 0.5},
       "words": "from epoch 4 to 28, every 0.5 epochs: steps 188 to 1316"},
      {"name": "ConstantPruningModifier", "type": "ConstantPruningModifier",
       "stage": "sparsity_stage", "group": "pruning_modifiers",
       "cadence": {"start": 28, "end": null, "update": null},
       "words": "from epoch 28 on, at every step: from step 1316 on"}],
    "warnings": ["prune: update 0.5 epochs is 23.5 steps, no whole number of steps; it is due at steps 188, 235, 282, ..."]})");
  takt::test::check_refused(run_takt({"check", "-", "--json", "--yaml"}, recipe_text),
                            {"--yaml and --json"});
}

BOOST_AUTO_TEST_CASE(bounds_that_json_has_no_number_for_are_texts) {
  const Json json = json_of({"check", "-"}, "modifiers: [ConstantPruningModifier: {end: .inf}]\n");
  BOOST_TEST(json["modifiers"][0]["cadence"]["end"] == "inf", json.dump(2));
}

BOOST_AUTO_TEST_CASE(modifiers_have_their_settings) {
  const Json all = json_of({"modifiers"}, "");
  BOOST_TEST(all.size() == takt::Registry::builtin().modifiers().size());
  const Json one = json_of({"modifiers", "GMPruningModifier"}, "");
  BOOST_TEST(one["name"] == "MagnitudePruningModifier");
  BOOST_TEST(one["other_names"] == Json::array({"GMPruningModifier"}));
  BOOST_TEST(one["plugin"].is_null());
  bool found = false;
  for (const Json& modifier : all) found = found || modifier == one;
  BOOST_TEST(found);
  for (const Json& setting : one["settings"]) {
    if (setting["name"] == "init_sparsity") {
      BOOST_TEST(setting["default"] == 0.05);
      BOOST_TEST(setting["type"] == "number");
      BOOST_TEST(setting["range"] == "0 to 1");
      BOOST_TEST(setting["required"] == false);
      BOOST_TEST(!setting["meaning"].get<std::string>().empty());
    }
    if (setting["name"] == "name") BOOST_TEST(setting["default"] == "MagnitudePruningModifier");
    if (setting["name"] == "start") BOOST_TEST(setting["default"].is_null());
    if (setting["name"] == "ignore") BOOST_TEST(setting["default"] == Json::array());
    if (setting["name"] == "leave_enabled") BOOST_TEST(setting["default"] == false);
  }
}

BOOST_AUTO_TEST_CASE(a_trace_has_what_ran_and_its_losses) {
  const Json json = json_of({"view", "-"}, recorded_text(8));
  BOOST_TEST(json["title"] == "standard input");
  BOOST_TEST(json["first_step"] == 0);
  BOOST_TEST(json["end_step"] == 8);
  BOOST_TEST(json["steps_per_epoch"] == 4);
  BOOST_TEST(json["events"] == 42);
  BOOST_TEST(json["torn"] == false);
  const Json& prune = json["modifiers"][0];
  BOOST_TEST(prune["name"] == "prune");
  BOOST_TEST(prune["starts"] == 2);
  BOOST_TEST(prune["ends"] == 6);
  BOOST_TEST(prune["updates"] == 3);
  BOOST_TEST(prune["due"] == Json::parse(R"([{"first": 2, "count": 3, "stride": 2}])"));
  BOOST_TEST(prune["nanoseconds"].is_number_integer());
  BOOST_TEST(!prune.contains("throws"));
  BOOST_TEST(json["modifiers"][1]["events"] == 8);
  BOOST_TEST(json["losses"].size() == 8U);
  BOOST_TEST(json["losses"][1] ==
             Json::parse(R"({"first": 1, "last": 1, "low": 1.0, "high": 1.0, "mean": 1.0})"));
}

BOOST_AUTO_TEST_CASE(a_torn_trace_and_hooks_that_threw_are_told) {
  const Json json =
      json_of({"view", "-"},
              R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"bad"}]}
{"event":"initialize","step":0,"batch":0,"hooks":[{"modifier":"bad","hook":"on_initialize","error":"no"}]}
{"event":"bat)");
  BOOST_TEST(json["torn"] == true);
  BOOST_TEST(json["events"] == 1);
  BOOST_TEST(json["modifiers"][0]["throws"] == 1);
  BOOST_TEST(!json["modifiers"][0].contains("nanoseconds"));
}

BOOST_AUTO_TEST_CASE(a_recipe_viewed_is_its_plan) {
  BOOST_TEST(json_of({"view", "-", "--steps", "9"}, recipe_text) ==
             json_of({"plan", "-", "--steps", "9"}, recipe_text));
}

BOOST_AUTO_TEST_CASE(comparisons_have_their_differences) {
  check_equal(json_of({"replay", "-"}, recorded_text(8)), R"({
    "equal": true, "events": 42, "differing": 0, "torn": false, "differences": []})");
  const ScratchFolder folder;
  const std::string a = folder.file("a.jsonl", recorded_text(8, 2.0)).string();
  const Json json = json_of({"diff", a, "-", "--most", "2"}, recorded_text(8, 3.0), 1);
  BOOST_TEST(json["equal"] == false);
  BOOST_TEST(json["events"] == 42);
  BOOST_TEST(json["differing"] == 8);
  BOOST_TEST(json["differences"].size() == 2U, json.dump(2));
  BOOST_TEST(json["differences"][1]["step"] == 1);
  BOOST_TEST(json["differences"][1]["batch"] == 1);
  BOOST_TEST(
      json["differences"][1]["text"].get<std::string>().starts_with("step 1, loss_calculated: "));
}

BOOST_AUTO_TEST_CASE(names_that_are_no_utf_8_become_some) {
  const ScratchFolder folder;
  const std::string file = folder.file("\xff.jsonl", recorded_text(1)).string();
  const Json json = json_of({"view", file}, "");
  BOOST_TEST(json["title"].get<std::string>().ends_with("/\xef\xbf\xbd.jsonl"));
}

BOOST_AUTO_TEST_CASE(files_that_are_written_are_told_of_elsewhere) {
  const ScratchFolder folder;
  const std::string svg = (folder.path() / "a.svg").string();
  for (const char* const command : {"plan", "view"}) {
    const Outcome outcome =
        run_takt({command, "-", "--steps", "3", "--json", "--svg", svg}, recipe_text);
    BOOST_TEST(outcome.code == 0);
    BOOST_TEST(outcome.err == "wrote " + svg + "\n");
    BOOST_TEST(!Json::parse(outcome.out, nullptr, false).is_discarded(), outcome.out);
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told_in_words_and_nothing_printed) {
  for (const char* const command : {"plan", "check", "view", "replay"}) {
    takt::test::check_refused(run_takt({command, "-", "--json"}, "nonsense"), {"standard input"});
  }
}

BOOST_AUTO_TEST_SUITE_END()
