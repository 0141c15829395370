// SPDX-License-Identifier: BSL-1.0
#include "takt/modifier.hpp"

#include <array>
#include <ostream>
#include <utility>

#include "takt/error.hpp"

namespace takt {

const std::string& to_string(Phase phase) {
  static const std::array<std::string, 6> names{"added", "initialized", "active",
                                                "ended", "finalized",   "quarantined"};
  return names.at(static_cast<std::size_t>(phase));
}

std::ostream& operator<<(std::ostream& out, Phase phase) { return out << to_string(phase); }

Modifier::Modifier(std::string name, Cadence cadence, Interests interests) {
  if (name.empty()) {
    throw InvalidModifier("a modifier needs a name; it is what errors and traces call it");
  }
  cadence.validate();
  settings_ = std::make_unique<const Settings>(Settings{std::move(name), cadence, interests});
}

Modifier::~Modifier() = default;

void Modifier::save(std::ostream&) {}

void Modifier::load(State& state, const Event& event, std::istream&) {
  if (phase() == Phase::active) on_start(state, event);
}

}  // namespace takt
