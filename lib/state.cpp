// SPDX-License-Identifier: BSL-1.0
#include "takt/state.hpp"

#include <algorithm>
#include <boost/core/demangle.hpp>
#include <utility>

#include "takt/error.hpp"

namespace takt {

void State::after_call(const Modifier& modifier, const Event& event,
                       std::function<void(EventBus&)> work) {
  deferred_.push_back({&modifier, event, std::move(work)});
}

void State::throw_missing(std::type_index type) const {
  const std::string name = boost::core::demangle(type.name());
  std::vector<std::string> known;
  for (const auto& [key, entry] : objects_) known.push_back(boost::core::demangle(key.name()));
  std::ranges::sort(known);
  std::string message = "the state has no " + name + "; register one with state.set(object). ";
  message += known.empty() ? "It has nothing yet" : "It has: ";
  for (const std::string& other : known) {
    if (&other != known.data()) message += ", ";
    message += other;
  }
  throw MissingState(message);
}

}  // namespace takt
