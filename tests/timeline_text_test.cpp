// SPDX-License-Identifier: BSL-1.0
// A timeline on a terminal.
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "cadence_cases.hpp"
#include "shown_text.hpp"
#include "takt/timeline.hpp"
#include "timeline_cases.hpp"

namespace {

using takt::Timeline;
using takt::TimelineLane;
using takt::TimelineText;
using takt::detail::character_count;
using takt::test::evenly;
using takt::test::pruning_timeline;

std::string text_of(const Timeline& timeline, const TimelineText& options = {}) {
  std::ostringstream out;
  write_text(timeline, out, options);
  return out.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in{text};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The picture of one lane over some steps, 16 characters wide, which has those numbers behind it.
std::string bar_of(const TimelineLane& lane, std::int64_t steps, const std::string& numbers) {
  constexpr std::size_t before = 13;
  constexpr std::size_t picture = 16;
  Timeline timeline;
  timeline.end_step = steps;
  timeline.lanes = {lane};
  const std::size_t columns = before + picture + 2 + numbers.size();
  const std::string line =
      lines_of(text_of(timeline, {.columns = static_cast<int>(columns)})).back();
  BOOST_TEST(line.ends_with("  " + numbers), line);
  BOOST_TEST(character_count(line) == columns);
  const std::string bar = line.substr(before, line.size() - before - numbers.size());
  return bar.substr(0, bar.find_last_not_of(' ') + 1);
}

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Without what colours it.
std::string colourless(std::string text) {
  for (std::size_t begin = text.find('\x1b'); begin != std::string::npos;
       begin = text.find('\x1b')) {
    text.erase(begin, text.find('m', begin) + 1 - begin);
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timeline_text)

BOOST_AUTO_TEST_CASE(a_run_has_a_curve_an_axis_and_a_line_for_each_modifier) {
  Timeline timeline = pruning_timeline();
  takt::test::add_losses(timeline);
  BOOST_TEST("\n" + text_of(timeline) == R"(
pruning
     loss 2 ┤⠉⠓⠒⠒⠦⠤⢤⣀⣀⣀
            │         ⠈⠉⠉⠓⠒⠒⠦⠤⢤⣀⣀⣀
            │                    ⠈⠉⠉⠓⠒⠒⠦⠤⠤⣄⣀⣀
            │                               ⠈⠉⠉⠙⠒⠒⠦⠤⠤⣄⣀⣀
          1 ┤                                          ⠈⠉⠉⠙⠒⠒⠦⠤⠤⣄⣀
       step  0    200   400   600   800   1000  1200  1400  1600
             ┼─────┼─────┴┬────┴┬────┴─┬───┴──┬──┴──┬──┴───┬─┴────
      epoch  0     5      10    15     20     25    30     35
warm-up      ██                                                       45 updates
rate          ████████████████████████████████████████████████████  1716 updates
report       ┼─────┼──────┼─────┼──────┼──────┼─────┼──────┼──────     8 updates
prune             ╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼╫┼┼                   49 updates
hold                                              ├───────────────    528 events
later        never
)");
}

BOOST_AUTO_TEST_CASE(no_line_is_wider_than_the_columns) {
  BOOST_TEST(rc::check("lines fit", [] {
    const Timeline timeline = takt::test::any_timeline();
    const int columns = *evenly(0, 200);
    const std::string text = text_of(timeline, {.columns = columns});
    const auto room = static_cast<std::size_t>(std::max(40, columns));
    for (const std::string& line : lines_of(text)) {
      RC_ASSERT(character_count(line) <= room);
      RC_ASSERT(takt::detail::shown_text(line) == line);
      RC_ASSERT(line.empty() || line.back() != ' ');
    }
  }));
}

BOOST_AUTO_TEST_CASE(colours_change_nothing_but_colours) {
  BOOST_TEST(rc::check("colours", [] {
    const Timeline timeline = takt::test::any_timeline();
    const int columns = *evenly(0, 200);
    const std::string coloured = text_of(timeline, {.columns = columns, .colours = true});
    RC_ASSERT(colourless(coloured) == text_of(timeline, {.columns = columns}));
  }));
  BOOST_TEST(has(text_of(pruning_timeline(), {.colours = true}), "\x1b["));
}

BOOST_AUTO_TEST_CASE(updates_at_every_step_are_a_solid_bar) {
  TimelineLane lane{.name = "m", .starts = 0, .updates = 1600, .due = {{0, 1600, 1}}};
  BOOST_TEST(bar_of(lane, 1600, "1600 updates") == repeated("█", 16));
  lane.ends = 799;
  lane.updates = 800;
  lane.due = {{0, 800, 1}};
  BOOST_TEST(bar_of(lane, 1600, "800 updates") == repeated("█", 8));
}

BOOST_AUTO_TEST_CASE(few_updates_are_marks_on_a_line_and_many_are_denser) {
  TimelineLane lane{.name = "m", .starts = 0, .updates = 1234, .due = {{0, 4, 400}}};
  const std::string numbers = "1234 updates";
  BOOST_TEST(bar_of(lane, 1600, numbers) == "┼───┼───┼───┼───");
  lane.due = {{0, 100, 16}};
  BOOST_TEST(bar_of(lane, 1600, numbers) == repeated("╫", 16));
  lane.due = {{0, 800, 2}};
  BOOST_TEST(bar_of(lane, 1600, numbers) == repeated("▒", 16));
  lane.due = {{0, 860, 1}, {860, 370, 2}};
  BOOST_TEST(bar_of(lane, 1600, numbers) == repeated("█", 8) + "▓" + repeated("▒", 7));
}

BOOST_AUTO_TEST_CASE(a_window_without_updates_is_a_line_with_the_ends_that_it_has) {
  TimelineLane lane{.name = "m", .starts = 400, .events = 9999};
  BOOST_TEST(bar_of(lane, 1600, "9999 events") == "    ├" + repeated("─", 11));
  lane.ends = 1000;
  BOOST_TEST(bar_of(lane, 1600, "9999 events") == "    ├─────┤");
  lane.ends = 405;
  BOOST_TEST(bar_of(lane, 1600, "9999 events") == "    │");
}

BOOST_AUTO_TEST_CASE(a_step_that_is_wide_is_updated_as_a_whole) {
  const TimelineLane lane{.name = "m", .starts = 0, .updates = 1234, .due = {{0, 2, 2}}};
  BOOST_TEST(bar_of(lane, 4, "1234 updates") == "████────████────");
}

BOOST_AUTO_TEST_CASE(one_update_at_the_end_of_a_window_is_no_solid_bar) {
  TimelineLane lane{.name = "m", .starts = 0, .ends = 1600, .updates = 1234, .due = {{0, 5, 400}}};
  BOOST_TEST(bar_of(lane, 3200, "1234 updates") == "┼─┼─┼─┼─┼");
  lane.due = {{0, 1601, 1}};
  BOOST_TEST(bar_of(lane, 3200, "1234 updates") == repeated("█", 9));
}

BOOST_AUTO_TEST_CASE(updates_that_are_not_known_are_dashed) {
  const TimelineLane lane{
      .name = "m", .starts = 0, .updates = 1234, .due = {{0, 200, 4}}, .due_complete = false};
  BOOST_TEST(bar_of(lane, 1600, "1234 updates") == repeated("▒", 8) + repeated("┄", 8));
}

BOOST_AUTO_TEST_CASE(a_modifier_that_never_opens_says_so) {
  const std::string last = lines_of(text_of(pruning_timeline())).back();
  BOOST_TEST(last.starts_with("later"));
  BOOST_TEST(last.ends_with(" never"));
}

BOOST_AUTO_TEST_CASE(one_update_is_one_update) {
  const TimelineLane lane{.name = "m", .starts = 0, .updates = 1, .due = {{0}}};
  Timeline timeline;
  timeline.end_step = 1;
  timeline.lanes = {lane};
  BOOST_TEST(has(text_of(timeline), "█  1 update\n"));
}

BOOST_AUTO_TEST_CASE(times_and_throws_are_shown_where_there_are_any) {
  Timeline timeline = pruning_timeline();
  BOOST_TEST(!has(text_of(timeline), "throws"));
  BOOST_TEST(!has(text_of(timeline), "time"));
  timeline.lanes[3].throws = 3;
  timeline.lanes[3].nanoseconds = 60'500'000;
  const std::string text = text_of(timeline, {.columns = 120});
  BOOST_TEST(has(text, "    time  throws\n"), text);
  BOOST_TEST(has(text, "  49 updates  60 ms       3\n"), text);
  BOOST_TEST(has(text_of(timeline, {.columns = 120, .colours = true}), "\x1b[31m3\x1b[0m"));
}

BOOST_AUTO_TEST_CASE(names_are_cut_on_a_narrow_terminal_and_numbers_lose_their_words) {
  Timeline timeline = pruning_timeline();
  timeline.lanes[3].name = "MagnitudePruningModifier";
  timeline.lanes[3].throws = 1;
  const std::string text = text_of(timeline, {.columns = 40});
  BOOST_TEST(has(text, "calls  throws\n"), text);
  BOOST_TEST(has(text, "MagnitudePr…  "), text);
}

BOOST_AUTO_TEST_CASE(a_run_without_steps_or_modifiers_says_so) {
  BOOST_TEST(text_of({}) == "no steps\nno modifiers\n");
  BOOST_TEST(text_of({.title = "empty"}) == "empty\nno steps\nno modifiers\n");
}

BOOST_AUTO_TEST_CASE(a_resumed_run_has_the_numbers_of_its_steps_and_epochs) {
  Timeline timeline;
  timeline.first_step = 2050;
  timeline.end_step = 4000;
  timeline.steps_per_epoch = 100;
  const std::string text = text_of(timeline, {.columns = 40});
  BOOST_TEST(has(text, "2500"), text);
  BOOST_TEST(has(text, " 25 "), text);
  BOOST_TEST(!has(text, " 0 "), text);
}

BOOST_AUTO_TEST_CASE(a_loss_that_stays_the_same_is_a_line_in_the_middle) {
  Timeline timeline;
  timeline.end_step = 100;
  timeline.losses = {{0, 9, 2, 2, 2}, {90, 99, 2, 2, 2}};
  const std::vector<std::string> lines = lines_of(text_of(timeline));
  BOOST_TEST(lines.at(1).ends_with("│"));
  BOOST_TEST(has(lines.at(2), "loss 2 ┤"));
  BOOST_TEST(has(lines.at(2), "⠤⠤⠤"));
  BOOST_TEST(lines.at(3).ends_with("│"));
}

BOOST_AUTO_TEST_SUITE_END()
