// SPDX-License-Identifier: BSL-1.0
#include "takt/modifier.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "modifier_access.hpp"
#include "takt/error.hpp"

namespace {

using takt::Cadence;
using takt::EventSet;
using takt::EventType;
using takt::Modifier;
using takt::Phase;
using takt::detail::ModifierAccess;

static_assert(!std::is_copy_constructible_v<Modifier>);
static_assert(!std::is_copy_assignable_v<Modifier>);
static_assert(std::has_virtual_destructor_v<Modifier>);
static_assert(noexcept(std::declval<Modifier&>().on_abort(std::declval<takt::State&>(),
                                                          std::declval<const takt::Event&>())));

}  // namespace

BOOST_AUTO_TEST_SUITE(modifier)

BOOST_AUTO_TEST_CASE(a_modifier_gives_back_what_it_was_made_of) {
  const Cadence cadence{.start = 1.0, .end = 8.0, .update = 0.5};
  const takt::Interests interests{.due = EventType::BATCH_START,
                                  .every = EventType::OPTIM_PRE_STEP | EventType::BATCH_END};
  const Modifier modifier{"prune", cadence, interests};
  BOOST_TEST(modifier.name() == "prune");
  BOOST_TEST((modifier.cadence() == cadence));
  BOOST_TEST((modifier.interests().due == interests.due));
  BOOST_TEST((modifier.interests().every == interests.every));
}

BOOST_AUTO_TEST_CASE(interests_hold_no_event_unless_named) {
  const takt::Interests interests{.every = EventType::BATCH_END};
  BOOST_TEST(interests.due.empty());
  BOOST_TEST((takt::Interests{.due = EventType::BATCH_END}.every.empty()));
}

BOOST_AUTO_TEST_CASE(a_modifier_needs_a_name) {
  BOOST_CHECK_THROW((Modifier{"", {}, {}}), takt::InvalidModifier);
}

BOOST_AUTO_TEST_CASE(a_cadence_that_makes_no_sense_is_refused) {
  BOOST_CHECK_THROW((Modifier{"prune", {.update = std::nan("")}, {}}), takt::InvalidCadence);
  BOOST_CHECK_THROW((Modifier{"prune", {.update = -1.0}, {}}), takt::InvalidCadence);
  BOOST_CHECK_THROW((Modifier{"prune", {.start = 2.0, .end = 1.0}, {}}), takt::InvalidCadence);
}

BOOST_AUTO_TEST_CASE(a_modifier_starts_its_life_as_added) {
  const Modifier modifier{"prune", {}, {}};
  BOOST_TEST(modifier.phase() == Phase::added);
}

BOOST_AUTO_TEST_CASE(each_phase_has_its_name) {
  BOOST_TEST(takt::to_string(Phase::added) == "added");
  BOOST_TEST(takt::to_string(Phase::initialized) == "initialized");
  BOOST_TEST(takt::to_string(Phase::active) == "active");
  BOOST_TEST(takt::to_string(Phase::ended) == "ended");
  BOOST_TEST(takt::to_string(Phase::finalized) == "finalized");
  BOOST_TEST(takt::to_string(Phase::quarantined) == "quarantined");
}

BOOST_AUTO_TEST_CASE(a_phase_is_streamed_as_its_name) {
  std::ostringstream out;
  out << Phase::quarantined;
  BOOST_TEST(out.str() == "quarantined");
}

BOOST_AUTO_TEST_CASE(a_hook_that_is_not_overridden_does_nothing) {
  Modifier modifier{"idle", {}, {}};
  takt::State state;
  const takt::Event event{.type = EventType::BATCH_START};
  modifier.on_initialize(state, event);
  modifier.on_start(state, event);
  modifier.on_event(state, event);
  modifier.on_update(state, event);
  modifier.on_end(state, event);
  modifier.on_abort(state, event);
  modifier.on_finalize(state, event);
  BOOST_TEST(modifier.phase() == Phase::added);
  BOOST_TEST(!state.loss.has_value());
  BOOST_TEST(!state.control.stop_requested());
}

BOOST_AUTO_TEST_CASE(the_bus_moves_a_modifier_through_its_phases) {
  Modifier modifier{"prune", {}, {}};
  ModifierAccess::set_phase(modifier, Phase::active);
  BOOST_TEST(modifier.phase() == Phase::active);
}

BOOST_AUTO_TEST_CASE(a_modifier_is_on_one_bus_at_a_time) {
  Modifier modifier{"prune", {}, {}};
  BOOST_TEST(ModifierAccess::attach(modifier));
  BOOST_TEST(!ModifierAccess::attach(modifier));
  ModifierAccess::detach(modifier);
  BOOST_TEST(ModifierAccess::attach(modifier));
}

BOOST_AUTO_TEST_CASE(a_modifier_that_was_removed_is_marked_as_leaving) {
  Modifier modifier{"prune", {}, {}};
  BOOST_TEST(!ModifierAccess::leaving(modifier));
  ModifierAccess::set_leaving(modifier, true);
  BOOST_TEST(ModifierAccess::leaving(modifier));
  ModifierAccess::set_leaving(modifier, false);
  BOOST_TEST(!ModifierAccess::leaving(modifier));
}

BOOST_AUTO_TEST_SUITE_END()
