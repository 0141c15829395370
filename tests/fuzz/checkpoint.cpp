// SPDX-License-Identifier: BSL-1.0
// Reads arbitrary bytes as a checkpoint, and goes on from there.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "checkpoint_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  takt::fuzz::check_checkpoint({reinterpret_cast<const char*>(data), size});
  return 0;
}
