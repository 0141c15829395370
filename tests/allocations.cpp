// SPDX-License-Identifier: BSL-1.0
#include "allocations.hpp"

#if TAKT_ALLOCATIONS_ARE_SEEN

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

/// One thread's.
struct Account {
  std::uint64_t allocations = 0;
  bool is_limited = false;
  std::uint64_t left = 0;  // until one fails
  takt::test::Shortage shortage{};
  bool struck = false;
};

thread_local Account account;

bool fails() noexcept {
  ++account.allocations;
  if (!account.is_limited || account.left-- != 0) return false;
  account.struck = true;
  if (account.shortage == takt::test::Shortage::lasts) {
    account.left = 0;
  } else {
    account.is_limited = false;
  }
  return true;
}

void* allocate(std::size_t size) noexcept {
  return fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
  if (fails()) return nullptr;
  const auto unit = static_cast<std::size_t>(alignment);
  const std::size_t padded = (size + unit - 1) / unit * unit;  // aligned_alloc wants a multiple
  if (padded < size) return nullptr;
  return std::aligned_alloc(unit, padded == 0 ? unit : padded);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new[](std::size_t size) { return or_throw(allocate(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate(size, alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate(size, alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace takt::test {

std::uint64_t allocations() noexcept { return account.allocations; }

OutOfMemory::OutOfMemory(std::uint64_t first, Shortage shortage) noexcept {
  account.is_limited = true;
  account.left = first;
  account.shortage = shortage;
  account.struck = false;
}

OutOfMemory::~OutOfMemory() { account.is_limited = false; }

bool OutOfMemory::struck() const noexcept { return account.struck; }

}  // namespace takt::test

#endif
