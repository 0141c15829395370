// SPDX-License-Identifier: BSL-1.0
/// \file
/// A bus as a checkpoint has it.
#ifndef TAKT_LIB_SAVED_BUS_HPP
#define TAKT_LIB_SAVED_BUS_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lifecycle.hpp"
#include "takt/bus_options.hpp"
#include "takt/cadence.hpp"
#include "takt/event.hpp"
#include "takt/modifier.hpp"

namespace takt::detail {

/// What the program that builds a bus decides of a modifier.
struct BuiltModifier {
  std::string name{};
  int group = 0;
  Cadence cadence{};
  Interests interests{};
};

struct SavedModifier {
  BuiltModifier built{};
  Phase phase = Phase::added;
  std::string state{};  ///< what its `save` wrote; empty when it is quarantined
};

/// What the program that builds a bus decides, and has to decide again where it is resumed.
struct BuiltBus {
  Event sizes{};  ///< steps per epoch, batches per step, invocations per step
  OrderPolicy order = OrderPolicy::one_step;
  std::vector<BuiltModifier> modifiers{};  ///< in the order in which they run
};

struct SavedBus {
  Event sizes{};
  OrderPolicy order = OrderPolicy::one_step;
  Lifecycle::Standing standing{};
  std::uint64_t unnamed = 0;  ///< callables that were given no name
  std::optional<double> loss{};
  std::map<std::string, double> metrics{};
  std::vector<std::string> layers{};
  std::optional<std::string> stop_reason{};  ///< when the loop was asked to stop
  bool save_requested = false;
  bool evaluate_requested = false;
  std::optional<double> learning_rate{};  ///< of the state's optimizer
  std::optional<std::int64_t> entries{};  ///< of the trace, when there is a recorder
  std::vector<SavedModifier> modifiers{};
  std::optional<std::string> loop{};  ///< what the loop wrote
};

[[nodiscard]] std::string bytes_of(const SavedBus& bus);
/// Throws `CheckpointError` for bytes that are not those of a bus.
[[nodiscard]] SavedBus saved_bus_from(std::string_view bytes);

/// Throw `CheckpointError`, which says how they differ, unless the saved bus was built as this one.
void require_same_clock(const SavedBus& saved, const BuiltBus& bus);
void require_same_modifiers(const SavedBus& saved, const BuiltBus& bus);

}  // namespace takt::detail

#endif
