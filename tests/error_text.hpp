// SPDX-License-Identifier: BSL-1.0
/// \file
/// The words of what is thrown.
#ifndef TAKT_TESTS_ERROR_TEXT_HPP
#define TAKT_TESTS_ERROR_TEXT_HPP

#include <exception>
#include <string>
#include <string_view>

#include "takt/error.hpp"

namespace takt::test {

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The text of what `run` throws. The exception itself is gone when this returns.
template <class Error, class Callable>
std::string message_of(const Callable& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// The text of the `Error` that a hook threw, nested in the `ModifierError` that `run` throws;
/// empty when `run` throws nothing. Anything else passes on.
template <class Error, class Callable>
std::string nested(const Callable& run) {
  try {
    run();
  } catch (const ModifierError& error) {
    try {
      std::rethrow_if_nested(error);
    } catch (const Error& inner) {
      return inner.what();
    }
  }
  return "";
}

}  // namespace takt::test

#endif
