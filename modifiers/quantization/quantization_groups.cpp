// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/quantization_groups.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "nearest_name.hpp"
#include "takt/error.hpp"
#include "takt/setting_type.hpp"

namespace takt {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// The entries of a map that has some of these keys.
using Readers = std::map<std::string, std::function<void(const SettingValue&)>, std::less<>>;

void read_map(const SettingValue& value, const std::string& wanted, const Readers& readers) {
  const auto* const map = value.get_if<SettingValue::Map>();
  if (map == nullptr) throw_wrong_type(value, wanted);
  for (const SettingEntry& entry : *map) {
    const auto reader = readers.find(entry.key);
    if (reader == readers.end()) {
      std::vector<std::string> names;
      for (const auto& [name, read] : readers) names.push_back(name);
      throw InvalidModifier("has no " + to_string(SettingValue{entry.key}) + "; the nearest is " +
                            detail::nearest_name(entry.key, names));
    }
    try {
      reader->second(entry.value);
    } catch (const InvalidModifier& error) {
      throw InvalidModifier(entry.key + ' ' + error.what());
    }
  }
}

/// Of a key that has to be null, false, or an empty map or list, for that is what takt does.
std::function<void(const SettingValue&)> has_to_be_off(const std::string& because) {
  return [because](const SettingValue& value) {
    const auto* const truth = value.get_if<bool>();
    const auto* const map = value.get_if<SettingValue::Map>();
    if (value.is_nothing() || (truth != nullptr && !*truth) || (map != nullptr && map->empty())) {
      return;
    }
    throw InvalidModifier("is " + to_string(value) + "; it can only be null, as " + because);
  };
}

const char* const only_weights = "takt quantizes weights, and no activations";

void read_type(const SettingValue& value) {
  const std::string type = lower(SettingType<std::string>::read(value));
  if (type == "int") return;
  throw InvalidModifier("is " + type + "; it can only be int, as takt quantizes to integers");
}

QuantizationStrategy strategy_of(const SettingValue& value) {
  const std::string name = lower(SettingType<std::string>::read(value));
  for (const auto strategy :
       {QuantizationStrategy::tensor, QuantizationStrategy::channel, QuantizationStrategy::group}) {
    if (to_string(strategy) == name) return strategy;
  }
  throw InvalidModifier("is " + to_string(value) + "; it is tensor, channel or group");
}

int small_whole(const SettingValue& value) {
  const std::int64_t number = SettingType<std::int64_t>::read(value);
  if (number >= 0 && number <= 1'000'000) return static_cast<int>(number);
  throw InvalidModifier("is " + std::to_string(number) + "; it is a whole number, 0 to 1000000");
}

void read_search(kernels::MseSearch& search, const SettingValue& value) {
  if (value.is_nothing()) return;
  read_map(value, "map of maxshrink, grid, patience, norm",
           {{"maxshrink", [&](const auto& v) { search.maxshrink = SettingType<double>::read(v); }},
            {"grid", [&](const auto& v) { search.grid = small_whole(v); }},
            {"patience", [&](const auto& v) { search.patience = small_whole(v); }},
            {"norm", [&](const auto& v) { search.norm = SettingType<double>::read(v); }}});
}

/// Where no strategy is given, the group size says it, as in compressed-tensors: none is tensor,
/// and -1 is channel.
void settle_strategy(WeightQuantization& weights, std::optional<QuantizationStrategy> strategy,
                     std::optional<std::int64_t> group_size) {
  constexpr std::int64_t whole_row = -1;
  if (!strategy) {
    strategy = !group_size                ? QuantizationStrategy::tensor
               : *group_size == whole_row ? QuantizationStrategy::channel
                                          : QuantizationStrategy::group;
  }
  weights.strategy = *strategy;
  const bool says_channel =
      weights.strategy == QuantizationStrategy::channel && group_size && *group_size == whole_row;
  weights.group_size = says_channel ? 0 : group_size.value_or(0);
}

WeightQuantization read_weights(const SettingValue& value) {
  WeightQuantization weights;
  std::optional<QuantizationStrategy> strategy;
  std::optional<std::int64_t> group_size;
  const auto unless_null = [](auto read) {
    return [read](const SettingValue& v) {
      if (!v.is_nothing()) read(v);
    };
  };
  read_map(
      value, "map of num_bits, symmetric, strategy, group_size, observer",
      {{"num_bits", [&](const auto& v) { weights.num_bits = SettingType<std::int64_t>::read(v); }},
       {"type", read_type},
       {"symmetric", [&](const auto& v) { weights.symmetric = SettingType<bool>::read(v); }},
       {"strategy", unless_null([&](const auto& v) { strategy = strategy_of(v); })},
       {"group_size",
        unless_null([&](const auto& v) { group_size = SettingType<std::int64_t>::read(v); })},
       {"observer", unless_null([&](const auto& v) {
          weights.observer = quantization_observer(SettingType<std::string>::read(v));
        })},
       {"observer_kwargs", [&](const auto& v) { read_search(weights.mse, v); }},
       {"dynamic", has_to_be_off("the scales of weights are held between two updates")},
       {"actorder", has_to_be_off("takt quantizes weights in their order")},
       {"block_structure", has_to_be_off("the strategies are tensor, channel and group")},
       {"scale_dtype", has_to_be_off("scales are floats of 32 bits")},
       {"zp_dtype", [](const auto&) {}}});
  settle_strategy(weights, strategy, group_size);
  require_valid(weights);
  return weights;
}

QuantizationGroup read_group(const SettingEntry& entry) {
  QuantizationGroup group{.name = entry.key};
  bool has_weights = false;
  read_map(
      entry.value, "map of targets, weights",
      {{"targets",
        [&](const auto& v) { group.targets = SettingType<std::vector<std::string>>::read(v); }},
       {"weights",
        [&](const auto& v) {
          group.weights = read_weights(v);
          has_weights = true;
        }},
       {"input_activations", has_to_be_off(only_weights)},
       {"output_activations", has_to_be_off(only_weights)},
       {"format", [](const auto&) {}}});
  if (group.targets.empty()) throw InvalidModifier("has no targets; it needs some, as [Linear]");
  if (!has_weights) throw InvalidModifier("has no weights; it needs them, as {num_bits: 4}");
  return group;
}

const SettingValue::Map& groups_in(const SettingValue& value, const std::string& wanted) {
  const auto* const map = value.get_if<SettingValue::Map>();
  if (map == nullptr) throw_wrong_type(value, wanted);
  if (map->empty()) throw InvalidModifier("is empty; it is a " + wanted);
  return *map;
}

}  // namespace

