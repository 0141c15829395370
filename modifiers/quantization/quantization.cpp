// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/quantization.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifiers/select_prunable.hpp"

namespace takt {
namespace {

[[noreturn]] void refuse(const std::string& modifier, const std::string& problem) {
  throw InvalidModifier("quantization modifier \"" + modifier + "\": " + problem);
}

std::vector<QuantizationGroup> named_groups(QuantizationSettings& settings) {
  const bool has_groups = !settings.config_groups.empty();
  if (!settings.scheme.empty() && has_groups) {
    refuse(settings.name, "it has both scheme and config_groups; give one of them");
  }
  if (has_groups) return std::move(settings.config_groups);
  if (settings.scheme.empty()) {
    refuse(settings.name,
           "it has neither scheme nor config_groups; give one of them, such as scheme W4A16");
  }
  return {{.name = settings.scheme,
           .targets = std::move(settings.targets),
           .weights = quantization_scheme(settings.scheme)}};
}

/// With the observer that is asked for, and checked.
std::vector<QuantizationGroup> groups_of(QuantizationSettings& settings) {
  std::vector<QuantizationGroup> groups = named_groups(settings);
  for (QuantizationGroup& group : groups) {
    try {
      if (settings.weight_observer) {
        group.weights.observer = quantization_observer(*settings.weight_observer);
      }
    } catch (const InvalidModifier& error) {
      refuse(settings.name, std::string{"weight_observer "} + error.what());
    }
    try {
      require_valid(group.weights);
    } catch (const InvalidModifier& error) {
      refuse(settings.name, group.name + ": " + error.what());
    }
  }
  return groups;
}

}  // namespace

QuantizationModifier::QuantizationModifier(QuantizationSettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::BATCH_START,
                .every = {EventType::BATCH_START, EventType::OPTIM_PRE_STEP,
                          EventType::BATCH_END}}},
      groups_{groups_of(settings)},
      ignore_{std::move(settings.ignore)} {}

QuantizationModifier::~QuantizationModifier() {
  if (substituted_) substituted_->forget(*this);
}

// What does not fit is told before training starts, not when the window opens. One that is over
// already, as where a run is resumed, is in nobody's way.
void QuantizationModifier::on_initialize(State& state, const Event& event) {
  auto& model = state.get<Model>();
  const std::vector<WeightQuantizer> quantizers = quantizers_for(model, choose(model));
  (void)QuantizationParameters::of(state);
  const Cadence window{.start = cadence().start, .end = cadence().end};
  if (window.next_update(event)) claim(state, quantizers);
}

void QuantizationModifier::on_start(State& state, const Event&) {
  try {
    open(state);
  } catch (...) {
    give_back(state);
    throw;
  }
}

void QuantizationModifier::open(State& state) {
  auto& model = state.get<Model>();
  Window window = window_of(model, choose(model));
  claim(state, window.quantizers);

  // Quantized weights that an earlier run left in the model are what this one starts from.
  if (substituted_) substituted_->forget(*this);
  substituted_ = SubstitutedWeights::of(state);
  substituted_->without(model, [&] { window.observe(model); });
  window.open = window.fresh = true;
  window_ = std::move(window);
  auto& parameters = QuantizationParameters::of(state);
  parameters_ = parameters.weak_from_this();
  parameters.replace({}, quantized());
}

void QuantizationModifier::on_event(State& state, const Event& event) {
  if (event.type == EventType::BATCH_START) return begin_batch(state, event);
  if (!applied()) return;
  restore(state.get<Model>());
  window_.fresh = false;
}

void QuantizationModifier::on_update(State& state, const Event&) { put_in_for_batch(state, true); }

void QuantizationModifier::on_end(State& state, const Event&) {
  give_back(state);  // first: after a quarantine no further hook runs
  auto& model = state.get<Model>();
  window_.open = false;
  restore(model);
  substituted_->without(model, [&] { window_.observe(model); });
}

