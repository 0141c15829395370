// SPDX-License-Identifier: BSL-1.0
/// \file
/// Quantizes the weights of one parameter.
#ifndef TAKT_MODIFIERS_WEIGHT_QUANTIZER_HPP
#define TAKT_MODIFIERS_WEIGHT_QUANTIZER_HPP

#include <cstddef>
#include <memory>
#include <span>
#include <takt/model.hpp>
#include <takt/modifiers/quantization_parameters.hpp>
#include <takt/modifiers/quantization_scheme.hpp>
#include <vector>

namespace takt {

namespace detail {
class StateReader;
class StateWriter;
}  // namespace detail

/// Scales and zero points for a parameter, found in its weights and then held. The weights are
/// given anew to every call, as many as the parameter had. Only the constructor and `load`
/// allocate. For the thread of the loop that trains the model; so is what `parameter` shares.
class WeightQuantizer {
 public:
  /// A parameter of rank 0 or 1 is one row. All scales are 1 until weights are observed. Throws
  /// `InvalidModifier`, which names the parameter, when its values are not as many as its shape
  /// says, or when the group size does not divide its rows.
  WeightQuantizer(const Parameter& parameter, const WeightQuantization& weights);

  /// Finds scales and zero points anew. Weights that are not finite are as if they were not there.
  void observe(std::span<const float> weights);
  /// Each weight becomes the nearest that is an integer times its scale: see
  /// `kernels::fake_quantize`. Zero stays zero, and NaN stays NaN.
  void quantize(std::span<float> weights) const;

  /// What the parameter is quantized with. It is the quantizer's, and follows it.
  [[nodiscard]] const std::shared_ptr<const QuantizedParameter>& parameter() const noexcept {
    return shown_;
  }

  /// Writes the scales and zero points, for a checkpoint.
  void save(detail::StateWriter& write) const;
  /// Takes up what `save` wrote. Throws `CheckpointError`, which names the parameter, when that is
  /// of another one, or quantizes to other integers; nothing is changed then.
  void load(detail::StateReader& read);

 private:
  std::shared_ptr<QuantizedParameter> parameter_;
  std::shared_ptr<const QuantizedParameter> shown_;
  std::vector<float> scratch_;  // of observer mse
};

}  // namespace takt

#endif
