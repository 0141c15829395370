// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <takt/modifiers/ema.hpp>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "error_text.hpp"
#include "vector_model.hpp"

namespace {

using takt::Batch;
using takt::LifecycleError;
using takt::QuantizationGroup;
using takt::QuantizationModifier;
using takt::QuantizationParameters;
using takt::QuantizationSettings;
using takt::QuantizationStrategy;
using takt::WeightQuantization;
using takt::test::has;
using takt::test::message_of;
using takt::test::nested;
using Values = std::vector<float>;

/// 3 bits have the integers -4 to 3. Where a part's greatest weight is 3.5 its scale is 1, so that
/// a weight is rounded to a whole number.
constexpr WeightQuantization three_bits{.num_bits = 3};

std::vector<QuantizationGroup> all_as(const WeightQuantization& weights,
                                      std::vector<std::string> targets = {"__ALL_PRUNABLE__"}) {
  return {{.name = "group_0", .targets = std::move(targets), .weights = weights}};
}

struct Training {
  explicit Training(takt::BusOptions options = {}, takt::Event start = {}) : bus{start, options} {
    bus.state().set(model);
  }

  void quantize(QuantizationSettings settings) {
    modifier = bus.emplace<QuantizationModifier>(std::move(settings));
    bus.initialize();
  }
  /// A batch that sees some weights, and whose step sets them.
  Values step_to(Values weights) {
    Values seen;
    bus.batch([&](Batch& batch) {
      seen = model[0].values;
      batch.loss(1.0);
      batch.step([&] {
        stepped_on = model[0].values;
        model[0].values = std::move(weights);
      });
    });
    return seen;
  }
  float scale(const std::string& name = "fc.weight") {
    const auto* const found = bus.state().get<QuantizationParameters>().find(name);
    return found == nullptr ? 0.0F : found->affines.at(0).scale;
  }

  VectorModel model{
      {{.name = "fc.weight", .shape = {2, 2}, .values = {3.5, 0.75, -1.25, 0}, .kind = "Linear"},
       {.name = "fc.bias", .shape = {2}, .values = {0.3F, 5}, .kind = "Linear"}}};
  takt::EventBus bus;
  std::shared_ptr<QuantizationModifier> modifier;
  Values stepped_on;
};

}  // namespace

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (Values{__VA_ARGS__}), boost::test_tools::per_element())

BOOST_FIXTURE_TEST_SUITE(quantization, Training)

BOOST_AUTO_TEST_CASE(a_batch_sees_quantized_weights_and_its_step_the_full_precision_ones) {
  quantize({.config_groups = all_as(three_bits)});
  TAKT_CHECK_VALUES(step_to({7, -2, 0.9F, 3}), 3, 1, -1, 0);
  TAKT_CHECK_VALUES(stepped_on, 3.5, 0.75, -1.25, 0);
  TAKT_CHECK_VALUES(model[0].values, 7, -2, 0.9F, 3);
  TAKT_CHECK_VALUES(step_to({0, 0, 0, 0}), 6, -2, 0, 4);  // a scale of 2; 0.45 and 1.5 are rounded
  TAKT_CHECK_VALUES(stepped_on, 7, -2, 0.9F, 3);
}

BOOST_AUTO_TEST_SUITE_END()
