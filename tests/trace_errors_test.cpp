// SPDX-License-Identifier: BSL-1.0
// Lines that no trace has: what is said of them.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>

#include "takt/error.hpp"
#include "takt/trace.hpp"
#include "trace_cases.hpp"

namespace {

using takt::Trace;
using takt::TraceEntry;
using takt::TraceError;
using takt::TraceReader;
using takt::test::bare_header;
using takt::test::error_of;
using takt::test::trace_in;

const std::string header_with_a =
    R"({"takt_trace":1,"start":{"step":0,"batch":0},"modifiers":[{"name":"a"}]})";
const std::string start_line = R"({"event":"batch_start","step":1,"batch":2})";
const std::string end_line = R"({"event":"batch_end","step":1,"batch":2})";

/// What is said of a line that follows a header with a modifier called a. Behind it come others.
std::string error_of_line(const std::string& line) {
  const std::string what = error_of(header_with_a + "\n" + line + "\n" + end_line + "\n");
  const std::string place = "trace:2: ";
  BOOST_TEST(what.starts_with(place), line << " -> " << what);
  return what.size() < place.size() ? what : what.substr(place.size());
}

/// What is said of a header.
std::string error_of_header(const std::string& line) {
  const std::string what = error_of(line + "\n" + end_line + "\n");
  const std::string place = "trace:1: ";
  BOOST_TEST(what.starts_with(place), line << " -> " << what);
  return what.size() < place.size() ? what : what.substr(place.size());
}

std::string header_with(const std::string& fields) {
  return R"({"takt_trace":1,"start":{"step":0,"batch":0},)" + fields + "}";
}
std::string event_with(const std::string& fields) {
  return R"({"event":"batch_start","step":1,"batch":2,)" + fields + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_errors)

// ---- Headers ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_is_empty_or_no_trace_is_refused) {
  BOOST_TEST(error_of("") == "trace:1: is empty; the first line of a trace says what it is");
  const std::string no_trace =
      "is no takt trace; the first line of one begins with {\"takt_trace\"";
  BOOST_TEST(error_of_header("") == no_trace);
  BOOST_TEST(error_of_header("steps,loss") == no_trace);
  BOOST_TEST(error_of_header("[1]") == no_trace);
  BOOST_TEST(error_of_header("7") == no_trace);
  BOOST_TEST(error_of_header("[{}]") == "is no JSON object");
  BOOST_TEST(error_of_header(start_line) ==
             R"(is no takt trace; the first line of one has "takt_trace")");
}

BOOST_AUTO_TEST_CASE(another_version_is_refused) {
  const auto with_version = [](const std::string& version) {
    return error_of_header(R"({"takt_trace":)" + version + R"(,"start":{"step":0,"batch":0}})");
  };
  BOOST_TEST(with_version("2") == "is a trace of version 2; this takt reads version 1");
  BOOST_TEST(with_version("0") == "is a trace of version 0; this takt reads version 1");
  BOOST_TEST(with_version(R"("1")") == R"(is a trace of version "1"; this takt reads version 1)");
  BOOST_TEST(with_version("true") == "is a trace of version true; this takt reads version 1");
  BOOST_TEST(with_version("[]") == "is a trace of version a list; this takt reads version 1");
}

BOOST_AUTO_TEST_CASE(a_header_that_is_torn_off_says_so) {
  const std::string what = error_of(header_with_a.substr(0, header_with_a.size() - 1));
  BOOST_TEST(what.starts_with("trace:1: is no valid JSON from column "));
  BOOST_TEST(what.ends_with(", and ends before the line does"));
  BOOST_TEST(error_of("{") ==
             "trace:1: is no valid JSON from column 2 on, and ends before the line does");
}

BOOST_AUTO_TEST_CASE(a_header_without_a_newline_is_one) {
  const Trace trace = trace_in(header_with_a);
  BOOST_TEST(trace.header.modifiers.size() == 1U);
  BOOST_TEST(trace.entries.empty());
}

