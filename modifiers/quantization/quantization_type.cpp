// SPDX-License-Identifier: BSL-1.0
// What a recipe may say to a QuantizationModifier.
#include <array>
#include <string>

#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/quantization.hpp"
#include "takt/modifiers/select_prunable.hpp"

namespace takt {
namespace {

using S = QuantizationSettings;
using Read = std::function<void(S&, const SettingValue&)>;

void require_one_way(const S& settings) {
  if (settings.scheme.empty() && settings.config_groups.empty()) return;
  throw InvalidModifier("is there besides the other of scheme and config_groups; give one of them");
}

void read_scheme(S& settings, const SettingValue& value) {
  if (value.is_nothing()) return;
  require_one_way(settings);
  if (const auto* const name = value.get_if<std::string>()) {
    settings.scheme = *name;
    if (name->empty()) throw InvalidModifier("is empty; it is a name, such as W4A16");
    (void)quantization_scheme(*name);
  } else {
    settings.config_groups = read_scheme_groups(value);
  }
}

void read_groups(S& settings, const SettingValue& value) {
  if (value.is_nothing()) return;
  require_one_way(settings);
  settings.config_groups = read_config_groups(value);
}

/// LLM Compressor's way to give `weight_observer`.
void read_observers(S& settings, const SettingValue& value) {
  if (value.is_nothing()) return;
  const auto* const map = value.get_if<SettingValue::Map>();
  if (map == nullptr) throw_wrong_type(value, "map, as {weights: mse}");
  for (const SettingEntry& entry : *map) {
    if (entry.key != "weights") {
      throw InvalidModifier("has " + entry.key +
                            "; it has weights only, as takt quantizes weights, and no activations");
    }
    settings.weight_observer = SettingType<std::string>::read(entry.value);
  }
}

/// Of a setting that asks for what takt does not do, unless it is null, false or empty.
Read refused(const std::string& because) {
  return [because](S&, const SettingValue& value) {
    const auto* const truth = value.get_if<bool>();
    const auto* const list = value.get_if<SettingValue::List>();
    if (value.is_nothing() || (truth != nullptr && !*truth) || (list != nullptr && list->empty())) {
      return;
    }
    throw InvalidModifier("is " + to_string(value) + "; it can only be null, as " + because);
  };
}

}  // namespace

ModifierType QuantizationModifier::type() {
  const Read no_activations = refused("takt quantizes weights, and no activations");
  return ModifierBinding<QuantizationModifier, S>{"QuantizationModifier",
                                                  "trains with weights of 2 to 8 bits"}
      .setting("targets", &S::targets, targets_meaning)
      .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise")
      .reads("scheme", "text, or map from text to targets",
             "W2A16 to W8A16, each also with _ASYM; required unless config_groups is given",
             read_scheme)
      .reads("config_groups", "map of groups",
             "LLM Compressor's: from a name to {targets, weights: {num_bits, symmetric, strategy, "
             "group_size, observer}}",
             read_groups)
      .setting("weight_observer", &S::weight_observer,
               "how scales are found, whatever scheme or groups say: minmax or mse")
      .reads("observer", "map", "LLM Compressor's {weights: name}, the same as weight_observer",
             read_observers)
      .reads("kv_cache_scheme", "nothing", "takt quantizes weights only", no_activations)
      .reads("input_observer", "nothing", "takt quantizes weights only", no_activations)
      .reads("output_observer", "nothing", "takt quantizes weights only", no_activations)
      .reads("bypass_divisibility_checks", "false", "takt has no groups that a row cuts short",
             refused("the groups of a row are of one size"))
      .reads("num_calibration_steps", "anything",
             "SparseML's; weights need no calibration, so no effect",
             [](S&, const SettingValue&) {})
      .reads("disable_quantization_observer_epoch", "nothing",
             "SparseML's; takt finds scales anew where it is due, so update says it",
             refused("scales are found anew wherever update is due; a large update holds them"))
      .reads("freeze_bn_stats_epoch", "nothing", "SparseML's; takt knows no batch normalization",
             refused("takt knows no batch normalization; freeze it in the loop"))
      .reads("submodules", "nothing", "SparseML's; see targets",
             refused("targets say which parameters are quantized"));
}

}  // namespace takt
