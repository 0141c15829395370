// SPDX-License-Identifier: BSL-1.0
/// \file
/// The networks to train. Nothing here knows takt.
#ifndef EXAMPLES_LIBTORCH_NETWORKS_HPP
#define EXAMPLES_LIBTORCH_NETWORKS_HPP

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "torch.hpp"

constexpr std::int64_t outputs = 10;  // one for each digit

// Sizes of one image.
struct ImageSize {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

class Network : public torch::nn::Module {
 public:
  // Scores, [count, outputs], of images, [count, 1, rows, columns].
  virtual torch::Tensor forward(torch::Tensor images) = 0;
};

// LeNet-300-100 (LeCun et al. 1998, "Gradient-based learning applied to document recognition",
// section III.C.4), with ReLU: the perceptron that papers on pruning begin with.
class LeNet300 final : public Network {
 public:
  explicit LeNet300(ImageSize size)
      : fc1{register_module("fc1", torch::nn::Linear(size.rows * size.columns, 300))},
        fc2{register_module("fc2", torch::nn::Linear(300, 100))},
        classifier{register_module("classifier", torch::nn::Linear(100, outputs))} {}

  torch::Tensor forward(torch::Tensor images) override {
    torch::Tensor x = torch::relu(fc1->forward(images.flatten(1)));
    x = torch::relu(fc2->forward(x));
    return classifier->forward(x);
  }

 private:
  torch::nn::Linear fc1, fc2, classifier;
};

// Two convolutions, each followed by a pooling that halves the image, and two linear layers.
class Convolutional final : public Network {
 public:
  explicit Convolutional(ImageSize size)
      : conv1{register_module("conv1", convolution(1, 16))},
        conv2{register_module("conv2", convolution(16, 32))},
        fc1{register_module("fc1",
                            torch::nn::Linear(32 * (size.rows / 4) * (size.columns / 4), 64))},
        classifier{register_module("classifier", torch::nn::Linear(64, outputs))} {}

  torch::Tensor forward(torch::Tensor images) override {
    torch::Tensor x = torch::max_pool2d(torch::relu(conv1->forward(images)), 2);
    x = torch::max_pool2d(torch::relu(conv2->forward(x)), 2);
    x = torch::relu(fc1->forward(x.flatten(1)));
    return classifier->forward(x);
  }

 private:
  static torch::nn::Conv2d convolution(std::int64_t from, std::int64_t to) {
    return torch::nn::Conv2d{torch::nn::Conv2dOptions(from, to, 3).padding(1)};
  }

  torch::nn::Conv2d conv1, conv2;
  torch::nn::Linear fc1, classifier;
};

inline std::shared_ptr<Network> make_network(const std::string& name, ImageSize size) {
  if (name == "lenet") return std::make_shared<LeNet300>(size);
  if (name == "cnn") return std::make_shared<Convolutional>(size);
  throw std::invalid_argument("there is no network \"" + name + "\"; there are lenet and cnn");
}

#endif
