// SPDX-License-Identifier: BSL-1.0
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>
#include <takt/error.hpp>
#include <takt/modifiers/mask.hpp>
#include <takt/modifiers/mask_structure.hpp>
#include <vector>

#include "saved_state.hpp"

namespace {

using takt::Mask;
using takt::pruned_of;

using Shape = std::vector<std::int64_t>;
using Values = std::vector<float>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

Mask mask_of(const std::string& structure, const Shape& shape) {
  return Mask{takt::mask_structure_from_string(structure), shape};
}

/// '0' where a weight is pruned, '1' where it is kept.
std::string pattern(const Mask& mask) {
  std::string text;
  for (std::size_t i = 0; i < mask.size(); ++i) text += mask.pruned(i) ? '0' : '1';
  return text;
}

std::string pruned(const std::string& structure, const Shape& shape, const Values& values,
                   double sparsity) {
  Mask mask = mask_of(structure, shape);
  takt::MaskScratch scratch;
  mask.prune(values, sparsity, scratch);
  return pattern(mask);
}

void check_refused(const std::string& structure, const Shape& shape, const std::string& word) {
  try {
    (void)mask_of(structure, shape);
    BOOST_ERROR("not refused: " << structure);
  } catch (const takt::InvalidModifier& error) {
    const std::string message = error.what();
    BOOST_TEST(message.find(word) != std::string::npos, "no \"" << word << "\" in: " << message);
  }
}

std::string saved(const Mask& mask) {
  std::ostringstream out;
  takt::detail::StateWriter write{out, "mask"};
  mask.save(write);
  return out.str();
}

void load(Mask& mask, const std::string& bytes) {
  std::istringstream in{bytes};
  takt::detail::StateReader read{in, "mask"};
  mask.load(read);
}

/// Few different magnitudes, so that there are ties, and both signs.
Values tied_values(std::size_t count) {
  Values values;
  for (const int value : *rc::gen::container<std::vector<int>>(count, rc::gen::inRange(-4, 5))) {
    values.push_back(static_cast<float>(value));
  }
  return values;
}

/// The pattern that comes from sorting all units by their norm: what `prune` is to find.
std::string sorted_pattern(const Values& values, std::size_t units, std::size_t count,
                           const std::function<std::size_t(std::size_t)>& unit_of) {
  std::vector<double> norms(units, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    norms[unit_of(i)] += std::abs(static_cast<double>(values[i]));
  }
  std::vector<std::size_t> order(units);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::size_t unit) { return norms[unit]; });
  std::vector<bool> gone(units, false);
  for (std::size_t i = 0; i < count; ++i) gone[order[i]] = true;
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) text += gone[unit_of(i)] ? '0' : '1';
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mask)

BOOST_AUTO_TEST_CASE(a_sparsity_prunes_the_floor_of_its_share) {
  BOOST_TEST(pruned_of(0.9, 10) == 9U);
  BOOST_TEST(pruned_of(0.5, 7) == 3U);
  BOOST_TEST(pruned_of(0.999, 10) == 9U);
  BOOST_TEST(pruned_of(0.0, 10) == 0U);
  BOOST_TEST(pruned_of(1.0, 10) == 10U);
  BOOST_TEST(pruned_of(0.5, 0) == 0U);
}

BOOST_AUTO_TEST_CASE(a_share_a_few_ulp_below_a_whole_number_is_that_number) {
  BOOST_TEST(pruned_of(0.29, 100) == 29U);  // 28.999999999999996
  BOOST_TEST(pruned_of(0.58, 50) == 29U);
  BOOST_TEST(pruned_of(1.0 - 0.9, 10) == 1U);  // 0.99999999999999978
  BOOST_TEST(pruned_of(0.29 - 1e-12, 100) == 28U);
}

BOOST_AUTO_TEST_CASE(any_share_of_hundredths_is_counted_as_whole_numbers_count_it) {
  BOOST_TEST(rc::check("k/100 of n is floor(k n / 100)", [] {
    const auto k = static_cast<std::size_t>(*rc::gen::inRange(0, 101));
    const auto n = static_cast<std::size_t>(*rc::gen::inRange(0, 100'000'000));
    RC_ASSERT(pruned_of(static_cast<double>(k) / 100.0, n) == k * n / 100);
  }));
  BOOST_TEST(rc::check("k/n of n is k", [] {
    const auto n = static_cast<std::size_t>(*rc::gen::inRange(1, 100'000'000));
    const std::size_t k = *rc::gen::inRange<std::size_t>(0, n + 1);
    RC_ASSERT(pruned_of(static_cast<double>(k) / static_cast<double>(n), n) == k);
  }));
}

