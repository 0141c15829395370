// SPDX-License-Identifier: BSL-1.0
// The digit classifier of 02-digits, but what happens while it trains is in a file: give it another
// recipe, and it prunes otherwise, or not at all, without being compiled again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <takt/takt.hpp>
#include <vector>

#include "../02-digits/adam.hpp"
#include "../02-digits/batches.hpp"
#include "../02-digits/digits.hpp"
#include "../02-digits/network.hpp"
#include "recipe_args.hpp"

namespace {

void train(takt::EventBus& bus, Network& network, Adam& adam, Batches& batches, int epochs) {
  bus.initialize();
  const takt::Control& control = bus.state().control;
  for (int epoch = 0; epoch < epochs && !control.stop_requested(); ++epoch) {
    batches.shuffle();
    for (std::int64_t i = 0; i < batches.count() && !control.stop_requested(); ++i) {
      bus.batch([&](takt::Batch& events) {
        const Samples& batch = batches.draw(i);
        network.forward(batch.images);
        events.loss(network.backward(batch.labels));
        events.step([&] { adam.step(network); });
      });
    }
  }
  bus.finalize();
  if (control.stop_requested()) fmt::print("stopped: {}\n", control.stop_reason());
}

void report(Network& network, const Samples& test) {
  fmt::print("test accuracy        {:6.2f} %\n", 100.0 * accuracy(network, test));
  for (std::size_t i = 0; i < network.parameter_count(); ++i) {
    const takt::Parameter parameter = network.parameter(i);
    if (parameter.shape.size() < 2) continue;
    const auto zeros = static_cast<double>(std::ranges::count(parameter.values, 0.0F));
    fmt::print("zeros in {:<11} {:6.2f} %\n", parameter.name,
               100.0 * zeros / static_cast<double>(parameter.values.size()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a digit classifier under a recipe."};
  std::string file = PRUNE_YAML;
  std::string data = DIGITS_CSV;
  std::string trace;
  std::vector<std::string> plugins;
  std::vector<std::string> args;
  int epochs = 1000;
  app.add_option("--recipe", file, "the recipe, YAML or JSON");
  app.add_option("--plugin", plugins, "a plugin to load, by name or path; may be repeated");
  app.add_option("--arg", args,
                 "NAME=VALUE, in place of one of the recipe's args; may be repeated");
  app.add_option("--epochs", epochs, "where to stop when the recipe does not")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--trace", trace, "record the run there, for takt view, replay and diff");
  app.add_option("--data", data, "the CSV file: 64 pixels 0..16 and the label per row");
  CLI11_PARSE(app, argc, argv);
  try {
    takt::RecipeOptions options;
    for (const std::string& plugin : plugins) {
      const takt::PluginInfo info = takt::load_plugin(plugin, options.registry);
      fmt::print("plugin {} {}\n", info.name, info.version);
    }
    for (const std::string& arg : args) options.args.push_back(read_arg(arg));
    const takt::Recipe recipe = takt::Recipe::from_file(file, options);

    std::mt19937 random{1};
    const Digits digits = read_digits(data, 3);
    Network network{{pixels, hidden, classes}, random};
    Adam adam;
    Batches batches{digits.train, random};

    takt::EventBus bus{takt::Event{.steps_per_epoch = batches.count()}};
    bus.state().set(network);
    bus.state().set(adam);
    for (const std::string& warning : bus.apply(recipe)) fmt::print("warning: {}\n", warning);
    fmt::print("{}: {} modifiers\n", file, recipe.modifiers().size());
    std::fflush(stdout);

    std::optional<takt::TraceRecorder> recorder;
    if (!trace.empty()) recorder.emplace(bus, trace);
    train(bus, network, adam, batches, epochs);
    if (recorder) recorder->close();  // throws when the trace is not whole
    report(network, digits.test);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "digits-recipe: {}\n", error.what());
    return 1;
  }
}
