// SPDX-License-Identifier: BSL-1.0
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "takt/timeline.hpp"

namespace {

using takt::LossSpan;
using takt::StepRun;
using takt::Timeline;
using takt::TimelineLane;
using Json = nlohmann::json;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::string html_of(const Timeline& timeline) {
  std::ostringstream out;
  write_html(timeline, out);
  return out.str();
}

/// What is between the first `begin` and the `end` after it.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  BOOST_REQUIRE(from != std::string::npos);
  const std::size_t to = text.find(end, from + begin.size());
  BOOST_REQUIRE(to != std::string::npos);
  return text.substr(from + begin.size(), to - from - begin.size());
}

/// The data, up to where a browser takes it to end.
std::string data_text(const Timeline& timeline) {
  return between(html_of(timeline), R"(<script type="application/json" id="data">)", "</script");
}

Json data_of(const Timeline& timeline) { return Json::parse(data_text(timeline)); }

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

Timeline named(const std::string& name) {
  Timeline result;
  result.title = name;
  result.end_step = 1;
  TimelineLane lane;
  lane.name = name;
  lane.cadence = name;
  result.lanes.push_back(lane);
  return result;
}

Timeline with_losses(const std::vector<LossSpan>& losses) {
  Timeline result;
  result.end_step = 10;
  result.losses = losses;
  return result;
}

const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names{"</script><b>x",
                                              "</SCRIPT >",
                                              "<!--<script>",
                                              "-->]]>",
                                              "\"},{\"",
                                              "\\u003c\\",
                                              "&lt;&amp;",
                                              "{{data}}{{title}}",
                                              "\xE2\x80\xA8\xE2\x80\xA9",
                                              "\xF0\x9F\xA5\x81 Takt \xC3\xA4",
                                              "\n\t\x01\x7F",
                                              ""};
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(timeline_html)

