// SPDX-License-Identifier: BSL-1.0
// Reads arbitrary bytes as calls on a bus, and makes them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "calls_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  takt::fuzz::check_calls({reinterpret_cast<const char*>(data), size});
  return 0;
}
