// SPDX-License-Identifier: BSL-1.0
#include "cli/reading_progress.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <optional>
#include <sstream>
#include <string>

#include "cli_run.hpp"
#include "scratch_folder.hpp"

namespace {

using takt::TraceEntry;
using takt::TraceReader;
using takt::cli::ReadingProgress;
using takt::cli::Screen;
using namespace std::chrono_literals;

/// A trace of so many entries that is read on a terminal, and what is written there meanwhile.
struct Reading {
  explicit Reading(std::optional<int> columns)
      : screen{.in = in, .out = out, .err = err, .err_columns = columns} {}

  [[nodiscard]] std::string text() { return err.str(); }

  std::istringstream in{};
  std::ostringstream out{};
  std::ostringstream err{};
  takt::test::ScratchFolder folder{};
  std::string file = folder.file("run.jsonl", takt::test::recorded_text(20)).string();
  TraceReader reader{std::filesystem::path{file}};
  Screen screen;
  ReadingProgress::Clock::time_point begin = ReadingProgress::Clock::now();
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_reading_progress)

BOOST_AUTO_TEST_CASE(what_takes_less_than_a_second_is_not_shown) {
  Reading reading{80};
  {
    ReadingProgress progress{reading.reader, reading.file, reading.screen};
    progress.update(reading.begin + 999ms);
  }
  BOOST_TEST(reading.text().empty());
}

BOOST_AUTO_TEST_CASE(then_it_is_one_line_that_is_gone_at_the_end) {
  Reading reading{80};
  {
    ReadingProgress progress{reading.reader, reading.file, reading.screen};
    for (TraceEntry entry; reading.reader.next(entry);) progress.tick();
    progress.update(reading.begin + 1h);
    BOOST_TEST(reading.text() == "\rreading 100 %, 102 events");
    progress.update(reading.begin + 1h + 199ms);
    BOOST_TEST(reading.text() == "\rreading 100 %, 102 events");
    progress.update(reading.begin + 1h + 200ms);
    BOOST_TEST(reading.text() == "\rreading 100 %, 102 events\rreading 100 %, 102 events");
  }
  BOOST_TEST(reading.text().ends_with("events\r" + std::string(25, ' ') + '\r'));
}

BOOST_AUTO_TEST_CASE(it_says_what_it_knows_of_what_has_no_size) {
  Reading reading{80};
  ReadingProgress progress{reading.reader, "-", reading.screen};
  progress.update(reading.begin + 1h);
  BOOST_TEST(reading.text() == "\rreading, 0 events");
}

BOOST_AUTO_TEST_CASE(it_stays_on_one_line_of_a_narrow_terminal) {
  Reading reading{12};
  ReadingProgress progress{reading.reader, "-", reading.screen};
  progress.update(reading.begin + 1h);
  BOOST_TEST(reading.text() == "\rreading, 0 ");
}

BOOST_AUTO_TEST_SUITE_END()
