// SPDX-License-Identifier: BSL-1.0
#include "saved_bus.hpp"

#include <algorithm>
#include <boost/interprocess/streams/bufferstream.hpp>
#include <sstream>
#include <utility>

#include "count_text.hpp"
#include "number_text.hpp"
#include "saved_state.hpp"
#include "shown_text.hpp"
#include "takt/error.hpp"

namespace takt::detail {
namespace {

constexpr std::string_view word = "takt::EventBus";

template <class Enumeration>
Enumeration enumeration_of(std::uint8_t value, Enumeration last, const char* what) {
  if (value <= static_cast<std::uint8_t>(last)) return static_cast<Enumeration>(value);
  throw CheckpointError(std::string{what} + " is " + std::to_string(value) + "; there is no such");
}

EventSet set_of(std::uint16_t bits) {
  EventSet types;
  for (const EventType type : EventSet::all()) {
    if ((bits >> static_cast<unsigned>(type) & 1U) != 0) types |= type;
  }
  if (types.bits() == bits) return types;
  throw CheckpointError("a set of events has one that there is not");
}

void write(StateWriter& out, const SavedModifier& modifier) {
  const BuiltModifier& built = modifier.built;
  out(built.name, std::int32_t{built.group}, built.cadence.start, built.cadence.end,
      built.cadence.update, built.interests.due.bits(), built.interests.every.bits(),
      static_cast<std::uint8_t>(modifier.phase), modifier.state);
}

SavedModifier read_modifier(StateReader& in) {
  SavedModifier modifier;
  BuiltModifier& built = modifier.built;
  std::int32_t group = 0;
  std::uint16_t due = 0;
  std::uint16_t every = 0;
  std::uint8_t phase = 0;
  in(built.name, group, built.cadence.start, built.cadence.end, built.cadence.update, due, every,
     phase, modifier.state);
  built.group = group;
  built.interests = {.due = set_of(due), .every = set_of(every)};
  modifier.phase = enumeration_of(phase, Phase::quarantined, "a phase");
  if (modifier.phase == Phase::added || modifier.phase == Phase::finalized) {
    throw CheckpointError("modifier '" + shown_text(built.name) + "' is " +
                          to_string(modifier.phase) + "; on a bus that runs, none is");
  }
  return modifier;
}

std::string text_of(const std::optional<double>& index) {
  return index ? detail::text_of(*index) : "unset";
}

std::string text_of(const Cadence& cadence) {
  return "start " + text_of(cadence.start) + ", end " + text_of(cadence.end) + ", update " +
         text_of(cadence.update);
}

std::string text_of(EventSet types) {
  std::string text;
  for (const EventType type : types) {
    if (!text.empty()) text += ' ';
    text += to_string(type);
  }
  return text.empty() ? "none" : text;
}

std::string text_of(const Interests& interests) {
  return "due " + text_of(interests.due) + ", every " + text_of(interests.every);
}

std::string text_of(const std::optional<std::int64_t>& count) {
  return count ? std::to_string(*count) : "unset";
}

[[noreturn]] void refuse(const std::string& what, const std::string& saved,
                         const std::string& here) {
  throw CheckpointError(what + " is " + saved + " in the checkpoint and " + here +
                        " on the bus; build it as it was, or begin a run at the checkpoint's "
                        "counters without it");
}

void require_same(const char* what, const std::optional<std::int64_t>& saved,
                  const std::optional<std::int64_t>& here) {
  if (saved != here) refuse(what, text_of(saved), text_of(here));
}

const std::string& name_of(const SavedModifier& modifier) { return modifier.built.name; }
const std::string& name_of(const BuiltModifier& modifier) { return modifier.name; }

/// The names of those that the others lack, each in quotes; empty when there are none.
template <class These, class Others>
std::string lacking(const These& these, const Others& others) {
  std::string names;
  for (const auto& one : these) {
    const bool found = std::ranges::any_of(
        others, [&](const auto& other) { return name_of(other) == name_of(one); });
    if (found) continue;
    names += names.empty() ? "'" : ", '";
    names += shown_text(name_of(one)) + "'";
  }
  return names;
}

void require_same(const SavedModifier& saved, const BuiltModifier& here) {
  const std::string whose = "of modifier '" + shown_text(here.name) + "'";
  if (saved.built.name != here.name) {
    throw CheckpointError("modifier '" + shown_text(saved.built.name) +
                          "' comes where the bus has '" + shown_text(here.name) +
                          "'; add them in the same order");
  }
  if (saved.built.group != here.group) {
    refuse("the group " + whose, std::to_string(saved.built.group), std::to_string(here.group));
  }
  if (saved.built.cadence != here.cadence) {
    refuse("the cadence " + whose, text_of(saved.built.cadence), text_of(here.cadence));
  }
  if (saved.built.interests.due != here.interests.due ||
      saved.built.interests.every != here.interests.every) {
    refuse("the set of events " + whose, text_of(saved.built.interests), text_of(here.interests));
  }
}

}  // namespace

std::string bytes_of(const SavedBus& bus) {
  std::ostringstream out;
  StateWriter write_to{out, word};
  write_to(bus.sizes.steps_per_epoch, bus.sizes.batches_per_step, bus.sizes.invocations_per_step,
           static_cast<std::uint8_t>(bus.order));
  const Lifecycle::Standing& standing = bus.standing;
  write_to(static_cast<std::uint8_t>(standing.position), standing.calibrating, standing.step_taken,
           standing.invocations, standing.invocations_at_batch_start, standing.global_step,
           standing.global_batch);
  write_to(bus.unnamed, bus.loss, bus.metrics, bus.layers, bus.stop_reason, bus.save_requested,
           bus.evaluate_requested, bus.learning_rate, bus.entries);
  write_to(static_cast<std::uint64_t>(bus.modifiers.size()));
  for (const SavedModifier& modifier : bus.modifiers) write(write_to, modifier);
  write_to(bus.loop);
  return std::move(out).str();
}

SavedBus saved_bus_from(std::string_view bytes) {
  boost::interprocess::ibufferstream in{bytes.data(), bytes.size()};
  StateReader read{in, word};
  SavedBus bus;
  std::uint8_t order = 0;
  read(bus.sizes.steps_per_epoch, bus.sizes.batches_per_step, bus.sizes.invocations_per_step,
       order);
  bus.order = enumeration_of(order, OrderPolicy::several_steps, "an order policy");
  Lifecycle::Standing& standing = bus.standing;
  std::uint8_t position = 0;
  read(position, standing.calibrating, standing.step_taken, standing.invocations,
       standing.invocations_at_batch_start, standing.global_step, standing.global_batch);
  standing.position = enumeration_of(position, Lifecycle::Position::finalized, "a position");
  read(bus.unnamed, bus.loss, bus.metrics, bus.layers, bus.stop_reason, bus.save_requested,
       bus.evaluate_requested, bus.learning_rate, bus.entries);
  if (bus.entries.value_or(1) < 1) {
    throw CheckpointError("its trace has " + std::to_string(*bus.entries) +
                          " entries; INITIALIZE is the first");
  }
  std::uint64_t count = 0;
  read(count);
  for (; count > 0; --count) bus.modifiers.push_back(read_modifier(read));
  read(bus.loop);
  if (in.peek() == std::istream::traits_type::eof()) return bus;
  throw CheckpointError("it goes on behind its end");
}

void require_same_clock(const SavedBus& saved, const BuiltBus& bus) {
  require_same("steps_per_epoch", saved.sizes.steps_per_epoch, bus.sizes.steps_per_epoch);
  require_same("batches_per_step", saved.sizes.batches_per_step, bus.sizes.batches_per_step);
  require_same("invocations_per_step", saved.sizes.invocations_per_step,
               bus.sizes.invocations_per_step);
  if (saved.order != bus.order) {
    const auto text = [](OrderPolicy order) {
      return std::string{order == OrderPolicy::one_step ? "one_step" : "several_steps"};
    };
    refuse("the order policy", text(saved.order), text(bus.order));
  }
}

void require_same_modifiers(const SavedBus& saved, const BuiltBus& bus) {
  const std::string missing = lacking(saved.modifiers, bus.modifiers);
  if (!missing.empty()) {
    throw CheckpointError("it has the state of " + missing +
                          ", which the bus lacks; add the same modifiers as before");
  }
  const std::string unknown = lacking(bus.modifiers, saved.modifiers);
  if (!unknown.empty()) {
    throw CheckpointError("the bus has " + unknown +
                          ", of which it has no state; add the same modifiers as before");
  }
  if (saved.modifiers.size() != bus.modifiers.size()) {
    throw CheckpointError("it has a modifier twice");
  }
  for (std::size_t i = 0; i < bus.modifiers.size(); ++i) {
    require_same(saved.modifiers[i], bus.modifiers[i]);
  }
}

}  // namespace takt::detail
