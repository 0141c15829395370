// SPDX-License-Identifier: BSL-1.0
/// \file
/// The name of a class as a user would say it.
#ifndef TAKT_LIB_LIBTORCH_CLASS_NAME_HPP
#define TAKT_LIB_LIBTORCH_CLASS_NAME_HPP

#include <string>
#include <string_view>

namespace takt::libtorch {

/// Of a type as demangled, such as "torch::nn::LinearImpl", its own name without `Impl`: "Linear".
/// "(anonymous namespace)::Net" is "Net", and "ns::BlockImpl<float, 3>" is "Block".
std::string class_name(std::string_view type);

}  // namespace takt::libtorch

#endif
