// SPDX-License-Identifier: BSL-1.0
#include "cli/table.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using takt::cli::Row;

std::string table(const std::vector<Row>& rows, std::optional<int> columns = std::nullopt) {
  std::istringstream in;
  std::ostringstream out;
  takt::cli::write_table({in, out, out, columns}, rows);
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_text) {
  BOOST_TEST(table({{"name", "n", "last"}, {"a long one", "12", "x"}, {"b", "3", ""}}) ==
             "name        n   last\n"
             "a long one  12  x\n"
             "b           3   \n");
}

BOOST_AUTO_TEST_CASE(characters_count_and_not_their_bytes) {
  BOOST_TEST(table({{"n", "l"}, {"Größe", "x"}}) == "n      l\nGröße  x\n");
}

BOOST_AUTO_TEST_CASE(a_last_text_that_is_too_long_goes_on_below_itself) {
  BOOST_TEST(table({{"name", "words"}, {"a", "some words that go on and on"}}, 28) ==
             "name  words\n"
             "a     some words that go on\n"
             "      and on\n");
}

BOOST_AUTO_TEST_CASE(where_there_is_no_room_each_row_is_a_block) {
  const std::vector<Row> rows{{"name", "first", "second column"},
                              {"a name that is long", "1", "two and three and four and more"},
                              {"b", "-", "x"}};
  BOOST_TEST(table(rows, 40) ==
             "a name that is long\n"
             "  first          1\n"
             "  second column  two and three and four\n"
             "                 and more\n"
             "b\n"
             "  first          -\n"
             "  second column  x\n");
  BOOST_TEST(table(rows, 80) ==
             "name                 first  second column\n"
             "a name that is long  1      two and three and four and more\n"
             "b                    -      x\n");
}

BOOST_AUTO_TEST_CASE(a_short_last_column_needs_little_room) {
  BOOST_TEST(table({{"0123456789012345678901234567890", "n"}, {"a", "1"}}, 40) ==
             "0123456789012345678901234567890  n\n"
             "a                                1\n");
}

BOOST_AUTO_TEST_CASE(a_table_may_have_its_first_row_only) {
  BOOST_TEST(table({{"a", "b"}}) == "a  b\n");
}

BOOST_AUTO_TEST_SUITE_END()
