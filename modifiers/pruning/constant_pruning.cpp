// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/constant_pruning.hpp"

#include <utility>

#include "saved_state.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/select_prunable.hpp"
#include "takt/modifiers/substituted_weights.hpp"

namespace takt {

ConstantPruningModifier::ConstantPruningModifier(ConstantPruningSettings settings)
    : Modifier{std::move(settings.name), settings.cadence, {.every = HeldMasks::events()}},
      targets_{std::move(settings.targets)},
      ignore_{std::move(settings.ignore)} {}

ModifierType ConstantPruningModifier::type() {
  using S = ConstantPruningSettings;
  return ModifierBinding<ConstantPruningModifier, S>{"ConstantPruningModifier",
                                                     "keeps the weights zero that are zero"}
      .setting("targets", &S::targets, targets_meaning)
      .also("targets", "params")
      .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise")
      .reads("log_types", "anything", "SparseML's; takt logs nothing by itself, so no effect",
             [](S&, const SettingValue&) {});
}

// Targets that choose nothing are told before training starts, not when the window opens.
void ConstantPruningModifier::on_initialize(State& state, const Event&) {
  (void)select_prunable(state.get<Model>(), targets_, ignore_);
}

void ConstantPruningModifier::on_start(State& state, const Event&) {
  auto& model = state.get<Model>();
  with_trained_weights(state, model, [&] {
    masks_ = HeldMasks::of_zeros(model, select_prunable(model, targets_, ignore_));
  });
}

void ConstantPruningModifier::on_event(State& state, const Event& event) {
  masks_.hold(state.get<Model>(), event);
}

void ConstantPruningModifier::on_end(State&, const Event&) { masks_ = {}; }

void ConstantPruningModifier::on_abort(State& state, const Event&) noexcept {
  masks_.hold_after_abort(state);
}

void ConstantPruningModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "ConstantPruningModifier"};
  if (phase() == Phase::active) masks_.save(write);
}

void ConstantPruningModifier::load(State& state, const Event&, std::istream& in) {
  detail::StateReader read{in, "ConstantPruningModifier"};
  HeldMasks masks;
  if (phase() == Phase::active) {
    auto& model = state.get<Model>();
    masks = HeldMasks{model, select_prunable(model, targets_, ignore_), MaskStructure{}};
    masks.load(read, model);
  }
  masks_ = std::move(masks);
}

}  // namespace takt
