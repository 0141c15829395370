// SPDX-License-Identifier: BSL-1.0
/// \file
/// How weights are quantized: to how many bits, and which of them share a scale.
#ifndef TAKT_MODIFIERS_QUANTIZATION_SCHEME_HPP
#define TAKT_MODIFIERS_QUANTIZATION_SCHEME_HPP

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <takt/modifiers/quantization_range.hpp>
#include <vector>

namespace takt {

/// Which weights of a parameter share a scale and a zero point. A row is all that has one index in
/// dimension 0: the weights of one output of a linear layer, or of one filter of a convolution.
enum class QuantizationStrategy : std::uint8_t {
  tensor,   ///< all of them
  channel,  ///< those of a row
  group     ///< so many after one another of a row, see `WeightQuantization::group_size`
};

/// The lower-case name: "channel".
[[nodiscard]] const std::string& to_string(QuantizationStrategy strategy);
std::ostream& operator<<(std::ostream& out, QuantizationStrategy strategy);

/// How the range that the integers stand for is found in the weights.
enum class QuantizationObserver : std::uint8_t {
  minmax,  ///< from the least to the greatest weight
  mse      ///< the part of that with the least error, see `kernels::mse_range`
};

/// The lower-case name: "minmax".
[[nodiscard]] const std::string& to_string(QuantizationObserver observer);
std::ostream& operator<<(std::ostream& out, QuantizationObserver observer);

/// How a parameter's weights become integers, under the names of compressed-tensors, and with its
/// defaults. `kernels::affine_of` has the formulas.
struct WeightQuantization {
  std::int64_t num_bits = 8;  ///< 2 to 8; the integers are -2^(num_bits-1) to 2^(num_bits-1) - 1
  bool symmetric = true;      ///< the zero point is 0
  QuantizationStrategy strategy = QuantizationStrategy::tensor;
  /// Of strategy group: 1 or more; it divides the length of a row, unless that is shorter: then the
  /// row is one group. 0 with the other strategies.
  std::int64_t group_size = 0;
  QuantizationObserver observer = QuantizationObserver::minmax;
  kernels::MseSearch mse{};  ///< of observer mse
};

/// Throws `InvalidModifier` for a number out of its range, or a group size without the strategy
/// group.
void require_valid(const WeightQuantization& weights);

/// The weights of a scheme by its name, in upper or lower case: "W4A16" is 4 bits in groups of 128,
/// symmetric, "W4A16_ASYM" the same asymmetric, and so for 2 to 7 bits; "W8A16" and "W8A16_ASYM"
/// are 8 bits per channel. Those with 8 or 4 bits are LLM Compressor's, whose newest W8A16 has
/// groups of 128, where earlier ones, as here, have channels. Throws `InvalidModifier` for any
/// other name: takt quantizes weights, to integers, and so has no scheme with activations or
/// floats.
[[nodiscard]] WeightQuantization quantization_scheme(std::string_view name);

/// The names of all schemes, in upper case.
[[nodiscard]] const std::vector<std::string>& quantization_schemes();

}  // namespace takt

#endif