std::vector<QuantizationGroup> read_config_groups(const SettingValue& value) {
  std::vector<QuantizationGroup> groups;
  for (const SettingEntry& entry : groups_in(value, "map from names to groups")) {
    try {
      groups.push_back(read_group(entry));
    } catch (const InvalidModifier& error) {
      throw InvalidModifier(entry.key + ' ' + error.what());
    }
  }
  return groups;
}

std::vector<QuantizationGroup> read_scheme_groups(const SettingValue& value) {
  std::vector<QuantizationGroup> groups;
  for (const SettingEntry& entry : groups_in(value, "name, or map from names to targets")) {
    QuantizationGroup group{.name = entry.key, .weights = quantization_scheme(entry.key)};
    try {
      group.targets = SettingType<std::vector<std::string>>::read(entry.value);
    } catch (const InvalidModifier& error) {
      throw InvalidModifier(entry.key + ' ' + error.what());
    }
    if (group.targets.empty()) throw InvalidModifier(entry.key + " has no targets");
    groups.push_back(std::move(group));
  }
  return groups;
}

QuantizationObserver quantization_observer(const std::string& name) {
  std::string plain = lower(name);
  for (const std::string_view prefix : {"memoryless_", "static_"}) {
    if (plain.starts_with(prefix)) plain.erase(0, prefix.size());
  }
  for (const auto observer : {QuantizationObserver::minmax, QuantizationObserver::mse}) {
    if (to_string(observer) == plain) return observer;
  }
  throw InvalidModifier("is \"" + name + "\"; it is minmax or mse");
}

}  // namespace takt