void QuantizationModifier::on_abort(State& state, const Event& event) noexcept {
  if (event.type == EventType::BATCH_END) window_.fresh = false;  // see `Modifier::on_abort`
  try {
    if (auto* const model = state.find<Model>()) restore(*model);
  } catch (...) {  // a model that can't show its weights now will be asked again at the next batch
  }
}

void QuantizationModifier::on_finalize(State& state, const Event&) {
  give_back(state);
  if (applied()) restore(state.get<Model>());
}

void QuantizationModifier::apply(Model& model) {
  if (applied()) {
    throw LifecycleError("quantization modifier \"" + name() +
                         "\": quantized weights are in the model already; restore comes first");
  }
  if (!substituted_) {
    throw LifecycleError("quantization modifier \"" + name() +
                         "\" has no scales to quantize with; it finds them when its window opens");
  }
  window_.observes = !window_.open || window_.fresh;
  substituted_->put_in(*this, model);
  window_.applied_by_caller = true;
}

void QuantizationModifier::restore(Model& model) {
  if (substituted_) substituted_->take_out(*this, model);
}

bool QuantizationModifier::applied() const noexcept {
  return substituted_ != nullptr && substituted_->contains(*this);
}

void QuantizationModifier::put_in(Model& model, Substitution how) {
  Window& window = window_;
  window.full.take(model);
  if (window.observes && how == Substitution::anew) window.observe(model);
  // All are shown before any is changed: a model that refused half way would refuse to take the
  // full-precision ones back as well. From then on nothing throws: sizes and scales are right.
  window.shown.clear();
  for (const std::size_t position : window.positions) {
    window.shown.push_back(model.values(position));
  }
  for (std::size_t i = 0; i < window.positions.size(); ++i) {
    window.quantizers[i].quantize(window.shown[i]);
  }
}

void QuantizationModifier::take_out(Model& model) { window_.full.put(model); }

void QuantizationModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "QuantizationModifier"};
  write(substituted_ != nullptr);
  if (!substituted_) return;
  write(substituted_->place(*this), window_.open, window_.fresh, window_.observes,
        window_.applied_by_caller);
  const auto parameters = parameters_.lock();
  write(static_cast<std::uint64_t>(window_.quantizers.size()));
  for (const WeightQuantizer& quantizer : window_.quantizers) {
    quantizer.save(write);
    write(parameters && parameters->shows(*quantizer.parameter()));
  }
  if (applied()) window_.full.save(write);
}

void QuantizationModifier::load(State& state, const Event&, std::istream& in) {
  detail::StateReader read{in, "QuantizationModifier"};
  bool has_opened = false;
  read(has_opened);
  std::optional<std::uint64_t> place;
  Window window;
  Shown now;
  if (has_opened) {
    read(place);
    window = read_window(read, state.get<Model>(), place.has_value(), now);
  }
  if (phase() == Phase::active && !window.open) {
    throw CheckpointError("it is active, but has the state of one whose window is not open");
  }
  const auto substituted = has_opened ? SubstitutedWeights::of(state) : nullptr;
  auto& parameters = QuantizationParameters::of(state);
  parameters.replace(quantized(), now);

  if (substituted_) substituted_->forget(*this);
  window_ = std::move(window);
  substituted_ = substituted;
  if (substituted_) substituted_->take_place(*this, place);
  parameters_ = parameters.weak_from_this();
  if (phase() == Phase::ended) give_back(state);
}

/// With the full-precision weights that were out when it was saved; otherwise the model has them.
QuantizationModifier::Window QuantizationModifier::read_window(detail::StateReader& read,
                                                               Model& model, bool is_in,
                                                               Shown& shown) const {
  Window window = window_of(model, choose(model));
  std::uint64_t count = 0;
  read(window.open, window.fresh, window.observes, window.applied_by_caller, count);
  if (count != window.quantizers.size()) {
    throw CheckpointError("it has scales of " + std::to_string(count) +
                          " parameters, but quantizes " + std::to_string(window.quantizers.size()) +
                          "; a run is resumed with the same model and the same targets");
  }
  for (WeightQuantizer& quantizer : window.quantizers) {
    quantizer.load(read);
    bool is_shown = false;
    read(is_shown);
    if (is_shown) shown.push_back(quantizer.parameter());
  }
  if (is_in) window.full = ParameterCopies::load(read, model, window.positions);
  return window;
}

