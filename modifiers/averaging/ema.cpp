// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/ema.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

double decay_of(const EMASettings& settings) {
  if (settings.decay >= 0.0 && settings.decay <= 1.0) return settings.decay;
  throw InvalidModifier("EMA modifier \"" + settings.name + "\": decay is " +
                        detail::text_of(settings.decay) + "; it is a number, 0 to 1");
}

}  // namespace

EMAModifier::EMAModifier(EMASettings settings)
    : Modifier{settings.name,
               settings.cadence,
               {.due = EventType::OPTIM_POST_STEP,
                .every = EventType::BATCH_START | EventType::OPTIM_PRE_STEP}},
      targets_{std::move(settings.targets)},
      ignore_{std::move(settings.ignore)},
      decay_{decay_of(settings)},
      warm_up_{settings.warm_up} {}

EMAModifier::~EMAModifier() {
  if (substituted_) substituted_->forget(*this);
}

ModifierType EMAModifier::type() {
  using S = EMASettings;
  return ModifierBinding<EMAModifier, S>{"EMAModifier",
                                         "keeps an exponential moving average of the weights"}
      .setting("targets", &S::targets,
               "which parameters: names, re: and a regular expression, layer kinds, __ALL__ or "
               "__ALL_PRUNABLE__")
      .setting("ignore", &S::ignore, "of the targets, those to leave out, written likewise")
      .setting("decay", &S::decay, "how much of the average an update keeps", between(0, 1))
      .setting("warm_up", &S::warm_up,
               "whether early updates keep less: min(decay, (1 + n) / (10 + n)) after n updates");
}

// Targets that choose nothing are told before training starts, not when the window opens.
void EMAModifier::on_initialize(State& state, const Event&) {
  (void)select(state.get<Model>(), targets_, ignore_);
}

void EMAModifier::on_start(State& state, const Event&) {
  auto& model = state.get<Model>();
  std::vector<std::size_t> positions = select(model, targets_, ignore_);
  // Averages that an earlier run left in the model are what this one starts from.
  if (substituted_) substituted_->forget(*this);
  substituted_ = SubstitutedWeights::of(state);
  substituted_->without(model, [&] { averages_ = ParameterCopies{model, positions}; });
  positions_ = std::move(positions);
  updates_ = 0;
}

void EMAModifier::on_event(State& state, const Event& event) {
  require_trained_weights(state, event);
}

void EMAModifier::on_update(State& state, const Event& event) {
  require_trained_weights(state, event);
  auto& model = state.get<Model>();
  substituted_->without(model, [&] { averages_.blend(model, next_decay()); });
  ++updates_;
}

void EMAModifier::on_end(State& state, const Event&) {
  if (applied()) restore(state.get<Model>());
}

void EMAModifier::on_abort(State& state, const Event&) noexcept {
  try {
    if (auto* const model = state.find<Model>()) restore(*model);
  } catch (...) {  // a model that can't show its weights now will be asked again at the next batch
  }
}

void EMAModifier::on_finalize(State& state, const Event&) {
  if (applied()) restore(state.get<Model>());
}

void EMAModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "EMAModifier"};
  write(updates_, !averages_.empty());
  if (averages_.empty()) return;
  averages_.save(write);
  write(substituted_->place(*this));
}

void EMAModifier::load(State& state, const Event&, std::istream& in) {
  detail::StateReader read{in, "EMAModifier"};
  const std::int64_t updates = read.count("updates");
  bool has_averages = false;
  read(has_averages);
  std::vector<std::size_t> positions;
  ParameterCopies averages;
  std::optional<std::uint64_t> place;
  std::shared_ptr<SubstitutedWeights> substituted;
  if (has_averages) {
    auto& model = state.get<Model>();
    positions = select(model, targets_, ignore_);
    averages = ParameterCopies::load(read, model, positions);
    read(place);
    substituted = SubstitutedWeights::of(state);
  } else if (phase() == Phase::active) {
    throw CheckpointError("it has no averages, but its window is open");
  }
  if (substituted_) substituted_->forget(*this);
  updates_ = updates;
  positions_ = std::move(positions);
  averages_ = std::move(averages);
  substituted_ = std::move(substituted);
  if (substituted_) substituted_->take_place(*this, place);
}

void EMAModifier::apply(Model& model) {
  if (applied()) {
    throw LifecycleError("EMA modifier \"" + name() +
                         "\": its averages are in the model already; restore comes first");
  }
  if (averages_.empty()) {
    throw LifecycleError("EMA modifier \"" + name() +
                         "\" has no averages to apply; they begin when its window opens");
  }
  substituted_->put_in(*this, model);
}

void EMAModifier::restore(Model& model) {
  if (applied()) substituted_->take_out(*this, model);
}

bool EMAModifier::applied() const noexcept {
  return substituted_ != nullptr && substituted_->contains(*this);
}

double EMAModifier::next_decay() const noexcept {
  if (!warm_up_) return decay_;
  const auto n = static_cast<double>(updates_);
  return std::min(decay_, (1.0 + n) / (10.0 + n));
}

/// Told after it has been put right: whatever becomes of the error, no average is trained.
void EMAModifier::require_trained_weights(State& state, const Event& event) {
  if (!applied()) [[likely]]
    return;
  restore(state.get<Model>());
  std::string where = event.type ? to_string(*event.type) : "a batch";
  throw LifecycleError("EMA modifier \"" + name() + "\": its averages were in the model at " +
                       where + ", and training them would lose what was trained; the trained " +
                       "weights are back. Call restore before training goes on, or use " +
                       "with_averages");
}

}  // namespace takt
