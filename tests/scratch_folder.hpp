// SPDX-License-Identifier: BSL-1.0
/// \file
/// A folder for one test.
#ifndef TAKT_TESTS_SCRATCH_FOLDER_HPP
#define TAKT_TESTS_SCRATCH_FOLDER_HPP

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace takt::test {

/// Is there, empty and nobody else's, until it is destroyed.
class ScratchFolder {
 public:
  ScratchFolder() {
    do {
      path_ = std::filesystem::temp_directory_path() /
              ("takt test " + std::to_string(std::random_device{}()));
    } while (!std::filesystem::create_directory(path_));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// A new file in it.
  [[nodiscard]] std::filesystem::path file(const std::string& name, std::string_view text) const {
    std::ofstream out{path_ / name, std::ios::binary};
    out << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace takt::test

#endif
