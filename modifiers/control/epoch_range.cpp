// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/epoch_range.hpp"

#include <cmath>

#include "index.hpp"
#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"
#include "takt/modifier_type.hpp"

namespace takt {
namespace {

Cadence range_of(const EpochRangeSettings& settings) {
  if (settings.cadence.end && std::isfinite(*settings.cadence.end)) return settings.cadence;
  throw InvalidModifier("epoch range modifier \"" + settings.name +
                        "\": end is not set; it is the index at which training ends");
}

}  // namespace

EpochRangeModifier::EpochRangeModifier(const EpochRangeSettings& settings)
    : Modifier{
          settings.name,
          range_of(settings),
          {.every = {EventType::BATCH_START, EventType::OPTIM_POST_STEP, EventType::BATCH_END}}} {}

ModifierType EpochRangeModifier::type() {
  return ModifierBinding<EpochRangeModifier, EpochRangeSettings>{
      "EpochRangeModifier", "asks the loop to stop when its end is reached"};
}

void EpochRangeModifier::on_initialize(State& state, const Event& event) {
  stop_if_over(state, event);
}

void EpochRangeModifier::on_start(State&, const Event&) { steps_ = false; }

void EpochRangeModifier::on_event(State& state, const Event& event) {
  if (event.type != EventType::BATCH_END) {
    steps_ = event.type == EventType::OPTIM_POST_STEP;
    return;
  }
  Event next = event;
  next.global_step += steps_ ? 1 : 0;
  stop_if_over(state, next);
}

void EpochRangeModifier::save(std::ostream& out) {
  detail::StateWriter{out, "EpochRangeModifier"}(steps_);
}

void EpochRangeModifier::load(State&, const Event&, std::istream& in) {
  detail::StateReader{in, "EpochRangeModifier"}(steps_);
}

/// `next` has the counters of the batch to come.
void EpochRangeModifier::stop_if_over(State& state, const Event& next) const {
  const double index = next.current_index();
  const double end = cadence().end.value_or(0.0);
  if (index + detail::index_tolerance(index) < end) return;
  state.control.stop(name() + ": training ends at " + detail::text_of(end));
}

}  // namespace takt
