// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which parameters are quantized how, as LLM Compressor's recipes say it.
#ifndef TAKT_MODIFIERS_QUANTIZATION_GROUPS_HPP
#define TAKT_MODIFIERS_QUANTIZATION_GROUPS_HPP

#include <string>
#include <takt/modifiers/quantization_scheme.hpp>
#include <takt/setting_value.hpp>
#include <vector>

namespace takt {

/// Parameters that are quantized alike.
struct QuantizationGroup {
  std::string name{};                  ///< such as "group_0"; for error messages
  std::vector<std::string> targets{};  ///< see `select_prunable`
  WeightQuantization weights{};
};

/// What a recipe's `config_groups` says:
///
///     group_0:
///       targets: [Linear]
///       weights: {num_bits: 4, symmetric: true, strategy: group, group_size: 128}
///
/// All keys of compressed-tensors' QuantizationScheme and QuantizationArgs are read. Those that ask
/// for more than integer weights with scales that are held (activations, floats, blocks, dynamic
/// scales, an activation order) have to be null, or to say that they are off. An observer that
/// averages over batches, "minmax", and one that does not, "memoryless_minmax" or "static_minmax",
/// are the same here: weights are observed as they are. Throws `InvalidModifier` for anything else.
[[nodiscard]] std::vector<QuantizationGroup> read_config_groups(const SettingValue& value);

/// What a recipe's `scheme` says where it is a map from a scheme's name to its targets.
[[nodiscard]] std::vector<QuantizationGroup> read_scheme_groups(const SettingValue& value);

/// The observer of that name, in upper or lower case: minmax, mse, or either with memoryless_ or
/// static_ before it. Throws `InvalidModifier` for any other.
[[nodiscard]] QuantizationObserver quantization_observer(const std::string& name);

}  // namespace takt

#endif
