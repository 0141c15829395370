// SPDX-License-Identifier: BSL-1.0
// A timeline as a picture.
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cadence_cases.hpp"
#include "shown_text.hpp"
#include "takt/timeline.hpp"
#include "timeline_cases.hpp"

namespace {

using takt::Timeline;
using takt::TimelineLane;
using takt::test::evenly;
using takt::test::pruning_timeline;

std::string svg_of(const Timeline& timeline) {
  std::ostringstream out;
  write_svg(timeline, out);
  return out.str();
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

bool has(const std::string& text, std::string_view part) { return count_of(text, part) > 0; }

/// Whether every "&" begins one of the entities that XML knows by itself.
bool escapes(std::string_view text) {
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    bool known = false;
    for (const std::string_view entity : {"&amp;", "&lt;", "&gt;"}) {
      known = known || text.substr(at).starts_with(entity);
    }
    if (!known) return false;
  }
  return true;
}

/// What is wrong with it as XML, as far as such a picture can be wrong; nothing when all is well.
std::string fault_of(const std::string& svg) {
  std::vector<std::string> open;
  std::size_t at = 0;
  while (at < svg.size()) {
    const std::size_t tag = svg.find('<', at);
    if (!escapes(std::string_view{svg}.substr(at, tag - at))) return "an ampersand in a text";
    if (tag == std::string::npos) break;
    const std::size_t end = svg.find('>', tag);
    if (end == std::string::npos) return "an open tag";
    const std::string inside = svg.substr(tag + 1, end - tag - 1);
    at = end + 1;
    if (inside.find('<') != std::string::npos) return "a tag in a tag: " + inside;
    if (count_of(inside, "'") % 2 != 0) return "an odd quote: " + inside;
    if (inside.starts_with('/')) {
      if (open.empty() || open.back() != inside.substr(1)) return "closed out of order: " + inside;
      open.pop_back();
      if (open.empty() && svg.substr(at) != "\n") return "something after the end";
    } else if (!inside.ends_with('/')) {
      open.push_back(inside.substr(0, inside.find(' ')));
    }
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

/// The attribute `d` of the first path with that colour.
std::string path_of(const std::string& svg, const std::string& colour) {
  const std::size_t stroke = svg.find("' stroke='" + colour);
  if (stroke == std::string::npos) return {};
  const std::size_t begin = svg.rfind("d='", stroke) + 3;
  return svg.substr(begin, stroke - begin);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timeline_svg)

BOOST_AUTO_TEST_CASE(a_picture_is_well_formed_whatever_is_in_it) {
  BOOST_TEST(rc::check("well-formed", [] {
    const std::string svg = svg_of(takt::test::any_timeline());
    RC_ASSERT(fault_of(svg) == std::string{});
    RC_ASSERT(!has(svg, "nan"));
    RC_ASSERT(!has(svg, "inf'"));
    std::istringstream in{svg};
    for (std::string line; std::getline(in, line);) {
      RC_ASSERT(takt::detail::shown_text(line) == line);
    }
  }));
}

BOOST_AUTO_TEST_CASE(faults_are_found) {
  BOOST_TEST(fault_of("<svg><g></g></svg>\n") == "");
  BOOST_TEST(fault_of("<svg><g></svg></g>\n") != "");
  BOOST_TEST(fault_of("<svg><g></svg>\n") != "");
  BOOST_TEST(fault_of("<svg>&b;</svg>\n") != "");
  BOOST_TEST(fault_of("<svg x='></svg>\n") != "");
  BOOST_TEST(fault_of("<svg>\n") != "");
}

BOOST_AUTO_TEST_CASE(names_are_escaped) {
  Timeline timeline = pruning_timeline();
  timeline.title = "a & b";
  timeline.lanes[0].name = "<b>\"x\"\x1b\xff";
  const std::string svg = svg_of(timeline);
  BOOST_TEST(has(svg, ">a &amp; b</text>"), svg);
  BOOST_TEST(has(svg, ">&lt;b&gt;\"x\"\uFFFD\uFFFD</text>"), svg);
}

BOOST_AUTO_TEST_CASE(a_lane_has_its_name_its_cadence_and_its_numbers) {
  Timeline timeline = pruning_timeline();
  timeline.lanes[3].throws = 3;
  timeline.lanes[1].nanoseconds = 2'100'000'000;
  const std::string svg = svg_of(timeline);
  BOOST_TEST(has(svg, ">prune</text>"));
  BOOST_TEST(has(svg, ">from epoch 4 to 28, every 0.5 epochs</text>"));
  BOOST_TEST(has(svg, ">49 updates</text>"));
  BOOST_TEST(has(svg, ">3 throws</tspan>"));
  BOOST_TEST(has(svg, ">2.1 s</text>"));
  BOOST_TEST(has(svg, ">never opens</text>"));
  BOOST_TEST(has(svg,
                 "<title>prune: from epoch 4 to 28, every 0.5 epochs; open from step 176 to "
                 "1\u2009232</title>"),
             svg);
}

BOOST_AUTO_TEST_CASE(updates_have_marks_of_their_own_as_long_as_they_can_be_told_apart) {
  const std::string svg = svg_of(pruning_timeline());
  BOOST_TEST(count_of(path_of(svg, "#2563eb"), "M") == 1U);   // warm-up: at every step
  BOOST_TEST(count_of(path_of(svg, "#d97706"), "M") == 8U);   // report: every fifth epoch
  BOOST_TEST(count_of(path_of(svg, "#7c3aed"), "M") == 49U);  // prune: every half epoch
  BOOST_TEST(path_of(svg, "#65a30d") == "");                  // hold: no updates
}

BOOST_AUTO_TEST_CASE(epochs_are_there_where_the_run_has_them) {
  Timeline timeline = pruning_timeline();
  BOOST_TEST(has(svg_of(timeline), ">epoch</text>"));
  BOOST_TEST(has(svg_of(timeline), ">35</text>"));
  timeline.steps_per_epoch.reset();
  BOOST_TEST(!has(svg_of(timeline), ">epoch</text>"));
  BOOST_TEST(has(svg_of(timeline), ">step</text>"));
}

BOOST_AUTO_TEST_CASE(a_loss_has_a_band_and_a_line) {
  Timeline timeline = pruning_timeline();
  BOOST_TEST(!has(svg_of(timeline), ">loss</text>"));
  takt::test::add_losses(timeline);
  const std::string svg = svg_of(timeline);
  BOOST_TEST(has(svg, ">loss</text>"));
  BOOST_TEST(has(svg, "Z' fill='#94a3b8'"));
  BOOST_TEST(has(svg, "h0' fill='none' stroke='#334155'"));
  BOOST_TEST(has(svg, ">1</text>"));
}

BOOST_AUTO_TEST_CASE(a_picture_of_many_updates_stays_small) {
  Timeline timeline;
  timeline.title = "irregular";
  timeline.end_step = 1'000'000;
  takt::StepRuns due;
  std::uint64_t noise = 1;
  for (std::int64_t step = 0; step < timeline.end_step;) {
    due.add(step);
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    step += 1 + static_cast<std::int64_t>(noise >> 51U);  // up to 8 pixels
  }
  const TimelineLane lane{.name = "a modifier with a name of some length",
                          .cadence = "from step 1000 on, every 0.7390851332151607 steps",
                          .starts = 0,
                          .updates = due.count(),
                          .due = due.runs()};
  for (const std::size_t lanes : {1U, 50U, 1000U}) {
    timeline.lanes.assign(lanes, lane);
    const std::string svg = svg_of(timeline);
    BOOST_TEST(svg.size() < 100'000U);
    BOOST_TEST(has(svg, "and 930 more modifiers") == (lanes == 1000U));
  }
}

BOOST_AUTO_TEST_CASE(a_run_without_steps_or_modifiers_is_a_picture_too) {
  const std::string svg = svg_of({});
  BOOST_TEST(fault_of(svg) == "");
  BOOST_TEST(has(svg, ">no modifiers</text>"));
  BOOST_TEST(has(svg, "0 steps"));
}

BOOST_AUTO_TEST_CASE(updates_that_are_not_known_are_dashed) {
  Timeline timeline = pruning_timeline();
  BOOST_TEST(!has(svg_of(timeline), "stroke-dasharray='3 4'"));
  timeline.lanes[3].due_complete = false;
  timeline.lanes[3].due = {{176, 10, 22}};
  BOOST_TEST(has(svg_of(timeline), "stroke-dasharray='3 4'"));
}

BOOST_AUTO_TEST_SUITE_END()
