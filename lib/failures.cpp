// SPDX-License-Identifier: BSL-1.0
#include "failures.hpp"

#include <new>
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

std::string Failure::line() const {
  return failure_line(modifier->name(), to_string(hook), event, step, error);
}

ModifierError Failure::as_error(std::vector<std::string> further) const {
  // What is nested is what is being handled.
  try {
    try {
      std::rethrow_exception(error);
    } catch (...) {
      return {modifier->name(), to_string(hook), event, step, std::move(further), modifier};
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the error has less to tell
  }
  try {
    std::rethrow_exception(error);
  } catch (...) {
    return {hook, event, step, modifier};
  }
}

void Failures::add(Failure failure) noexcept {
  if (!first_) {
    first_.emplace(std::move(failure));
    return;
  }
  try {
    further_.push_back(std::move(failure));
  } catch (const std::bad_alloc&) {
    ++unlisted_;
  }
}

void Failures::add_observer(EventType event, std::exception_ptr error) noexcept {
  if (observer_) return;
  observed_ = event;
  observer_ = std::move(error);
}

void Failures::throw_them() const {
  if (!first_) std::rethrow_exception(observer_);
  throw first_->as_error(further_lines());
}

// As many as there is memory for.
std::vector<std::string> Failures::further_lines() const noexcept {
  std::vector<std::string> lines;
  try {
    for (const Failure& failure : further_) lines.push_back(failure.line());
    if (unlisted_ > 0) lines.push_back(std::to_string(unlisted_) + " more, but memory ran out");
    if (observer_) {
      lines.push_back("an observer of " + to_string(observed_) + " failed: " + text_of(observer_));
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): those there are have to do
  }
  return lines;
}

}  // namespace takt::detail
