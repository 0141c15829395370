// SPDX-License-Identifier: BSL-1.0
/// \file
/// The training images, batch by batch.
#ifndef EXAMPLES_DIGITS_BATCHES_HPP
#define EXAMPLES_DIGITS_BATCHES_HPP

#include <algorithm>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "digits.hpp"

constexpr Index batch_size = 32;
constexpr float pixel_noise = 0.1F;  // standard deviation

// Draws the images in a new order each epoch, with noise on their pixels.
class Batches {
 public:
  Batches(const Samples& samples, std::mt19937& random)
      : samples_{samples}, random_{random}, order_(samples.labels.size()) {
    std::iota(order_.begin(), order_.end(), 0U);
  }

  // Those of an epoch; what is left over is not used in it.
  std::int64_t count() const { return static_cast<std::int64_t>(order_.size()) / batch_size; }

  void shuffle() { std::shuffle(order_.begin(), order_.end(), random_); }

  const Samples& draw(std::int64_t i) {
    for (Index row = 0; row < batch_size; ++row) {
      const std::size_t from = order_[static_cast<std::size_t>(i * batch_size + row)];
      batch_.images.row(row) = samples_.images.row(static_cast<Index>(from));
      for (float& pixel : batch_.images.row(row)) pixel += noise_(random_);
      batch_.labels[static_cast<std::size_t>(row)] = samples_.labels[from];
    }
    return batch_;
  }

  // For a checkpoint: the order of this epoch, and what makes the next ones. The standard library
  // writes its generators and distributions, with the number that they keep back, as text.
  template <class Archive>
  void save(Archive& archive) const {
    std::ostringstream chance;
    chance << random_ << ' ' << noise_;
    archive(order_, std::move(chance).str());
  }
  template <class Archive>
  void load(Archive& archive) {
    std::string chance;
    archive(order_, chance);
    std::istringstream{chance} >> random_ >> noise_;
  }

 private:
  const Samples& samples_;
  std::mt19937& random_;
  std::vector<std::size_t> order_;
  std::normal_distribution<float> noise_{0.0F, pixel_noise};
  Samples batch_{Matrix(batch_size, pixels), std::vector<int>(batch_size)};
};

#endif
