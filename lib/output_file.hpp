// SPDX-License-Identifier: BSL-1.0
/// \file
/// A file that is being written.
#ifndef TAKT_LIB_OUTPUT_FILE_HPP
#define TAKT_LIB_OUTPUT_FILE_HPP

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace takt::detail {

/// A file that is called NAME.new until `take_name`, so that the one of that name is not lost for
/// one that is never written. A pipe or a device, which can't be replaced, has its name from the
/// start.
class OutputFile {
 public:
  /// Throws `std::runtime_error`.
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  /// Removes a file that has not got its name.
  ~OutputFile();

  [[nodiscard]] std::ostream& stream() noexcept { return stream_; }
  [[nodiscard]] std::string name() const { return path_.string(); }
  /// Whether it is called by its name; before `take_name` only a pipe or a device is.
  [[nodiscard]] bool has_name() const noexcept { return !unnamed_; }
  /// Does nothing when it has its name already. Throws `std::runtime_error`.
  void take_name();
  /// Whether it is going to replace a file, or to make one.
  [[nodiscard]] bool replaces() const noexcept { return unnamed_; }
  /// Writes to the file that has the name, behind so many of its bytes, which are all that stays of
  /// it; what was written until now is dropped. Throws `std::runtime_error`.
  void go_on_behind(std::int64_t bytes);
  /// Ends the writing, as when it has failed, with so many bytes in a file that has its name; there
  /// is no more to a pipe or a device than to close it.
  void cut_behind(std::int64_t bytes) noexcept;
  /// Waits until the disk has what was written to a file of that name.
  void sync() const;

 private:
  std::filesystem::path path_;
  std::filesystem::path open_as_;
  bool unnamed_ = false;
  bool is_file_ = false;  // of its own, and neither a pipe nor a device
  std::ofstream stream_;
};

}  // namespace takt::detail

#endif