BOOST_AUTO_TEST_CASE(wrong_starts_are_refused) {
  const auto with_start = [](const std::string& start) {
    return error_of_header(R"({"takt_trace":1,"start":)" + start + "}");
  };
  BOOST_TEST(error_of_header(R"({"takt_trace":1})") == R"(has no "start")");
  BOOST_TEST(with_start("[]") == "a list stands where an object should");
  BOOST_TEST(with_start("{}") == R"(has no "step")");
  BOOST_TEST(with_start(R"({"step":0})") == R"(has no "batch")");
  BOOST_TEST(with_start(R"({"step":-1,"batch":0})") ==
             R"("step" is -1; it is a whole number from 0 on)");
  BOOST_TEST(with_start(R"({"step":0,"batch":1.5})") ==
             R"("batch" is 1.5; it is a whole number from 0 on)");
  BOOST_TEST(with_start(R"({"step":0,"batch":9223372036854775808})") ==
             R"("batch" is 9223372036854775808; it is a whole number from 0 on)");
  BOOST_TEST(with_start(R"({"step":0,"batch":0,"steps_per_epoch":0})") ==
             R"("steps_per_epoch" is 0; it is a whole number from 1 on)");
  BOOST_TEST(with_start(R"({"step":0,"batch":0,"batches_per_step":"2"})") ==
             R"("batches_per_step" is "2"; it is a whole number from 1 on)");
  BOOST_TEST(with_start(R"({"step":0,"batch":0,"invocations_per_step":-4})") ==
             R"("invocations_per_step" is -4; it is a whole number from 1 on)");
}

BOOST_AUTO_TEST_CASE(wrong_policies_are_refused_with_those_there_are) {
  BOOST_TEST(error_of_header(header_with(R"("order":"two_steps")")) ==
             R"("order" is "two_steps"; it is one of one_step several_steps)");
  BOOST_TEST(error_of_header(header_with(R"("errors":"ignore")")) ==
             R"("errors" is "ignore"; it is one of propagate collect quarantine)");
  BOOST_TEST(error_of_header(header_with(R"("order":1)")) == R"("order" is 1; it is a text)");
}

BOOST_AUTO_TEST_CASE(wrong_modifiers_are_refused) {
  const auto with = [](const std::string& modifiers) {
    return error_of_header(header_with("\"modifiers\":" + modifiers));
  };
  BOOST_TEST(with("{}") == R"("modifiers" is an object; it is a list)");
  BOOST_TEST(with("[3]") == "3 stands where an object should");
  BOOST_TEST(with("[{}]") == R"(has no "name")");
  BOOST_TEST(with(R"([{"name":7}])") == R"("name" is 7; it is a text)");
  BOOST_TEST(with(R"([{"name":""}])") == "has a modifier without a name");
  BOOST_TEST(with(R"([{"name":"a"},{"name":"b"},{"name":"a"}])") ==
             R"(has two modifiers called "a")");
  BOOST_TEST(with(R"([{"name":"a","start":"soon"}])") ==
             R"("start" is "soon"; it is a number, "nan", "inf" or "-inf")");
  BOOST_TEST(
      with(R"([{"name":"a","update":-1}])").starts_with(R"(has a modifier "a" that can't be: )"));
  BOOST_TEST(
      with(R"([{"name":"a","end":"nan"}])").starts_with(R"(has a modifier "a" that can't be: )"));
  BOOST_TEST(with(R"([{"name":"a","due":"batch_start"}])") ==
             R"("due" is "batch_start"; it is a list)");
  BOOST_TEST(with(R"([{"name":"a","every":[1]}])") == R"("every" is 1; it is a text)");
  const std::string unknown = with(R"([{"name":"a","due":["batch_start","batch_begin"]}])");
  BOOST_TEST(unknown.find("'batch_begin'") != std::string::npos);
  BOOST_TEST(unknown.find("there are initialize, finalize, batch_start") != std::string::npos);
  BOOST_TEST(with(R"([{"name":"a","group":2147483648}])") == "has a group that is too large");
  BOOST_TEST(with(R"([{"name":"a","group":-2147483649}])") ==
             R"("group" is -2147483649; it is a whole number from -2147483648 on)");
}

// ---- Lines --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(lines_that_are_no_json_objects_are_refused) {
  BOOST_TEST(error_of_line("{") == "is no valid JSON from column 2 on");
  BOOST_TEST(error_of_line(start_line + "}") == "is no valid JSON from column 43 on");
  BOOST_TEST(error_of_line(start_line + start_line) == "is no valid JSON from column 43 on");
  BOOST_TEST(error_of_line("{\"event\":\"batch_\xff\"}") == "is no valid JSON from column 17 on");
  BOOST_TEST(error_of_line(start_line + std::string(1, '\0')) ==
             "is no valid JSON from column 43 on");
  BOOST_TEST(error_of_line(std::string(4096, '\0')) == "is no valid JSON from column 1 on");
  BOOST_TEST(error_of_line("[]") == "is no JSON object");
  BOOST_TEST(error_of_line("null") == "is no JSON object");
}

