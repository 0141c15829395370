// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/magnitude_pruning.hpp"

#include <cmath>
#include <utility>

#include "last_due_step.hpp"
#include "number_text.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/select_prunable.hpp"

namespace takt {

/// A milestone is written as `[index, sparsity]`.
template <>
struct SettingType<SparsityMilestone> {
  static std::string name() { return "[index, sparsity]"; }
  static SparsityMilestone read(const SettingValue& value) {
    const auto* const pair = value.get_if<SettingValue::List>();
    if (pair == nullptr || pair->size() != 2) throw_wrong_type(value, name());
    return {SettingType<double>::read(pair->front()), SettingType<double>::read(pair->back())};
  }
  static SettingValue write(const SparsityMilestone& value) {
    return SettingValue::List{value.index, value.sparsity};
  }
};

namespace {

[[noreturn]] void refuse(const std::string& modifier, const std::string& problem) {
  throw InvalidModifier("magnitude pruning modifier \"" + modifier + "\": " + problem);
}

MaskStructure structure_of(const MagnitudePruningSettings& settings) {
  try {
    return mask_structure_from_string(settings.mask_structure);
  } catch (const InvalidModifier& error) {
    refuse(settings.name, error.what());
  }
}

/// The sparsity of a mask whose groups are all full: 1 - N/M.
double sparsity_of(const MaskStructure& structure) {
  return static_cast<double>(structure.group - structure.kept) /
         static_cast<double>(structure.group);
}

SparsitySchedule schedule_of(const MagnitudePruningSettings& settings,
                             const MaskStructure& structure) {
  SparsityScheduleSettings wanted{.name = settings.update_scheduler,
                                  .init_sparsity = settings.init_sparsity,
                                  .final_sparsity = settings.final_sparsity,
                                  .start = settings.cadence.start.value_or(0.0),
                                  .end = settings.cadence.end,
                                  .exponent = settings.exponent,
                                  .milestones = settings.milestones};
  const bool grouped = structure.kind == MaskStructure::Kind::n_of_m;
  const double full = grouped ? sparsity_of(structure) : 1.0;
  if (grouped) {
    // 2/3 can't be written in a recipe; 0.6667 is meant to be it.
    const auto complete = [full](double& sparsity) {
      if (std::abs(sparsity - full) < 1e-4) sparsity = full;
    };
    if (wanted.final_sparsity) complete(*wanted.final_sparsity);
    for (SparsityMilestone& milestone : wanted.milestones) complete(milestone.sparsity);
  }
  try {
    SparsitySchedule schedule{wanted};
    if (!grouped || schedule.final_sparsity() == full) return schedule;
    throw InvalidModifier("final_sparsity is " + detail::text_of(schedule.final_sparsity()) +
                          ", but mask_structure " + to_string(structure) + " keeps " +
                          std::to_string(structure.kept) + " of every " +
                          std::to_string(structure.group) + "; it needs " + detail::text_of(full));
  } catch (const InvalidModifier& error) {
    refuse(settings.name, error.what());
  }
}

}  // namespace

// CALIBRATION_EPOCH_START, because a window may open, and close, in a calibration epoch without
// batches.
MagnitudePruningModifier::MagnitudePruningModifier(MagnitudePruningSettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::BATCH_START | EventType::CALIBRATION_EPOCH_START,
                .every = HeldMasks::events()}},
      structure_{structure_of(settings)},
      schedule_{schedule_of(settings, structure_)},
      targets_{std::move(settings.targets)},
      ignore_{std::move(settings.ignore)} {}

ModifierType MagnitudePruningModifier::type() {
  using S = MagnitudePruningSettings;
  return ModifierBinding<MagnitudePruningModifier, S>{
      "MagnitudePruningModifier", "zeroes the weights of smallest magnitude, more with each update"}
      .setting("targets", &S::targets, targets_meaning)
      .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise")
      .setting("init_sparsity", &S::init_sparsity, "share of zeros at start", between(0, 1))
      .setting("final_sparsity", &S::final_sparsity,
               "share of zeros at end; required but for multi_step", between(0, 1))
      .setting("update_scheduler", &S::update_scheduler, "how sparsity rises from start to end",
               one_of(SparsitySchedule::names()))
      .setting("exponent", &S::exponent, "of polynomial and polynomial_decay; unset = 2",
               more_than(0))
      .setting("milestones", &S::milestones, "of multi_step: from an index on, this sparsity")
      .setting("mask_structure", &S::mask_structure, "which weights are pruned together",
               described("unstructured, N:M, channel, filter or block_R,C"));
}

// What does not fit is told before training starts, not when the window opens.
void MagnitudePruningModifier::on_initialize(State& state, const Event&) {
  (void)masks_for(state.get<Model>());
}

void MagnitudePruningModifier::on_start(State& state, const Event& event) {
  auto& model = state.get<Model>();
  masks_ = masks_for(model);
  if (cadence().should_update(event)) return;  // `on_update` follows
  if (const auto step = detail::last_due_step_before(cadence(), event)) {
    prune(model, event.new_instance({.global_step = *step}));
  }
}

void MagnitudePruningModifier::on_event(State& state, const Event& event) {
  masks_.hold(state.get<Model>(), event);
}

void MagnitudePruningModifier::on_update(State& state, const Event& event) {
  prune(state.get<Model>(), event);
}

void MagnitudePruningModifier::on_end(State&, const Event&) { masks_ = {}; }

void MagnitudePruningModifier::on_abort(State& state, const Event&) noexcept {
  masks_.hold_after_abort(state);
}

HeldMasks MagnitudePruningModifier::masks_for(Model& model) const {
  try {
    return HeldMasks{model, select_prunable(model, targets_, ignore_), structure_};
  } catch (const InvalidModifier& error) {
    refuse(name(), error.what());
  }
}

void MagnitudePruningModifier::prune(Model& model, const Event& event) {
  const bool last = detail::is_last_due_step(cadence(), event);
  const double sparsity = last ? schedule_.final_sparsity() : schedule_.at(event.current_index());
  masks_.prune(model, sparsity);
  sparsity_ = sparsity;
}

}  // namespace takt
