// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the tests of recipes share: files for one test, and the words of what is thrown.
#ifndef TAKT_TESTS_RECIPE_CASES_HPP
#define TAKT_TESTS_RECIPE_CASES_HPP

#include <unistd.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "takt/error.hpp"
#include "takt/recipe.hpp"

namespace takt::test {

/// A folder for one test, which is gone after it.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_{std::filesystem::temp_directory_path() / "takt-recipe-test-"} {
    path_ += std::to_string(getpid());
    std::filesystem::create_directory(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  [[nodiscard]] std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream{path_ / name, std::ios::binary} << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

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

/// What a recipe is refused with.
inline std::string refusal(std::string_view text, const RecipeOptions& options = {}) {
  return message_of<RecipeError>([&] { (void)Recipe::from_string(text, options); });
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace takt::test

#endif
