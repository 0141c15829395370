// SPDX-License-Identifier: BSL-1.0
/// \file
/// All of LibTorch, for g++ and for clang++: at C++20 clang++ 14 needs the first header before any
/// other, as <takt/libtorch.hpp> says.
#ifndef TAKT_TESTS_LIBTORCH_TORCH_HPP
#define TAKT_TESTS_LIBTORCH_TORCH_HPP

#include <ATen/core/ivalue.h>

#include <torch/torch.h>

#endif
