// SPDX-License-Identifier: BSL-1.0
#include "failures.hpp"

#include <utility>

namespace takt::detail {

std::string text_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
  return "no exception";
}

std::string failure_line(const std::string& modifier, const std::string& hook, EventType event,
                         std::int64_t step, const std::exception_ptr& error) {
  return "modifier '" + modifier + "' failed in " + hook + " at " + to_string(event) + " of step " +
         std::to_string(step) + ": " + text_of(error);
}

ModifierError Failure::as_error(std::vector<std::string> further) const {
  try {
    std::rethrow_exception(error);
  } catch (...) {
    return ModifierError{modifier, hook, event, step, std::move(further), thrower};
  }
}

void Failures::add_observer(EventType event, std::exception_ptr error) {
  if (observer_) return;
  observed_ = event;
  observer_ = std::move(error);
}

void Failures::throw_them() const {
  if (modifiers_.empty()) std::rethrow_exception(observer_);
  std::vector<std::string> further;
  for (std::size_t i = 1; i < modifiers_.size(); ++i) further.push_back(modifiers_[i].line());
  if (observer_) {
    further.push_back("an observer of " + to_string(observed_) + " failed: " + text_of(observer_));
  }
  throw modifiers_.front().as_error(std::move(further));
}

}  // namespace takt::detail
