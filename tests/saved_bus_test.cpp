// SPDX-License-Identifier: BSL-1.0
#include "saved_bus.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "error_text.hpp"
#include "takt/error.hpp"

namespace {

using takt::CheckpointError;
using takt::EventType;
using takt::Phase;
using takt::detail::BuiltBus;
using takt::detail::saved_bus_from;
using takt::detail::SavedBus;
using takt::test::has;
using takt::test::message_of;
using Position = takt::detail::Lifecycle::Position;

SavedBus full() {
  return {.sizes = {.steps_per_epoch = 4, .batches_per_step = 2, .invocations_per_step = 3},
          .order = takt::OrderPolicy::several_steps,
          .standing = {.position = Position::step_open,
                       .calibrating = true,
                       .step_taken = true,
                       .invocations = 2,
                       .invocations_at_batch_start = 1,
                       .global_step = 5,
                       .global_batch = 6},
          .unnamed = 7,
          .loss = 0.5,
          .metrics = {{"a", 1}, {"b", -2}},
          .layers = {"fc", ""},
          .stop_reason = "late",
          .save_requested = true,
          .evaluate_requested = true,
          .learning_rate = 0.25,
          .entries = 8,
          .modifiers = {{.built = {.name = "one",
                                   .group = -3,
                                   .cadence = {.start = 1, .end = 2, .update = 0.5},
                                   .interests = {.due = EventType::BATCH_END,
                                                 .every = takt::EventSet::all()}},
                         .phase = Phase::active,
                         .state = std::string{"a\0b", 3}},
                        {.built = {.name = "two"}, .phase = Phase::quarantined}},
          .loop = "weights"};
}

BuiltBus built_as(const SavedBus& saved) {
  BuiltBus bus{.sizes = saved.sizes, .order = saved.order};
  for (const auto& modifier : saved.modifiers) bus.modifiers.push_back(modifier.built);
  return bus;
}

std::string error_of(const std::string& bytes) {
  return message_of<CheckpointError>([&] { (void)saved_bus_from(bytes); });
}

template <class Change>
std::string error_with(const Change& change) {
  SavedBus bus = full();
  change(bus);
  return error_of(bytes_of(bus));
}

/// With some bytes of it replaced by as many others.
std::string replaced(const std::string& from, const std::string& to) {
  std::string bytes = bytes_of(full());
  const std::size_t place = bytes.find(from);
  BOOST_TEST_REQUIRE(place != std::string::npos);
  return bytes.replace(place, from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(saved_bus)

BOOST_AUTO_TEST_CASE(what_is_saved_is_read_again) {
  const SavedBus bus = full();
  const std::string bytes = bytes_of(bus);
  const SavedBus read = saved_bus_from(bytes);
  BOOST_TEST((bytes_of(read) == bytes));
  require_same_clock(read, built_as(bus));
  require_same_modifiers(read, built_as(bus));
  BOOST_TEST((read.standing.position == Position::step_open));
  BOOST_TEST(read.standing.calibrating);
  BOOST_TEST(read.standing.step_taken);
  BOOST_TEST(read.standing.invocations == 2);
  BOOST_TEST(read.standing.invocations_at_batch_start == 1);
  BOOST_TEST(read.standing.global_step == 5);
  BOOST_TEST(read.standing.global_batch == 6);
  BOOST_TEST(read.unnamed == 7U);
  BOOST_TEST(read.loss.value() == 0.5);
  BOOST_TEST((read.metrics == bus.metrics));
  BOOST_TEST((read.layers == bus.layers));
  BOOST_TEST(read.stop_reason.value() == "late");
  BOOST_TEST(read.save_requested);
  BOOST_TEST(read.evaluate_requested);
  BOOST_TEST(read.learning_rate.value() == 0.25);
  BOOST_TEST(read.entries.value() == 8);
  BOOST_TEST(read.modifiers[0].state == bus.modifiers[0].state);
  BOOST_TEST(read.modifiers[0].phase == Phase::active);
  BOOST_TEST(read.modifiers[1].phase == Phase::quarantined);
  BOOST_TEST(read.loop.value() == "weights");
}

BOOST_AUTO_TEST_CASE(an_empty_bus_is_read_again) {
  SavedBus bus;
  const SavedBus read = saved_bus_from(bytes_of(bus));
  BOOST_TEST((bytes_of(read) == bytes_of(bus)));
  BOOST_TEST(!read.loop.has_value());
  BOOST_TEST(!read.loss.has_value());
}

BOOST_AUTO_TEST_CASE(wherever_the_bytes_end_they_are_refused_and_so_is_more) {
  const std::string bytes = bytes_of(full());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    BOOST_TEST(error_of(bytes.substr(0, length)) == "it ends in the middle of a value", length);
  }
  BOOST_TEST(error_of(bytes + "x") == "it goes on behind its end");
}

BOOST_AUTO_TEST_CASE(whatever_a_byte_is_changed_to_it_is_refused_or_read) {
  const std::string bytes = bytes_of(full());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string other = bytes;
    for (int change = 1; change < 256; ++change) {
      other[i] = static_cast<char>(bytes[i] ^ change);
      try {
        const SavedBus read = saved_bus_from(other);
        require_same_modifiers(read, built_as(read));
      } catch (const CheckpointError&) {
        ++refused;
      }
    }
  }
  BOOST_TEST(refused > bytes.size());
}

BOOST_AUTO_TEST_CASE(what_is_no_bus_is_refused) {
  BOOST_TEST(error_of(replaced("takt::EventBus", "takt::EventBox")) ==
             "it is the state of \"takt::EventBox\"; that of \"takt::EventBus\" is wanted");
}

BOOST_AUTO_TEST_CASE(sizes_of_2_to_the_60_take_no_memory) {
  const std::string huge{"\0\0\0\0\0\0\0\x10", 8};
  for (const char* const name : {"weights", "one", "fc", "late"}) {
    std::string size(8, '\0');
    size[0] = static_cast<char>(std::string{name}.size());
    BOOST_TEST(error_of(replaced(size + name, huge + name)) == "it ends in the middle of a value");
  }
  const std::string two_metrics{"\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0a", 17};
  BOOST_TEST(error_of(replaced(two_metrics, huge + two_metrics.substr(8))) != "nothing was thrown");
  const std::string two_modifiers{"\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0one", 19};
  BOOST_TEST(error_of(replaced(two_modifiers, huge + two_modifiers.substr(8))) !=
             "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(enumerations_out_of_range_are_refused) {
  BOOST_TEST(error_with([](SavedBus& bus) { bus.order = static_cast<takt::OrderPolicy>(2); }) ==
             "an order policy is 2; there is no such");
  BOOST_TEST(error_with([](SavedBus& bus) { bus.standing.position = static_cast<Position>(7); }) ==
             "a position is 7; there is no such");
  BOOST_TEST(error_with([](SavedBus& bus) { bus.modifiers[0].phase = static_cast<Phase>(6); }) ==
             "a phase is 6; there is no such");
}

BOOST_AUTO_TEST_CASE(phases_that_no_modifier_of_a_running_bus_has_are_refused) {
  for (const Phase phase : {Phase::added, Phase::finalized}) {
    BOOST_TEST(error_with([&](SavedBus& bus) { bus.modifiers[0].phase = phase; }) ==
               "modifier 'one' is " + to_string(phase) + "; on a bus that runs, none is");
  }
}

BOOST_AUTO_TEST_CASE(sets_with_events_that_there_are_not_are_refused) {
  const std::string all{"\xff\x03", 2};  // ten events
  BOOST_TEST(error_of(replaced(all, {"\xff\x07", 2})) ==
             "a set of events has one that there is not");
  BOOST_TEST(error_of(replaced(all, {"\xff\xff", 2})) ==
             "a set of events has one that there is not");
}

BOOST_AUTO_TEST_CASE(a_trace_has_one_entry_or_more) {
  BOOST_TEST(error_with([](SavedBus& bus) { bus.entries = 0; }) ==
             "its trace has 0 entries; INITIALIZE is the first");
  BOOST_TEST(error_with([](SavedBus& bus) { bus.entries = INT64_MIN; }) ==
             "its trace has -9223372036854775808 entries; INITIALIZE is the first");
}

BOOST_AUTO_TEST_CASE(a_modifier_that_is_there_twice_is_refused) {
  SavedBus bus = full();
  const BuiltBus built = built_as(bus);
  bus.modifiers.push_back(bus.modifiers[1]);
  BOOST_TEST(message_of<CheckpointError>([&] { require_same_modifiers(bus, built); }) ==
             "it has a modifier twice");
}

BOOST_AUTO_TEST_CASE(a_cadence_that_is_no_number_equals_none) {
  SavedBus bus = full();
  const BuiltBus built = built_as(bus);
  bus.modifiers[0].built.cadence.update = std::nan("");
  const std::string message =
      message_of<CheckpointError>([&] { require_same_modifiers(bus, built); });
  BOOST_TEST(has(message, "the cadence of modifier 'one' is start 1, end 2, update"), message);
}

BOOST_AUTO_TEST_SUITE_END()
