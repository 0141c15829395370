// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/nan_guard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"
#include "takt/modifiers/substituted_weights.hpp"

namespace takt {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 3> action_names{"stop", "skip", "restore"};
constexpr std::array<std::string_view, 3> watchable{"loss", "gradients", "weights"};
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void refuse(const std::string& modifier, const std::string& problem) {
  throw InvalidModifier("NaN guard modifier \"" + modifier + "\": " + problem);
}

bool watches(const NanGuardSettings& settings, std::string_view what) {
  return std::ranges::find(settings.watch, what) != settings.watch.end();
}

/// "gradient 5 of parameter 'fc1.weight' is nan"; empty when all are finite.
std::string bad_number(const char* what, const Parameter& parameter,
                       std::span<const float> numbers) {
  const auto bad = std::ranges::find_if(numbers, [](float x) { return !std::isfinite(x); });
  if (bad == numbers.end()) return {};
  std::string text{what};
  text += ' ';
  text += std::to_string(bad - numbers.begin());
  text += " of parameter '";
  text += parameter.name;
  text += "' is ";
  text += detail::text_of(double{*bad});
  return text;
}

}  // namespace

NanGuardModifier::NanGuardModifier(NanGuardSettings settings)
    : Modifier{settings.name, settings.cadence, interests_of(settings)},
      action_{action_of(settings)},
      watched_{watched_of(settings)},
      patience_{patience_of(settings)} {
  targets_ = std::move(settings.targets);
  ignore_ = std::move(settings.ignore);
}

ModifierType NanGuardModifier::type() {
  using S = NanGuardSettings;
  return ModifierBinding<NanGuardModifier, S>{"NanGuardModifier",
                                              "acts on a loss or gradients that are not finite"}
      .setting("targets", &S::targets,
               "which parameters: names, re: and a regular expression, layer kinds, __ALL__ or "
               "__ALL_PRUNABLE__")
      .setting("ignore", &S::ignore, "of the targets, those to leave alone, written likewise")
      .setting("watch", &S::watch, "what is watched; restore watches weights anyway",
               one_of({watchable.begin(), watchable.end()}))
      .setting("action", &S::action,
               "stop the loop, zero the gradients, or that and put good weights back",
               one_of({action_names.begin(), action_names.end()}))
      .setting("patience", &S::patience,
               "stop after so many bad batches in a row; unset = the first one with stop, never "
               "with the others",
               at_least(1));
}

NanGuardModifier::Action NanGuardModifier::action_of(const NanGuardSettings& settings) {
  const auto* const found = std::ranges::find(action_names, settings.action);
  if (found != action_names.end()) return static_cast<Action>(found - action_names.begin());
  refuse(settings.name,
         "unknown action \"" + settings.action + "\"; the actions are stop, skip and restore");
}

NanGuardModifier::Watched NanGuardModifier::watched_of(const NanGuardSettings& settings) {
  if (settings.watch.empty()) {
    refuse(settings.name, "watch is empty; it has some of loss, gradients and weights");
  }
  for (const std::string& word : settings.watch) {
    if (std::ranges::find(watchable, word) != watchable.end()) continue;
    refuse(settings.name, "watch has \"" + word + "\"; it has some of loss, gradients and weights");
  }
  return {.loss = watches(settings, "loss"),
          .gradients = watches(settings, "gradients"),
          .weights = watches(settings, "weights") || settings.action == "restore"};
}

std::int64_t NanGuardModifier::patience_of(const NanGuardSettings& settings) {
  if (!settings.patience) return settings.action == "stop" ? 1 : never;
  if (*settings.patience >= 1) return *settings.patience;
  refuse(settings.name, "patience is " + std::to_string(*settings.patience) + "; it is 1 or more");
}

// Nothing runs at an event where there is nothing to look at. A bad loss is dealt with at
// OPTIM_PRE_STEP too.
Interests NanGuardModifier::interests_of(const NanGuardSettings& settings) {
  const Watched watched = watched_of(settings);
  Interests interests{.due = EventType::OPTIM_PRE_STEP | EventType::BATCH_END,
                      .every = EventType::BATCH_START};
  if (watched.loss) interests.due = interests.due | EventType::LOSS_CALCULATED;
  if (watched.weights) interests.due = interests.due | EventType::OPTIM_POST_STEP;
  return interests;
}

bool NanGuardModifier::needs_model() const noexcept {
  return action_ != Action::stop || watched_.gradients || watched_.weights;
}

std::vector<std::size_t> NanGuardModifier::guarded_in(Model& model) const {
  return select(model, targets_, ignore_);
}

// Targets that choose nothing are told before training starts, not when the window opens.
void NanGuardModifier::on_initialize(State& state, const Event&) {
  if (needs_model()) (void)guarded_in(state.get<Model>());
}

void NanGuardModifier::on_start(State& state, const Event&) {
  tally_ = before_ = {};
  if (!needs_model()) return;
  auto& model = state.get<Model>();
  positions_ = guarded_in(model);
  if (action_ != Action::restore) return;
  with_trained_weights(state, model, [&] {
    const std::string bad = bad_weight(model);
    if (!bad.empty()) {
      refuse(name(), bad + " when its window opens; there are no good weights to go back to");
    }
    good_ = ParameterCopies{model, positions_};
  });
}

void NanGuardModifier::on_event(State&, const Event&) { before_ = tally_; }

