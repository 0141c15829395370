// SPDX-License-Identifier: BSL-1.0
// No LibTorch was found, so nothing of it is measured.
#include "workload.hpp"

namespace takt::bench {

void define_torch_peers() {}
void define_torch_step() {}

}  // namespace takt::bench
