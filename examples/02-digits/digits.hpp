// SPDX-License-Identifier: BSL-1.0
/// \file
/// The images of handwritten digits, from their CSV file.
#ifndef EXAMPLES_DIGITS_DIGITS_HPP
#define EXAMPLES_DIGITS_DIGITS_HPP

#include <fmt/format.h>

#include <Eigen/Core>
#include <array>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::Index;

constexpr Index pixels = 64;
constexpr Index classes = 10;

struct Samples {
  Matrix images;  // one row per image, pixels scaled to 0..1
  std::vector<int> labels;
};

struct Digits {
  Samples train;
  Samples test;
};

inline Samples to_samples(const std::vector<std::array<int, pixels + 1>>& rows) {
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
inline Digits read_digits(const std::string& path, std::size_t fold) {
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

#endif
