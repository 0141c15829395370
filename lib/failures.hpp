// SPDX-License-Identifier: BSL-1.0
/// \file
/// What hooks and observers threw during one call on the bus.
#ifndef TAKT_LIB_FAILURES_HPP
#define TAKT_LIB_FAILURES_HPP

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "takt/error.hpp"
#include "takt/event_type.hpp"
#include "takt/hook.hpp"
#include "takt/modifier.hpp"

namespace takt::detail {

/// One line: which modifier failed in which hook, at which event and step, and the error's text.
[[nodiscard]] std::string failure_line(const std::string& modifier, const std::string& hook,
                                       EventType event, std::int64_t step,
                                       const std::exception_ptr& error);

/// The text of an exception.
[[nodiscard]] std::string text_of(const std::exception_ptr& error);

/// One exception from a modifier's hook. To make one takes no memory.
struct Failure {
  std::shared_ptr<const Modifier> modifier;  // destroyed after the error, whose code may be its own
  Hook hook;
  EventType event;
  std::int64_t step;
  std::exception_ptr error;

  [[nodiscard]] std::string line() const;
  /// As the error that a caller gets, with the original nested; with less text when there is no
  /// memory for all of it.
  [[nodiscard]] ModifierError as_error(std::vector<std::string> further) const;
};

/// Gathers failures, and throws them once the call has taken effect. So that nothing is torn when
/// memory runs out, the first one needs none, and further ones that find none are only counted.
class Failures {
 public:
  void add(Failure failure) noexcept;
  /// An exception from an observer or an error handler; the first one counts.
  void add_observer(EventType event, std::exception_ptr error) noexcept;

  /// Throws a `ModifierError` when a modifier failed, or else what an observer threw; returns when
  /// nothing failed.
  void throw_if_any() const {
    if (first_ || observer_) throw_them();
  }

 private:
  [[noreturn]] void throw_them() const;
  [[nodiscard]] std::vector<std::string> further_lines() const noexcept;

  std::optional<Failure> first_;
  std::vector<Failure> further_;
  std::int64_t unlisted_ = 0;
  EventType observed_ = EventType::INITIALIZE;
  std::exception_ptr observer_;
};

}  // namespace takt::detail

#endif
