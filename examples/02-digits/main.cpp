// SPDX-License-Identifier: BSL-1.0
// A multilayer perceptron learns to read handwritten digits: once dense, and once with nine tenths
// of its weights pruned away while it trains. The network, its gradients and its optimizer are
// written out below, as in any C++ program that has no framework; takt adds the schedule, the
// pruning and the progress bar.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <takt/modifiers/constant_pruning.hpp>
#include <takt/modifiers/learning_rate.hpp>
#include <takt/modifiers/magnitude_pruning.hpp>
#include <takt/modifiers/progress.hpp>
#include <takt/takt.hpp>
#include <vector>

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::Index;
using Eigen::VectorXf;

constexpr Index pixels = 64;
constexpr Index classes = 10;
constexpr Index hidden = 1000;
constexpr Index batch_size = 32;
constexpr int epochs = 40;
// A network this large would learn these few images by heart. Two things keep it from that: noise
// on the pixels, and labels that are never quite certain (Szegedy et al. 2016, arXiv:1512.00567).
constexpr float pixel_noise = 0.1F;  // standard deviation
constexpr float label_smoothing = 0.2F;

// ---- Data ---------------------------------------------------------------------------------------

struct Samples {
  Matrix images;  // one row per image, pixels scaled to 0..1
  std::vector<int> labels;
};

struct Digits {
  Samples train;
  Samples test;
};

Samples to_samples(const std::vector<std::array<int, pixels + 1>>& rows) {
  Samples samples{Matrix(static_cast<Index>(rows.size()), pixels), {}};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < pixels; ++c) {
      samples.images(static_cast<Index>(r), static_cast<Index>(c)) =
          static_cast<float>(rows[r][c]) / 16.0F;
    }
    samples.labels.push_back(rows[r].back());
  }
  return samples;
}

// Row i tests when i mod 5 is `fold`, and trains otherwise.
Digits read_digits(const std::string& path, std::size_t fold) {
  std::ifstream file{path};
  if (!file) throw std::runtime_error("can't open " + path);
  std::vector<std::array<int, pixels + 1>> train;
  std::vector<std::array<int, pixels + 1>> test;
  std::string line;
  for (std::size_t i = 0; std::getline(file, line); ++i) {
    std::istringstream cells{line};
    auto& row = (i % 5 == fold ? test : train).emplace_back();
    char comma = ',';
    for (int& cell : row) {
      if (!(cells >> cell)) {
        throw std::runtime_error(fmt::format("{}:{}: not 65 numbers", path, i + 1));
      }
      cells >> comma;
    }
  }
  if (train.empty() || test.empty()) throw std::runtime_error(path + " has too few rows");
  return {to_samples(train), to_samples(test)};
}

// ---- The network --------------------------------------------------------------------------------

