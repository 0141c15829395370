// SPDX-License-Identifier: BSL-1.0
// A multilayer perceptron learns to read handwritten digits: once dense, and once with nine tenths
// of its weights pruned away while it trains. The network, its gradients and its optimizer are
// written out in the headers beside this file, as in any C++ program that has no framework; takt
// adds the schedule, the pruning and the progress bar, records the pruned run, and saves it as it
// goes, so that it can be killed at any moment and resumed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cereal/archives/portable_binary.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <takt/modifiers/checkpoint_modifier.hpp>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/progress.hpp>
#include <takt/takt.hpp>
#include <utility>
#include <vector>

#include "adam.hpp"
#include "batches.hpp"
#include "digits.hpp"
#include "network.hpp"

namespace {

// ---- Training -----------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;

// Adds the time from its construction to its destruction to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(Clock::duration& sum) : sum_{sum} {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { sum_ += Clock::now() - start_; }

 private:
  Clock::duration& sum_;
  Clock::time_point start_ = Clock::now();
};

struct Runs {
  std::string modifier;
  long updates = 0;
  long events = 0;
};

// Any modifier, with a count of how often the bus ran it.
template <class Base>
class Counted final : public Base {
 public:
  using Base::Base;
  void on_update(takt::State& state, const takt::Event& event) override {
    ++runs_.updates;
    Base::on_update(state, event);
  }
  void on_event(takt::State& state, const takt::Event& event) override {
    ++runs_.events;
    Base::on_event(state, event);
  }
  Runs runs() const {
    Runs runs = runs_;
    runs.modifier = this->name();
    return runs;
  }

 private:
  Runs runs_;
};

struct Result {
  double accuracy = 0.0;
  std::vector<std::pair<std::string, std::pair<long, long>>> layers;  // name, zeros, weights
  std::vector<Runs> runs;
  double seconds = 0.0;
  double in_takt = 0.0;  // of them
};

struct Options {
  std::string data = DIGITS_CSV;
  std::size_t fold = 3;
  unsigned seed = 1;
  int epochs = 40;
  bool only_pruned = false;
  std::string trace = "digits.jsonl";  // of the pruned run; empty = none
  std::string checkpoints{};           // of the pruned run; empty = none
  std::int64_t every = 100;            // steps
  bool resume = false;
  std::string save{};  // where the pruned network's weights go
};

// The process was asked to stop before the run had come to its end.
class Stopped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Begins a run, or goes on with the one whose last checkpoint is in that folder.
void begin(takt::EventBus& bus, const std::string& checkpoints, bool resume) {
  const auto last = resume ? takt::latest_checkpoint(checkpoints) : std::nullopt;
  if (!last) return bus.initialize();
  takt::load_checkpoint(bus, *last);
  fmt::print("resumed from {} at step {}\n", last->string(), bus.now().global_step);
}

