// SPDX-License-Identifier: BSL-1.0
#include "counting_modifier.hpp"

#include "workload.hpp"

namespace takt::bench {
namespace {

class ModifierUp final : public CountingModifier {
 public:
  using CountingModifier::CountingModifier;
  void on_update(State&, const Event&) override { ++count_; }
};

class ModifierDown final : public CountingModifier {
 public:
  using CountingModifier::CountingModifier;
  void on_update(State&, const Event&) override { --count_; }
};

}  // namespace

std::shared_ptr<CountingModifier> make_modifier(int i, const Cadence& cadence) {
  const std::string name = "modifier " + std::to_string(i);
  const Interests interests{.due = batch_events};
  if (first_of_two_classes()) return std::make_shared<ModifierUp>(name, cadence, interests);
  return std::make_shared<ModifierDown>(name, cadence, interests);
}

std::int64_t calls(const CountingModifiers& modifiers) noexcept {
  std::int64_t sum = 0;
  for (const auto& modifier : modifiers) sum += modifier->calls();
  return sum;
}

}  // namespace takt::bench
