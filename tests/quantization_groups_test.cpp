// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <takt/modifiers/quantization.hpp>
#include <takt/modifiers/quantization_groups.hpp>
#include <takt/takt.hpp>
#include <vector>

#include "recipe_cases.hpp"

namespace {

using takt::InvalidModifier;
using takt::QuantizationGroup;
using takt::QuantizationObserver;
using takt::QuantizationStrategy;
using takt::Recipe;
using takt::SettingValue;
using takt::test::has;
using takt::test::message_of;
using takt::test::refusal;
using Groups = std::vector<QuantizationGroup>;

/// A setting of a modifier in a recipe.
SettingValue setting(const std::string& text) {
  const Recipe recipe = Recipe::from_string("QuantizationModifier: {config_groups: " + text + "}");
  return *SettingValue{recipe.modifiers().at(0).settings}.find("config_groups");
}

/// The arguments for weights that a group in a recipe has.
takt::WeightQuantization weights_of(const std::string& text) {
  return takt::read_config_groups(setting("{g: {targets: [Linear], weights: " + text + "}}"))
      .at(0)
      .weights;
}

std::string weights_refusal(const std::string& text) {
  return refusal("QuantizationModifier: {config_groups: {g: {targets: [Linear], weights: " + text +
                 "}}}");
}

std::string modifier_refusal(const std::string& settings) {
  return refusal("QuantizationModifier: {" + settings + "}");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_groups)

BOOST_AUTO_TEST_CASE(a_group_is_read_as_llm_compressor_writes_it) {
  const Groups groups = takt::read_config_groups(setting(
      "{group_0: {targets: [Linear, 're:head.*'], weights: {num_bits: 4, type: int, symmetric: "
      "false, strategy: group, group_size: 64, observer: mse, observer_kwargs: {maxshrink: 0.5, "
      "grid: 50, patience: 3, norm: 2}, dynamic: false, actorder: null, block_structure: null, "
      "scale_dtype: null, zp_dtype: null}, input_activations: null, output_activations: null, "
      "format: null}, group_1: {targets: Conv2d, weights: {}}}"));
  BOOST_TEST(groups.size() == 2U);
  BOOST_TEST(groups[0].name == "group_0");
  BOOST_TEST(groups[0].targets == (std::vector<std::string>{"Linear", "re:head.*"}),
             boost::test_tools::per_element());
  BOOST_TEST(groups[0].weights.num_bits == 4);
  BOOST_TEST(!groups[0].weights.symmetric);
  BOOST_TEST(groups[0].weights.strategy == QuantizationStrategy::group);
  BOOST_TEST(groups[0].weights.group_size == 64);
  BOOST_TEST(groups[0].weights.observer == QuantizationObserver::mse);
  BOOST_TEST(groups[0].weights.mse.maxshrink == 0.5);
  BOOST_TEST(groups[0].weights.mse.grid == 50);
  BOOST_TEST(groups[0].weights.mse.patience == 3);
  BOOST_TEST(groups[0].weights.mse.norm == 2.0);
  BOOST_TEST(groups[1].targets == (std::vector<std::string>{"Conv2d"}),
             boost::test_tools::per_element());
  BOOST_TEST(groups[1].weights.num_bits == 8);
  BOOST_TEST(groups[1].weights.symmetric);
  BOOST_TEST(groups[1].weights.strategy == QuantizationStrategy::tensor);
}

BOOST_AUTO_TEST_CASE(a_group_size_says_the_strategy_where_none_is_given) {
  BOOST_TEST(weights_of("{group_size: 32}").strategy == QuantizationStrategy::group);
  BOOST_TEST(weights_of("{group_size: 32}").group_size == 32);
  BOOST_TEST(weights_of("{group_size: -1}").strategy == QuantizationStrategy::channel);
  BOOST_TEST(weights_of("{group_size: -1}").group_size == 0);
  BOOST_TEST(weights_of("{group_size: null}").strategy == QuantizationStrategy::tensor);
  BOOST_TEST(weights_of("{strategy: CHANNEL, group_size: -1}").strategy ==
             QuantizationStrategy::channel);
  BOOST_TEST(weights_of("{strategy: null}").strategy == QuantizationStrategy::tensor);
}

BOOST_AUTO_TEST_CASE(observers_that_differ_only_in_what_they_remember_are_the_same) {
  for (const char* const name : {"minmax", "memoryless_minmax", "static_minmax", "MinMax"}) {
    BOOST_TEST(takt::quantization_observer(name) == QuantizationObserver::minmax);
  }
  for (const char* const name : {"mse", "memoryless_mse", "MSE"}) {
    BOOST_TEST(takt::quantization_observer(name) == QuantizationObserver::mse);
  }
  BOOST_TEST(has(weights_refusal("{observer: imatrix_mse}"),
                 "weights observer is \"imatrix_mse\"; it is minmax or mse"));
  BOOST_TEST(weights_of("{observer: null}").observer == QuantizationObserver::minmax);
}

BOOST_AUTO_TEST_CASE(what_takt_does_not_quantize_to_is_refused) {
  BOOST_TEST(has(weights_refusal("{type: float}"), "type is float; it can only be int"));
  BOOST_TEST(has(weights_refusal("{strategy: block, block_structure: [128, 128]}"), "strategy is"));
  BOOST_TEST(has(weights_refusal("{strategy: token}"), "it is tensor, channel or group"));
  BOOST_TEST(has(weights_refusal("{block_structure: [4, 4]}"), "block_structure is [4, 4]"));
  BOOST_TEST(has(weights_refusal("{dynamic: true}"), "dynamic is true; it can only be null"));
  BOOST_TEST(has(weights_refusal("{actorder: group}"), "actorder is"));
  BOOST_TEST(has(weights_refusal("{scale_dtype: float16}"), "scale_dtype is"));
  BOOST_TEST(has(weights_refusal("{num_bits: 16}"), "num_bits is 16; it is 2 to 8"));
  BOOST_TEST(has(weights_refusal("{strategy: group}"), "group_size is 0"));
  BOOST_TEST(has(weights_refusal("{group_size: 0}"), "group_size is 0"));
  BOOST_TEST(has(weights_refusal("{strategy: tensor, group_size: -1}"), "strategy is tensor"));
  BOOST_TEST(has(weights_refusal("{observer: mse, observer_kwargs: {grid: 0}}"), "grid is 0"));
  BOOST_TEST(has(weights_refusal("{observer_kwargs: {grid: -1}}"), "observer_kwargs grid is -1"));
}

BOOST_AUTO_TEST_CASE(activations_are_refused_and_may_be_null) {
  const std::string error = modifier_refusal(
      "config_groups: {g: {targets: [Linear], weights: {}, input_activations: {num_bits: 8}}}");
  BOOST_TEST(has(error, "config_groups g input_activations is"), error);
  BOOST_TEST(has(error, "takt quantizes weights, and no activations"), error);
}

BOOST_AUTO_TEST_CASE(a_group_needs_targets_and_weights_and_has_no_unknown_keys) {
  BOOST_TEST(has(modifier_refusal("config_groups: {g: {weights: {}}}"), "g has no targets"));
  BOOST_TEST(has(modifier_refusal("config_groups: {g: {targets: [a]}}"), "g has no weights"));
  BOOST_TEST(has(modifier_refusal("config_groups: {g: {targets: [a], weigths: {}}}"),
                 "the nearest is weights"));
  BOOST_TEST(has(weights_refusal("{num_bit: 4}"), "the nearest is num_bits"));
  BOOST_TEST(has(weights_refusal("4"), "it is a map"));
  BOOST_TEST(has(modifier_refusal("config_groups: {}"), "is empty"));
  BOOST_TEST(has(modifier_refusal("config_groups: [a]"), "it is a map"));
  BOOST_TEST(has(modifier_refusal("config_groups: {g: 4}"), "g is 4"));
}

BOOST_AUTO_TEST_CASE(a_scheme_is_a_name_or_a_map_from_names_to_targets) {
  const Groups groups =
      takt::read_scheme_groups({{"W4A16", "Linear"}, {"w8a16", SettingValue::List{"a", "b"}}});
  BOOST_TEST(groups.size() == 2U);
  BOOST_TEST(groups[0].weights.num_bits == 4);
  BOOST_TEST(groups[0].targets.at(0) == "Linear");
  BOOST_TEST(groups[1].weights.num_bits == 8);
  BOOST_TEST(groups[1].targets.size() == 2U);
  for (const char* const scheme : {"W4A16", "{W4A16: [Linear], W8A16: ['re:head.*']}"}) {
    const auto recipe = std::string{"QuantizationModifier: {scheme: "} + scheme + "}";
    BOOST_TEST(Recipe::from_string(recipe).make().size() == 1U);
  }
  BOOST_TEST(has(modifier_refusal("scheme: W8A8"), "use W8A16"));
  BOOST_TEST(has(modifier_refusal("scheme: {W8A8: [Linear]}"), "use W8A16"));
  BOOST_TEST(has(modifier_refusal("scheme: {W8A16: 4}"), "W8A16 is 4"));
  BOOST_TEST(has(modifier_refusal("scheme: ''"), "is empty"));
}

BOOST_AUTO_TEST_CASE(scheme_and_config_groups_are_two_ways_of_which_one_is_taken) {
  const std::string groups = "config_groups: {g: {targets: [a], weights: {}}}";
  BOOST_TEST(has(modifier_refusal("scheme: W8A16, " + groups), "give one of them"));
  BOOST_TEST(has(modifier_refusal(groups + ", scheme: W8A16"), "give one of them"));
  BOOST_TEST(has(modifier_refusal("scheme: {W8A16: [a]}, " + groups), "give one of them"));
  BOOST_TEST(has(modifier_refusal("targets: [Linear]"), "neither scheme nor config_groups"));
  BOOST_TEST(
      Recipe::from_string("QuantizationModifier: {scheme: null, " + groups + "}").make().size() ==
      1U);
}

BOOST_AUTO_TEST_CASE(further_settings_are_taken_where_they_ask_for_nothing) {
  const auto recipe = Recipe::from_string(
      "QuantizationModifier: {scheme: W4A16, targets: Linear, ignore: [lm_head], kv_cache_scheme: "
      "null, input_observer: null, output_observer: null, bypass_divisibility_checks: false, "
      "observer: {weights: mse}, num_calibration_steps: 512, disable_quantization_observer_epoch: "
      "null, freeze_bn_stats_epoch: null, submodules: null}");
  BOOST_TEST(recipe.make().size() == 1U);
  for (const char* const setting :
       {"kv_cache_scheme: {num_bits: 8}", "input_observer: mse", "output_observer: mse",
        "bypass_divisibility_checks: true", "disable_quantization_observer_epoch: 4",
        "freeze_bn_stats_epoch: 3", "submodules: [body]"}) {
    const std::string error = modifier_refusal(std::string{"scheme: W4A16, "} + setting);
    BOOST_TEST(has(error, "it can only be null"), setting << ": " << error);
  }
  BOOST_TEST(has(modifier_refusal("scheme: W4A16, observer: {input: mse}"), "weights only"));
  BOOST_TEST(has(modifier_refusal("scheme: W4A16, weight_observer: x"), "weight_observer is"));
  BOOST_TEST(has(modifier_refusal("scheme: W4A16, observer: {weights: x}"), "minmax or mse"));
}

BOOST_AUTO_TEST_CASE(a_recipe_reads_back_from_what_it_is_written_as) {
  const Recipe recipe = Recipe::from_string(
      "quantization_stage:\n  quantization_modifiers:\n    QuantizationModifier:\n"
      "      start: 2\n      update: 0.5\n      config_groups:\n        group_0:\n"
      "          targets: ['re:fc.*']\n          weights: {num_bits: 3, strategy: group, "
      "group_size: 32, observer: mse, observer_kwargs: {maxshrink: 0.8}}\n");
  const Recipe again = Recipe::from_string(recipe.to_yaml());
  BOOST_TEST(again.to_yaml() == recipe.to_yaml());
  const SettingValue before{recipe.modifiers().at(0).settings};
  const SettingValue after{again.modifiers().at(0).settings};
  BOOST_TEST((before == after), recipe.to_yaml());
}

BOOST_AUTO_TEST_SUITE_END()
