// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/weight_quantizer.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "saved_state.hpp"
#include "shown_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

[[noreturn]] void refuse(const Parameter& parameter, const std::string& problem) {
  throw InvalidModifier("parameter '" + std::string{parameter.name} + "': " + problem);
}

std::int64_t size_of(const Parameter& parameter) {
  std::int64_t size = 1;
  for (const std::int64_t extent : parameter.shape) size *= extent;
  if (static_cast<std::size_t>(size) == parameter.values.size()) return size;
  refuse(parameter, "its shape holds " + std::to_string(size) + " weights, but it has " +
                        std::to_string(parameter.values.size()) + " values; there is one for each");
}

std::int64_t greatest_divisor(std::int64_t number, std::int64_t most) {
  while (number % most != 0) --most;
  return most;
}

std::int64_t groups_of(const Parameter& parameter, std::int64_t columns, std::int64_t group_size) {
  if (columns <= group_size) return 1;
  if (columns % group_size == 0) return columns / group_size;
  refuse(parameter, "its rows have " + std::to_string(columns) + " weights, which groups of " +
                        std::to_string(group_size) +
                        " don't share out; a group_size that does is " +
                        std::to_string(greatest_divisor(columns, group_size)) +
                        ", or choose strategy channel for it, or ignore it");
}

std::vector<std::int64_t> scale_shape_of(const Parameter& parameter,
                                         const WeightQuantization& weights) {
  if (weights.strategy == QuantizationStrategy::tensor) return {1};
  const std::int64_t size = size_of(parameter);
  const std::int64_t rows = parameter.shape.size() < 2 ? 1 : parameter.shape.front();
  if (weights.strategy == QuantizationStrategy::channel || size == 0) return {rows, 1};
  return {rows, groups_of(parameter, size / rows, weights.group_size)};
}

[[noreturn]] void refuse_saved(const QuantizedParameter& parameter, const std::string& problem) {
  throw CheckpointError("parameter '" + parameter.name + "': " + problem +
                        "; a run is resumed with the same model and the same settings");
}

void require_same(const QuantizedParameter& parameter, const std::string& name,
                  std::int64_t num_bits) {
  constexpr std::size_t most = 60;  // whatever bytes there are
  if (name != parameter.name) {
    refuse_saved(parameter, "the scales that were saved are of '" +
                                detail::shown_text(std::string_view{name}.substr(0, most)) + "'");
  }
  if (num_bits != parameter.weights.num_bits) {
    refuse_saved(parameter, "it was quantized to " + std::to_string(num_bits) +
                                " bits when it was saved, and is to " +
                                std::to_string(parameter.weights.num_bits) + " now");
  }
}

std::vector<kernels::Affine> affines_of(const QuantizedParameter& parameter,
                                        const std::vector<float>& scales,
                                        const std::vector<std::int32_t>& zero_points) {
  std::vector<kernels::Affine> affines = parameter.affines;
  if (scales.size() != affines.size() || zero_points.size() != affines.size()) {
    refuse_saved(parameter, "it has " + std::to_string(affines.size()) + " scales, but " +
                                std::to_string(scales.size()) + " of them and " +
                                std::to_string(zero_points.size()) + " zero points were saved");
  }
  try {
    for (std::size_t i = 0; i < affines.size(); ++i) {
      affines[i] = {.scale = scales[i], .zero_point = zero_points[i]};
      kernels::require_quantizable(affines[i], parameter.grid());
    }
  } catch (const InvalidModifier& error) {
    refuse_saved(parameter, error.what());
  }
  return affines;
}

std::size_t count_of(const std::vector<std::int64_t>& scale_shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : scale_shape) count *= extent;
  return static_cast<std::size_t>(count);
}

}  // namespace

WeightQuantizer::WeightQuantizer(const Parameter& parameter, const WeightQuantization& weights)
    : parameter_{std::make_shared<QuantizedParameter>(
          QuantizedParameter{.name = std::string{parameter.name},
                             .shape = {parameter.shape.begin(), parameter.shape.end()},
                             .weights = weights,
                             .scale_shape = scale_shape_of(parameter, weights)})},
      shown_{parameter_} {
  const auto size = static_cast<std::size_t>(size_of(parameter));
  const std::size_t parts = count_of(parameter_->scale_shape);
  parameter_->affines.resize(parts);
  if (weights.observer == QuantizationObserver::mse && parts > 0) scratch_.reserve(size / parts);
}

void WeightQuantizer::observe(std::span<const float> weights) {
  const WeightQuantization& how = parameter_->weights;
  const kernels::Grid grid = parameter_->grid();
  const std::size_t parts = parameter_->affines.size();
  const std::size_t part = parts == 0 ? 0 : weights.size() / parts;
  for (std::size_t i = 0; i < parts; ++i) {
    const std::span<const float> values = weights.subspan(i * part, part);
    const kernels::Range range =
        how.observer == QuantizationObserver::mse
            ? kernels::mse_range(values, grid, how.symmetric, how.mse, scratch_)
            : kernels::min_max(values);
    parameter_->affines[i] = kernels::affine_of(range, grid, how.symmetric);
  }
}

void WeightQuantizer::quantize(std::span<float> weights) const {
  if (weights.empty()) return;
  kernels::fake_quantize(weights, weights, parameter_->affines, parameter_->grid());
}

void WeightQuantizer::save(detail::StateWriter& write) const {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  for (const kernels::Affine& affine : parameter_->affines) {
    scales.push_back(affine.scale);
    zero_points.push_back(affine.zero_point);
  }
  write(parameter_->name, std::int64_t{parameter_->weights.num_bits}, scales, zero_points);
}

void WeightQuantizer::load(detail::StateReader& read) {
  std::string name;
  std::int64_t num_bits = 0;
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  read(name, num_bits, scales, zero_points);
  require_same(*parameter_, name, num_bits);
  parameter_->affines = affines_of(*parameter_, scales, zero_points);
}

}  // namespace takt
