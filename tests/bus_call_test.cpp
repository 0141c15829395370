// SPDX-License-Identifier: BSL-1.0
#include "takt/bus_call.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <sstream>
#include <string>

#include "takt/error.hpp"

namespace {

using takt::BusCall;
using takt::EventType;

BusCall call_at(std::size_t value) { return static_cast<BusCall>(value); }

}  // namespace

BOOST_AUTO_TEST_SUITE(bus_call)

BOOST_AUTO_TEST_CASE(every_event_has_its_call_and_the_name_of_that) {
  for (const EventType type : takt::EventSet::all()) {
    const BusCall call = takt::call_for(type);
    BOOST_TEST((takt::event_of(call) == type));
    BOOST_TEST(to_string(call) == to_string(type));
  }
  static_assert(takt::call_for(EventType::OPTIM_POST_STEP) == BusCall::optim_post_step);
  static_assert(takt::event_of(BusCall::finalize) == EventType::FINALIZE);
}

BOOST_AUTO_TEST_CASE(the_two_aborts_emit_no_event) {
  static_assert(!takt::event_of(BusCall::abort_batch));
  static_assert(!takt::event_of(BusCall::abort_calibration_epoch));
  BOOST_TEST(to_string(BusCall::abort_batch) == "abort_batch");
  BOOST_TEST(to_string(BusCall::abort_calibration_epoch) == "abort_calibration_epoch");
}

BOOST_AUTO_TEST_CASE(the_twelve_have_names_of_their_own) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < takt::bus_call_count; ++i) names.insert(to_string(call_at(i)));
  BOOST_TEST(names.size() == takt::bus_call_count);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_none_of_the_twelve_is_refused) {
  for (const std::size_t value : {takt::bus_call_count, std::size_t{255}}) {
    BOOST_CHECK_EXCEPTION((void)to_string(call_at(value)), takt::InvalidEvent, [&](const auto& e) {
      const std::string what = e.what();
      return what.find(std::to_string(value)) != std::string::npos &&
             what.ends_with("they are numbered 0 to 11");
    });
    BOOST_TEST(!takt::event_of(call_at(value)).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_call_is_printed_as_its_name) {
  std::ostringstream out;
  out << BusCall::batch_start << ' ' << BusCall::abort_batch;
  BOOST_TEST(out.str() == "batch_start abort_batch");
}

BOOST_AUTO_TEST_SUITE_END()