BOOST_AUTO_TEST_CASE(a_sparsity_that_is_no_share_is_refused) {
  for (const double sparsity : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    BOOST_CHECK_THROW((void)pruned_of(sparsity, 10), takt::InvalidModifier);
  }
}

BOOST_AUTO_TEST_CASE(the_smallest_magnitudes_are_pruned) {
  BOOST_TEST(pruned("unstructured", {2, 3}, {5, -1, 4, 2, -3, 6}, 0.5) == "101001");
}

BOOST_AUTO_TEST_CASE(ties_are_pruned_by_position) {
  BOOST_TEST(pruned("unstructured", {6}, {1, -1, 1, 1, -1, 1}, 0.5) == "000111");
  BOOST_TEST(pruned("unstructured", {6}, {2, 1, 0, -0.0F, 1, 1}, 0.5) == "100011");
}

BOOST_AUTO_TEST_CASE(a_filter_is_what_makes_one_output) {
  BOOST_TEST(pruned("filter", {3, 2}, {1, 9, 2, 3, 4, 4}, 0.4) == "110011");
  BOOST_TEST(pruned("filter", {2, 2, 2}, {3, 3, 3, 3, 1, 1, 1, 8}, 0.5) == "11110000");
  BOOST_TEST(pruned("filter", {4}, {3, 1, 4, 2}, 0.5) == "1010");
}

BOOST_AUTO_TEST_CASE(a_channel_is_what_one_input_feeds) {
  BOOST_TEST(pruned("channel", {3, 2}, {1, 9, 2, 3, 4, 4}, 0.5) == "010101");
  BOOST_TEST(pruned("channel", {2, 2, 2}, {3, 3, 1, 1, 3, 3, 1, 8}, 0.5) == "11001100");
}

BOOST_AUTO_TEST_CASE(a_block_is_a_tile_of_the_matrix) {
  // [[1 1 | 5 5]
  //  [1 1 | 0 0]]
  BOOST_TEST(pruned("block_2,2", {2, 4}, {1, 1, 5, 5, 1, 1, 0, 0}, 0.5) == "00110011");
  BOOST_TEST(pruned("block_1,2", {2, 4}, {1, 1, 5, 5, 1, 1, 0, 0}, 0.5) == "00111100");
  BOOST_TEST(pruned("block_2,1", {2, 2, 2}, {1, 1, 5, 5, 1, 1, 0, 0}, 0.5) == "00110011");
}

BOOST_AUTO_TEST_CASE(n_of_m_keeps_at_least_n_of_each_group) {
  BOOST_TEST(pruned("2:4", {2, 4}, {1, 2, 3, 4, 8, 7, 6, 5}, 0.5) == "00111100");
  BOOST_TEST(pruned("1:4", {1, 8}, {1, 2, 3, 4, 8, 7, 6, 5}, 0.75) == "00011000");
  BOOST_TEST(pruned("3:4", {8}, {1, 2, 3, 4, 8, 7, 6, 5}, 0.25) == "01111110");
}

BOOST_AUTO_TEST_CASE(n_of_m_on_its_way_prunes_the_smallest_that_the_groups_can_spare) {
  // Of 1 2 3 4 only 1 and 2 may go, so 5 is the third.
  BOOST_TEST(pruned("2:4", {2, 4}, {1, 2, 3, 4, 8, 7, 6, 5}, 0.375) == "00111110");
  BOOST_TEST(pruned("2:4", {2, 4}, {1, 2, 3, 4, 8, 7, 6, 5}, 0.9) == "00111100");
}

BOOST_AUTO_TEST_CASE(a_unit_with_a_nan_is_kept) {
  BOOST_TEST(pruned("unstructured", {4}, {not_a_number, 3, infinity, -not_a_number}, 0.25) ==
             "1011");
  BOOST_TEST(pruned("unstructured", {4}, {not_a_number, 3, infinity, -not_a_number}, 1.0) ==
             "1001");
  BOOST_TEST(pruned("filter", {3, 2}, {9, 9, not_a_number, 0, 1, infinity}, 1.0) == "001100");
  BOOST_TEST(pruned("2:4", {4}, {not_a_number, not_a_number, not_a_number, 1}, 0.5) == "1110");
}

