// SPDX-License-Identifier: BSL-1.0
/// \file
/// What pruning and quantizing cost on MNIST: the means of several seeds, and dense training of the
/// same length beside them.
#ifndef EXAMPLES_LIBTORCH_COMPARE_HPP
#define EXAMPLES_LIBTORCH_COMPARE_HPP

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "images.hpp"
#include "report.hpp"
#include "run.hpp"

// The test errors of one row, in percent, one for each seed.
struct Errors {
  std::string title{};
  std::vector<double> seeds{};

  void add(double accuracy) { seeds.push_back(100.0 * (1.0 - accuracy)); }
  double mean() const {
    return std::accumulate(seeds.begin(), seeds.end(), 0.0) / static_cast<double>(seeds.size());
  }
  double worst() const { return *std::ranges::max_element(seeds); }
};

struct Comparison {
  Errors dense{}, longer{}, pruned{}, rounded4{}, trained4{}, rounded2{}, trained2{};
  double sparsity = 100.0;  // in percent, of the least sparse of the pruned networks

  std::vector<Errors> rows() const {
    return {dense, longer, pruned, rounded4, trained4, rounded2, trained2};
  }
};

// Throws std::runtime_error when there is no stage of that name.
inline const StageResult& stage_of(const std::vector<StageResult>& stages,
                                   const std::string& name) {
  const auto found =
      std::ranges::find(stages, name, [](const auto& each) { return each.stage.name; });
  if (found == stages.end()) {
    throw std::runtime_error("the recipe has no stage in which the network is " + name);
  }
  return *found;
}

// Three runs for each of the seeds from 1 on: the recipe with weights of 4 bits, with weights of 2
// bits, and its training alone. `read` reads the recipe.
inline Comparison compare(const ImageSet& images, const std::string& network, std::uint64_t seeds,
                          const std::function<takt::Recipe(const takt::RecipeOptions&)>& read) {
  const takt::Recipe recipe4 = read({.args = {{"bits", 4}}});
  const takt::Recipe recipe2 = read({.args = {{"bits", 2}}});
  const takt::Recipe alone = read({.stages = {"training"}});
  Comparison all;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto train = [&](const takt::Recipe& recipe, const char* what) {
      const auto stages = run(images, recipe, {.network = network, .seed = seed});
      fmt::print("seed {}, {}:", seed, what);
      for (const StageResult& stage : stages) {
        fmt::print(" {} {:.2f} %", stage.stage.name, 100.0 * (1.0 - stage.accuracy));
        if (stage.rounded) fmt::print(", rounded {:.2f} %", 100.0 * (1.0 - *stage.rounded));
        fmt::print("{}", &stage == &stages.back() ? "\n" : ",");
      }
      std::fflush(stdout);
      return stages;
    };
    const auto four = train(recipe4, "4 bits");
    const auto two = train(recipe2, "2 bits");
    const auto dense = train(alone, "dense");
    const StageResult& pruned = stage_of(four, "pruned");
    all.dense.add(stage_of(four, "dense").accuracy);
    all.longer.add(dense.back().accuracy);
    all.pruned.add(pruned.accuracy);
    all.rounded4.add(pruned.rounded.value());
    all.trained4.add(stage_of(four, "quantized").accuracy);
    all.rounded2.add(stage_of(two, "pruned").rounded.value());
    all.trained2.add(stage_of(two, "quantized").accuracy);
    all.sparsity = std::min(all.sparsity, sparsity(pruned));

    const auto until = [](const StageResult& stage) { return stage.stage.end; };
    all.dense.title = fmt::format("dense, {:g} epochs", until(stage_of(four, "dense")));
    all.longer.title = fmt::format("dense, {:g} epochs", until(dense.back()));
    all.pruned.title = fmt::format("pruned to {:.1f} %, {:g} epochs", all.sparsity, until(pruned));
    all.rounded4.title = "and rounded to 4 bits";
    all.trained4.title = fmt::format("and trained at 4 bits, {:g} epochs", until(four.back()));
    all.rounded2.title = "and rounded to 2 bits";
    all.trained2.title = fmt::format("and trained at 2 bits, {:g} epochs", until(two.back()));
  }
  return all;
}

// A Markdown table of the errors.
inline void print_errors(const Comparison& comparison) {
  fmt::print("\n| {:<34} |", "test error");
  for (std::size_t i = 1; i <= comparison.dense.seeds.size(); ++i) fmt::print(" seed {:<2} |", i);
  fmt::print(" mean    |\n|{:-<36}|", "");
  for (std::size_t i = 0; i <= comparison.dense.seeds.size(); ++i) fmt::print("{:-<9}|", "");
  fmt::print("\n");
  for (const Errors& row : comparison.rows()) {
    fmt::print("| {:<34} |", row.title);
    for (const double error : row.seeds) fmt::print(" {:>5.2f} % |", error);
    fmt::print(" {:>5.2f} % |\n", row.mean());
  }
}

// Whether LeNet-300-100 reached on MNIST what this example promises.
inline bool report(const Comparison& all) {
  print_errors(all);
  const double pruning = all.pruned.mean() - all.dense.mean();
  const double four_bits = all.trained4.mean() - all.pruned.mean();
  const double training = all.rounded2.mean() - all.trained2.mean();
  fmt::print(
      "\nin points: pruning costs {:.2f}, 4 bits on top {:.2f}; training at 2 bits gains {:.2f}\n",
      pruning, four_bits, training);
  constexpr double rounding = 1e-9;  // errors are whole hundredths, and their means nearly thirds
  const bool met = all.dense.worst() <= 1.8 + rounding && all.longer.worst() <= 1.8 + rounding &&
                   all.sparsity >= 92.0 && pruning <= 0.15 + rounding &&
                   four_bits <= 0.1 + rounding && training >= 0.5 - rounding;
  fmt::print(
      "{}: dense 1.8 % at most, 92 % pruned for 0.15 points, 4 bits for 0.1, 2 bits gain 0.5\n",
      met ? "targets met" : "TARGETS MISSED");
  return met;
}

#endif
