// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/checkpoint_modifier.hpp"

#include <cstddef>
#include <utility>

#include "checkpoint_folder.hpp"
#include "saved_state.hpp"
#include "takt/checkpoint.hpp"
#include "takt/event_bus.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

constexpr std::string_view word = "CheckpointModifier";

[[noreturn]] void refuse(const CheckpointSettings& settings, const std::string& problem) {
  throw InvalidModifier("checkpoint modifier \"" + settings.name + "\": " + problem);
}

Interests interests_of(const CheckpointSettings& settings) {
  Interests interests{.due = EventType::OPTIM_POST_STEP | EventType::BATCH_END};
  if (settings.on_stop) interests.every = EventType::BATCH_END;
  return interests;
}

}  // namespace

// Whether a batch made a step is known at OPTIM_POST_STEP only.
CheckpointModifier::CheckpointModifier(CheckpointSettings settings)
    : Modifier{settings.name, settings.cadence, interests_of(settings)},
      settings_{std::move(settings)} {
  if (settings_.folder.empty()) refuse(settings_, "folder is empty; it is the name of a folder");
  if (settings_.keep < 1) {
    refuse(settings_, "keep is " + std::to_string(settings_.keep) + "; it is 1 or more");
  }
}

ModifierType CheckpointModifier::type() {
  using S = CheckpointSettings;
  return ModifierBinding<CheckpointModifier, S>{"CheckpointModifier",
                                                "saves the run, to be resumed after a crash"}
      .setting("folder", &S::folder, "where to; made when there is none")
      .setting("keep", &S::keep, "how many checkpoints stay, the last ones", at_least(1))
      .setting("on_stop", &S::on_stop, "also save when the loop is asked to stop");
}

void CheckpointModifier::on_initialize(State&, const Event&) {
  detail::open_for_checkpoints(settings_.folder);
}

void CheckpointModifier::on_start(State&, const Event&) {
  steps_ = asked_ = saved_at_stop_ = stop_lasts_ = false;
}

void CheckpointModifier::on_event(State& state, const Event& event) {
  if (!state.control.stop_requested()) [[likely]]
    return;
  if (std::exchange(saved_at_stop_, true)) return;
  stop_lasts_ = !state.control.interrupted();
  ask_for_one(state, event);
}

void CheckpointModifier::on_update(State& state, const Event& event) {
  if (event.type == EventType::OPTIM_POST_STEP) {
    steps_ = true;
  } else if (std::exchange(steps_, false)) {
    ask_for_one(state, event);
  }
}

void CheckpointModifier::on_abort(State&, const Event&) noexcept { steps_ = false; }

void CheckpointModifier::save(std::ostream& out) {
  detail::StateWriter{out, word}(steps_, saved_at_stop_ && stop_lasts_);
}

void CheckpointModifier::load(State&, const Event&, std::istream& in) {
  bool steps = false;
  bool saved_at_stop = false;
  detail::StateReader{in, word}(steps, saved_at_stop);
  steps_ = steps;
  asked_ = false;
  saved_at_stop_ = stop_lasts_ = saved_at_stop;
}

void CheckpointModifier::ask_for_one(State& state, const Event& event) {
  if (std::exchange(asked_, true)) return;
  state.after_call(*this, event, [this](EventBus& bus) { save_one(bus); });
}

void CheckpointModifier::save_one(EventBus& bus) {
  asked_ = false;
  std::filesystem::path file;
  try {
    file = detail::next_checkpoint_in(settings_.folder, bus.now().global_step);
    save_checkpoint(bus, file);
    detail::keep_last(settings_.folder, static_cast<std::size_t>(settings_.keep));
  } catch (const CheckpointError& error) {
    if (!settings_.failed) throw;
    if (!std::exchange(failing_, true)) settings_.failed(error);
    return;
  }
  failing_ = false;
  if (settings_.saved) settings_.saved(file);
}

}  // namespace takt