Result train(const Digits& digits, bool prune, const Options& options) {
  std::mt19937 random{options.seed};
  Network network{{pixels, hidden, classes}, random};
  Adam adam;
  Batches batches{digits.train, random};
  const std::int64_t steps_per_epoch = batches.count();
  const std::int64_t steps = options.epochs * steps_per_epoch;

  takt::EventBus bus{takt::Event{.steps_per_epoch = steps_per_epoch}};
  bus.state().set(network);
  bus.state().set(adam);
  takt::LoopState loop{.save =
                           [&](std::ostream& out) {
                             cereal::PortableBinaryOutputArchive{out}(network, adam, batches);
                           },
                       .load =
                           [&](std::istream& in) {
                             cereal::PortableBinaryInputArchive{in}(network, adam, batches);
                           }};
  bus.state().set(loop);

  // Cadences count epochs here: warm up for one, then let the rate fall; prune between a tenth and
  // seven tenths of the run, every half epoch, and hold what is pruned until the end.
  const double epochs = options.epochs;
  std::vector<std::function<Runs()>> counts;
  const auto add = [&]<class M>(std::shared_ptr<Counted<M>> modifier) {
    bus.add(modifier);
    counts.emplace_back([modifier] { return modifier->runs(); });
  };
  add(std::make_shared<Counted<takt::LearningRateModifier>>(
      takt::LearningRateSettings{.name = "warm-up",
                                 .cadence = {.start = 0, .end = 1},
                                 .schedule = "linear_warmup",
                                 .learning_rate = 8e-3,
                                 .init_lr = 1e-4}));
  add(std::make_shared<Counted<takt::LearningRateModifier>>(
      takt::LearningRateSettings{.name = "cosine",
                                 .cadence = {.start = 1, .end = epochs},
                                 .schedule = "cosine",
                                 .learning_rate = 8e-3,
                                 .final_lr = 1e-5}));
  if (prune) {
    add(std::make_shared<Counted<takt::MagnitudePruningModifier>>(takt::MagnitudePruningSettings{
        .name = "prune",
        .cadence = {.start = 0.1 * epochs, .end = 0.7 * epochs, .update = 0.5},
        .targets = {"re:.*weight"},
        .init_sparsity = 0.05,
        .final_sparsity = 0.9,
        .update_scheduler = "cubic"}));
    add(std::make_shared<Counted<takt::ConstantPruningModifier>>(takt::ConstantPruningSettings{
        .name = "hold", .cadence = {.start = 0.7 * epochs}, .targets = {"re:.*weight"}}));
  }
  add(std::make_shared<Counted<takt::ProgressModifier>>(
      takt::ProgressSettings{.name = "progress", .cadence = {.update = 5}, .total_steps = steps}));
  const bool saves = prune && !options.checkpoints.empty();
  if (saves) {
    add(std::make_shared<Counted<takt::CheckpointModifier>>(takt::CheckpointSettings{
        .name = "checkpoint",
        .cadence = {.update =
                        static_cast<double>(options.every) / static_cast<double>(steps_per_epoch)},
        .folder = options.checkpoints}));
  }
  const takt::StopOnSignal stop{bus};

  std::optional<takt::TraceRecorder> recorder;
  if (prune && !options.trace.empty()) recorder.emplace(bus, options.trace);

  Clock::duration work{};  // what the loop would cost without takt
  const Clock::time_point began = Clock::now();
  begin(bus, options.checkpoints, saves && options.resume);
  const takt::Control& control = bus.state().control;
  while (bus.now().global_step < steps && !control.stop_requested()) {
    const std::int64_t step = bus.now().global_step % steps_per_epoch;
    if (step == 0) batches.shuffle();
    bus.batch([&](takt::Batch& events) {
      float loss = 0.0F;
      {
        const Stopwatch timed{work};
        const Samples& batch = batches.draw(step);
        network.forward(batch.images);
        loss = network.backward(batch.labels);
      }
      events.loss(loss);
      events.step([&] {
        const Stopwatch timed{work};
        adam.step(network);
      });
    });
  }
  bus.finalize();
  if (recorder) recorder->close();  // throws when the trace is not whole
  const std::chrono::duration<double> whole = Clock::now() - began;
  if (control.stop_requested()) throw Stopped(control.stop_reason());

  Result result;
  result.seconds = whole.count();
  result.in_takt = result.seconds - std::chrono::duration<double>(work).count();
  result.accuracy = accuracy(network, digits.test);
  for (std::size_t i = 0; i < network.parameter_count(); i += 2) {
    const takt::Parameter weight = network.parameter(i);
    const long zeros = std::ranges::count(weight.values, 0.0F);
    result.layers.push_back(
        {std::string{weight.name}, {zeros, static_cast<long>(weight.values.size())}});
  }
  for (const auto& count : counts) result.runs.push_back(count());
  if (prune && !options.save.empty()) {
    std::ofstream out{options.save, std::ios::binary};
    cereal::PortableBinaryOutputArchive{out}(network);
  }
  return result;
}

// ---- The report ---------------------------------------------------------------------------------