BOOST_AUTO_TEST_CASE(lines_that_say_nothing_known_are_refused) {
  BOOST_TEST(error_of_line("{}") ==
             R"(has no "event", "call", "add" or "remove", and so says nothing)");
  const std::string unknown = error_of_line(R"({"event":"batch_begin","step":1,"batch":1})");
  BOOST_TEST(unknown.find("'batch_begin'") != std::string::npos);
  BOOST_TEST(unknown.find("there are initialize, finalize, batch_start") != std::string::npos);
  BOOST_TEST(error_of_line(R"({"event":3,"step":1,"batch":1})") == R"("event" is 3; it is a text)");
  BOOST_TEST(error_of_line(R"({"event":"abort_batch","step":1,"batch":1})") != "");
  BOOST_TEST(error_of_line(R"({"call":"batch_start","step":1,"batch":1})") ==
             R"("call" is "batch_start"; it is abort_batch or abort_calibration_epoch)");
  BOOST_TEST(error_of_line(R"({"call":[],"step":1,"batch":1})") ==
             R"("call" is a list; it is a text)");
}

BOOST_AUTO_TEST_CASE(numbers_of_the_wrong_kind_are_refused) {
  BOOST_TEST(error_of_line(R"({"event":"batch_start","batch":1})") == R"(has no "step")");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":1})") == R"(has no "batch")");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":-1,"batch":1})") ==
             R"("step" is -1; it is a whole number from 0 on)");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":1,"batch":-7})") ==
             R"("batch" is -7; it is a whole number from 0 on)");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":1e3,"batch":1})") ==
             R"("step" is 1000.0; it is a whole number from 0 on)");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":true,"batch":1})") ==
             R"("step" is true; it is a whole number from 0 on)");
  BOOST_TEST(error_of_line(event_with(R"("t":-3)")) ==
             R"("t" is -3; it is a whole number from 0 on)");
  BOOST_TEST(error_of_line(event_with(R"("loss":"NaN")")) ==
             R"("loss" is "NaN"; it is a number, "nan", "inf" or "-inf")");
  BOOST_TEST(error_of_line(event_with(R"("loss":null)")) ==
             R"("loss" is null; it is a number, "nan", "inf" or "-inf")");
}

BOOST_AUTO_TEST_CASE(numbers_that_are_too_large_are_refused) {
  BOOST_TEST(error_of_line(event_with(R"("loss":1e999)")) == "has a number that is too large");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":18446744073709551616,"batch":1})") ==
             R"("step" is 1.8446744073709552e+19; it is a whole number from 0 on)");
  BOOST_TEST(error_of_line(R"({"event":"batch_start","step":9223372036854775808,"batch":1})") ==
             R"("step" is 9223372036854775808; it is a whole number from 0 on)");
  const Trace largest = trace_in(bare_header + "\n" +
                                 R"({"event":"batch_start","step":9223372036854775807,"batch":0})");
  BOOST_TEST(largest.entries.at(0).step == std::numeric_limits<std::int64_t>::max());
}

BOOST_AUTO_TEST_CASE(wrong_layers_and_hooks_are_refused) {
  BOOST_TEST(error_of_line(event_with(R"("layers":"fc1")")) ==
             R"("layers" is "fc1"; it is a list)");
  BOOST_TEST(error_of_line(event_with(R"("layers":["fc1",2])")) ==
             R"("layers" is 2; it is a text)");
  BOOST_TEST(error_of_line(event_with(R"("hooks":{})")) == R"("hooks" is an object; it is a list)");
  BOOST_TEST(error_of_line(event_with(R"("hooks":["a"])")) ==
             R"("a" stands where an object should)");
  BOOST_TEST(error_of_line(event_with(R"("hooks":[{"hook":"on_end"}])")) == R"(has no "modifier")");
  BOOST_TEST(error_of_line(event_with(R"("hooks":[{"modifier":"a"}])")) == R"(has no "hook")");
  BOOST_TEST(error_of_line(event_with(R"("hooks":[{"modifier":"a","hook":"on_begin"}])")) ==
             R"(names a hook "on_begin" that no modifier has)");
  BOOST_TEST(error_of_line(event_with(R"("hooks":[{"modifier":"b","hook":"on_end"}])")) ==
             R"(names a modifier "b" that is not on the bus by then)");
  BOOST_TEST(error_of_line(event_with(R"("hooks":[{"modifier":"a","hook":"on_end","ns":-1}])")) ==
             R"("ns" is -1; it is a whole number from 0 on)");
  BOOST_TEST(
      error_of_line(event_with(R"("hooks":[{"modifier":"a","hook":"on_end","error":true}])")) ==
      R"("error" is true; it is a text)");
}

