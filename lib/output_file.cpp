// SPDX-License-Identifier: BSL-1.0
#include "output_file.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "durable_file.hpp"

namespace takt::detail {
namespace {

/// /dev/stdout and the like, which may well be regular files.
bool names_an_open_file(const std::filesystem::path& path) {
  const auto folder = path.parent_path();
  return folder == "/dev" || folder == "/dev/fd" || folder == "/proc/self/fd";
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path path) : path_{std::move(path)}, open_as_{path_} {
  if (path_.empty()) throw std::runtime_error("an empty name can't be written to; give a file's");
  std::error_code error;
  const auto status = std::filesystem::status(path_, error);
  if (std::filesystem::is_directory(status)) {
    throw std::runtime_error(path_.string() + " is a folder; give the name of a file to write");
  }
  const bool is_file = std::filesystem::is_regular_file(status) && !names_an_open_file(path_);
  if (is_file && std::filesystem::is_symlink(path_, error)) {
    path_ = open_as_ = std::filesystem::canonical(path_);  // the link itself is not replaced
  }
  unnamed_ = is_file_ = is_file || !std::filesystem::exists(status);
  if (unnamed_) open_as_ += ".new";
  errno = 0;
  stream_.open(open_as_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    unnamed_ = false;
    throw std::runtime_error(open_as_.string() + " can't be written: " +
                             (errno != 0 ? std::strerror(errno) : "it can't be opened"));
  }
}

OutputFile::~OutputFile() {
  if (!unnamed_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(open_as_, ignored);
}

void OutputFile::take_name() {
  if (!unnamed_) return;
  std::error_code error;
  std::filesystem::rename(open_as_, path_, error);
  if (error) {
    throw std::runtime_error(open_as_.string() + " can't be renamed to " + path_.string() + ": " +
                             error.message());
  }
  unnamed_ = false;
}

void OutputFile::go_on_behind(std::int64_t bytes) {
  stream_.close();
  std::error_code error;
  std::filesystem::remove(open_as_, error);
  unnamed_ = false;
  std::filesystem::resize_file(path_, static_cast<std::uintmax_t>(bytes), error);
  if (error) {
    throw std::runtime_error(path_.string() + " can't be gone on with: " + error.message());
  }
  errno = 0;
  stream_.open(path_, std::ios::binary | std::ios::app);
  if (stream_) return;
  throw std::runtime_error(path_.string() + " can't be written: " +
                           (errno != 0 ? std::strerror(errno) : "it can't be opened"));
}

void OutputFile::cut_behind(std::int64_t bytes) noexcept {
  stream_.close();
  if (!is_file_ || unnamed_) return;
  const auto size = static_cast<std::uintmax_t>(bytes);
  std::error_code error;
  if (std::filesystem::file_size(path_, error) > size && !error) {
    std::filesystem::resize_file(path_, size, error);
  }
}

void OutputFile::sync() const {
  std::error_code error;
  if (std::filesystem::is_regular_file(path_, error) && !unnamed_) sync_file(path_);
}

}  // namespace takt::detail