// Whether the run reached what this example promises.
bool report(const Result& dense, const Result& pruned) {
  fmt::print("\n{:<24}{:>14}{:>14}\n", "", "dense", "pruned");
  fmt::print("{:<24}{:>13.2f}%{:>13.2f}%\n", "test accuracy", 100.0 * dense.accuracy,
             100.0 * pruned.accuracy);
  long zeros = 0;
  long weights = 0;
  const auto share = [](long part, long whole) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  };
  for (std::size_t i = 0; i < pruned.layers.size(); ++i) {
    const auto& [name, counts] = pruned.layers[i];
    const auto& before = dense.layers[i].second;
    fmt::print("{:<24}{:>13.2f}%{:>13.2f}%   {} of {} zero\n", "sparsity of " + name,
               share(before.first, before.second), share(counts.first, counts.second), counts.first,
               counts.second);
    zeros += counts.first;
    weights += counts.second;
  }
  fmt::print("{:<24}{:>13}{:>14.2f}%\n", "sparsity of all", "", share(zeros, weights));
  fmt::print("{:<24}{:>12.2f} s{:>12.2f} s\n", "training time", dense.seconds, pruned.seconds);
  fmt::print("{:<24}{:>13.1f}%{:>13.1f}%   with its modifiers' work\n", "of it in takt",
             100.0 * dense.in_takt / dense.seconds, 100.0 * pruned.in_takt / pruned.seconds);

  fmt::print("\n{:<24}{:>14}{:>14}\n", "modifier (pruned run)", "updates", "every event");
  for (const Runs& runs : pruned.runs) {
    fmt::print("{:<24}{:>14}{:>14}\n", runs.modifier, runs.updates, runs.events);
  }

  const bool met = dense.accuracy >= 0.97 && pruned.accuracy >= dense.accuracy - 0.01 &&
                   zeros * 10 == weights * 9;
  fmt::print("\n{}: dense at least 97 %, exactly 90 % sparse, at most one point lost\n",
             met ? "targets met" : "TARGETS MISSED");
  return met;
}

// A page beside the trace that shows the run.
void draw(const std::string& trace) {
  const std::string page = std::filesystem::path{trace}.replace_extension(".html").string();
  takt::TraceReader reader{std::filesystem::path{trace}};
  const takt::Timeline timeline = takt::timeline_of(reader);
  std::ofstream out{page};
  takt::write_html(timeline, out);
  out.close();
  if (!out) throw std::runtime_error(page + " can't be written");
  fmt::print("\ntrace of the pruned run: {}\nits timeline, a page:    {}\n", trace, page);
}

// ---- The command line ---------------------------------------------------------------------------

void add_to(CLI::App& app, Options& options) {
  app.add_option("--fold", options.fold, "rows i with i mod 5 == FOLD test, the others train")
      ->check(CLI::Range(0, 4))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "for the first weights and the order of the samples")
      ->capture_default_str();
  app.add_option("--epochs", options.epochs, "how long to train; at least 4")
      ->check(CLI::Range(4, 10000))
      ->capture_default_str();
  app.add_option("--data", options.data, "the CSV file: 64 pixels 0..16 and the label per row");
  app.add_flag("--only-pruned", options.only_pruned, "leave out the dense run");
  app.add_option("--trace", options.trace,
                 "record the pruned run there, and draw it beside; \"\" = nowhere")
      ->capture_default_str();
  CLI::Option* const folder = app.add_option("--checkpoints", options.checkpoints,
                                             "a folder: save the pruned run there as it goes");
  app.add_option("--every", options.every, "steps from one checkpoint to the next")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_flag("--resume", options.resume, "go on with the pruned run from its last checkpoint")
      ->needs(folder);
  app.add_option("--save", options.save, "a file for the pruned network's weights");
}

bool run(const Options& options) {
  const Digits digits = read_digits(options.data, options.fold);
  fmt::print("{} images train, {} test (fold {}, seed {})\n", digits.train.labels.size(),
             digits.test.labels.size(), options.fold, options.seed);
  std::optional<Result> dense;
  if (!options.only_pruned) {
    fmt::print("dense:\n");
    std::fflush(stdout);
    dense = train(digits, false, options);
  }
  fmt::print("pruned:\n");
  std::fflush(stdout);
  const Result pruned = train(digits, true, options);
  bool met = true;
  if (dense) {
    met = report(*dense, pruned);
  } else {
    fmt::print("test accuracy {:.2f}%\n", 100.0 * pruned.accuracy);
  }
  if (!options.trace.empty()) draw(options.trace);
  return met;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a digit classifier dense, and again while pruning it to 90 % sparsity."};
  Options options;
  add_to(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options) ? 0 : 1;
  } catch (const Stopped& stopped) {
    fmt::print(stderr, "digits: {}\n", stopped.what());
    if (!options.checkpoints.empty()) fmt::print(stderr, "digits: --resume goes on from here\n");
    return 3;
  } catch (const std::exception& error) {
    fmt::print(stderr, "digits: {}\n", error.what());
    return 1;
  }
}
