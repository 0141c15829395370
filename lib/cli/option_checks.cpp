// SPDX-License-Identifier: BSL-1.0
#include "option_checks.hpp"

#include <charconv>
#include <filesystem>
#include <system_error>

namespace takt::cli {
namespace {

/// Whether the whole text is a number.
template <class Number>
bool read(const std::string& text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

}  // namespace

CLI::Validator whole_number(std::int64_t least) {
  return {[least](const std::string& text) -> std::string {
            std::int64_t count = 0;
            if (read(text, count) && count >= least) return {};
            return '"' + text + "\" is no whole number from " + std::to_string(least) + " on";
          },
          ""};
}

CLI::Validator number_from_0() {
  return {[](const std::string& text) -> std::string {
            double number = 0.0;
            if (read(text, number) && number >= 0.0) return {};
            return '"' + text + "\" is no number from 0 on";
          },
          ""};
}

CLI::Validator input_file() {
  return {[](const std::string& text) -> std::string {
            return text.empty() ? "an empty text names no file" : "";
          },
          ""};
}

CLI::Validator output_file() {
  return {[](const std::string& text) -> std::string {
            if (text.empty()) return "an empty text names no file";
            return text == "-" ? "give the name of a file; - is for input only" : "";
          },
          ""};
}

void refuse_overwriting(const std::string& input, const std::string& option,
                        const std::string& output) {
  std::error_code missing;
  if (std::filesystem::is_regular_file(output, missing) &&
      std::filesystem::equivalent(input, output, missing)) {
    throw CLI::ValidationError(option, output + " is what is read; give another name");
  }
}

}  // namespace takt::cli
