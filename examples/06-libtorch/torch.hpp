// SPDX-License-Identifier: BSL-1.0
/// \file
/// LibTorch, for g++ and for clang++: at C++20 clang++ 14 needs this header before all others of
/// it, as <takt/libtorch.hpp> says.
#ifndef EXAMPLES_LIBTORCH_TORCH_HPP
#define EXAMPLES_LIBTORCH_TORCH_HPP

// clang-format off
#include <ATen/core/ivalue.h>
#include <torch/torch.h>
// clang-format on

#endif