BOOST_AUTO_TEST_CASE(the_data_has_all_of_the_timeline) {
  Timeline timeline;
  timeline.first_step = 3;
  timeline.end_step = std::int64_t{1} << 40;
  timeline.steps_per_epoch = 44;
  timeline.lanes.resize(2);
  timeline.lanes[0] = {.name = "prune",
                       .cadence = "every 0.5 epochs",
                       .starts = 176,
                       .ends = 1232,
                       .updates = 49,
                       .events = 7,
                       .due = {{176, 48, 22}, {1232, 1, 1}},
                       .due_complete = false,
                       .nanoseconds = 1'500,
                       .throws = 2};
  timeline.losses = {{3, 3, 0.1, 0.1, 0.1}, {4, 9, -1.5, 1e-300, 0.25}};

  const Json data = data_of(timeline);
  BOOST_TEST(data["first_step"] == 3);
  BOOST_TEST(data["end_step"] == std::int64_t{1} << 40);
  BOOST_TEST(data["steps_per_epoch"] == 44);
  BOOST_TEST(data["losses"] == Json::array({3, 3, 0.1, 0.1, 0.1, 4, 9, -1.5, 1e-300, 0.25}));
  BOOST_REQUIRE_EQUAL(data["lanes"].size(), 2U);
  BOOST_TEST(data["lanes"][0] == Json({{"name", "prune"},
                                       {"cadence", "every 0.5 epochs"},
                                       {"starts", 176},
                                       {"ends", 1232},
                                       {"updates", 49},
                                       {"events", 7},
                                       {"due", {176, 48, 22, 1232, 1, 1}},
                                       {"due_complete", false},
                                       {"nanoseconds", 1'500},
                                       {"throws", 2}}));
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_null) {
  Timeline timeline;
  timeline.lanes.resize(1);
  const Json data = data_of(timeline);
  BOOST_TEST(data["steps_per_epoch"].is_null());
  BOOST_TEST(data["losses"] == Json::array());
  for (const char* name : {"starts", "ends", "nanoseconds"}) {
    BOOST_TEST(data["lanes"][0][name].is_null());
  }
  BOOST_TEST(data["lanes"][0]["due"] == Json::array());
  BOOST_TEST(data_of(Timeline{})["lanes"] == Json::array());
}

BOOST_AUTO_TEST_CASE(no_name_ends_the_data_or_changes) {
  for (const std::string& name : hostile_names()) {
    const Timeline timeline = named(name);
    const std::string text = data_text(timeline);
    const auto is_plain = [](char c) { return (c >= ' ' && c <= '~') || c == '\n'; };
    BOOST_TEST(std::all_of(text.begin(), text.end(), is_plain));
    BOOST_TEST(text.find_first_of("<>&") == std::string::npos);
    const Json lane = Json::parse(text)["lanes"][0];
    BOOST_TEST(lane["name"] == name);
    BOOST_TEST(lane["cadence"] == name);
  }
}

BOOST_AUTO_TEST_CASE(the_page_has_the_same_elements_whatever_the_names) {
  const std::string plain = html_of(named("plain"));
  for (const std::string& name : hostile_names()) {
    const std::string page = html_of(named(name));
    BOOST_TEST(count_of(page, "<") == count_of(plain, "<"));
    BOOST_TEST(count_of(page, ">") == count_of(plain, ">"));
  }
}

BOOST_AUTO_TEST_CASE(the_title_is_the_title_and_the_heading) {
  const std::string page = html_of(named("a <b> & c\n\xC3\xA4"));
  const std::string title = "a &lt;b&gt; &amp; c \xC3\xA4";
  BOOST_TEST(between(page, "<title>", "</title>") == title);
  BOOST_TEST(between(page, "<h1>", "</h1>") == title);
  BOOST_TEST(between(html_of({}), "<title>", "</title>") == "Timeline");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf_8_are_replaced) {
  const std::string replaced = "a\xEF\xBF\xBDz";
  const Timeline timeline = named("a\xFFz");
  BOOST_TEST(data_of(timeline)["lanes"][0]["name"] == replaced);
  BOOST_TEST(between(html_of(timeline), "<title>", "</title>") == replaced);
}

BOOST_AUTO_TEST_CASE(losses_that_are_no_finite_number_are_left_out) {
  const Json data = data_of(with_losses({{0, 0, not_a_number, 1.0, 1.0},
                                         {1, 1, 1.0, infinity, 1.0},
                                         {2, 2, 1.0, 1.0, -infinity},
                                         {3, 3, 1.0, 3.0, 2.0}}));
  BOOST_TEST(data["losses"] == Json::array({3, 3, 1.0, 3.0, 2.0}));
}

BOOST_AUTO_TEST_CASE(steps_that_a_page_could_not_divide_by_are_put_right) {
  Timeline timeline;
  timeline.steps_per_epoch = 0;
  timeline.lanes.resize(1);
  timeline.lanes[0].due = {{1, 0, 1}, {2, 1, 0}, {9, -3, 1}};
  BOOST_TEST(data_of(timeline)["steps_per_epoch"].is_null());
  BOOST_TEST(data_of(timeline)["lanes"][0]["due"] == Json::array({2, 1, 1}));
}

BOOST_AUTO_TEST_CASE(the_page_needs_nothing_else) {
  const std::string page = html_of({});
  for (const char* part : {"http:", "https:", "//www", "src=", "href=", "@import", "url(", "<link",
                           "fetch(", "XMLHttpRequest", "import("}) {
    BOOST_TEST(count_of(page, part) == 0U, part << " is in the page");
  }
  BOOST_TEST(count_of(page, "default-src 'none'") == 1U);
}

BOOST_AUTO_TEST_CASE(the_page_is_small_and_whole) {
  const std::string page = html_of({});
  BOOST_TEST(page.size() < 40'000U);
  BOOST_TEST(page.find("{{") == std::string::npos);
  BOOST_TEST(page.substr(0, 15) == "<!DOCTYPE html>");
  BOOST_TEST(page.substr(page.size() - 8) == "</html>\n");
}

BOOST_AUTO_TEST_SUITE_END()