BOOST_AUTO_TEST_CASE(what_was_pruned_stays_pruned_and_counts) {
  Mask mask = mask_of("unstructured", {4});
  takt::MaskScratch scratch;
  mask.prune(Values{1, 2, 3, 4}, 0.25, scratch);
  mask.prune(Values{not_a_number, 2, 1, 4}, 0.5, scratch);
  BOOST_TEST(pattern(mask) == "0101");
  mask.prune(Values{9, 1, 9, 1}, 0.5, scratch);
  mask.prune(Values{9, 1, 9, 1}, 0.1, scratch);
  BOOST_TEST(pattern(mask) == "0101");
  BOOST_TEST(mask.pruned_count() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_pruned_becomes_zero_and_nothing_else_changes) {
  Mask mask = mask_of("unstructured", {4});
  takt::MaskScratch scratch;
  mask.prune(Values{1, 5, 2, 6}, 0.5, scratch);
  Values values{not_a_number, not_a_number, -infinity, 7};
  mask.apply(values);
  BOOST_TEST(values[0] == 0.0F);
  BOOST_TEST(std::isnan(values[1]));
  BOOST_TEST(values[2] == 0.0F);
  BOOST_TEST(values[3] == 7.0F);
}

BOOST_AUTO_TEST_CASE(a_mask_of_zeros_prunes_what_is_exactly_zero) {
  const Mask mask = Mask::of_zeros(Values{0, 1e-45F, -0.0F, not_a_number, 3});
  BOOST_TEST(pattern(mask) == "01011");
  BOOST_TEST(mask.pruned_count() == 2U);
}

BOOST_AUTO_TEST_CASE(a_structure_that_does_not_fit_is_refused_with_what_would_fit) {
  check_refused("2:4", {4, 6}, "last dimension that 4 divides");
  check_refused("2:4", {8, 3, 3}, "[8, 3, 3]");
  check_refused("2:4", {}, "last dimension");
  check_refused("channel", {4}, "2 dimensions");
  check_refused("filter", {}, "1 dimension");
  check_refused("block_2,3", {3, 6}, "rows, of which there are 3, that 2 divides");
  check_refused("block_2,3", {4, 2, 4}, "columns, of which there are 8, that 3 divides");
  check_refused("unstructured", {4, -1}, "[4, -1]");
  check_refused("unstructured", {1LL << 40, 1LL << 40}, "room");
}

BOOST_AUTO_TEST_CASE(a_structure_that_no_text_gives_is_refused_too) {
  using Kind = takt::MaskStructure::Kind;
  const Shape shape{4, 4};
  for (const takt::MaskStructure structure :
       {takt::MaskStructure{.kind = Kind::n_of_m, .kept = 4, .group = 4},
        takt::MaskStructure{.kind = Kind::n_of_m, .kept = 0, .group = 4},
        takt::MaskStructure{.kind = Kind::block, .rows = 0},
        takt::MaskStructure{.kind = Kind::block, .columns = -1}}) {
    BOOST_CHECK_THROW((Mask{structure, shape}), takt::InvalidModifier);
  }
}

BOOST_AUTO_TEST_CASE(values_of_another_size_are_refused) {
  Mask mask = mask_of("unstructured", {4});
  takt::MaskScratch scratch;
  Values values{1, 2, 3};
  BOOST_CHECK_THROW(mask.prune(values, 0.5, scratch), takt::InvalidModifier);
  BOOST_CHECK_THROW(mask.apply(values), takt::InvalidModifier);
  BOOST_TEST(pattern(mask) == "1111");
}

BOOST_AUTO_TEST_CASE(an_empty_parameter_and_a_scalar_have_masks) {
  for (const char* const structure : {"unstructured", "2:4", "channel", "filter", "block_2,2"}) {
    BOOST_TEST(pruned(structure, {0, 4}, {}, 0.5).empty());
    BOOST_TEST(pruned(structure, {4, 0}, {}, 0.5).empty());
  }
  BOOST_TEST(pruned("unstructured", {}, {3}, 1.0) == "0");
}

BOOST_AUTO_TEST_CASE(units_are_pruned_as_sorting_them_by_norm_and_position_would) {
  BOOST_TEST(rc::check("prune agrees with a stable sort", [] {
    const std::size_t block_rows = *rc::gen::inRange<std::size_t>(1, 4);
    const std::size_t block_columns = *rc::gen::inRange<std::size_t>(1, 4);
    const std::size_t rows = block_rows * *rc::gen::inRange<std::size_t>(1, 6);
    const std::size_t channels = *rc::gen::inRange<std::size_t>(1, 6);
    const std::size_t columns = channels * block_columns;
    const Shape shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(channels),
                      static_cast<std::int64_t>(block_columns)};
    const Values values = tied_values(rows * columns);
    const double sparsity = *rc::gen::inRange(0, 101) / 100.0;
    const auto check = [&](const std::string& structure, std::size_t units,
                           const std::function<std::size_t(std::size_t)>& unit_of) {
      RC_ASSERT(pruned(structure, shape, values, sparsity) ==
                sorted_pattern(values, units, pruned_of(sparsity, units), unit_of));
    };
    check("unstructured", values.size(), [](std::size_t i) { return i; });
    check("filter", rows, [&](std::size_t i) { return i / columns; });
    check("channel", channels, [&](std::size_t i) { return i % columns / block_columns; });
    check("block_" + std::to_string(block_rows) + "," + std::to_string(block_columns),
          rows / block_rows * channels, [&](std::size_t i) {
            return i / columns / block_rows * channels + i % columns / block_columns;
          });
  }));
}

