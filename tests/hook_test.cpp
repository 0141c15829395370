// SPDX-License-Identifier: BSL-1.0
#include "takt/hook.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string_view>

BOOST_AUTO_TEST_SUITE(hook)

BOOST_AUTO_TEST_CASE(a_hook_is_called_as_its_function) {
  using takt::Hook;
  BOOST_TEST(to_string(Hook::on_initialize) == "on_initialize");
  BOOST_TEST(to_string(Hook::on_start) == "on_start");
  BOOST_TEST(to_string(Hook::on_event) == "on_event");
  BOOST_TEST(to_string(Hook::on_update) == "on_update");
  BOOST_TEST(to_string(Hook::on_end) == "on_end");
  BOOST_TEST(to_string(Hook::on_abort) == "on_abort");
  BOOST_TEST(to_string(Hook::on_finalize) == "on_finalize");
  std::ostringstream out;
  out << Hook::on_start;
  BOOST_TEST(out.str() == "on_start");
}

BOOST_AUTO_TEST_CASE(a_number_that_is_no_hook_is_invalid) {
  BOOST_TEST(to_string(static_cast<takt::Hook>(200)) == "invalid");
}

BOOST_AUTO_TEST_CASE(a_hook_is_found_by_its_name) {
  using takt::Hook;
  for (const Hook hook : {Hook::on_initialize, Hook::on_start, Hook::on_event, Hook::on_update,
                          Hook::on_end, Hook::on_abort, Hook::on_finalize}) {
    BOOST_TEST((takt::hook_from_string(to_string(hook)) == hook));
  }
}

BOOST_AUTO_TEST_CASE(any_other_text_is_no_hook) {
  for (const char* const name :
       {"", "invalid", "on_", "On_update", "ON_UPDATE", " on_update", "on_update ", "on_updates"}) {
    BOOST_TEST(!takt::hook_from_string(name).has_value(), name);
  }
  using namespace std::string_view_literals;
  BOOST_TEST(!takt::hook_from_string("on_update\0"sv).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
