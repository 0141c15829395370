// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/masking.hpp>
#include <vector>

#include "error_text.hpp"

namespace {

namespace kernels = takt::kernels;
using kernels::Blocks;
using takt::test::has;
using takt::test::message_of;
using Marks = std::vector<std::uint8_t>;
using Values = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// '1' for each mark.
std::string text_of(const Marks& marks) {
  std::string text;
  for (const std::uint8_t mark : marks) text += mark == 0 ? '0' : '1';
  return text;
}

std::string lowest(const Values& values, std::size_t count, Marks marks = {}) {
  marks.resize(values.size());
  kernels::MarkScratch scratch;
  const auto before = std::ranges::count(marks, 1);
  const auto marked = kernels::mark_lowest(values, count, marks, scratch);
  BOOST_TEST(std::ranges::count(marks, 1) == before + static_cast<std::ptrdiff_t>(marked));
  return text_of(marks);
}

/// By sorting positions by magnitude.
Marks sorted_out(const Values& values, std::size_t count, Marks marks) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (marks[i] == 0 && !std::isnan(values[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return std::abs(values[i]); });
  order.resize(std::min(order.size(), count));
  for (const std::size_t i : order) marks[i] = 1;
  return marks;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masking)

BOOST_AUTO_TEST_CASE(the_smallest_magnitudes_are_marked_the_lower_position_first) {
  BOOST_TEST(lowest({5, -1, 4, 2, -3, 6}, 3) == "010110");
  BOOST_TEST(lowest({1, -1, 1, 1}, 2) == "1100");
  BOOST_TEST(lowest({0, -0.0F, 0, 1}, 2) == "1100");
  BOOST_TEST(lowest({3, 1}, 0) == "00");
  BOOST_TEST(lowest({3}, 1) == "1");
  BOOST_TEST(lowest({}, 1).empty());
}

BOOST_AUTO_TEST_CASE(what_is_marked_stays_and_does_not_count) {
  BOOST_TEST(lowest({1, 2, 3, 4}, 2, {1, 0, 0, 1}) == "1111");
  BOOST_TEST(lowest({9, 2, 2, 2}, 1, {1, 1, 0, 0}) == "1110");
  BOOST_TEST(lowest({9, 8}, 5, {1, 1}) == "11");
  BOOST_TEST(lowest({not_a_number, 8, 9}, 1, {1, 0, 0}) == "110");
}

BOOST_AUTO_TEST_CASE(nan_are_never_marked) {
  BOOST_TEST(lowest({not_a_number, infinity, -not_a_number, 1}, 3) == "0101");
  BOOST_TEST(lowest({not_a_number, not_a_number}, 1) == "00");
  BOOST_TEST(lowest({not_a_number, -infinity, infinity}, 1) == "010");
}

BOOST_AUTO_TEST_CASE(marking_is_as_sorting_would_have_it) {
  BOOST_TEST(rc::check("mark_lowest", [] {
    // From here on histograms are at work, below the numbers are sorted.
    const std::size_t size =
        *rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 50), rc::gen::just<std::size_t>(20'000));
    const int distinct = *rc::gen::element(3, 1000, 1'000'000);
    std::uint32_t random = *rc::gen::arbitrary<std::uint32_t>();
    Values values(size);
    Marks marks(size);
    for (std::size_t i = 0; i < size; ++i) {
      random = random * 1664525U + 1013904223U;
      values[i] = static_cast<float>(static_cast<int>(random >> 8) % distinct - distinct / 2);
      if (random >> 26 == 0) values[i] = not_a_number;
      if (random >> 26 == 1) marks[i] = 1;
    }
    const std::size_t count = *rc::gen::inRange<std::size_t>(0, size + 2);
    const Marks expected = sorted_out(values, count, marks);
    kernels::MarkScratch scratch;
    kernels::mark_lowest(values, count, marks, scratch);
    RC_ASSERT(marks == expected);
  }));
}

BOOST_AUTO_TEST_CASE(zeros_are_what_equals_zero) {
  const Values values{0, 1e-45F, -0.0F, not_a_number, 3};
  Marks marks{0, 1, 0, 1, 0};
  BOOST_TEST(kernels::mark_zeros(values, marks) == 2U);
  BOOST_TEST(text_of(marks) == "10100");
}

BOOST_AUTO_TEST_CASE(what_is_marked_becomes_zero_and_nothing_else_changes) {
  Values values{not_a_number, -1, -infinity, -0.0F, 2, 3, -4, 5, 6};
  kernels::clear_marked(values, Marks{1, 1, 1, 0, 0, 1, 0, 1, 0});
  const Values expected{0, 0, 0, -0.0F, 2, 0, -4, 0, 6};
  for (std::size_t i = 0; i < values.size(); ++i) {
    BOOST_TEST(std::bit_cast<std::uint32_t>(values[i]) ==
               std::bit_cast<std::uint32_t>(expected[i]));
  }
}

BOOST_AUTO_TEST_CASE(blocks_have_the_norms_of_their_numbers) {
  // [[ 1 -2 |  3 4 ]
  //  [ 0  5 | -1 1 ]]
  const Values values{1, -2, 3, 4, 0, 5, -1, 1};
  const auto norms = [&](const Blocks& blocks) {
    std::vector<double> of_blocks(blocks.count(), 77.0);
    kernels::block_norms(values, blocks, of_blocks);
    return of_blocks;
  };
  using Norms = std::vector<double>;
  const auto same = boost::test_tools::per_element();
  BOOST_TEST(norms({1, 2, 2, 2}) == (Norms{8, 9}), same);
  BOOST_TEST(norms({2, 2, 1, 2}) == (Norms{3, 7, 5, 2}), same);
  BOOST_TEST(norms({2, 1, 1, 4}) == (Norms{10, 7}), same);
  BOOST_TEST(norms({1, 4, 2, 1}) == (Norms{1, 7, 4, 5}), same);
}

BOOST_AUTO_TEST_CASE(a_block_is_marked_as_a_whole) {
  const auto marked = [](std::size_t block, const Blocks& blocks) {
    Marks marks(blocks.count() * blocks.size_of_one());
    BOOST_TEST(!kernels::block_is_marked(block, blocks, marks));
    kernels::mark_block(block, blocks, marks);
    for (std::size_t other = 0; other < blocks.count(); ++other) {
      BOOST_TEST(kernels::block_is_marked(other, blocks, marks) == (other == block));
    }
    return text_of(marks);
  };
  BOOST_TEST(marked(1, {1, 2, 2, 2}) == "00110011");
  BOOST_TEST(marked(2, {2, 2, 1, 2}) == "00001100");
  BOOST_TEST(marked(1, {2, 1, 1, 4}) == "00001111");
  BOOST_TEST(marked(3, {1, 4, 2, 1}) == "00010001");
}

BOOST_AUTO_TEST_CASE(spans_that_differ_in_size_are_refused) {
  Values values{1, 2, 3};
  Marks marks(2);
  std::vector<double> norms(3);
  kernels::MarkScratch scratch;
  const std::string message =
      message_of<takt::InvalidModifier>([&] { kernels::mark_lowest(values, 1, marks, scratch); });
  BOOST_TEST(has(message, "needs 3 marks, and was given 2"));
  BOOST_CHECK_THROW(kernels::mark_zeros(values, marks), takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::clear_marked(values, marks), takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::block_norms(values, {2, 1, 1, 1}, norms), takt::InvalidModifier);
  BOOST_CHECK_THROW(kernels::block_norms(values, {1, 1, 1, 3}, norms), takt::InvalidModifier);
  BOOST_TEST(values == (Values{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
