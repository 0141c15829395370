// SPDX-License-Identifier: BSL-1.0
#include "takt/error.hpp"

#include <boost/test/unit_test.hpp>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "takt/event_type.hpp"

namespace {

using takt::EventType;
using takt::ModifierError;

template <class Error, class Base>
constexpr bool is_a = std::is_convertible_v<Error*, Base*>;

static_assert(is_a<takt::InvalidEvent, std::invalid_argument>);
static_assert(is_a<takt::InvalidCadence, std::invalid_argument>);
static_assert(is_a<takt::InvalidModifier, std::invalid_argument>);
static_assert(is_a<takt::TargetError, std::invalid_argument>);
static_assert(is_a<takt::LifecycleError, std::logic_error>);
static_assert(is_a<takt::MissingState, std::logic_error>);
static_assert(is_a<takt::ModifierError, std::runtime_error>);
static_assert(is_a<takt::ModifierError, std::nested_exception>);
static_assert(is_a<takt::RecipeError, std::runtime_error>);
static_assert(is_a<takt::PluginError, std::runtime_error>);
static_assert(is_a<takt::TraceError, std::runtime_error>);
static_assert(is_a<takt::CheckpointError, std::runtime_error>);

static_assert(!is_a<takt::LifecycleError, std::invalid_argument>,
              "a call out of order is not a bad argument");

/// What a hook's exception becomes.
template <class Original>
ModifierError wrapped(Original original, std::vector<std::string> further = {}) {
  try {
    throw original;
  } catch (...) {
    return {"prune", "on_update", EventType::OPTIM_PRE_STEP, 42, std::move(further)};
  }
}

bool contains(const std::exception& error, const std::string& part) {
  return std::string{error.what()}.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(an_error_carries_its_message) {
  BOOST_TEST(takt::InvalidEvent("one").what() == std::string{"one"});
  BOOST_TEST(takt::InvalidCadence("two").what() == std::string{"two"});
  BOOST_TEST(takt::InvalidModifier("three").what() == std::string{"three"});
  BOOST_TEST(takt::TargetError("four").what() == std::string{"four"});
  BOOST_TEST(takt::LifecycleError("five").what() == std::string{"five"});
  BOOST_TEST(takt::MissingState("six").what() == std::string{"six"});
  BOOST_TEST(takt::RecipeError("seven").what() == std::string{"seven"});
  BOOST_TEST(takt::PluginError("eight").what() == std::string{"eight"});
  BOOST_TEST(takt::TraceError("nine").what() == std::string{"nine"});
  BOOST_TEST(takt::CheckpointError("ten").what() == std::string{"ten"});
}

BOOST_AUTO_TEST_CASE(a_modifier_error_knows_who_failed_where_and_when) {
  const ModifierError error = wrapped(std::runtime_error("boom"));
  BOOST_TEST(error.modifier() == "prune");
  BOOST_TEST(error.hook() == "on_update");
  BOOST_TEST(error.event() == EventType::OPTIM_PRE_STEP);
  BOOST_TEST(error.step() == 42);
  BOOST_TEST(error.further().empty());
}

BOOST_AUTO_TEST_CASE(the_message_of_a_modifier_error_says_all_of_it) {
  const ModifierError error = wrapped(std::runtime_error("boom"));
  for (const char* part : {"prune", "on_update", "optim_pre_step", "42", "boom"}) {
    BOOST_TEST(contains(error, part), "the message lacks " << part);
  }
}

BOOST_AUTO_TEST_CASE(the_message_of_a_single_failure_is_one_line) {
  BOOST_TEST(!contains(wrapped(std::runtime_error("boom")), "\n"));
}

BOOST_AUTO_TEST_CASE(further_failures_are_listed_line_by_line_in_their_order) {
  const ModifierError error = wrapped(std::runtime_error("boom"), {"second", "third"});
  const std::vector<std::string> expected{"second", "third"};
  BOOST_TEST(error.further() == expected, boost::test_tools::per_element());
  std::istringstream message{error.what()};
  std::vector<std::string> lines;
  for (std::string line; std::getline(message, line);) lines.push_back(line);
  BOOST_TEST_REQUIRE(lines.size() == 3U);
  BOOST_TEST(lines[0].find("boom") != std::string::npos);
  BOOST_TEST(lines[1].find("second") != std::string::npos);
  BOOST_TEST(lines[2].find("third") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_original_exception_is_nested) {
  const ModifierError error = wrapped(std::out_of_range("boom"));
  BOOST_CHECK_EXCEPTION(std::rethrow_if_nested(error), std::out_of_range,
                        [](const std::out_of_range& nested) { return contains(nested, "boom"); });
}

BOOST_AUTO_TEST_CASE(a_copy_nests_the_same_exception) {
  const ModifierError error = wrapped(std::out_of_range("boom"), {"second"});
  const ModifierError copy = error;
  BOOST_TEST((copy.nested_ptr() == error.nested_ptr()));
  BOOST_TEST(copy.what() == std::string{error.what()});
  BOOST_TEST(copy.further().size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_exception_of_any_other_type_is_nested_too) {
  const ModifierError error = wrapped(7);
  BOOST_TEST(contains(error, "not a std::exception"));
  BOOST_CHECK_EXCEPTION(std::rethrow_if_nested(error), int, [](int value) { return value == 7; });
}

BOOST_AUTO_TEST_CASE(a_modifier_error_can_be_made_when_nothing_was_thrown) {
  const ModifierError error{"prune", "on_end", EventType::BATCH_END, 3};
  BOOST_TEST(contains(error, "no exception"));
  BOOST_TEST((error.nested_ptr() == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
