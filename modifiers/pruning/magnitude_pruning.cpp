// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/magnitude_pruning.hpp"

#include <cmath>
#include <utility>

#include "last_due_step.hpp"
#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/select_prunable.hpp"
#include "takt/modifiers/substituted_weights.hpp"

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

/// When the modifier is active: as long as it prunes, or from then on.
Cadence window_of(const MagnitudePruningSettings& settings) {
  Cadence window = settings.cadence;
  window.validate();
  if (settings.leave_enabled) window.end.reset();
  return window;
}

/// LLM Compressor's way to give `exponent` and `milestones`.
void read_scheduler_args(MagnitudePruningSettings& settings, const SettingValue& value) {
  const auto* const map = value.get_if<SettingValue::Map>();
  if (map == nullptr) throw_wrong_type(value, "map of exponent, steps");
  for (const SettingEntry& entry : *map) {
    if (entry.key == "exponent") {
      settings.exponent = SettingType<double>::read(entry.value);
    } else if (entry.key == "steps") {
      settings.milestones = SettingType<std::vector<SparsityMilestone>>::read(entry.value);
    } else {
      throw InvalidModifier("has no " + to_string(SettingValue{entry.key}) +
                            "; there are exponent and steps");
    }
  }
}

/// SparseML's way to give `mask_structure`.
void read_mask_type(MagnitudePruningSettings& settings, const SettingValue& value) {
  if (value.get_if<SettingValue::List>() != nullptr) {
    const auto block = SettingType<std::vector<std::int64_t>>::read(value);
    if (block.size() != 2) throw_wrong_type(value, "text or [rows, columns]");
    settings.mask_structure = "block_" + std::to_string(block[0]) + ',' + std::to_string(block[1]);
    return;
  }
  settings.mask_structure = SettingType<std::string>::read(value);
  if (settings.mask_structure == "block4") settings.mask_structure = "block_1,4";
}

void require_false(MagnitudePruningSettings&, const SettingValue& value) {
  if (!SettingType<bool>::read(value)) return;
  throw InvalidModifier("is true; it can only be false, as each parameter is pruned by itself");
}

}  // namespace

// CALIBRATION_EPOCH_START, because a window may open, and close, in a calibration epoch without
// batches.
MagnitudePruningModifier::MagnitudePruningModifier(MagnitudePruningSettings settings)
    : Modifier{settings.name,
               window_of(settings),
               {.due = EventType::BATCH_START | EventType::CALIBRATION_EPOCH_START,
                .every = HeldMasks::events()}},
      pruning_{settings.cadence},
      structure_{structure_of(settings)},
      schedule_{schedule_of(settings, structure_)},
      targets_{std::move(settings.targets)},
      ignore_{std::move(settings.ignore)} {}

ModifierType MagnitudePruningModifier::type() {
  using S = MagnitudePruningSettings;
  return ModifierBinding<MagnitudePruningModifier, S>{
      "MagnitudePruningModifier", "zeroes the smallest weights, more with each update"}
      .also("GMPruningModifier")
      .setting("targets", &S::targets, targets_meaning)
      .also("targets", "params")
      .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise")
      .setting("init_sparsity", &S::init_sparsity, "share of zeros at start", between(0, 1))
      .setting("final_sparsity", &S::final_sparsity,
               "share of zeros at end; required but for multi_step", between(0, 1))
      .setting("update_scheduler", &S::update_scheduler, "how sparsity rises from start to end",
               one_of(SparsitySchedule::names()))
      .also("update_scheduler", "inter_func")
      .setting("exponent", &S::exponent, "of polynomial and polynomial_decay; unset = 2",
               more_than(0))
      .setting("milestones", &S::milestones, "of multi_step: from an index on, this sparsity")
      .setting("mask_structure", &S::mask_structure, "which weights are pruned together",
               described("unstructured, N:M, channel, filter or block_R,C"))
      .setting("leave_enabled", &S::leave_enabled,
               "whether what was pruned is held after end too, until training ends")
      .reads("scheduler_args", "map of exponent, steps",
             "LLM Compressor's name for exponent, and for milestones", read_scheduler_args)
      .reads("mask_type", "text or [rows, columns]", "SparseML's name for mask_structure",
             read_mask_type)
      .reads("score_type", "text", "SparseML's; takt has magnitude only",
             [](S&, const SettingValue& value) { one_of({"magnitude"}).check(value); })
      .reads("apply_globally", "false", "prunes by one threshold for all: takt does not",
             require_false)
      .also("apply_globally", "global_sparsity")
      .reads("log_types", "anything", "SparseML's; takt logs nothing by itself, so no effect",
             [](S&, const SettingValue&) {});
}

// What does not fit is told before training starts, not when the window opens.
void MagnitudePruningModifier::on_initialize(State& state, const Event&) {
  (void)masks_for(state.get<Model>());
}

void MagnitudePruningModifier::on_start(State& state, const Event& event) {
  masks_ = masks_for(state.get<Model>());
  if (pruning_.should_update(event)) return;  // `on_update` follows
  if (const auto step = detail::last_due_step_before(pruning_, event)) {
    prune(state, event.new_instance({.global_step = *step}));
  }
}

void MagnitudePruningModifier::on_event(State& state, const Event& event) {
  masks_.hold(state.get<Model>(), event);
}

void MagnitudePruningModifier::on_update(State& state, const Event& event) {
  if (pruning_.should_update(event)) prune(state, event);
}

void MagnitudePruningModifier::on_end(State&, const Event&) { masks_ = {}; }

void MagnitudePruningModifier::on_abort(State& state, const Event&) noexcept {
  masks_.hold_after_abort(state);
}

void MagnitudePruningModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "MagnitudePruningModifier"};
  write(sparsity_);
  if (phase() == Phase::active) masks_.save(write);
}

void MagnitudePruningModifier::load(State& state, const Event&, std::istream& in) {
  detail::StateReader read{in, "MagnitudePruningModifier"};
  double sparsity = 0.0;
  HeldMasks masks;
  read(sparsity);
  if (phase() == Phase::active) {
    auto& model = state.get<Model>();
    masks = masks_for(model);
    masks.load(read, model);
  }
  sparsity_ = sparsity;
  masks_ = std::move(masks);
}

HeldMasks MagnitudePruningModifier::masks_for(Model& model) const {
  try {
    return HeldMasks{model, select_prunable(model, targets_, ignore_), structure_};
  } catch (const InvalidModifier& error) {
    refuse(name(), error.what());
  }
}

void MagnitudePruningModifier::prune(State& state, const Event& event) {
  const bool last = detail::is_last_due_step(pruning_, event);
  const double sparsity = last ? schedule_.final_sparsity() : schedule_.at(event.current_index());
  auto& model = state.get<Model>();
  with_trained_weights(
      state, model, [&] { masks_.prune(model, sparsity); }, Substitution::anew);
  sparsity_ = sparsity;
}

}  // namespace takt
