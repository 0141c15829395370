// SPDX-License-Identifier: BSL-1.0
/// \file
/// A disk that is full, for tests.
#ifndef TAKT_TESTS_SMALL_DISK_HPP
#define TAKT_TESTS_SMALL_DISK_HPP

#include <sys/resource.h>

#include <csignal>

namespace takt::test {

/// As long as it lives, no file grows beyond `size`.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t size) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = size;
    setrlimit(RLIMIT_FSIZE, &now);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace takt::test

#endif