BOOST_AUTO_TEST_CASE(n_of_m_prunes_as_sorting_each_group_and_then_what_they_spare_would) {
  BOOST_TEST(rc::check("N:M agrees with stable sorts", [] {
    const std::size_t group = *rc::gen::inRange<std::size_t>(2, 7);
    const std::size_t kept = *rc::gen::inRange<std::size_t>(1, group);
    const std::size_t size = group * *rc::gen::inRange<std::size_t>(1, 9);
    const std::string structure = std::to_string(kept) + ":" + std::to_string(group);
    Mask mask = mask_of(structure, {static_cast<std::int64_t>(size)});
    takt::MaskScratch scratch;
    std::vector<bool> gone(size, false);
    std::size_t count = 0;
    auto percents = *rc::gen::container<std::vector<int>>(3, rc::gen::inRange(0, 101));
    std::ranges::sort(percents);
    for (const int percent : percents) {
      const Values values = tied_values(size);
      const auto magnitude = [&](std::size_t i) { return std::abs(values[i]); };
      std::vector<std::size_t> spare;
      for (std::size_t first = 0; first < size; first += group) {
        std::vector<std::size_t> left;
        for (std::size_t i = first; i < first + group; ++i) {
          if (!gone[i]) left.push_back(i);
        }
        std::ranges::stable_sort(left, {}, magnitude);
        left.resize(left.size() - kept);
        spare.insert(spare.end(), left.begin(), left.end());
      }
      std::ranges::sort(spare);
      std::ranges::stable_sort(spare, {}, magnitude);
      const std::size_t wanted = std::max(count, pruned_of(percent / 100.0, size));
      spare.resize(std::min(spare.size(), wanted - count));
      for (const std::size_t i : spare) gone[i] = true;
      count += spare.size();

      mask.prune(values, percent / 100.0, scratch);
      for (std::size_t i = 0; i < size; ++i) RC_ASSERT(mask.pruned(i) == gone[i]);
      RC_ASSERT(mask.pruned_count() == count);
    }
  }));
}

BOOST_AUTO_TEST_CASE(masks_only_grow_and_keep_their_count_exact_while_weights_move) {
  BOOST_TEST(rc::check("monotone masks", [] {
    const auto structure =
        *rc::gen::element<std::string>("unstructured", "channel", "filter", "block_2,3");
    const Shape shape{4, 6};
    const std::size_t size_of_unit = structure == "channel"     ? 4
                                     : structure == "filter"    ? 6
                                     : structure == "block_2,3" ? 6
                                                                : 1;
    Mask mask = mask_of(structure, shape);
    takt::MaskScratch scratch;
    auto percents = *rc::gen::container<std::vector<int>>(5, rc::gen::inRange(0, 101));
    std::ranges::sort(percents);
    for (const int percent : percents) {
      const std::string before = pattern(mask);
      mask.prune(tied_values(24), percent / 100.0, scratch);
      for (std::size_t i = 0; i < 24; ++i) RC_ASSERT(before[i] == '1' || mask.pruned(i));
      const std::size_t count = pruned_of(percent / 100.0, 24 / size_of_unit) * size_of_unit;
      RC_ASSERT(mask.pruned_count() == count);
      RC_ASSERT(std::ranges::count(pattern(mask), '0') == static_cast<long>(count));
    }
  }));
}

