// SPDX-License-Identifier: BSL-1.0
#include "durable_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <unistd.h>
#define TAKT_HAS_FSYNC 1
#else
#define TAKT_HAS_FSYNC 0
#endif

namespace takt::detail {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& reason) {
  throw std::runtime_error(file.string() + " can't be written: " + reason);
}

#if TAKT_HAS_FSYNC

/// A file of the system, closed in any case.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : path_{path} {
    do {
      file_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);  // NOLINT(*-vararg)
    } while (file_ < 0 && errno == EINTR);
    if (file_ < 0) fail();
  }
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        fail();
      }
    }
  }

  /// Some file systems can't sync a folder, and say that it is invalid.
  void sync() {
    while (::fsync(file_) != 0) {
      if (errno == EINVAL || errno == ENOTSUP) return;
      if (errno != EINTR) fail();
    }
  }

  void close() {
    const int file = std::exchange(file_, -1);
    if (::close(file) != 0 && errno != EINTR) fail();
  }

 private:
  [[noreturn]] void fail() const { refuse(path_, std::strerror(errno)); }

  const fs::path& path_;
  int file_ = -1;
};

void write_whole(const fs::path& file, std::initializer_list<std::string_view> parts) {
  Descriptor out{file, O_WRONLY | O_CREAT | O_TRUNC};
  for (const std::string_view part : parts) out.write(part);
  out.sync();
  out.close();
}

void sync(const fs::path& file) { Descriptor{file, O_RDONLY}.sync(); }

/// A folder to be synced when a name in it has changed: one that can't be opened is told before.
class Folder {
 public:
  explicit Folder(fs::path path) : path_{std::move(path)}, open_{path_, O_RDONLY} {}
  void sync() { open_.sync(); }

 private:
  fs::path path_;
  Descriptor open_;
};

#else

void write_whole(const fs::path& file, std::initializer_list<std::string_view> parts) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  for (const std::string_view part : parts) {
    out.write(part.data(), static_cast<std::streamsize>(part.size()));
  }
  out.close();
  if (!out) refuse(file, "the disk may be full, or the folder not be writable");
}

void sync(const fs::path&) {}

struct Folder {
  explicit Folder(const fs::path&) {}
  void sync() {}
};

#endif

}  // namespace

void write_durably(const fs::path& file, std::initializer_list<std::string_view> parts) {
  if (file.empty()) throw std::runtime_error("an empty name can't be written to; give a file's");
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) refuse(file, "it is a folder; give the name of a file");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    refuse(file, "it is a pipe or a device, which can't be replaced; write to a stream");
  }
  fs::path target = file;
  if (fs::is_symlink(file, error)) {
    // What a link points to need not be there yet.
    target = fs::exists(status) ? fs::canonical(file, error)
                                : file.parent_path() / fs::read_symlink(file, error);
    if (error) target = file;
  }
  fs::path unnamed = target;
  unnamed += ".new";
  const fs::path parent = target.parent_path();
  std::optional<Folder> folder;
  try {
    write_whole(unnamed, parts);
    folder.emplace(parent.empty() ? fs::path{"."} : parent);
    fs::rename(unnamed, target, error);
    if (error) refuse(target, error.message());
  } catch (...) {
    fs::remove(unnamed, error);
    throw;
  }
  folder->sync();
}

void sync_file(const fs::path& file) { sync(file); }

}  // namespace takt::detail