BOOST_AUTO_TEST_CASE(modifiers_join_and_leave_once) {
  BOOST_TEST(error_of_line(R"({"add":{"name":"a"},"step":1,"batch":1})") ==
             R"(adds a modifier "a" that is there already)");
  BOOST_TEST(error_of_line(R"({"remove":"b","step":1,"batch":1})") ==
             R"(names a modifier "b" that is not on the bus by then)");
  BOOST_TEST(error_of_line(R"({"remove":{},"step":1,"batch":1})") ==
             R"("remove" is an object; it is a text)");
  BOOST_TEST(error_of_line(R"({"add":"b","step":1,"batch":1})") ==
             R"("b" stands where an object should)");
  BOOST_TEST(error_of_line(R"({"add":{"name":""},"step":1,"batch":1})") ==
             "has a modifier without a name");

  const std::string add = R"({"add":{"name":"b"},"step":1,"batch":1})";
  const std::string remove = R"({"remove":"b","step":1,"batch":1})";
  const std::string begin = bare_header + "\n" + add + "\n";
  BOOST_TEST(error_of(begin + add + "\n") ==
             R"(trace:3: adds a modifier "b" that is there already)");
  BOOST_TEST(error_of(begin + remove + "\n" + remove + "\n") ==
             R"(trace:4: names a modifier "b" that is not on the bus by then)");
  BOOST_TEST(error_of(begin + remove + "\n" + add + "\n" + remove + "\n") == "");
  // The hooks of the two are those of one that is there.
  BOOST_TEST(error_of(begin + event_with(R"("hooks":[{"modifier":"b","hook":"on_end"}])") + "\n") ==
             "");
  BOOST_TEST(error_of(bare_header + "\n" + R"({"add":{"name":"b"},"step":1,"batch":1,)" +
                      R"("hooks":[{"modifier":"b","hook":"on_initialize"}]})" + "\n") == "");
}

BOOST_AUTO_TEST_CASE(a_modifier_that_was_refused_has_not_joined) {
  std::istringstream in{bare_header + "\n" +
                        R"({"add":{"name":"b"},"step":1,"batch":1,"hooks":[{"modifier":"b"}]})" +
                        "\n"};
  TraceReader reader{in};
  TraceEntry entry{.step = 77};
  BOOST_CHECK_THROW(reader.next(entry), TraceError);
  BOOST_TEST(reader.modifiers().empty());
  BOOST_TEST(entry.step == 77);
}

BOOST_AUTO_TEST_CASE(long_and_odd_texts_are_shown_short_and_plain) {
  const std::string long_name(5000, 'x');
  const std::string what = error_of_line(R"({"remove":")" + long_name + R"(","step":1,"batch":1})");
  BOOST_TEST(what ==
             "names a modifier \"" + std::string(60, 'x') + "\"... that is not on the bus by then");
  BOOST_TEST(error_of_line(R"({"remove":"\u0000\u001b","step":1,"batch":1})") ==
             R"(names a modifier "\u0000\u001b" that is not on the bus by then)");
}

BOOST_AUTO_TEST_CASE(what_is_nested_too_deep_is_refused_before_it_takes_memory) {
  const auto nested = [](std::size_t depth) {
    return event_with("\"x\":" + std::string(depth, '[') + std::string(depth, ']'));
  };
  BOOST_TEST(error_of_line(nested(16)) == "is nested too deep for a trace");
  BOOST_TEST(error_of_line(nested(1'000'000)) == "is nested too deep for a trace");
  BOOST_TEST(error_of_line(event_with("\"x\":" + std::string(100'000, '['))) ==
             "is nested too deep for a trace");
  BOOST_TEST(error_of_header(header_with("\"x\":" + std::string(100'000, '['))) ==
             "is nested too deep for a trace");
  BOOST_TEST(error_of(bare_header + "\n" + nested(15) + "\n") == "");
  // Brackets in texts are no nesting.
  BOOST_TEST(error_of(bare_header + "\n" + event_with(R"("x":"\"[[[[[[[[[[[[[[[[[[[[[[\\")") +
                      "\n") == "");
}

BOOST_AUTO_TEST_SUITE_END()
