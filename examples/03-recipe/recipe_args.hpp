// SPDX-License-Identifier: BSL-1.0
/// \file
/// A recipe's args as a command line gives them.
#ifndef EXAMPLES_RECIPE_RECIPE_ARGS_HPP
#define EXAMPLES_RECIPE_RECIPE_ARGS_HPP

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstddef>
#include <string>
#include <system_error>
#include <takt/setting_value.hpp>

// "sparsity=0.8": a number where the value is one, and text otherwise.
inline takt::SettingEntry read_arg(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw CLI::ValidationError("--arg", "\"" + text + "\" is no NAME=VALUE");
  }
  const std::string value = text.substr(equals + 1);
  double number = 0.0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error == std::errc{} && stop == end) return {text.substr(0, equals), number};
  return {text.substr(0, equals), value};
}

#endif
