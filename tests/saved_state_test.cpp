// SPDX-License-Identifier: BSL-1.0
#include "saved_state.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "error_text.hpp"
#include "takt/error.hpp"

namespace {

using takt::CheckpointError;
using takt::detail::StateReader;
using takt::detail::StateWriter;
using takt::test::has;
using takt::test::message_of;

template <class... Values>
std::string bytes_of(const Values&... values) {
  std::ostringstream out;
  StateWriter{out, "what"}(values...);
  return std::move(out).str();
}

/// What is read as a `T`.
template <class T>
T read(const std::string& bytes) {
  std::istringstream in{bytes};
  T value{};
  StateReader{in, "what"}(value);
  return value;
}

template <class T>
std::string error_of(const std::string& bytes) {
  return message_of<CheckpointError>([&] { (void)read<T>(bytes); });
}

template <class T>
void check_comes_back() {
  BOOST_TEST(rc::check("it is read as it was written", [](const T& value) {
    const std::string bytes = bytes_of(value);
    RC_ASSERT(read<T>(bytes) == value);
    const auto length = *rc::gen::inRange<std::size_t>(0, bytes.size());
    RC_ASSERT(error_of<T>(bytes.substr(0, length)) == "it ends in the middle of a value");
  }));
}

/// The beginning, and then these bytes.
std::string with(const std::string& rest) { return bytes_of() + rest; }

const std::string huge{"\0\0\0\0\0\0\0\x10", 8};  // 2^60

}  // namespace

BOOST_AUTO_TEST_SUITE(saved_state)

BOOST_AUTO_TEST_CASE(numbers_truth_values_and_text_come_back) {
  check_comes_back<std::int64_t>();
  check_comes_back<std::uint8_t>();
  check_comes_back<float>();
  check_comes_back<double>();
  check_comes_back<bool>();
  check_comes_back<std::string>();
}

BOOST_AUTO_TEST_CASE(vectors_maps_and_optional_values_come_back) {
  check_comes_back<std::vector<double>>();
  check_comes_back<std::vector<std::string>>();
  check_comes_back<std::vector<std::vector<float>>>();
  check_comes_back<std::map<std::string, double>>();
  check_comes_back<std::map<std::string, std::vector<std::int32_t>>>();
}

BOOST_AUTO_TEST_CASE(optional_values_come_back_and_replace_what_there_was) {
  using Optional = std::optional<std::string>;
  for (const Optional& value : {Optional{}, Optional{""}, Optional{"x"}}) {
    std::istringstream in{bytes_of(value)};
    Optional found{"of before"};
    StateReader{in, "what"}(found);
    BOOST_TEST((found == value));
  }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_come_back_bit_by_bit) {
  const std::vector<double> numbers{std::nan("7"), -0.0, HUGE_VAL, 5e-324,
                                    std::numeric_limits<double>::max()};
  const std::string bytes = bytes_of(numbers);
  BOOST_TEST((bytes_of(read<std::vector<double>>(bytes)) == bytes));
}

BOOST_AUTO_TEST_CASE(more_than_is_read_at_once_comes_back) {
  std::vector<float> numbers(200'001);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  BOOST_TEST((read<std::vector<float>>(bytes_of(numbers)) == numbers));
}

BOOST_AUTO_TEST_CASE(a_span_of_numbers_reads_back_as_a_vector) {
  const std::vector<float> numbers{1, 2, 3};
  BOOST_TEST((read<std::vector<float>>(bytes_of(std::span{numbers}.subspan(1))) ==
              std::vector<float>{2, 3}));
}

BOOST_AUTO_TEST_CASE(several_values_are_one_behind_the_other) {
  std::istringstream in{bytes_of(std::int32_t{7}, "text", true)};
  StateReader reader{in, "what"};
  std::int32_t number = 0;
  std::string text;
  bool truth = false;
  reader(number)(text, truth);
  BOOST_TEST(number == 7);
  BOOST_TEST(text == "text");
  BOOST_TEST(truth);
  BOOST_TEST(in.peek() == std::istringstream::traits_type::eof());
}

BOOST_AUTO_TEST_CASE(the_bytes_are_the_same_on_every_machine) {
  const std::string expected{
      "\x01"
      "\x04\0\0\0\0\0\0\0what"
      "\x02\x01\0\0"
      "\x01\0\0\0\0\0\0\xe0\x3f",
      26};
  BOOST_TEST((bytes_of(std::int32_t{258}, std::optional{0.5}) == expected));
}

BOOST_AUTO_TEST_CASE(the_state_of_something_else_is_refused_by_what_it_is) {
  std::istringstream in{bytes_of(1.0)};
  BOOST_TEST(message_of<CheckpointError>([&] { StateReader(in, "else"); }) ==
             "it is the state of \"what\"; that of \"else\" is wanted");
  std::ostringstream out;
  StateWriter{out, "\x1b[2J" + std::string(1000, 'x')};
  const std::string message = error_of<double>(out.str());
  BOOST_TEST(!has(message, "\x1b"), message);
  BOOST_TEST(message.size() < 200U);
  std::istringstream nothing;
  BOOST_TEST(message_of<CheckpointError>([&] { StateReader(nothing, "what"); }) ==
             "it ends in the middle of a value");
}

BOOST_AUTO_TEST_CASE(counts_that_no_memory_has_are_refused_without_taking_it) {
  const std::string end = "it ends in the middle of a value";
  BOOST_TEST(error_of<std::string>(with(huge + "abc")) == end);
  BOOST_TEST(error_of<std::vector<double>>(with(huge + "12345678")) == end);
  BOOST_TEST(error_of<std::vector<std::string>>(with(huge)) == end);
  BOOST_TEST((error_of<std::map<std::string, double>>(with(huge)) == end));
  const std::string all(8, '\xff');
  BOOST_TEST(error_of<std::vector<double>>(with(all + "12345678")) == end);
  BOOST_TEST(error_of<std::vector<std::vector<float>>>(with(all + all)) == end);
}

BOOST_AUTO_TEST_CASE(a_truth_value_is_0_or_1) {
  BOOST_TEST(error_of<bool>(with("\x02")) == "a truth value is 2; it is 0 or 1");
  BOOST_TEST(error_of<std::optional<double>>(with("\xff")) == "a truth value is 255; it is 0 or 1");
}

BOOST_AUTO_TEST_CASE(a_count_is_0_to_2_to_the_60) {
  const auto count = [](std::int64_t number) {
    std::istringstream in{bytes_of(number)};
    return StateReader{in, "what"}.count("updates");
  };
  constexpr std::int64_t most = std::int64_t{1} << 60;
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{1}, most}) {
    BOOST_TEST(count(number) == number);
  }
  for (const std::int64_t number : {std::int64_t{-1}, most + 1, INT64_MIN, INT64_MAX}) {
    BOOST_TEST(message_of<CheckpointError>([&] { (void)count(number); }) ==
               "it has " + std::to_string(number) + " updates; there are 0 to 1152921504606846976");
  }
}

BOOST_AUTO_TEST_SUITE_END()
