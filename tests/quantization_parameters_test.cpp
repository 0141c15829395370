// SPDX-License-Identifier: BSL-1.0
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/quantization_parameters.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

using takt::Cadence;
using takt::InvalidModifier;
using takt::QuantizationParameters;
using takt::QuantizationStrategy;
using takt::QuantizedParameter;
using takt::State;
using takt::test::has;
using takt::test::message_of;
using Json = nlohmann::json;

QuantizedParameter two_rows() {
  return {.name = "fc.weight",
          .shape = {2, 2},
          .weights = {.num_bits = 3, .symmetric = false, .strategy = QuantizationStrategy::channel},
          .scale_shape = {2, 1},
          .affines = {{.scale = 1, .zero_point = 0}, {.scale = 0.1F, .zero_point = -4}}};
}

std::string refusal(QuantizationParameters& parameters, const Cadence& window,
                    std::vector<std::string> names) {
  return message_of<InvalidModifier>([&] { parameters.claim("b", window, std::move(names)); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(quantization_parameters)

BOOST_AUTO_TEST_CASE(a_state_has_one_object) {
  State state;
  QuantizationParameters& made = QuantizationParameters::of(state);
  BOOST_TEST(&QuantizationParameters::of(state) == &made);
  BOOST_TEST(&state.get<QuantizationParameters>() == &made);
}

BOOST_AUTO_TEST_CASE(a_parameter_is_found_by_its_name_as_it_was_set_last) {
  QuantizationParameters parameters;
  BOOST_TEST(parameters.find("fc.weight") == nullptr);
  parameters.set(std::make_shared<QuantizedParameter>(two_rows()));
  BOOST_TEST(parameters.find("fc.weight")->weights.num_bits == 3);
  BOOST_TEST(parameters.find("fc") == nullptr);
  auto other = two_rows();
  other.weights.num_bits = 2;
  parameters.set(std::make_shared<QuantizedParameter>(other));
  BOOST_TEST(parameters.find("fc.weight")->weights.num_bits == 2);
  BOOST_TEST(parameters.all().size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_parameter_is_claimed_by_one_modifier_at_a_time) {
  QuantizationParameters parameters;
  parameters.claim("a", {.start = 2, .end = 4}, {"x", "y"});
  const std::string error = refusal(parameters, {.start = 4}, {"z", "y"});
  BOOST_TEST(has(error, "parameter 'y' is quantized by \"a\" too"), error);
  BOOST_TEST(refusal(parameters, {.start = 4.5}, {"y"}) == "nothing was thrown");
  BOOST_TEST(refusal(parameters, {.end = 1.5}, {"y"}) == "nothing was thrown");
  BOOST_TEST(has(refusal(parameters, {.end = 2}, {"x"}), "'x'"));
  BOOST_TEST(has(refusal(parameters, {}, {"x"}), "'x'"));
  BOOST_TEST(refusal(parameters, {}, {"z"}) == "nothing was thrown");
  parameters.claim("a", {}, {"x"});  // its own are no obstacle
  BOOST_TEST(refusal(parameters, {}, {"y"}) == "nothing was thrown");
  parameters.give_back("a");
  BOOST_TEST(refusal(parameters, {}, {"x"}) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(a_claim_that_is_refused_leaves_the_one_there_was) {
  QuantizationParameters parameters;
  parameters.claim("a", {}, {"x"});
  parameters.claim("b", {}, {"y"});
  BOOST_TEST(has(refusal(parameters, {}, {"x"}), "'x'"));
  BOOST_CHECK_THROW(parameters.claim("c", {}, {"y"}), InvalidModifier);
}

BOOST_AUTO_TEST_CASE(weights_become_the_integers_of_their_parts) {
  const std::vector<float> weights{1.4F, -9, 0.21F, 0};
  const std::vector<std::int8_t> expected{1, -4, -2, -4};
  BOOST_TEST(takt::quantized_values(two_rows(), weights) == expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(weights_that_are_too_few_are_refused) {
  const std::vector<float> weights{1, 2, 3};
  const std::string error =
      message_of<InvalidModifier>([&] { (void)takt::quantized_values(two_rows(), weights); });
  BOOST_TEST(has(error, "'fc.weight': 3 weights were given; it has 4"), error);
}

BOOST_AUTO_TEST_CASE(they_are_written_as_json_that_reads_back_as_the_same_floats) {
  QuantizationParameters parameters;
  parameters.set(std::make_shared<QuantizedParameter>(two_rows()));
  QuantizedParameter grouped{.name = "a \"b\"",
                             .shape = {1, 4},
                             .weights = {.num_bits = 4,
                                         .strategy = QuantizationStrategy::group,
                                         .group_size = 2,
                                         .observer = takt::QuantizationObserver::mse},
                             .scale_shape = {1, 2},
                             .affines = {{.scale = 1.0F / 3.0F}, {.scale = 1e-7F}}};
  parameters.set(std::make_shared<QuantizedParameter>(grouped));
  std::ostringstream out;
  takt::write_quantization(out, parameters);
  const Json json = Json::parse(out.str());
  BOOST_TEST(json.size() == 2U);
  const Json& rows = json["fc.weight"];
  BOOST_TEST(rows["shape"] == Json::array({2, 2}));
  BOOST_TEST(rows["scale_shape"] == Json::array({2, 1}));
  BOOST_TEST(rows["zero_points"] == Json::array({0, -4}));
  BOOST_TEST(rows["weights"] == Json::parse(R"({"num_bits": 3, "type": "int", "symmetric": false,
      "strategy": "channel", "group_size": null, "observer": "minmax"})"));
  const Json& groups = json["a \"b\""];
  BOOST_TEST(groups["weights"]["group_size"] == 2);
  BOOST_TEST(groups["weights"]["observer"] == "mse");
  BOOST_TEST(groups["scales"][0].get<float>() == 1.0F / 3.0F);
  BOOST_TEST(groups["scales"][1].get<float>() == 1e-7F);
  BOOST_TEST(rows["scales"][1].get<float>() == 0.1F);
}

BOOST_AUTO_TEST_CASE(nothing_is_written_as_an_empty_object) {
  std::ostringstream out;
  takt::write_quantization(out, {});
  BOOST_TEST(Json::parse(out.str()) == Json::object());
}

BOOST_AUTO_TEST_SUITE_END()
