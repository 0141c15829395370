// SPDX-License-Identifier: BSL-1.0
/// \file
/// A multilayer perceptron and its gradients, written out, as takt sees any model.
#ifndef EXAMPLES_DIGITS_NETWORK_HPP
#define EXAMPLES_DIGITS_NETWORK_HPP

#include <fmt/format.h>

#include <Eigen/Core>
#include <array>
#include <cereal/cereal.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <takt/model.hpp>
#include <vector>

#include "digits.hpp"

using Eigen::VectorXf;

constexpr Index hidden = 1000;
// A network this large would learn these few images by heart. Two things keep it from that: noise
// on the pixels (see batches.hpp), and labels that are never quite certain (Szegedy et al. 2016,
// arXiv:1512.00567).
constexpr float label_smoothing = 0.2F;

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

  // Its weights, for a checkpoint. The gradients come anew with the next batch.
  template <class Archive>
  void serialize(Archive& archive) {
    for (std::size_t i = 0; i < parameter_count(); ++i) {
      const std::span<float> values = parameter(i).values;
      archive(cereal::binary_data(values.data(), values.size_bytes()));
    }
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

inline double accuracy(Network& network, const Samples& samples) {
  const Matrix& scores = network.forward(samples.images);
  int right = 0;
  for (std::size_t i = 0; i < samples.labels.size(); ++i) {
    Index best = 0;
    scores.row(static_cast<Index>(i)).maxCoeff(&best);
    right += static_cast<int>(best == samples.labels[i]);
  }
  return static_cast<double>(right) / static_cast<double>(samples.labels.size());
}

#endif
