// SPDX-License-Identifier: BSL-1.0
/// \file
/// How long tests about threads go on; the only clock that a test looks at.
#ifndef TAKT_TESTS_SHIFT_HPP
#define TAKT_TESTS_SHIFT_HPP

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace takt::test {

/// The environment's TAKT_THREAD_SECONDS, which may have a fraction; 1 unless it is set. Throws
/// `std::invalid_argument` for what is no number above 0.
inline double thread_seconds() {
  const char* const text = std::getenv("TAKT_THREAD_SECONDS");
  if (text == nullptr) return 1.0;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (end == text || *end != '\0' || !std::isfinite(seconds) || seconds <= 0.0) {
    throw std::invalid_argument{"TAKT_THREAD_SECONDS is \"" + std::string{text} +
                                "\"; it is a number of seconds above 0, such as 10"};
  }
  return seconds;
}

/// What a crew works for: so many seconds from its making on. Any thread may ask.
class Shift {
 public:
  [[nodiscard]] bool over() const { return Clock::now() >= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>{thread_seconds()});
};

/// Looks until something has happened that another thread brings about. False when it has not
/// within more looks than any loop takes for it.
template <class Condition>
bool happens(const Condition& condition) {
  constexpr int most_looks = 20'000'000;
  for (int look = 0; look < most_looks; ++look) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace takt::test

#endif
