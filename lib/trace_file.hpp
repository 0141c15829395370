// SPDX-License-Identifier: BSL-1.0
/// \file
/// The file of a trace that is being recorded.
#ifndef TAKT_LIB_TRACE_FILE_HPP
#define TAKT_LIB_TRACE_FILE_HPP

#include <filesystem>
#include <fstream>
#include <string>

namespace takt::detail {

/// A file that has its name once its first line is written, so that one of that name is not lost
/// for a run that never begins. A pipe or a device, which can't be replaced, has it from the start.
class TraceFile {
 public:
  /// Throws `TraceError`.
  explicit TraceFile(std::filesystem::path path);
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  /// Removes a file that has not got its name.
  ~TraceFile();

  [[nodiscard]] std::ostream& stream() noexcept { return stream_; }
  [[nodiscard]] std::string name() const { return path_.string(); }
  /// Does nothing when it has its name already. Throws `TraceError`.
  void take_name();

 private:
  std::filesystem::path path_;
  std::filesystem::path open_as_;
  bool unnamed_ = false;
  std::ofstream stream_;
};

}  // namespace takt::detail

#endif
