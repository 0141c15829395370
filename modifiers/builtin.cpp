// SPDX-License-Identifier: BSL-1.0
// The modifiers that takt brings. They are named here one by one, rather than registering
// themselves when the program starts, because a linker leaves out of a static library what nothing
// names.
#include "takt/modifiers/checkpoint_modifier.hpp"
#include "takt/modifiers/constant_pruning.hpp"
#include "takt/modifiers/early_stopping.hpp"
#include "takt/modifiers/ema.hpp"
#include "takt/modifiers/epoch_range.hpp"
#include "takt/modifiers/gradient_clip.hpp"
#include "takt/modifiers/learning_rate.hpp"
#include "takt/modifiers/magnitude_pruning.hpp"
#include "takt/modifiers/metrics.hpp"
#include "takt/modifiers/nan_guard.hpp"
#include "takt/modifiers/progress.hpp"
#include "takt/modifiers/quantization.hpp"
#include "takt/modifiers/set_learning_rate.hpp"
#include "takt/modifiers/timer.hpp"
#include "takt/registry.hpp"

namespace takt {

const Registry& Registry::builtin() {
  static const Registry registry = [] {
    Registry all;
    all.add(CheckpointModifier::type());
    all.add(ConstantPruningModifier::type());
    all.add(EMAModifier::type());
    all.add(EarlyStoppingModifier::type());
    all.add(EpochRangeModifier::type());
    all.add(GradientClipModifier::type());
    all.add(LearningRateModifier::type());
    all.add(LearningRateModifier::function_type());
    all.add(MagnitudePruningModifier::type());
    all.add(MetricsModifier::type());
    all.add(NanGuardModifier::type());
    all.add(ProgressModifier::type());
    all.add(QuantizationModifier::type());
    all.add(SetLearningRateModifier::type());
    all.add(TimerModifier::type());
    return all;
  }();
  return registry;
}

}  // namespace takt
