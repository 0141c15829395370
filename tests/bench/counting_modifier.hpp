// SPDX-License-Identifier: BSL-1.0
/// \file
/// A modifier that counts its calls, as the hooks of the peers do.
#ifndef TAKT_BENCH_COUNTING_MODIFIER_HPP
#define TAKT_BENCH_COUNTING_MODIFIER_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "takt/modifier.hpp"

namespace takt::bench {

class CountingModifier : public Modifier {
 public:
  using Modifier::Modifier;
  [[nodiscard]] std::int64_t calls() const noexcept { return count_ < 0 ? -count_ : count_; }

 protected:
  std::int64_t count_ = 0;
};

using CountingModifiers = std::vector<std::shared_ptr<CountingModifier>>;

/// Modifier `i`, of one of two classes, see `first_of_two_classes`. It is interested in the five
/// events of a batch.
[[nodiscard]] std::shared_ptr<CountingModifier> make_modifier(int i, const Cadence& cadence);

/// The calls of all.
[[nodiscard]] std::int64_t calls(const CountingModifiers& modifiers) noexcept;

}  // namespace takt::bench

#endif
