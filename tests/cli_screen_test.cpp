// SPDX-License-Identifier: BSL-1.0
#include "cli/screen.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cadence_cases.hpp"

namespace {

std::string written(std::string_view line, std::optional<int> columns, int indent = 0) {
  std::istringstream in;
  std::ostringstream out;
  takt::cli::write_line({in, out, out, columns}, line, indent);
  return out.str();
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream{text};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_screen)

BOOST_AUTO_TEST_CASE(a_line_stays_whole_where_there_is_no_terminal) {
  const std::string line(500, 'x');
  BOOST_TEST(written(line + " y", std::nullopt) == line + " y\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_fits_the_terminal_stays_whole) {
  BOOST_TEST(written("twenty characters ab", 20) == "twenty characters ab\n");
}

BOOST_AUTO_TEST_CASE(a_line_too_long_is_broken_between_words_and_goes_on_below_the_indent) {
  BOOST_TEST(written("name   some words that go on", 22, 2) == "name   some words that\n  go on\n");
  BOOST_TEST(written("name   some words that go on and on for ever", 23, 3) ==
             "name   some words that\n   go on and on for\n   ever\n");
}

BOOST_AUTO_TEST_CASE(a_word_that_no_row_holds_stands_in_one_of_its_own) {
  const std::string path(30, '/');
  BOOST_TEST(written("  in " + path + " it is", 20) == "  in\n" + path + "\nit is\n");
  BOOST_TEST(written(path, 20) == path + "\n");
}

BOOST_AUTO_TEST_CASE(a_terminal_too_narrow_for_words_breaks_lines_itself) {
  BOOST_TEST(written("a line of several words", 10) == "a line of several words\n");
}

BOOST_AUTO_TEST_CASE(characters_count_and_not_their_bytes) {
  BOOST_TEST(takt::cli::width_of("Größe") == 5);
  BOOST_TEST(takt::cli::padded("Größe", 7) == "Größe  ");
  BOOST_TEST(takt::cli::padded("larger", 3) == "larger");
  BOOST_TEST(written("äöü äöü äöü äöü äöü", 20) == "äöü äöü äöü äöü äöü\n");
}

BOOST_AUTO_TEST_CASE(no_row_is_wider_than_the_terminal_and_no_word_is_lost) {
  BOOST_TEST(rc::check("rows fit and words stay", [] {
    const auto sizes = *rc::gen::container<std::vector<int>>(takt::test::evenly(1, 12));
    std::string line;
    for (const int size : sizes) {
      if (!line.empty()) line += ' ';
      line.append(static_cast<std::size_t>(size), 'w');
    }
    const int indent = *takt::test::evenly(0, 8);
    const int columns = *takt::test::evenly(indent + 20, 80);
    const std::string text = written(line, columns, indent);
    RC_ASSERT(words_of(text) == words_of(line));
    std::istringstream rows{text};
    for (std::string row; std::getline(rows, row);) {
      RC_ASSERT(takt::cli::width_of(row) <= columns);
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
