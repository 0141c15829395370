// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/blend.hpp"

#include <cstddef>
#include <string>

#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt::kernels {
namespace {

/// Halves of finite numbers never differ by more than float has room for, and `twice` a weight of
/// at most 1/2 is at most 1.
void move(const float* from, const float* to, float* out, std::size_t count, float twice) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = from[i] + twice * (0.5F * to[i] - 0.5F * from[i]);
  }
}

}  // namespace

void blend(std::span<float> averages, std::span<const float> values, double share) {
  if (averages.size() != values.size()) {
    throw InvalidModifier(std::to_string(averages.size()) + " averages were given " +
                          std::to_string(values.size()) + " values; there is one for each");
  }
  if (!(share >= 0.0 && share <= 1.0)) {
    throw InvalidModifier("the share of an average is " + detail::text_of(share) +
                          "; it is a number from 0 to 1");
  }
  float* const out = averages.data();
  if (share < 0.5) {
    move(values.data(), out, out, values.size(), static_cast<float>(2.0 * share));
  } else {
    move(out, values.data(), out, values.size(), static_cast<float>(2.0 * (1.0 - share)));
  }
}

}  // namespace takt::kernels
