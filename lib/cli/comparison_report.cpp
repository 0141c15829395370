// SPDX-License-Identifier: BSL-1.0
#include "comparison_report.hpp"

#include <algorithm>
#include <span>

#include "json_text.hpp"
#include "option_checks.hpp"
#include "output_options.hpp"

namespace takt::cli {
namespace {

std::string events(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " event" : " events");
}

Json json_of(const TraceComparison& comparison, std::span<const TraceDifference> listed) {
  Json differences = Json::array();
  for (const TraceDifference& difference : listed) {
    differences.push_back(
        {{"step", difference.step}, {"batch", difference.batch}, {"text", difference.text}});
  }
  return {{"equal", comparison.equal()},
          {"events", comparison.entries},
          {"differing", comparison.differing},
          {"torn", comparison.torn},
          {"differences", differences}};
}

}  // namespace

void ComparisonReport::add_options(CLI::App& command) {
  command.add_option("--most", most_, "list at most so many differences; 10 unless told")
      ->type_name("N")
      ->check(whole_number(1));
  add_json_option(command, json_);
}

int ComparisonReport::write(const TraceComparison& comparison, const std::string& heading,
                            const Screen& screen) const {
  const int code = comparison.equal() ? 0 : differences_found;
  const std::size_t count =
      std::min(comparison.differences.size(), static_cast<std::size_t>(most_));
  const std::span listed{comparison.differences.data(), count};
  if (json_) {
    write_json(json_of(comparison, listed), screen);
    return code;
  }
  if (comparison.equal()) {
    write_line(screen, heading + ": equal in " + events(comparison.entries));
  } else {
    write_line(screen, heading + ": different in " + std::to_string(comparison.differing) + " of " +
                           events(comparison.entries));
    for (const TraceDifference& difference : listed) {
      write_line(screen, "  " + difference.text, 4);
    }
    if (comparison.differences.size() > count) {
      write_line(screen, "  and more; --most N lists more of them", 4);
    }
  }
  if (comparison.torn) {
    write_line(screen, "note: a trace ends in a torn line, which was left out", 2);
  }
  return code;
}

}  // namespace takt::cli
