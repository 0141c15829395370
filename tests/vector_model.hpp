// SPDX-License-Identifier: BSL-1.0
/// \file
/// A model for tests: its parameters are vectors.
#ifndef TAKT_TESTS_VECTOR_MODEL_HPP
#define TAKT_TESTS_VECTOR_MODEL_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <takt/model.hpp>
#include <utility>
#include <vector>

struct VectorParameter {
  std::string name{};
  std::vector<std::int64_t> shape{};
  std::vector<float> values{};
  std::vector<float> gradients{};  // empty = none
  std::string kind{};

  [[nodiscard]] long zeros() const { return std::ranges::count(values, 0.0F); }
};

struct VectorModel final : takt::Model {
  VectorModel() = default;
  explicit VectorModel(std::vector<VectorParameter> list) : parameters{std::move(list)} {}

  [[nodiscard]] std::size_t parameter_count() const override { return parameters.size(); }
  [[nodiscard]] takt::Parameter parameter(std::size_t i) override {
    VectorParameter& p = parameters.at(i);
    return {.name = p.name,
            .shape = p.shape,
            .values = p.values,
            .gradients = p.gradients,
            .kind = p.kind};
  }

  VectorParameter& operator[](std::size_t i) { return parameters.at(i); }

  std::vector<VectorParameter> parameters;
};

#endif
