// SPDX-License-Identifier: BSL-1.0
#include "takt/error.hpp"

#include <utility>

#include "failures.hpp"
#include "takt/event_type.hpp"
#include "takt/hook.hpp"

namespace takt {
namespace {

std::string message_for(const std::string& modifier, const std::string& hook, EventType event,
                        std::int64_t step, const std::vector<std::string>& further) {
  std::string message = detail::failure_line(modifier, hook, event, step, std::current_exception());
  for (const std::string& line : further) message += "\n  also: " + line;
  return message;
}

}  // namespace

ModifierError::ModifierError(std::string modifier, std::string hook, EventType event,
                             std::int64_t step, std::vector<std::string> further,
                             std::shared_ptr<const void> thrower)
    : std::runtime_error{message_for(modifier, hook, event, step, further)},
      detail::Keeps{std::move(thrower)},
      modifier_{std::move(modifier)},
      hook_{std::move(hook)},
      event_{event},
      step_{step},
      further_{std::move(further)} {}

// Neither an empty message nor the name of a hook is allocated.
ModifierError::ModifierError(Hook hook, EventType event, std::int64_t step,
                             std::shared_ptr<const void> thrower)
    : std::runtime_error{""},
      detail::Keeps{std::move(thrower)},
      hook_{to_string(hook)},
      event_{event},
      step_{step} {}

const char* ModifierError::what() const noexcept {
  const char* const message = std::runtime_error::what();
  if (*message != '\0') return message;
  return "a modifier failed, and there was no memory left to say which; what it threw is nested";
}

}  // namespace takt
