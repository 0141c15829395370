// SPDX-License-Identifier: BSL-1.0
#include "index.hpp"

namespace takt::detail {
namespace {

/// The first step for which a predicate that turns true once and stays so is true.
template <class Predicate>
std::optional<std::int64_t> first_step_where(std::int64_t guess, Predicate reached) {
  // The product of index and steps is rarely off by more than one step.
  for (std::int64_t step = std::max<std::int64_t>(guess - 1, 0); step <= guess + 1; ++step) {
    if (!reached(step)) continue;
    if (step == 0 || !reached(step - 1)) return step;
    break;
  }
  if (reached(0)) return 0;
  if (!reached(max_step)) return std::nullopt;
  std::int64_t before = 0;
  std::int64_t at = max_step;
  while (at - before > 1) {
    const std::int64_t middle = before + (at - before) / 2;
    (reached(middle) ? at : before) = middle;
  }
  return at;
}

std::int64_t nearest_step(double index, std::int64_t steps) {
  const double product = std::clamp(index * static_cast<double>(steps), 0.0, 0x1p62);
  return static_cast<std::int64_t>(product);
}

}  // namespace

std::optional<std::int64_t> first_step_at(double index, std::int64_t steps) noexcept {
  return first_step_where(nearest_step(index, steps),
                          [=](std::int64_t step) { return index_of(step, steps) >= index; });
}

std::optional<std::int64_t> last_step_at(double index, std::int64_t steps) noexcept {
  const auto beyond = first_step_where(
      nearest_step(index, steps), [=](std::int64_t step) { return index_of(step, steps) > index; });
  if (!beyond) return max_step;
  if (*beyond == 0) return std::nullopt;
  return *beyond - 1;
}

}  // namespace takt::detail
