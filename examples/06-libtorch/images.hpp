// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the networks learn from: images as tensors, and the batches of an epoch.
#ifndef EXAMPLES_LIBTORCH_IMAGES_HPP
#define EXAMPLES_LIBTORCH_IMAGES_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "../02-digits/digits.hpp"
#include "idx.hpp"
#include "networks.hpp"
#include "torch.hpp"

struct LabelledImages {
  torch::Tensor images{};  // [count, 1, rows, columns], 0 to 1
  torch::Tensor labels{};  // [count], the digits

  std::int64_t count() const { return labels.size(0); }
};

struct ImageSet {
  std::string name{};
  LabelledImages train{};
  LabelledImages test{};
  std::int64_t batch_size = 0;
  // Against learning few images by heart: noise on the pixels, its standard deviation, and labels
  // that are never quite certain.
  double pixel_noise = 0.0;
  double label_smoothing = 0.0;

  ImageSize size() const { return {train.images.size(2), train.images.size(3)}; }
};

inline LabelledImages to_tensors(const Samples& samples) {
  // from_blob wants pointers that are not const, and the clones are what is kept.
  Samples copy = samples;
  const auto count = static_cast<std::int64_t>(copy.labels.size());
  return {torch::from_blob(copy.images.data(), {count, 1, 8, 8}, torch::kFloat).clone(),
          torch::from_blob(copy.labels.data(), {count}, torch::kInt).to(torch::kLong)};
}

inline LabelledImages to_tensors(IdxSamples samples) {
  const std::vector<std::int64_t>& shape = samples.images.shape;
  return {
      torch::from_blob(samples.images.values.data(), {shape[0], 1, shape[1], shape[2]},
                       torch::kByte)
          .to(torch::kFloat)
          .div_(255.0),
      torch::from_blob(samples.labels.values.data(), {shape[0]}, torch::kByte).to(torch::kLong)};
}

// The digits, the split and the noise of 02-digits: row i tests when i mod 5 is 3.
inline ImageSet digits_images(const std::string& csv) {
  const Digits digits = read_digits(csv, 3);
  return {.name = "digits",
          .train = to_tensors(digits.train),
          .test = to_tensors(digits.test),
          .batch_size = 32,
          .pixel_noise = 0.1,
          .label_smoothing = 0.2};
}

inline ImageSet mnist_images(const std::filesystem::path& folder) {
  Mnist mnist = read_mnist(folder);
  return {.name = "MNIST",
          .train = to_tensors(std::move(mnist.train)),
          .test = to_tensors(std::move(mnist.test)),
          .batch_size = 60};
}

// Draws the images to train with in a new order each epoch.
class Batches {
 public:
  // The set outlives it.
  explicit Batches(const ImageSet& set) : set_{set} {}

  // Those of an epoch; what is left over is not used in it.
  std::int64_t count() const { return set_.train.count() / set_.batch_size; }

  void shuffle() { order_ = torch::randperm(set_.train.count(), torch::kLong); }

  LabelledImages draw(std::int64_t i) const {
    const torch::Tensor chosen = order_.narrow(0, i * set_.batch_size, set_.batch_size);
    LabelledImages batch{set_.train.images.index_select(0, chosen),
                         set_.train.labels.index_select(0, chosen)};
    if (set_.pixel_noise > 0) batch.images += set_.pixel_noise * torch::randn_like(batch.images);
    return batch;
  }

 private:
  const ImageSet& set_;
  torch::Tensor order_{};
};

#endif
