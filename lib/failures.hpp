// SPDX-License-Identifier: BSL-1.0
/// \file
/// What hooks and observers threw during one call on the bus.
#ifndef TAKT_LIB_FAILURES_HPP
#define TAKT_LIB_FAILURES_HPP

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "takt/error.hpp"
#include "takt/event_type.hpp"

namespace takt::detail {

/// One line: which modifier failed in which hook, at which event and step, and the error's text.
[[nodiscard]] std::string failure_line(const std::string& modifier, const std::string& hook,
                                       EventType event, std::int64_t step,
                                       const std::exception_ptr& error);

/// The text of an exception.
[[nodiscard]] std::string text_of(const std::exception_ptr& error);

/// One exception from a modifier's hook.
struct Failure {
  std::string modifier;
  const char* hook;
  EventType event;
  std::int64_t step;
  std::shared_ptr<const void> thrower;  // destroyed after the error, whose code may be its plugin's
  std::exception_ptr error;

  [[nodiscard]] std::string line() const {
    return failure_line(modifier, hook, event, step, error);
  }
  /// As the error that a caller gets, with the original nested.
  [[nodiscard]] ModifierError as_error(std::vector<std::string> further) const;
};

/// Gathers failures, and throws them once the call has taken effect.
class Failures {
 public:
  void add(Failure failure) { modifiers_.push_back(std::move(failure)); }
  /// An exception from an observer or an error handler; the first one counts.
  void add_observer(EventType event, std::exception_ptr error);

  /// Throws a `ModifierError` when a modifier failed, or else what an observer threw; returns when
  /// nothing failed.
  void throw_if_any() const {
    if (!modifiers_.empty() || observer_) throw_them();
  }

 private:
  [[noreturn]] void throw_them() const;

  std::vector<Failure> modifiers_;
  EventType observed_ = EventType::INITIALIZE;
  std::exception_ptr observer_;
};

}  // namespace takt::detail

#endif