// y = W x + b, with ReLU on all layers but the last. The takt::Model half shows modifiers the
// parameters where they lie; nothing is copied.
class Network final : public takt::Model {
 public:
  Network(const std::vector<Index>& sizes, std::mt19937& random) {
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      Layer& layer = layers_.emplace_back();
      layer.name = fmt::format("fc{}", i + 1);
      layer.weight_name = layer.name + ".weight";
      layer.bias_name = layer.name + ".bias";
      layer.weight_shape = {sizes[i + 1], sizes[i]};
      layer.bias_shape = {sizes[i + 1]};
      // He et al. 2015 (arXiv:1502.01852): variance 2 / inputs keeps the scale through ReLUs.
      std::normal_distribution<float> normal{0.0F, std::sqrt(2.0F / static_cast<float>(sizes[i]))};
      layer.weight = Matrix::NullaryExpr(sizes[i + 1], sizes[i], [&] { return normal(random); });
      layer.bias = VectorXf::Zero(sizes[i + 1]);
      layer.weight_gradient = Matrix::Zero(sizes[i + 1], sizes[i]);
      layer.bias_gradient = VectorXf::Zero(sizes[i + 1]);
    }
  }

  // Scores, one row per image. Keeps what `backward` needs.
  const Matrix& forward(const Matrix& images) {
    const Matrix* input = &images;
    for (Layer& layer : layers_) {
      layer.input = *input;
      layer.output.noalias() = layer.input * layer.weight.transpose();
      layer.output.rowwise() += layer.bias.transpose();
      if (&layer != &layers_.back()) layer.output = layer.output.cwiseMax(0.0F);
      input = &layer.output;
    }
    return *input;
  }

  // Mean cross-entropy of the last `forward` with the smoothed labels, and the gradients of all
  // parameters.
  float backward(const std::vector<int>& labels) {
    const auto count = static_cast<Index>(labels.size());
    Matrix target = Matrix::Constant(count, classes, label_smoothing / classes);
    for (Index i = 0; i < count; ++i) {
      target(i, labels[static_cast<std::size_t>(i)]) += 1.0F - label_smoothing;
    }
    Matrix log_softmax = layers_.back().output;
    log_softmax.colwise() -= log_softmax.rowwise().maxCoeff().eval();
    log_softmax.colwise() -= log_softmax.array().exp().rowwise().sum().log().matrix().eval();
    const float loss = -target.cwiseProduct(log_softmax).sum() / static_cast<float>(count);

    Matrix delta = (log_softmax.array().exp().matrix() - target) / static_cast<float>(count);
    for (std::size_t i = layers_.size(); i-- > 0;) {
      Layer& layer = layers_[i];
      layer.weight_gradient.noalias() = delta.transpose() * layer.input;
      layer.bias_gradient = delta.colwise().sum();
      if (i == 0) break;
      delta = (delta * layer.weight).eval();
      delta.array() *= (layer.input.array() > 0.0F).cast<float>();
    }
    return loss;
  }

  std::size_t parameter_count() const override { return 2 * layers_.size(); }
  takt::Parameter parameter(std::size_t i) override {
    Layer& layer = layers_[i / 2];
    if (i % 2 == 0) {
      return {layer.weight_name, layer.weight_shape, span(layer.weight),
              span(layer.weight_gradient), "Linear"};
    }
    return {layer.bias_name, layer.bias_shape, span(layer.bias), span(layer.bias_gradient),
            "Linear"};
  }

 private:
  struct Layer {
    std::string name, weight_name, bias_name;
    std::array<std::int64_t, 2> weight_shape{};
    std::array<std::int64_t, 1> bias_shape{};
    Matrix weight, weight_gradient, input, output;
    VectorXf bias, bias_gradient;
  };

  template <class Tensor>
  static std::span<float> span(Tensor& tensor) {
    return {tensor.data(), static_cast<std::size_t>(tensor.size())};
  }

  std::vector<Layer> layers_;
};

double accuracy(Network& network, const Samples& samples) {
  const Matrix& scores = network.forward(samples.images);
  int right = 0;
  for (std::size_t i = 0; i < samples.labels.size(); ++i) {
    Index best = 0;
    scores.row(static_cast<Index>(i)).maxCoeff(&best);
    right += static_cast<int>(best == samples.labels[i]);
  }
  return static_cast<double>(right) / static_cast<double>(samples.labels.size());
}

// ---- The optimizer ------------------------------------------------------------------------------

// Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1.
class Adam final : public takt::Optimizer {
 public:
  double learning_rate() const override { return rate_; }
  void set_learning_rate(double rate) override { rate_ = rate; }

  void step(Network& network) {
    ++steps_;
    moments_.resize(network.parameter_count());
    const auto first_share = static_cast<float>(1.0 - std::pow(0.9, steps_));
    const auto second_share = static_cast<float>(1.0 - std::pow(0.999, steps_));
    const auto rate = static_cast<float>(rate_);
    for (std::size_t p = 0; p < moments_.size(); ++p) {
      const takt::Parameter parameter = network.parameter(p);
      moments_[p].resize(parameter.values.size());
      for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        const float gradient = parameter.gradients[i];
        auto& [first, second] = moments_[p][i];
        first = 0.9F * first + 0.1F * gradient;
        second = 0.999F * second + 0.001F * gradient * gradient;
        parameter.values[i] -=
            rate * (first / first_share) / (std::sqrt(second / second_share) + 1e-8F);
      }
    }
  }

 private:
  struct Moments {
    float first = 0.0F;
    float second = 0.0F;
  };
  double rate_ = 1e-3;
  int steps_ = 0;
  std::vector<std::vector<Moments>> moments_;
};

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

