// SPDX-License-Identifier: BSL-1.0
/// \file
/// The table of a run: its stages side by side.
#ifndef EXAMPLES_LIBTORCH_REPORT_HPP
#define EXAMPLES_LIBTORCH_REPORT_HPP

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "stage_results.hpp"

inline double percent(std::int64_t part, std::int64_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// Of all weights together.
inline double sparsity(const StageResult& result) {
  std::int64_t zeros = 0;
  std::int64_t elements = 0;
  for (const WeightCount& weight : result.weights) {
    zeros += weight.zeros;
    elements += weight.elements;
  }
  return percent(zeros, elements);
}

inline void print_stages(const std::vector<StageResult>& stages) {
  const auto row = [&](const std::string& title, const auto& cell) {
    fmt::print("{:<28}", title);
    for (const StageResult& stage : stages) fmt::print("{:>14}", cell(stage));
    fmt::print("\n");
  };
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  fmt::print("\n");
  row("", [](const StageResult& stage) { return stage.stage.name; });
  row("until epoch", [](const StageResult& stage) { return fmt::format("{:g}", stage.stage.end); });
  row("test accuracy",
      [](const StageResult& stage) { return fmt::format("{:.2f}%", 100.0 * stage.accuracy); });
  row("test accuracy, rounded", [](const StageResult& stage) {
    return stage.rounded ? fmt::format("{:.2f}%", 100.0 * *stage.rounded) : std::string{};
  });
  for (std::size_t i = 0; i < stages.front().weights.size(); ++i) {
    row("zeros in " + stages.front().weights[i].name, [&](const StageResult& stage) {
      return fmt::format("{:.2f}%", percent(stage.weights[i].zeros, stage.weights[i].elements));
    });
  }
  row("zeros in all weights",
      [](const StageResult& stage) { return fmt::format("{:.2f}%", sparsity(stage)); });
  row("bits of a weight", [](const StageResult& stage) {
    const auto [least, most] = std::ranges::minmax(stage.weights, {}, &WeightCount::bits);
    return least.bits == most.bits ? fmt::format("{}", most.bits)
                                   : fmt::format("{} to {}", least.bits, most.bits);
  });
  row("size",
      [](const StageResult& stage) { return fmt::format("{:.1f} KiB", stage.bytes / 1024); });
  row("training time",
      [&](const StageResult& stage) { return fmt::format("{:.2f} s", seconds(stage.time)); });
  row("of it in modifiers", [&](const StageResult& stage) {
    return fmt::format("{:.1f}%", 100.0 * seconds(stage.in_takt) / seconds(stage.time));
  });
}

// A page beside the trace that shows the run.
inline void draw(const std::string& trace) {
  const std::string page = std::filesystem::path{trace}.replace_extension(".html").string();
  takt::TraceReader reader{std::filesystem::path{trace}};
  const takt::Timeline timeline = takt::timeline_of(reader);
  std::ofstream out{page};
  takt::write_html(timeline, out);
  out.close();
  if (!out) throw std::runtime_error(page + " can't be written");
  fmt::print("\ntrace of the run:     {}\nits timeline, a page: {}\n", trace, page);
}

#endif
