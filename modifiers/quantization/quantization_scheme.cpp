// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/quantization_scheme.hpp"

#include <algorithm>
#include <array>
#include <ostream>

#include "nearest_name.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

constexpr std::int64_t fewest_bits = 2;
constexpr std::int64_t most_bits = 8;
constexpr std::int64_t usual_group = 128;

/// A scheme of LLM Compressor that takt does not have, and the one to use in its place.
struct Unsupported {
  std::string_view name;
  std::string_view problem;
  std::string_view instead;
};

constexpr std::string_view with_activations = "quantizes activations too";
constexpr std::string_view with_floats = "has floats";
constexpr std::string_view with_nothing = "quantizes nothing";

constexpr std::array<Unsupported, 15> unsupported{{{"W8A8", with_activations, "W8A16"},
                                                   {"INT8", with_activations, "W8A16"},
                                                   {"W4A8", with_activations, "W4A16"},
                                                   {"W4AFP8", with_activations, "W4A16"},
                                                   {"FP8", with_floats, "W8A16"},
                                                   {"FP8_DYNAMIC", with_floats, "W8A16"},
                                                   {"FP8_BLOCK", with_floats, "W8A16"},
                                                   {"NVFP4A16", with_floats, "W4A16"},
                                                   {"NVFP4A16_46", with_floats, "W4A16"},
                                                   {"NVFP4", with_floats, "W4A16"},
                                                   {"NVFP4_46", with_floats, "W4A16"},
                                                   {"MXFP4A16", with_floats, "W4A16"},
                                                   {"MXFP4", with_floats, "W4A16"},
                                                   {"MXFP8", with_floats, "W8A16"},
                                                   {"UNQUANTIZED", with_nothing, "ignore"}}};

std::string upper(std::string_view name) {
  std::string text{name};
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string scheme_name(std::int64_t bits, bool symmetric) {
  return 'W' + std::to_string(bits) + (symmetric ? "A16" : "A16_ASYM");
}

[[noreturn]] void refuse_scheme(std::string_view name) {
  std::string message = "there is no scheme \"";
  message += name;
  message += '"';
  const auto* const known = std::ranges::find(unsupported, upper(name), &Unsupported::name);
  if (known != unsupported.end()) {
    message += ": it ";
    message += known->problem;
    message += ", and takt quantizes weights, to integers; use ";
    message += known->instead;
  } else {
    message +=
        "; the nearest is \"" + detail::nearest_name(upper(name), quantization_schemes()) + '"';
  }
  message += ". The schemes are W2A16 to W8A16, and each with _ASYM";
  throw InvalidModifier(message);
}

void require_valid(const kernels::MseSearch& search) {
  if (!(search.maxshrink >= 0.0 && search.maxshrink <= 1.0)) {
    throw InvalidModifier("maxshrink is " + detail::text_of(search.maxshrink) +
                          "; it is a number, 0 to 1");
  }
  if (search.grid < 1) {
    throw InvalidModifier("grid is " + std::to_string(search.grid) + "; it is 1 or more");
  }
  if (search.patience < 0) {
    throw InvalidModifier("patience is " + std::to_string(search.patience) + "; it is 0 or more");
  }
  if (!(search.norm > 0.0 && search.norm <= 16.0)) {
    throw InvalidModifier("norm is " + detail::text_of(search.norm) +
                          "; it is a number, more than 0 and at most 16");
  }
}

}  // namespace

const std::string& to_string(QuantizationStrategy strategy) {
  static const std::array<std::string, 3> names{"tensor", "channel", "group"};
  return names.at(static_cast<std::size_t>(strategy));
}

std::ostream& operator<<(std::ostream& out, QuantizationStrategy strategy) {
  return out << to_string(strategy);
}

const std::string& to_string(QuantizationObserver observer) {
  static const std::array<std::string, 2> names{"minmax", "mse"};
  return names.at(static_cast<std::size_t>(observer));
}

std::ostream& operator<<(std::ostream& out, QuantizationObserver observer) {
  return out << to_string(observer);
}

void require_valid(const WeightQuantization& weights) {
  if (weights.num_bits < fewest_bits || weights.num_bits > most_bits) {
    throw InvalidModifier("num_bits is " + std::to_string(weights.num_bits) + "; it is 2 to 8");
  }
  if (weights.strategy == QuantizationStrategy::group) {
    if (weights.group_size < 1) {
      throw InvalidModifier("group_size is " + std::to_string(weights.group_size) +
                            "; with strategy group it is 1 or more, such as 128");
    }
  } else if (weights.group_size != 0) {
    throw InvalidModifier("group_size is " + std::to_string(weights.group_size) +
                          ", but strategy is " + to_string(weights.strategy) +
                          "; only strategy group has groups");
  }
  if (weights.observer == QuantizationObserver::mse) require_valid(weights.mse);
}

WeightQuantization quantization_scheme(std::string_view name) {
  const auto& names = quantization_schemes();
  const auto found = std::ranges::find(names, upper(name));
  if (found == names.end()) refuse_scheme(name);
  const auto place = found - names.begin();
  WeightQuantization weights{.num_bits = fewest_bits + place / 2, .symmetric = place % 2 == 0};
  const bool grouped = weights.num_bits < most_bits;
  weights.strategy = grouped ? QuantizationStrategy::group : QuantizationStrategy::channel;
  if (grouped) weights.group_size = usual_group;
  return weights;
}

const std::vector<std::string>& quantization_schemes() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (std::int64_t bits = fewest_bits; bits <= most_bits; ++bits) {
      all.push_back(scheme_name(bits, true));
      all.push_back(scheme_name(bits, false));
    }
    return all;
  }();
  return names;
}

}  // namespace takt
