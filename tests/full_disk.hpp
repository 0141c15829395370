// SPDX-License-Identifier: BSL-1.0
/// \file
/// A disk that has no room, for systems that can play one.
#ifndef TAKT_TESTS_FULL_DISK_HPP
#define TAKT_TESTS_FULL_DISK_HPP

#include <sys/resource.h>

#include <csignal>
#include <stdexcept>

namespace takt::test {

/// As long as it lives, no file of this process grows beyond so many bytes: a write fails there, as
/// on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    if (getrlimit(RLIMIT_FSIZE, &before_) != 0) throw std::runtime_error("no limit is known");
    rlimit now = before_;
    now.rlim_cur = bytes;
    if (setrlimit(RLIMIT_FSIZE, &now) != 0) throw std::runtime_error("no limit can be set");
  }
  ~FullDisk() {
    (void)setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace takt::test

#endif