void NanGuardModifier::on_update(State& state, const Event& event) {
  switch (*event.type) {
    case EventType::LOSS_CALCULATED:
      return look_at_loss(state, event);
    case EventType::OPTIM_PRE_STEP:
      return look_at_gradients(state, event);
    case EventType::OPTIM_POST_STEP:
      return look_at_weights(state, event);
    default:  // BATCH_END
      end_batch();
  }
}

void NanGuardModifier::end_batch() noexcept {
  if (!tally_.batch_is_bad) tally_.in_a_row = 0;
  tally_.batch_is_bad = false;
}

void NanGuardModifier::on_end(State&, const Event&) { good_ = {}; }

void NanGuardModifier::on_abort(State& state, const Event& event) noexcept {
  if (event.type == EventType::BATCH_END)
    return end_batch();  // it counts, see `Modifier::on_abort`
  tally_ = before_;
  if (action_ != Action::restore) return;
  try {
    auto* const model = state.find<Model>();
    if (model == nullptr) return;
    with_trained_weights(state, *model, [&] {
      if (!bad_weight(*model).empty()) good_.put(*model);
    });
  } catch (
      ...) {  // a model that can't show its weights now will be asked again after the next step
  }
}

void NanGuardModifier::save(std::ostream& out) {
  detail::StateWriter write{out, "NanGuardModifier"};
  tally_.save(write);
  before_.save(write);
  if (phase() == Phase::active && action_ == Action::restore) good_.save(write);
}

void NanGuardModifier::load(State& state, const Event&, std::istream& in) {
  detail::StateReader read{in, "NanGuardModifier"};
  const Tally tally = Tally::load(read);
  const Tally before = Tally::load(read);
  std::vector<std::size_t> positions;
  ParameterCopies good;
  if (phase() == Phase::active && needs_model()) {
    auto& model = state.get<Model>();
    positions = guarded_in(model);
    if (action_ == Action::restore) good = ParameterCopies::load(read, model, positions);
  }
  tally_ = tally;
  before_ = before;
  positions_ = std::move(positions);
  good_ = std::move(good);
}

void NanGuardModifier::Tally::save(detail::StateWriter& write) const {
  write(total, in_a_row, batch_is_bad, loss_was_bad);
}

NanGuardModifier::Tally NanGuardModifier::Tally::load(detail::StateReader& read) {
  Tally tally;
  tally.total = read.count("bad batches");
  tally.in_a_row = read.count("bad batches in a row");
  read(tally.batch_is_bad, tally.loss_was_bad);
  return tally;
}

void NanGuardModifier::look_at_loss(State& state, const Event& event) {
  if (!state.loss || std::isfinite(*state.loss)) return;
  tally_.loss_was_bad = true;
  note(state, event, "the loss is " + detail::text_of(*state.loss));
}

void NanGuardModifier::look_at_gradients(State& state, const Event& event) {
  bool bad = std::exchange(tally_.loss_was_bad, false);
  if (!needs_model()) return;
  auto& model = state.get<Model>();
  if (watched_.gradients) {
    const std::string gradient = bad_gradient(model);
    if (!gradient.empty()) {
      bad = true;
      note(state, event, gradient);
    }
  }
  if (!bad || action_ == Action::stop) return;
  zero_gradients(model);
  if (action_ == Action::restore) {
    with_trained_weights(state, model, [&] { good_.put(model); });
  }
}

void NanGuardModifier::look_at_weights(State& state, const Event& event) {
  auto& model = state.get<Model>();
  with_trained_weights(state, model, [&] {
    const std::string weight = bad_weight(model);
    if (weight.empty()) {
      if (action_ == Action::restore) good_.take(model);
      return;
    }
    note(state, event, weight);
    if (action_ == Action::skip) stop(state, event, weight);
    if (action_ == Action::restore) good_.put(model);
  });
}

std::string NanGuardModifier::bad_gradient(Model& model) const {
  for (const std::size_t position : positions_) {
    const Parameter parameter = model.parameter(position);
    std::string bad = bad_number("gradient", parameter, parameter.gradients);
    if (!bad.empty()) return bad;
  }
  return {};
}

std::string NanGuardModifier::bad_weight(Model& model) const {
  for (const std::size_t position : positions_) {
    const Parameter parameter = model.parameter(position);
    std::string bad = bad_number("weight", parameter, parameter.values);
    if (!bad.empty()) return bad;
  }
  return {};
}

void NanGuardModifier::zero_gradients(Model& model) const {
  for (const std::size_t position : positions_) {
    std::ranges::fill(model.parameter(position).gradients, 0.0F);
  }
}

/// A batch is counted once, however many things in it are bad.
void NanGuardModifier::note(State& state, const Event& event, const std::string& what) {
  if (tally_.batch_is_bad) return;
  tally_.batch_is_bad = true;
  ++tally_.total;
  ++tally_.in_a_row;
  if (tally_.in_a_row >= patience_) stop(state, event, what);
}

void NanGuardModifier::stop(State& state, const Event& event, const std::string& what) const {
  std::string reason = name();
  reason += ": " + what + " at step " + std::to_string(event.global_step) + ", batch " +
            std::to_string(event.global_batch);
  if (tally_.in_a_row > 1) {
    reason += ", the last of " + std::to_string(tally_.in_a_row) + " bad batches in a row";
  }
  state.control.stop(std::move(reason));
}

}  // namespace takt
