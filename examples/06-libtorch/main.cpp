// SPDX-License-Identifier: BSL-1.0
// LibTorch networks that read handwritten digits: trained dense, then pruned, then with weights of
// four bits. All of that is in a recipe: give it another, and it prunes otherwise, quantizes to
// other numbers of bits, or neither, without being compiled again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "../03-recipe/recipe_args.hpp"
#include "compare.hpp"
#include "images.hpp"
#include "report.hpp"
#include "run.hpp"
#include "torch.hpp"

namespace {

// Whether the digits' run reached what this example promises.
bool report_digits(const std::vector<StageResult>& stages) {
  const double dense = stages.front().accuracy;
  const double last = stages.back().accuracy;
  const bool met = dense >= 0.97 && last >= dense - 0.01;
  fmt::print("\n{}: dense at least 97 %, at most one point lost\n",
             met ? "targets met" : "TARGETS MISSED");
  return met;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a LibTorch network under a recipe: dense, then pruned, then quantized."};
  RunSettings settings;
  std::string recipe_file = RECIPE_YAML;
  std::string data = DIGITS_CSV;
  std::string mnist;
  std::vector<std::string> args;
  std::vector<std::string> stages;
  std::uint64_t seeds = 0;
  app.add_option("--network", settings.network, "LeNet-300-100, or a small convolutional network")
      ->check(CLI::IsMember({"lenet", "cnn"}))
      ->capture_default_str();
  CLI::Option* folder = app.add_option(
      "--mnist", mnist, "a folder with MNIST's four IDX files, in place of the digits");
  CLI::Option* seed = app.add_option("--seed", settings.seed,
                                     "for the first weights, the order of the images, noise")
                          ->capture_default_str();
  app.add_option("--recipe", recipe_file, "the recipe, YAML or JSON");
  app.add_option("--arg", args,
                 "NAME=VALUE, in place of one of the recipe's args; may be repeated");
  CLI::Option* stage = app.add_option(
      "--stage", stages, "keep this stage of the recipe; may be repeated; all if none");
  CLI::Option* trace =
      app.add_option("--trace", settings.trace, "record the run there, and draw it beside");
  CLI::Option* save =
      app.add_option("--save", settings.save, "save the network there, and load it back");
  app.add_option("--compare", seeds, "the means of so many seeds: pruned, 4 bits, 2 bits, dense")
      ->needs(folder)
      ->excludes(stage)
      ->excludes(trace)
      ->excludes(save)
      ->excludes(seed)
      ->check(CLI::Range(1, 1000));
  app.add_option("--data", data, "the digits' CSV file: 64 pixels 0..16 and the label per row");
  CLI11_PARSE(app, argc, argv);
  try {
    // The momentum of a pruned weight falls towards zero for ever, and processors are slow with
    // numbers as small as it gets: they are to take them for zeros.
    at::globalContext().setFlushDenormal(true);
    // One batch is too little work to share, and the result would depend on how it is shared.
    // OpenBLAS has threads of its own, as many as OPENBLAS_NUM_THREADS says when the program
    // starts.
    torch::set_num_threads(1);

    // The args and stages asked for, and those of `options`.
    const auto read = [&](takt::RecipeOptions options) {
      for (const std::string& arg : args) {
        // Those that a comparison is about come last, and hold.
        options.args.insert(options.args.begin(), read_arg(arg));
      }
      options.stages.insert(options.stages.end(), stages.begin(), stages.end());
      return takt::Recipe::from_file(recipe_file, options);
    };
    const ImageSet images = mnist.empty() ? digits_images(data) : mnist_images(mnist);
    fmt::print("{}: {} images train, {} test\n", images.name, images.train.count(),
               images.test.count());
    if (seeds > 0) return report(compare(images, settings.network, seeds, read)) ? 0 : 1;

    const std::vector<StageResult> results = run(images, read({}), settings);
    print_stages(results);
    if (!settings.trace.empty()) draw(settings.trace);
    return mnist.empty() && !report_digits(results) ? 1 : 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "libtorch-digits: {}\n", error.what());
    return 1;
  }
}
