// SPDX-License-Identifier: BSL-1.0
#include "failures.hpp"

#include <boost/test/unit_test.hpp>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using takt::EventType;
using takt::ModifierError;
using takt::detail::Failure;
using takt::detail::failure_line;
using takt::detail::Failures;
using takt::detail::text_of;

std::exception_ptr broken(const std::string& text) {
  return std::make_exception_ptr(std::out_of_range{text});
}

std::shared_ptr<const takt::Modifier> named(const std::string& name) {
  return std::make_shared<takt::Modifier>(name, takt::Cadence{}, takt::Interests{});
}

Failure failure(const std::string& modifier, const std::string& text) {
  return {named(modifier), takt::Hook::on_update, EventType::OPTIM_PRE_STEP, 42, broken(text)};
}

/// What is thrown, which has to be a `ModifierError`.
ModifierError thrown_by(const Failures& failures) {
  try {
    failures.throw_if_any();
  } catch (const ModifierError& error) {
    return error;
  }
  throw std::logic_error{"nothing was thrown"};
}

const std::string prune_line =
    "modifier 'prune' failed in on_update at optim_pre_step of step 42: ";

}  // namespace

BOOST_AUTO_TEST_SUITE(failures)

BOOST_AUTO_TEST_CASE(the_text_of_an_exception_is_what_it_says) {
  BOOST_TEST(text_of(broken("boom")) == "boom");
}

BOOST_AUTO_TEST_CASE(an_exception_of_any_other_type_is_said_to_be_one) {
  BOOST_TEST(text_of(std::make_exception_ptr(7)) == "an exception that is not a std::exception");
}

BOOST_AUTO_TEST_CASE(no_exception_has_a_text_as_well) {
  BOOST_TEST(text_of(nullptr) == "no exception");
}

BOOST_AUTO_TEST_CASE(a_line_says_who_failed_where_when_and_why) {
  BOOST_TEST(failure_line("prune", "on_end", EventType::BATCH_END, 7, broken("boom")) ==
             "modifier 'prune' failed in on_end at batch_end of step 7: boom");
  BOOST_TEST(failure("prune", "boom").line() == prune_line + "boom");
}

BOOST_AUTO_TEST_CASE(a_failure_as_an_error_has_all_of_it_and_nests_the_original) {
  const Failure failed = failure("prune", "boom");
  const ModifierError error = failed.as_error({"second"});
  BOOST_TEST(error.modifier() == "prune");
  BOOST_TEST(error.hook() == "on_update");
  BOOST_TEST(error.event() == EventType::OPTIM_PRE_STEP);
  BOOST_TEST(error.step() == 42);
  BOOST_TEST(error.further() == std::vector<std::string>{"second"});
  BOOST_TEST(error.what() == prune_line + "boom\n  also: second");
  BOOST_TEST((error.nested_ptr() == failed.error));
}

BOOST_AUTO_TEST_CASE(nothing_is_thrown_when_nothing_failed) {
  BOOST_CHECK_NO_THROW(Failures{}.throw_if_any());
}

BOOST_AUTO_TEST_CASE(a_single_failure_is_thrown_with_the_original_nested) {
  Failures failures;
  failures.add(failure("prune", "boom"));
  const ModifierError error = thrown_by(failures);
  BOOST_TEST(error.what() == prune_line + "boom");
  BOOST_TEST(error.further().empty());
  BOOST_CHECK_THROW(std::rethrow_if_nested(error), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(the_first_failure_is_thrown_and_lists_the_further_ones_in_their_order) {
  Failures failures;
  failures.add(failure("prune", "first"));
  failures.add(failure("clip", "second"));
  failures.add(
      {named("stop"), takt::Hook::on_end, EventType::BATCH_END, 43, std::make_exception_ptr(7)});
  const ModifierError error = thrown_by(failures);
  const std::vector<std::string> expected{
      "modifier 'clip' failed in on_update at optim_pre_step of step 42: second",
      "modifier 'stop' failed in on_end at batch_end of step 43: an exception that is not a "
      "std::exception"};
  BOOST_TEST(error.modifier() == "prune");
  BOOST_TEST(error.further() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_observer_s_exception_is_thrown_as_it_is) {
  Failures failures;
  const std::exception_ptr original = broken("boom");
  failures.add_observer(EventType::BATCH_END, original);
  try {
    failures.throw_if_any();
    BOOST_ERROR("nothing was thrown");
  } catch (const std::out_of_range&) {
    BOOST_TEST((std::current_exception() == original));
  }
}

BOOST_AUTO_TEST_CASE(of_several_observers_the_first_counts) {
  Failures failures;
  failures.add_observer(EventType::BATCH_END, broken("first"));
  failures.add_observer(EventType::FINALIZE, std::make_exception_ptr(7));
  BOOST_CHECK_EXCEPTION(failures.throw_if_any(), std::out_of_range,
                        [](const auto& error) { return error.what() == std::string{"first"}; });
  failures.add(failure("prune", "boom"));
  const std::vector<std::string> expected{"an observer of batch_end failed: first"};
  BOOST_TEST(thrown_by(failures).further() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_modifier_comes_before_an_observer_that_failed_earlier) {
  Failures failures;
  failures.add_observer(EventType::LOSS_CALCULATED, broken("third"));
  failures.add(failure("prune", "first"));
  failures.add(failure("clip", "second"));
  BOOST_TEST(
      thrown_by(failures).what() ==
      prune_line +
          "first\n"
          "  also: modifier 'clip' failed in on_update at optim_pre_step of step 42: second\n"
          "  also: an observer of loss_calculated failed: third");
}

BOOST_AUTO_TEST_CASE(the_same_is_thrown_each_time_it_is_asked) {
  Failures failures;
  failures.add(failure("prune", "first"));
  failures.add(failure("clip", "second"));
  const std::string once = thrown_by(failures).what();
  BOOST_TEST(thrown_by(failures).what() == once);
}

BOOST_AUTO_TEST_SUITE_END()