QuantizationModifier::Shown QuantizationModifier::quantized() const {
  Shown all;
  for (const WeightQuantizer& quantizer : window_.quantizers) all.push_back(quantizer.parameter());
  return all;
}

/// Each parameter that is chosen, in the model's order.
std::vector<QuantizationModifier::Chosen> QuantizationModifier::choose(Model& model) const {
  std::vector<Chosen> all;
  for (const QuantizationGroup& group : groups_) {
    for (const std::size_t position : select_prunable(model, group.targets, ignore_)) {
      all.push_back({position, &group});
    }
  }
  std::ranges::stable_sort(all, {}, &Chosen::position);
  const auto twice = std::ranges::adjacent_find(all, {}, &Chosen::position);
  if (twice == all.end()) return all;
  refuse(name(), "parameter '" + std::string{model.parameter(twice->position).name} + "' is in " +
                     twice->group->name + " and in " + std::next(twice)->group->name +
                     "; each is in one group");
}

std::vector<WeightQuantizer> QuantizationModifier::quantizers_for(
    Model& model, std::span<const Chosen> chosen) const {
  std::vector<WeightQuantizer> quantizers;
  quantizers.reserve(chosen.size());
  try {
    for (const Chosen& each : chosen) {
      quantizers.emplace_back(model.parameter(each.position), each.group->weights);
    }
  } catch (const InvalidModifier& error) {
    refuse(name(), error.what());
  }
  return quantizers;
}

QuantizationModifier::Window QuantizationModifier::window_of(Model& model,
                                                             std::span<const Chosen> chosen) const {
  Window window{.quantizers = quantizers_for(model, chosen)};
  for (const Chosen& each : chosen) window.positions.push_back(each.position);
  window.full = ParameterCopies{model, window.positions};
  window.shown.reserve(chosen.size());
  return window;
}

void QuantizationModifier::claim(State& state, std::span<const WeightQuantizer> quantizers) {
  std::vector<std::string> names;
  names.reserve(quantizers.size());
  for (const WeightQuantizer& quantizer : quantizers) {
    names.push_back(quantizer.parameter()->name);
  }
  try {
    QuantizationParameters::of(state).claim(name(), cadence(), std::move(names));
  } catch (const InvalidModifier& error) {
    refuse(name(), error.what());
  }
}

void QuantizationModifier::give_back(State& state) const {
  if (auto* const parameters = state.find<QuantizationParameters>()) parameters->give_back(name());
}

/// Weights that are still in, as the hook that takes them out was skipped for an error, are taken
/// out first. Where the cadence is due, `on_update` follows.
void QuantizationModifier::begin_batch(State& state, const Event& event) {
  const bool left_in = applied();
  if (left_in) restore(state.get<Model>());
  if (left_in && window_.applied_by_caller) {
    throw LifecycleError("quantization modifier \"" + name() +
                         "\": quantized weights were in the model at batch_start, and training "
                         "them would lose what was trained; the full-precision weights are back. "
                         "Call restore before training goes on, or use with_quantized");
  }
  if (!cadence().should_update(event)) put_in_for_batch(state, window_.fresh);
}

void QuantizationModifier::put_in_for_batch(State& state, bool observes) {
  auto& model = state.get<Model>();
  restore(model);  // where an error kept `begin_batch` from it
  window_.observes = observes;
  window_.applied_by_caller = false;
  substituted_->put_in(*this, model);
}

void QuantizationModifier::Window::observe(Model& model) {
  for (std::size_t i = 0; i < positions.size(); ++i) {
    quantizers[i].observe(model.values(positions[i]));
  }
}

}  // namespace takt
