// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the tests of quantization-aware training share.
#ifndef TAKT_TESTS_QUANTIZATION_CASES_HPP
#define TAKT_TESTS_QUANTIZATION_CASES_HPP

#include <memory>
#include <string>
#include <takt/modifiers/quantization.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "vector_model.hpp"

namespace takt::test {

/// 3 bits have the integers -4 to 3. Where the greatest weight is 3.5 the scale is 1, so that each
/// weight is rounded to a whole number.
inline constexpr WeightQuantization three_bits{.num_bits = 3};

inline std::vector<QuantizationGroup> all_as(const WeightQuantization& weights,
                                             std::vector<std::string> targets = {
                                                 "__ALL_PRUNABLE__"}) {
  return {{.name = "group_0", .targets = std::move(targets), .weights = weights}};
}

/// A bus with a modifier that quantizes, and a model whose steps set its weights.
struct QuantizedTraining {
  explicit QuantizedTraining(takt::BusOptions options = {}, takt::Event start = {})
      : bus{start, options} {
    bus.state().set(model);
  }

  void quantize(QuantizationSettings settings) {
    modifier = bus.emplace<QuantizationModifier>(std::move(settings));
    bus.initialize();
  }
  /// A batch that sees some weights, and whose step sets them.
  std::vector<float> step_to(std::vector<float> weights) {
    std::vector<float> seen;
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
  std::vector<float> stepped_on;
};

}  // namespace takt::test

#define TAKT_CHECK_VALUES(actual, ...) \
  BOOST_TEST((actual) == (std::vector<float>{__VA_ARGS__}), boost::test_tools::per_element())

#endif