BOOST_AUTO_TEST_CASE(no_group_of_n_of_m_ever_loses_more_than_it_may) {
  BOOST_TEST(rc::check("group limits", [] {
    const std::size_t group = *rc::gen::inRange<std::size_t>(2, 7);
    const std::size_t kept = *rc::gen::inRange<std::size_t>(1, group);
    const std::size_t rows = *rc::gen::inRange<std::size_t>(1, 5);
    const std::size_t size = rows * group * *rc::gen::inRange<std::size_t>(1, 5);
    Mask mask = mask_of(std::to_string(kept) + ":" + std::to_string(group),
                        {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(size / rows)});
    takt::MaskScratch scratch;
    const double full = static_cast<double>(group - kept) / static_cast<double>(group);
    auto percents = *rc::gen::container<std::vector<int>>(4, rc::gen::inRange(0, 100));
    percents.push_back(100);
    std::ranges::sort(percents);
    for (const int percent : percents) {
      const std::string before = pattern(mask);
      const double sparsity = full * percent / 100.0;
      mask.prune(tied_values(size), sparsity, scratch);
      RC_ASSERT(mask.pruned_count() == pruned_of(sparsity, size));
      for (std::size_t first = 0; first < size; first += group) {
        const std::string of_group = pattern(mask).substr(first, group);
        RC_ASSERT(std::ranges::count(of_group, '1') >= static_cast<long>(kept));
      }
      for (std::size_t i = 0; i < size; ++i) RC_ASSERT(before[i] == '1' || mask.pruned(i));
    }
    RC_ASSERT(mask.pruned_count() == size / group * (group - kept));
  }));
}

BOOST_AUTO_TEST_CASE(saved_and_loaded_a_mask_prunes_the_same_and_goes_on_alike) {
  BOOST_TEST(rc::check("a loaded mask is the one that was saved", [] {
    const auto structure =
        *rc::gen::element<std::string>("unstructured", "2:3", "channel", "filter", "block_2,3");
    const Shape shape{2 * *rc::gen::inRange(0, 8), 3 * *rc::gen::inRange(0, 5)};
    const std::size_t size = static_cast<std::size_t>(shape[0] * shape[1]);
    const double first = *rc::gen::inRange(0, 101) / 100.0;
    const double second = *rc::gen::inRange(0, 101) / 100.0;
    takt::MaskScratch scratch;
    Mask mask = mask_of(structure, shape);
    mask.prune(tied_values(size), first, scratch);
    Mask loaded = mask_of(structure, shape);
    loaded.prune(tied_values(size), second, scratch);  // is forgotten
    load(loaded, saved(mask));
    RC_ASSERT(pattern(loaded) == pattern(mask));
    RC_ASSERT(loaded.pruned_count() == mask.pruned_count());
    const Values values = tied_values(size);
    mask.prune(values, second, scratch);
    loaded.prune(values, second, scratch);
    RC_ASSERT(pattern(loaded) == pattern(mask));
    RC_ASSERT(loaded.pruned_count() == mask.pruned_count());
  }));
}

BOOST_AUTO_TEST_CASE(a_mask_that_its_structure_can_not_have_is_refused_and_nothing_is_changed) {
  const Values values{1, 2, 3, 4, 5, 6, 7, 8};
  const auto check = [&](const std::string& from, const std::string& to, const Shape& shape) {
    takt::MaskScratch scratch;
    Mask mask = mask_of(from, {2, 4});
    mask.prune(values, 0.5, scratch);
    Mask other = mask_of(to, shape);
    BOOST_CHECK_THROW(load(other, saved(mask)), takt::CheckpointError);
    BOOST_TEST(other.pruned_count() == 0U);
  };
  check("unstructured", "channel", {2, 4});  // half of every channel
  check("channel", "filter", {2, 4});
  check("filter", "2:4", {2, 4});  // all of a group
  check("unstructured", "unstructured", {3, 3});
  check("unstructured", "unstructured", {7});  // one less, in as many bytes
}

BOOST_AUTO_TEST_CASE(a_mask_takes_a_bit_for_each_weight) {
  const std::size_t empty = saved(mask_of("unstructured", {0})).size();
  BOOST_TEST(saved(mask_of("unstructured", {8})).size() == empty + 1);
  BOOST_TEST(saved(mask_of("unstructured", {100, 10})).size() == empty + 125);
}

BOOST_AUTO_TEST_SUITE_END()
