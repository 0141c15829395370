// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/quantization_parameters.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "takt/error.hpp"

namespace takt {
namespace {

/// Whether both are open at one index.
bool overlap(const Cadence& a, const Cadence& b) noexcept {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return a.start.value_or(-infinity) <= b.end.value_or(infinity) &&
         b.start.value_or(-infinity) <= a.end.value_or(infinity);
}

nlohmann::ordered_json json_of(const WeightQuantization& weights) {
  nlohmann::ordered_json json{{"num_bits", weights.num_bits},
                              {"type", "int"},
                              {"symmetric", weights.symmetric},
                              {"strategy", to_string(weights.strategy)}};
  json["group_size"] = nullptr;
  if (weights.strategy == QuantizationStrategy::group) json["group_size"] = weights.group_size;
  json["observer"] = to_string(weights.observer);
  return json;
}

nlohmann::ordered_json json_of(const QuantizedParameter& parameter) {
  nlohmann::ordered_json json;
  json["shape"] = parameter.shape;
  json["weights"] = json_of(parameter.weights);
  json["scale_shape"] = parameter.scale_shape;
  auto scales = nlohmann::ordered_json::array();
  auto zero_points = nlohmann::ordered_json::array();
  for (const kernels::Affine& affine : parameter.affines) {
    scales.push_back(affine.scale);
    zero_points.push_back(affine.zero_point);
  }
  json["scales"] = std::move(scales);
  json["zero_points"] = std::move(zero_points);
  return json;
}

}  // namespace

std::vector<std::int8_t> quantized_values(const QuantizedParameter& parameter,
                                          std::span<const float> weights) {
  std::int64_t size = 1;
  for (const std::int64_t extent : parameter.shape) size *= extent;
  if (weights.size() != static_cast<std::size_t>(size)) {
    throw InvalidModifier("parameter '" + parameter.name + "': " + std::to_string(weights.size()) +
                          " weights were given; it has " + std::to_string(size));
  }
  std::vector<std::int8_t> values(weights.size());
  const std::size_t parts = parameter.affines.size();
  const std::size_t part = parts == 0 ? 0 : weights.size() / parts;
  for (std::size_t i = 0; i < parts; ++i) {
    kernels::quantize(weights.subspan(i * part, part), std::span{values}.subspan(i * part, part),
                      parameter.affines[i], parameter.grid());
  }
  return values;
}

QuantizationParameters& QuantizationParameters::of(State& state) {
  if (auto* const found = state.find<QuantizationParameters>()) return *found;
  state.own(std::make_shared<QuantizationParameters>());
  return state.get<QuantizationParameters>();
}

const QuantizedParameter* QuantizationParameters::find(std::string_view name) const noexcept {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : found->second.get();
}

void QuantizationParameters::claim(const std::string& modifier, const Cadence& window,
                                   std::vector<std::string> names) {
  for (const Claim& other : claims_) {
    if (other.modifier == modifier || !overlap(window, other.window)) continue;
    for (const std::string& name : names) {
      if (std::ranges::find(other.names, name) == other.names.end()) continue;
      throw InvalidModifier("parameter '" + name + "' is quantized by \"" + other.modifier +
                            "\" too, at the same time; choose it with one of them, or let the "
                            "window of one end before that of the other starts");
    }
  }
  Claim claim{modifier, window, std::move(names)};
  give_back(modifier);
  claims_.push_back(std::move(claim));
}

void QuantizationParameters::give_back(std::string_view modifier) noexcept {
  std::erase_if(claims_, [&](const Claim& claim) { return claim.modifier == modifier; });
}

void QuantizationParameters::set(std::shared_ptr<const QuantizedParameter> parameter) {
  std::string name = parameter->name;
  all_.insert_or_assign(std::move(name), std::move(parameter));
}

bool QuantizationParameters::shows(const QuantizedParameter& parameter) const noexcept {
  return find(parameter.name) == &parameter;
}

void QuantizationParameters::replace(
    std::span<const std::shared_ptr<const QuantizedParameter>> old,
    std::span<const std::shared_ptr<const QuantizedParameter>> now) {
  Map all = all_;
  for (const auto& parameter : old) {
    if (shows(*parameter)) all.erase(parameter->name);
  }
  for (const auto& parameter : now) all.insert_or_assign(parameter->name, parameter);
  all_.swap(all);
}

void write_quantization(std::ostream& out, const QuantizationParameters& parameters) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [name, parameter] : parameters.all()) json[name] = json_of(*parameter);
  out << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace takt
