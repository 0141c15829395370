// SPDX-License-Identifier: BSL-1.0
// A plugin whose modifiers throw classes of its own, which no other code knows.
#include <exception>
#include <string>
#include <takt/cadence.hpp>
#include <takt/modifier.hpp>
#include <takt/modifier_type.hpp>
#include <takt/plugin.hpp>
#include <utility>

namespace {

class OwnError final : public std::exception {
 public:
  explicit OwnError(std::string text) : text_{std::move(text)} {}
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

struct OwnThing {
  std::string text{};
};

struct ThrowingSettings {
  std::string name = "ThrowingModifier";
  takt::Cadence cadence{};
  std::string from{};  // "constructor", "constructor, no exception class", or "hook"
};

class ThrowingModifier final : public takt::Modifier {
 public:
  explicit ThrowingModifier(const ThrowingSettings& settings)
      : Modifier{settings.name, settings.cadence, {.due = takt::EventType::BATCH_START}} {
    if (settings.from == "constructor") throw OwnError("own error from the constructor");
    if (settings.from.starts_with("constructor,")) throw OwnThing{"text that nobody reads"};
  }

  void on_update(takt::State&, const takt::Event&) override {
    throw OwnError("own error from a hook");
  }
};

}  // namespace

TAKT_PLUGIN("own_errors", "1.0", registry) {
  registry.add(
      takt::ModifierBinding<ThrowingModifier, ThrowingSettings>{"ThrowingModifier", "throws"}
          .setting("from", &ThrowingSettings::from, "where it throws"));
}
