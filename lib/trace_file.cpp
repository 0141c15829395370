// SPDX-License-Identifier: BSL-1.0
#include "trace_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "takt/error.hpp"

namespace takt::detail {

TraceFile::TraceFile(std::filesystem::path path) : path_{std::move(path)}, open_as_{path_} {
  std::error_code error;
  const auto status = std::filesystem::status(path_, error);
  if (std::filesystem::is_directory(status)) {
    throw TraceError(path_.string() + " is a folder; give the name of a file to record to");
  }
  unnamed_ = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
  if (unnamed_) open_as_ += ".new";
  errno = 0;
  stream_.open(open_as_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    unnamed_ = false;
    throw TraceError(open_as_.string() + " can't be written: " +
                     (errno != 0 ? std::strerror(errno) : "it can't be opened"));
  }
}

TraceFile::~TraceFile() {
  std::error_code ignored;
  if (unnamed_) std::filesystem::remove(open_as_, ignored);
}

void TraceFile::take_name() {
  if (!std::exchange(unnamed_, false)) return;
  std::error_code error;
  std::filesystem::rename(open_as_, path_, error);
  if (error) {
    throw TraceError(open_as_.string() + " can't be renamed to " + path_.string() + ": " +
                     error.message());
  }
}

}  // namespace takt::detail
