// SPDX-License-Identifier: BSL-1.0
// Reads arbitrary bytes as a trace, and replays them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "trace_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  takt::fuzz::check_trace({reinterpret_cast<const char*>(data), size});
  return 0;
}
