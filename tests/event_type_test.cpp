// SPDX-License-Identifier: BSL-1.0
#include "takt/event_type.hpp"

#include <boost/test/unit_test.hpp>
#include <ranges>
#include <sstream>
#include <string>
#include <vector>

#include "takt/error.hpp"

namespace {

using takt::EventSet;
using takt::EventType;

const std::vector<std::string> names{"initialize",
                                     "finalize",
                                     "batch_start",
                                     "loss_calculated",
                                     "batch_end",
                                     "calibration_epoch_start",
                                     "sequential_epoch_end",
                                     "calibration_epoch_end",
                                     "optim_pre_step",
                                     "optim_post_step"};

std::vector<EventType> listed(EventSet set) { return {set.begin(), set.end()}; }

static_assert(sizeof(EventType) == 1);
static_assert(sizeof(EventSet) == 2);
static_assert(std::ranges::input_range<EventSet>);
static_assert(EventSet::all().contains(EventType::OPTIM_POST_STEP), "sets work in constants");

}  // namespace

BOOST_AUTO_TEST_SUITE(event_type)

BOOST_AUTO_TEST_CASE(each_type_has_its_lower_case_name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    BOOST_TEST(takt::to_string(static_cast<EventType>(i)) == names[i]);
  }
  BOOST_TEST(takt::event_type_count == names.size());
}

BOOST_AUTO_TEST_CASE(the_enumerators_are_numbered_as_their_names_are_listed) {
  using enum EventType;
  const std::vector<EventType> in_order{INITIALIZE,
                                        FINALIZE,
                                        BATCH_START,
                                        LOSS_CALCULATED,
                                        BATCH_END,
                                        CALIBRATION_EPOCH_START,
                                        SEQUENTIAL_EPOCH_END,
                                        CALIBRATION_EPOCH_END,
                                        OPTIM_PRE_STEP,
                                        OPTIM_POST_STEP};
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    BOOST_TEST(static_cast<std::size_t>(in_order[i]) == i);
  }
}

BOOST_AUTO_TEST_CASE(every_type_is_found_by_its_name_in_lower_case) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    BOOST_TEST(takt::event_type_from_string(names[i]) == static_cast<EventType>(i));
  }
}

BOOST_AUTO_TEST_CASE(a_type_is_found_by_its_name_in_upper_case) {
  BOOST_TEST(takt::event_type_from_string("BATCH_START") == EventType::BATCH_START);
  BOOST_TEST(takt::event_type_from_string("OPTIM_POST_STEP") == EventType::OPTIM_POST_STEP);
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_refused_with_the_ten_known_ones) {
  BOOST_CHECK_EXCEPTION((void)takt::event_type_from_string("batch_stop"), takt::InvalidEvent,
                        [](const takt::InvalidEvent& error) {
                          const std::string message = error.what();
                          for (const std::string& name : names) {
                            if (message.find(name) == std::string::npos) return false;
                          }
                          return message.find("'batch_stop'") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_CASE(a_part_of_a_name_or_a_padded_name_is_refused) {
  for (const char* name : {"", "batch", "batch_start ", " batch_start", "batch start"}) {
    BOOST_CHECK_THROW((void)takt::event_type_from_string(name), takt::InvalidEvent);
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_is_no_event_type_has_no_name) {
  BOOST_CHECK_THROW((void)takt::to_string(static_cast<EventType>(10)), takt::InvalidEvent);
  BOOST_CHECK_THROW((void)takt::to_string(static_cast<EventType>(255)), takt::InvalidEvent);
}

BOOST_AUTO_TEST_CASE(a_type_is_streamed_as_its_name) {
  std::ostringstream out;
  out << EventType::LOSS_CALCULATED;
  BOOST_TEST(out.str() == "loss_calculated");
}

BOOST_AUTO_TEST_CASE(a_set_contains_what_it_was_made_of_and_nothing_else) {
  const EventSet set{EventType::BATCH_START, EventType::OPTIM_POST_STEP};
  for (const EventType type : EventSet::all()) {
    const bool expected = type == EventType::BATCH_START || type == EventType::OPTIM_POST_STEP;
    BOOST_TEST(set.contains(type) == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_set_without_types_is_empty) {
  BOOST_TEST(EventSet{}.empty());
  BOOST_TEST(EventSet{}.size() == 0U);
  BOOST_TEST((EventSet{}.begin() == EventSet{}.end()));
  BOOST_TEST(!EventSet{EventType::INITIALIZE}.empty());
}

BOOST_AUTO_TEST_CASE(a_type_named_twice_counts_once) {
  BOOST_TEST((EventSet{EventType::FINALIZE, EventType::FINALIZE}.size()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_set_is_visited_in_the_order_of_the_enumeration) {
  const EventSet set{EventType::OPTIM_POST_STEP, EventType::INITIALIZE, EventType::BATCH_END};
  const std::vector<EventType> expected{EventType::INITIALIZE, EventType::BATCH_END,
                                        EventType::OPTIM_POST_STEP};
  BOOST_TEST(listed(set) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_set_of_all_visits_the_ten_types) {
  const std::vector<EventType> all = listed(EventSet::all());
  BOOST_TEST_REQUIRE(all.size() == 10U);
  for (std::size_t i = 0; i < all.size(); ++i) BOOST_TEST(all[i] == static_cast<EventType>(i));
  BOOST_TEST(EventSet::all().size() == 10U);
}

BOOST_AUTO_TEST_CASE(an_iterator_can_be_advanced_by_its_postfix_form) {
  const EventSet set{EventType::FINALIZE, EventType::BATCH_END};
  EventSet::Iterator at = set.begin();
  BOOST_TEST(*at++ == EventType::FINALIZE);
  BOOST_TEST(*at++ == EventType::BATCH_END);
  BOOST_TEST((at == set.end()));
}

BOOST_AUTO_TEST_CASE(the_union_of_sets_holds_the_types_of_both) {
  EventSet set = EventSet{EventType::BATCH_START} | EventSet{EventType::BATCH_END};
  BOOST_TEST((set == EventSet{EventType::BATCH_START, EventType::BATCH_END}));
  set |= EventType::FINALIZE;
  BOOST_TEST((set == EventSet{EventType::BATCH_START, EventType::BATCH_END, EventType::FINALIZE}));
}

BOOST_AUTO_TEST_CASE(the_union_of_two_types_is_a_set) {
  const EventSet set = EventType::BATCH_START | EventType::BATCH_END;
  BOOST_TEST((set == EventSet{EventType::BATCH_START, EventType::BATCH_END}));
}

BOOST_AUTO_TEST_CASE(a_single_type_stands_where_a_set_is_expected) {
  const auto size_of = [](EventSet set) { return set.size(); };
  BOOST_TEST(size_of(EventType::LOSS_CALCULATED) == 1U);
}

BOOST_AUTO_TEST_CASE(sets_are_equal_when_they_hold_the_same_types) {
  const EventSet forwards{EventType::FINALIZE, EventType::BATCH_END};
  const EventSet backwards{EventType::BATCH_END, EventType::FINALIZE};
  BOOST_TEST((forwards == backwards));
  BOOST_TEST((forwards != EventSet{EventType::BATCH_END}));
}

BOOST_AUTO_TEST_SUITE_END()
