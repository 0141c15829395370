// SPDX-License-Identifier: BSL-1.0
/// \file
/// Writes a timeline as a page with checks in it: takt-page NAME CHECKS.js.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "takt/timeline.hpp"

namespace {

using takt::StepRun;
using takt::Timeline;
using takt::TimelineLane;

TimelineLane lane(std::string name, std::vector<StepRun> due) {
  TimelineLane result;
  result.name = std::move(name);
  result.cadence = "as the test has it";
  result.starts = due.front().first;
  result.ends = due.back().last();
  for (const StepRun& run : due) result.updates += run.count;
  result.due = std::move(due);
  return result;
}

/// 400 steps, with names that would end the page's data or begin elements.
Timeline hostile() {
  Timeline result;
  result.title = "</title><script>window.broken = 1</script> & more";
  result.end_step = 400;
  result.steps_per_epoch = 40;
  result.lanes = {lane("</script><b>x", {{0, 8, 50}}),
                  lane("<!--<script>\xE2\x80\xA8 \xFF", {{100, 101, 1}, {300, 5, 10}}),
                  lane("open", {{7, 1, 1}})};
  result.lanes[0].nanoseconds = 1'500'000;
  result.lanes[1].throws = 3;
  result.lanes[2].ends.reset();
  result.lanes[2].events = 1200;
  for (std::int64_t step = 0; step < 400; ++step) {
    const double loss = 400.0 / static_cast<double>(step + 100);
    result.losses.push_back({step, step, loss, loss, loss});
  }
  return result;
}

/// 2^40 steps, in each of which 40 modifiers are due.
Timeline endless() {
  constexpr std::int64_t steps = std::int64_t{1} << 40;
  Timeline result;
  result.title = "long";
  result.end_step = steps;
  for (int i = 0; i < 40; ++i) result.lanes.push_back(lane("lane", {{0, steps, 1}}));
  return result;
}

/// Two steps, losses as far apart as numbers are, a lane that never opens and one cut short.
Timeline extreme() {
  constexpr double most = std::numeric_limits<double>::max();
  Timeline result;
  result.end_step = 2;
  result.losses = {{0, 0, -most, most, 0.0}, {1, 1, 0.0, 0.0, 0.0}};
  result.lanes = {lane("never", {{0, 1, 1}}), lane("cut short", {{0, 1, 1}})};
  result.lanes[0].starts.reset();
  result.lanes[0].due.clear();
  result.lanes[1].ends = 1;
  result.lanes[1].updates = 2;
  result.lanes[1].due_complete = false;
  return result;
}

Timeline named(const std::string& name) {
  if (name == "long") return endless();
  if (name == "empty") return {};
  if (name == "extreme") return extreme();
  return hostile();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return EXIT_FAILURE;
  const std::string name = arguments[1];
  std::ifstream file{arguments[2]};
  const std::string checks{std::istreambuf_iterator<char>{file}, {}};
  if (checks.empty()) return EXIT_FAILURE;
  std::ostringstream out;
  write_html(named(name), out);
  std::string page = out.str();
  // Before the page's own script, so that its errors are seen and its globals known.
  const std::string head = "<head>";
  const std::string watch =
      "<script>const before = new Set(Object.getOwnPropertyNames(window)), errors = [];\n"
      "addEventListener('error', (event) => errors.push(event.message));\n"
      "addEventListener('securitypolicyviolation', (event) => errors.push(event.blockedURI));\n"
      // Without a window, frames are drawn when it pleases the browser; timers are reliable.
      "window.requestAnimationFrame = (draw) => setTimeout(draw, 16);\n"
      "const page = '" +
      name + "';</script>";
  page.insert(page.find(head) + head.size(), watch);
  std::cout << page << "<script>\n" << checks << "</script>\n";
  return std::cout.good() ? EXIT_SUCCESS : EXIT_FAILURE;
}
