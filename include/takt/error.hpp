// SPDX-License-Identifier: BSL-1.0
/// \file
/// Every exception that takt throws on its own. Each message says what was wrong, where, and what
/// would be right. Whatever threw it left its object as it was before the call, with one exception:
/// a call that throws `ModifierError` has taken effect. What is thrown does not change any more, so
/// a `std::exception_ptr` may carry it to another thread.
#ifndef TAKT_ERROR_HPP
#define TAKT_ERROR_HPP

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace takt {

enum class EventType : std::uint8_t;
enum class Hook : std::uint8_t;

/// An event's counters make no sense, or a question about it makes none.
class InvalidEvent : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A cadence that no index could ever follow: NaN, a negative update, an end before its start.
class InvalidCadence : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A modifier that a bus can't take, or settings that a modifier can't work with.
class InvalidModifier : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A setting of a modifier that is unknown, missing, given twice, of the wrong type or out of its
/// range.
class SettingError : public InvalidModifier {
 public:
  SettingError(std::string setting, const std::string& message)
      : InvalidModifier{message}, setting_{std::move(setting)} {}

  /// The name of the setting, as it was given.
  [[nodiscard]] const std::string& setting() const noexcept { return setting_; }

 private:
  std::string setting_;
};

/// Targets that match no parameter of the model; the message lists those there are.
class TargetError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A model or an optimizer of a tensor library that modifiers can't work on, such as one with a
/// parameter of a type that they don't know.
class InvalidModel : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A call that the lifecycle does not allow where it stands.
class LifecycleError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// `State::get` found no object of the type asked for.
class MissingState : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {
/// Keeps something alive for as long as the exception that it is a base of.
struct Keeps {
  std::shared_ptr<const void> kept{};
};
}  // namespace detail

/// One or more modifiers threw from a hook. The first exception is nested
/// (`std::rethrow_if_nested`); the message has its text and, line by line, the further ones. When
/// there is no memory for that, the message only says so, and `modifier()` is empty.
// The nested exception may have its code in a plugin, and so may be destroyed only while that is
// loaded: bases are destroyed last to first, and the modifier that is kept keeps its plugin.
class ModifierError : public std::runtime_error,
                      private detail::Keeps,
                      public std::nested_exception {
 public:
  /// Nests the exception that is being handled, so construct it inside a `catch`.
  /// `hook` is the name of the member that threw, such as "on_update". The modifier that threw
  /// lives as long as the error does.
  ModifierError(std::string modifier, std::string hook, EventType event, std::int64_t step,
                std::vector<std::string> further = {}, std::shared_ptr<const void> thrower = {});
  /// The same when memory has run out: needs none with libstdc++.
  ModifierError(Hook hook, EventType event, std::int64_t step, std::shared_ptr<const void> thrower);

  [[nodiscard]] const char* what() const noexcept override;
  /// The name of the modifier that threw first.
  [[nodiscard]] const std::string& modifier() const noexcept { return modifier_; }
  /// The hook that threw, such as "on_update".
  [[nodiscard]] const std::string& hook() const noexcept { return hook_; }
  /// The event that was being emitted.
  [[nodiscard]] EventType event() const noexcept { return event_; }
  /// The global step of that event.
  [[nodiscard]] std::int64_t step() const noexcept { return step_; }
  /// What else failed in the same call, one line each, in the order in which it failed.
  [[nodiscard]] const std::vector<std::string>& further() const noexcept { return further_; }

 private:
  std::string modifier_;
  std::string hook_;
  EventType event_;
  std::int64_t step_;
  std::vector<std::string> further_;
};

/// A recipe that can't be read; the message starts with file:line:column.
class RecipeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A plugin that can't be loaded.
class PluginError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A trace that can't be written or read, with its line, or whose calls a bus does not accept.
class TraceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A checkpoint that can't be written or read.
class CheckpointError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace takt

#endif