Result train(const Digits& digits, bool prune, unsigned seed) {
  std::mt19937 random{seed};
  Network network{{pixels, hidden, classes}, random};
  Adam adam;
  std::vector<std::size_t> order(digits.train.labels.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto steps_per_epoch = static_cast<std::int64_t>(order.size() / batch_size);

  takt::EventBus bus{takt::Event{.steps_per_epoch = steps_per_epoch}};
  bus.state().set(network);
  bus.state().set(adam);

  // Cadences count epochs here: warm up for one, then let the rate fall; prune between epochs 4
  // and 28, every half epoch, and hold what is pruned until the end.
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
    add(std::make_shared<Counted<takt::MagnitudePruningModifier>>(
        takt::MagnitudePruningSettings{.name = "prune",
                                       .cadence = {.start = 4, .end = 28, .update = 0.5},
                                       .targets = {"re:.*weight"},
                                       .init_sparsity = 0.05,
                                       .final_sparsity = 0.9,
                                       .update_scheduler = "cubic"}));
    add(std::make_shared<Counted<takt::ConstantPruningModifier>>(takt::ConstantPruningSettings{
        .name = "hold", .cadence = {.start = 28}, .targets = {"re:.*weight"}}));
  }
  add(std::make_shared<Counted<takt::ProgressModifier>>(takt::ProgressSettings{
      .name = "progress", .cadence = {.update = 5}, .total_steps = epochs * steps_per_epoch}));

  Clock::duration work{};  // what the loop would cost without takt
  std::normal_distribution<float> noise{0.0F, pixel_noise};
  Samples batch{Matrix(batch_size, pixels), std::vector<int>(batch_size)};
  const Clock::time_point begin = Clock::now();
  bus.initialize();
  for (int epoch = 0; epoch < epochs; ++epoch) {
    std::shuffle(order.begin(), order.end(), random);
    for (std::int64_t step = 0; step < steps_per_epoch; ++step) {
      bus.batch([&](takt::Batch& events) {
        float loss = 0.0F;
        {
          const Stopwatch timed{work};
          for (Index i = 0; i < batch_size; ++i) {
            const std::size_t row = order[static_cast<std::size_t>(step * batch_size + i)];
            batch.images.row(i) = digits.train.images.row(static_cast<Index>(row));
            for (float& pixel : batch.images.row(i)) pixel += noise(random);
            batch.labels[static_cast<std::size_t>(i)] = digits.train.labels[row];
          }
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
  }
  bus.finalize();
  const std::chrono::duration<double> whole = Clock::now() - begin;

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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a digit classifier dense, and again while pruning it to 90 % sparsity."};
  std::size_t fold = 3;
  unsigned seed = 1;
  std::string data = DIGITS_CSV;
  app.add_option("--fold", fold, "rows i with i mod 5 == FOLD test, the others train")
      ->check(CLI::Range(0, 4))
      ->capture_default_str();
  app.add_option("--seed", seed, "for the first weights and the order of the samples")
      ->capture_default_str();
  app.add_option("--data", data, "the CSV file: 64 pixels 0..16 and the label per row");
  CLI11_PARSE(app, argc, argv);
  try {
    const Digits digits = read_digits(data, fold);
    fmt::print("{} images train, {} test (fold {}, seed {})\n", digits.train.labels.size(),
               digits.test.labels.size(), fold, seed);
    fmt::print("dense:\n");
    std::fflush(stdout);
    const Result dense = train(digits, false, seed);
    fmt::print("pruned:\n");
    std::fflush(stdout);
    const Result pruned = train(digits, true, seed);
    return report(dense, pruned) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "digits: {}\n", error.what());
    return 1;
  }
}
