// SPDX-License-Identifier: BSL-1.0
/// \file
/// The optimizer.
#ifndef EXAMPLES_DIGITS_ADAM_HPP
#define EXAMPLES_DIGITS_ADAM_HPP

#include <cereal/types/vector.hpp>
#include <cmath>
#include <takt/optimizer.hpp>
#include <vector>

#include "network.hpp"

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

  // All of it, for a checkpoint.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rate_, steps_, moments_);
  }

 private:
  struct Moments {
    float first = 0.0F;
    float second = 0.0F;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(first, second);
    }
  };
  double rate_ = 1e-3;
  int steps_ = 0;
  std::vector<std::vector<Moments>> moments_;
};

#endif
