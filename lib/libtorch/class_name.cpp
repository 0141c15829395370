// SPDX-License-Identifier: BSL-1.0
#include "class_name.hpp"

#include <algorithm>

namespace takt::libtorch {
namespace {

/// Without the brackets at its end, and what they enclose.
std::string_view without_arguments(std::string_view type) {
  if (!type.ends_with('>')) return type;
  int depth = 0;
  for (std::size_t i = type.size(); i-- > 0;) {
    if (type[i] == '>') ++depth;
    if (type[i] == '<' && --depth == 0) return type.substr(0, i);
  }
  return type;
}

}  // namespace

std::string class_name(std::string_view type) {
  constexpr std::string_view suffix = "Impl";
  std::string_view name = without_arguments(type);
  if (const std::size_t colon = name.rfind("::"); colon != std::string_view::npos) {
    name.remove_prefix(colon + 2);
  }
  if (name.ends_with(suffix) && name != suffix) name.remove_suffix(suffix.size());
  return std::string{name};
}

}  // namespace takt::libtorch
