// SPDX-License-Identifier: BSL-1.0
#include "csv_text.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using takt::detail::first_csv_record;
using Fields = std::vector<std::string>;

std::string field(std::string_view text) {
  std::string written;
  takt::detail::append_csv_field(text, written);
  return written;
}

Fields read(std::string_view text) {
  const auto record = first_csv_record(text);
  return record ? record->fields : Fields{};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(csv_text)

BOOST_AUTO_TEST_CASE(a_field_is_in_quotes_where_it_needs_them_only) {
  BOOST_TEST(field("loss") == "loss");
  BOOST_TEST(field("top 5 %") == "top 5 %");
  BOOST_TEST(field("a,b") == "\"a,b\"");
  BOOST_TEST(field("a\"b") == "\"a\"\"b\"");
  BOOST_TEST(field("a\nb") == "\"a\nb\"");
  BOOST_TEST(field("a\rb") == "\"a\rb\"");
  BOOST_TEST(field("").empty());
}

BOOST_AUTO_TEST_CASE(the_first_record_ends_at_its_line_break) {
  BOOST_TEST((read("a,b\n1,2\n") == Fields{"a", "b"}));
  BOOST_TEST((read("a,b\r\n1,2\r\n") == Fields{"a", "b"}));
  BOOST_TEST((read("\"a\"\r\n1\r\n") == Fields{"a"}));
  BOOST_TEST((read("\"a\nb\",c\n1,2\n") == Fields{"a\nb", "c"}));
  BOOST_TEST((read(",\n") == Fields{"", ""}));
  BOOST_TEST(first_csv_record("a,b\r\n1,2\n")->size == 5U);
}

BOOST_AUTO_TEST_CASE(what_may_not_be_whole_is_no_record) {
  for (const char* const text :
       {"", "a", "a,", "\"a", "\"a\"", "\"a\"b\n", "a\"b\n", "\"a\"\"\n"}) {
    BOOST_TEST(!first_csv_record(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(any_record_reads_back_as_it_was_written) {
  BOOST_TEST(rc::check("fields, and where they end", [] {
    const auto letters = rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::element(',', '"', '\r', '\n', 'a'), rc::gen::arbitrary<char>()));
    const Fields fields = *rc::gen::nonEmpty(rc::gen::container<Fields>(letters));
    std::string text;
    for (const std::string& each : fields) {
      if (&each != fields.data()) text += ',';
      takt::detail::append_csv_field(each, text);
    }
    text += *rc::gen::element("\n", "\r\n");
    const auto size = text.size();
    const auto record = first_csv_record(text + *letters);
    RC_ASSERT(record.has_value());
    RC_ASSERT(record->fields == fields);
    RC_ASSERT(record->size == size);
  }));
}

BOOST_AUTO_TEST_CASE(no_text_is_read_past_its_end) {
  BOOST_TEST(rc::check("a record is part of the text", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::element(',', '"', '\r', '\n', 'a'));
    const auto record = first_csv_record(text);
    if (record) RC_ASSERT(record->size <= text.size() && text[record->size - 1] == '\n');
  }));
}

BOOST_AUTO_TEST_SUITE_END()
