// SPDX-License-Identifier: BSL-1.0
/// \file
/// Dense, pruned, quantized: where a recipe goes from one to the next.
#ifndef EXAMPLES_LIBTORCH_STAGES_HPP
#define EXAMPLES_LIBTORCH_STAGES_HPP

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <takt/takt.hpp>
#include <vector>

// What ends where the next one begins.
struct Stage {
  std::string name{};
  double start = 0.0;  // in epochs
  double end = 0.0;
  bool quantized = false;  // whether weights are, from its start
};

// The stages of a recipe: a modifier that prunes begins one where its window opens, and so does one
// that quantizes. Throws std::runtime_error when the recipe does not say where training ends.
inline std::vector<Stage> stages_of(const takt::Recipe& recipe) {
  const auto first = [&](const std::string& type) {
    double start = std::numeric_limits<double>::infinity();
    for (const takt::RecipeModifier& modifier : recipe.modifiers()) {
      if (modifier.type == type) start = std::min(start, modifier.cadence.start.value_or(0.0));
    }
    return start;
  };
  double end = 0.0;
  for (const takt::RecipeModifier& modifier : recipe.modifiers()) {
    if (modifier.type == "EpochRangeModifier")
      end = std::max(end, modifier.cadence.end.value_or(0.0));
  }
  if (end == 0.0) {
    throw std::runtime_error("the recipe never ends: an EpochRangeModifier says when");
  }
  std::vector<Stage> stages{{.name = "dense"},
                            {.name = "pruned", .start = first("MagnitudePruningModifier")},
                            {.name = "quantized", .start = first("QuantizationModifier")}};
  std::ranges::stable_sort(stages, {}, &Stage::start);
  std::erase_if(stages, [&](const Stage& stage) { return stage.start >= end; });
  for (std::size_t i = 0; i < stages.size(); ++i) {
    stages[i].end = i + 1 < stages.size() ? stages[i + 1].start : end;
    stages[i].quantized = stages[i].name == "quantized" || (i > 0 && stages[i - 1].quantized);
  }
  return stages;
}

// Calls `reached` at the end of each stage of a run but the last, which ends with the run: when the
// first batch of the next one begins, before the modifiers that are due there.
template <class Callable>
void at_stage_ends(takt::EventBus& bus, const std::vector<Stage>& stages, Callable reached) {
  const auto watch = [stages, reached, next = std::size_t{0}](const takt::Event& event,
                                                              const takt::State&) mutable {
    for (; next + 1 < stages.size() && event.current_index() >= stages[next].end; ++next) {
      reached(stages[next], event);
    }
  };
  bus.connect(takt::EventType::BATCH_START, watch, takt::At::before);
}

#endif
