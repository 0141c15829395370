// SPDX-License-Identifier: BSL-1.0
/// \file
/// The allocations of the test program, counted and made to fail: its global operator new is a
/// replacement. A sanitizer brings one of its own, which finds more; there, nothing is seen, unless
/// TAKT_ALLOCATIONS_ARE_SEEN is defined as 1.
#ifndef TAKT_TESTS_ALLOCATIONS_HPP
#define TAKT_TESTS_ALLOCATIONS_HPP

#include <cstdint>

#ifndef TAKT_ALLOCATIONS_ARE_SEEN
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TAKT_ALLOCATIONS_ARE_SEEN 0
#endif
#endif
#endif
#ifndef TAKT_ALLOCATIONS_ARE_SEEN
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(_MSC_VER)
#define TAKT_ALLOCATIONS_ARE_SEEN 0
#else
#define TAKT_ALLOCATIONS_ARE_SEEN 1
#endif
#endif

#if TAKT_ALLOCATIONS_ARE_SEEN

namespace takt::test {

/// How often the calling thread has allocated.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// How often the calling thread allocates in `callable`.
template <class Callable>
std::uint64_t allocations_in(Callable callable) {
  const std::uint64_t before = allocations();
  callable();
  return allocations() - before;
}

/// How long there is no memory.
enum class Shortage : std::uint8_t {
  once,  ///< one allocation fails
  lasts  ///< it, and all that follow
};

/// As long as it lives, the calling thread, which has no other, is out of memory once it has
/// allocated `first` times.
class OutOfMemory {
 public:
  explicit OutOfMemory(std::uint64_t first, Shortage shortage = Shortage::lasts) noexcept;
  OutOfMemory(const OutOfMemory&) = delete;
  OutOfMemory& operator=(const OutOfMemory&) = delete;
  ~OutOfMemory();

  /// Whether an allocation has failed.
  [[nodiscard]] bool struck() const noexcept;
};

}  // namespace takt::test

#endif

#endif
