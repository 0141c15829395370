// SPDX-License-Identifier: BSL-1.0
/// \file
/// The scales and zero points that a model's weights are quantized with.
#ifndef TAKT_MODIFIERS_QUANTIZATION_PARAMETERS_HPP
#define TAKT_MODIFIERS_QUANTIZATION_PARAMETERS_HPP

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <takt/cadence.hpp>
#include <takt/modifiers/fake_quantize.hpp>
#include <takt/modifiers/quantization_scheme.hpp>
#include <takt/state.hpp>
#include <vector>

namespace takt {

/// How one parameter is quantized.
struct QuantizedParameter {
  std::string name{};                       ///< the parameter's
  std::vector<std::int64_t> shape{};        ///< the parameter's
  WeightQuantization weights{};             ///< what was asked for
  std::vector<std::int64_t> scale_shape{};  ///< [1] with strategy tensor, [rows, 1] with channel,
                                            ///< [rows, groups of a row] with group
  /// A scale and a zero point for each part of the weights, in the order of the weights, as many as
  /// `scale_shape` says: the k-th of n is that of the k-th n-th of the parameter's values.
  std::vector<kernels::Affine> affines{};

  [[nodiscard]] kernels::Grid grid() const {
    return kernels::grid_of(static_cast<int>(weights.num_bits));
  }
};

/// The integers that the weights of a parameter become, in their order, each within
/// `parameter.grid()`. Where quantized values are in the model, those are what the integers stand
/// for. Throws `InvalidModifier` when there are not as many as the parameter's shape says.
[[nodiscard]] std::vector<std::int8_t> quantized_values(const QuantizedParameter& parameter,
                                                        std::span<const float> weights);

/// All parameters of a bus's model that are quantized, or were, as the last window left them: one
/// object in the state, `state.get<QuantizationParameters>()`, for all modifiers that quantize. It
/// is there from the first one's `on_initialize` on, with each parameter from the moment that its
/// modifier's window opens, and remains when training is over. On the loop's thread.
///
/// A checkpoint keeps those of each modifier that it keeps: not of one that was removed, or is
/// quarantined.
class QuantizationParameters : public std::enable_shared_from_this<QuantizationParameters> {
 public:
  using Map = std::map<std::string, std::shared_ptr<const QuantizedParameter>, std::less<>>;

  /// The state's; it is made when there is none.
  [[nodiscard]] static QuantizationParameters& of(State& state);

  /// By name; null when the parameter is not quantized. Good until it is set anew.
  [[nodiscard]] const QuantizedParameter* find(std::string_view name) const noexcept;
  [[nodiscard]] const Map& all() const noexcept { return all_; }

  /// \name For modifiers that quantize
  /// @{

  /// A modifier is going to quantize these parameters while its window is open. Throws
  /// `InvalidModifier` for one that another modifier quantizes in a window that overlaps. What the
  /// same modifier claimed before is given back.
  void claim(const std::string& modifier, const Cadence& window, std::vector<std::string> names);
  void give_back(std::string_view modifier) noexcept;
  /// How a parameter is quantized from now on.
  void set(std::shared_ptr<const QuantizedParameter> parameter);
  /// Whether that is how its parameter is quantized, as nobody has set that since.
  [[nodiscard]] bool shows(const QuantizedParameter& parameter) const noexcept;
  /// Drops those of `old` that are shown, and sets those of `now`: all, or none when it throws.
  void replace(std::span<const std::shared_ptr<const QuantizedParameter>> old,
               std::span<const std::shared_ptr<const QuantizedParameter>> now);
  /// @}

 private:
  struct Claim {
    std::string modifier;
    Cadence window;
    std::vector<std::string> names;
  };

  Map all_;
  std::vector<Claim> claims_;
};

/// Writes all of them as one JSON object, by name: `shape`, `weights` under the names of
/// compressed-tensors, `scale_shape`, `scales` and `zero_points`. Scales have the digits to be read
/// back as the same floats. Throws what the stream throws; whether it has failed is the caller's to
/// ask.
void write_quantization(std::ostream& out, const QuantizationParameters& parameters);

}  // namespace takt

#endif
