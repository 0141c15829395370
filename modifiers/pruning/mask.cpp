// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/mask.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "number_text.hpp"
#include "saved_state.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

/// Calls `choose(u)` for the `count` units that have the lowest scores, the lower u first among
/// equals. Those whose score is NaN are left out. Gives back how many were chosen, which are fewer
/// when no more remain.
template <class Choose>
std::size_t choose_lowest(std::span<const double> scores, std::size_t count,
                          std::vector<double>& order, const Choose& choose) {
  order.clear();
  for (const double score : scores) {
    if (!std::isnan(score)) order.push_back(score);
  }
  count = std::min(count, order.size());
  if (count == 0) return 0;
  const auto last = order.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(order.begin(), last, order.end());
  // Selecting on scores alone needs half the memory of (score, position) pairs and comes to the
  // same: all below the highest chosen score, and of those that equal it as many as are left.
  const double highest = *last;
  const auto below = static_cast<std::size_t>(
      std::count_if(order.begin(), last, [&](double score) { return score < highest; }));
  std::size_t equals = count - below;
  for (std::size_t u = 0; u < scores.size(); ++u) {
    if (scores[u] < highest) {
      choose(u);
    } else if (scores[u] == highest && equals > 0) {
      choose(u);
      --equals;
    }
  }
  return count;
}

std::string text_of(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t& dimension : shape) {
    if (&dimension != shape.data()) text += ", ";
    text += std::to_string(dimension);
  }
  return text + "]";
}

[[noreturn]] void refuse(const MaskStructure& structure, std::span<const std::int64_t> shape,
                         const std::string& needs) {
  throw InvalidModifier("mask_structure " + to_string(structure) +
                        " does not fit a parameter of shape " + text_of(shape) + "; it needs " +
                        needs);
}

/// The product of some dimensions of a shape.
std::size_t product(std::span<const std::int64_t> shape, std::span<const std::int64_t> dimensions) {
  std::size_t count = 1;
  for (const std::int64_t dimension : dimensions) {
    const auto factor = static_cast<std::size_t>(dimension);
    if (dimension < 0 || (count > 0 && factor > std::numeric_limits<std::size_t>::max() / count)) {
      throw InvalidModifier("a parameter can't have the shape " + text_of(shape) +
                            "; its dimensions are 0 or more, and their product has room in memory");
    }
    count *= factor;
  }
  return count;
}

}  // namespace

std::size_t pruned_of(double sparsity, std::size_t units) {
  if (!(sparsity >= 0.0 && sparsity <= 1.0)) {
    throw InvalidModifier("sparsity is " + detail::text_of(sparsity) +
                          "; it is a number from 0 to 1");
  }
  const double exact = sparsity * static_cast<double>(units);
  const double nearest = std::round(exact);
  const double few_ulp = 4.0 * std::numeric_limits<double>::epsilon() * nearest;
  const double count = std::abs(exact - nearest) <= few_ulp ? nearest : std::floor(exact);
  return std::min(units, static_cast<std::size_t>(count));
}

Mask::Mask(const MaskStructure& structure, std::span<const std::int64_t> shape) {
  const std::size_t weights = product(shape, shape);
  const std::size_t rows = shape.empty() ? 1 : static_cast<std::size_t>(shape.front());
  const std::size_t columns = shape.empty() ? 1 : product(shape, shape.subspan(1));
  blocks_.columns = weights;  // unstructured, until the structure says otherwise
  switch (structure.kind) {
    case MaskStructure::Kind::unstructured:
      break;
    case MaskStructure::Kind::n_of_m: {
      if (structure.kept < 1 || structure.group <= structure.kept) {
        refuse(structure, shape, "an N from 1 to M - 1");
      }
      if (shape.empty() || shape.back() % structure.group != 0) {
        refuse(structure, shape,
               "a last dimension that " + std::to_string(structure.group) + " divides");
      }
      group_ = static_cast<std::size_t>(structure.group);
      pruned_of_group_ = static_cast<std::size_t>(structure.group - structure.kept);
      break;
    }
    case MaskStructure::Kind::channel:
      if (shape.size() < 2) refuse(structure, shape, "2 dimensions or more");
      if (weights == 0) break;
      blocks_.rows = 1;
      blocks_.columns = static_cast<std::size_t>(shape[1]);
      blocks_.block_rows = rows;
      blocks_.block_columns = columns / blocks_.columns;
      break;
    case MaskStructure::Kind::filter:
      if (shape.empty()) refuse(structure, shape, "1 dimension or more");
      if (weights == 0) break;
      blocks_.rows = rows;
      blocks_.columns = 1;
      blocks_.block_columns = columns;
      break;
    case MaskStructure::Kind::block: {
      if (structure.rows < 1 || structure.columns < 1) {
        refuse(structure, shape, "at least 1 row and 1 column");
      }
      const auto block_rows = static_cast<std::size_t>(structure.rows);
      const auto block_columns = static_cast<std::size_t>(structure.columns);
      if (rows % block_rows != 0 || columns % block_columns != 0) {
        refuse(structure, shape,
               "rows, of which there are " + std::to_string(rows) + ", that " +
                   std::to_string(block_rows) + " divides, and columns, of which there are " +
                   std::to_string(columns) + ", that " + std::to_string(block_columns) +
                   " divides");
      }
      if (weights == 0) break;
      blocks_.rows = rows / block_rows;
      blocks_.columns = columns / block_columns;
      blocks_.block_rows = block_rows;
      blocks_.block_columns = block_columns;
      break;
    }
  }
  pruned_.assign(weights, 0);
}

Mask Mask::of_zeros(std::span<const float> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  Mask mask{MaskStructure{}, std::span{&size, 1}};
  mask.pruned_units_ = kernels::mark_zeros(values, mask.pruned_);
  return mask;
}

void Mask::require_size(std::size_t size) const {
  if (size == pruned_.size()) return;
  throw InvalidModifier("a mask of " + std::to_string(pruned_.size()) + " weights was given " +
                        std::to_string(size) + " values; it needs one for each weight");
}

void Mask::prune(std::span<const float> values, double sparsity, MaskScratch& scratch) {
  require_size(values.size());
  const std::size_t wanted = pruned_of(sparsity, blocks_.count());
  if (wanted <= pruned_units_) return;
  const std::size_t more = wanted - pruned_units_;
  if (group_ != 0) {
    prune_of_groups(values, more, scratch);
  } else if (blocks_.size_of_one() == 1) {
    pruned_units_ += kernels::mark_lowest(values, more, pruned_, scratch.marking);
  } else {
    prune_blocks(values, more, scratch);
  }
}

void Mask::apply(std::span<float> values) const {
  require_size(values.size());
  kernels::clear_marked(values, pruned_);
}

void Mask::save(detail::StateWriter& write) const {
  std::vector<std::uint8_t> bits((size() + 7) / 8);
  for (std::size_t i = 0; i < size(); ++i) {
    if (pruned(i)) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | 1U << i % 8);
  }
  write(static_cast<std::uint64_t>(size()), bits);
}

void Mask::load(detail::StateReader& read) {
  std::uint64_t weights = 0;
  std::vector<std::uint8_t> bits;
  read(weights, bits);
  if (weights != size() || bits.size() != (size() + 7) / 8) {
    throw CheckpointError("a mask of " + std::to_string(weights) +
                          " weights was saved, but there are " + std::to_string(size()) +
                          "; a run is resumed with the same model");
  }
  std::vector<std::uint8_t> found(size());
  for (std::size_t i = 0; i < size(); ++i) found[i] = bits[i / 8] >> i % 8 & 1U;
  if (!may_have(found)) {
    throw CheckpointError(
        "a mask was saved that prunes units in part, or more than may be pruned of a group; a run "
        "is "
        "resumed with the same mask structure");
  }
  pruned_units_ = static_cast<std::size_t>(std::ranges::count(found, 1)) / blocks_.size_of_one();
  pruned_ = std::move(found);
}

/// Whether all units are pruned as a whole or not at all, and no group has lost too many.
bool Mask::may_have(std::span<const std::uint8_t> pruned) const {
  for (std::size_t first = 0; group_ != 0 && first < pruned.size(); first += group_) {
    const auto gone = std::ranges::count(pruned.subspan(first, group_), 1);
    if (static_cast<std::size_t>(gone) > pruned_of_group_) return false;
  }
  if (blocks_.size_of_one() == 1 || pruned.empty()) return true;
  std::vector<std::uint8_t> whole(pruned.size());
  for (std::size_t block = 0; block < blocks_.count(); ++block) {
    if (kernels::block_is_marked(block, blocks_, pruned)) {
      kernels::mark_block(block, blocks_, whole);
    }
  }
  return std::ranges::equal(whole, pruned);
}

void Mask::prune_blocks(std::span<const float> values, std::size_t count, MaskScratch& scratch) {
  std::vector<double>& norms = scratch.norms;
  norms.resize(blocks_.count());
  kernels::block_norms(values, blocks_, norms);
  for (std::size_t block = 0; block < norms.size(); ++block) {
    if (kernels::block_is_marked(block, blocks_, pruned_)) {
      norms[block] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  pruned_units_ += choose_lowest(norms, count, scratch.order, [this](std::size_t block) {
    kernels::mark_block(block, blocks_, pruned_);
  });
}

/// Of the weights that their groups can still spare.
void Mask::prune_of_groups(std::span<const float> values, std::size_t count, MaskScratch& scratch) {
  scratch.spare = pruned_;
  for (std::size_t first = 0; first < size(); first += group_) {
    const std::span<std::uint8_t> group = std::span{scratch.spare}.subspan(first, group_);
    const auto gone = static_cast<std::size_t>(std::ranges::count(group, 1));
    kernels::mark_lowest(values.subspan(first, group_), pruned_of_group_ - gone, group,
                         scratch.marking);
  }
  scratch.spared.resize(size());
  for (std::size_t i = 0; i < size(); ++i) {
    const bool spare = scratch.spare[i] != 0 && pruned_[i] == 0;
    scratch.spared[i] = spare ? values[i] : std::numeric_limits<float>::quiet_NaN();
  }
  pruned_units_ += kernels::mark_lowest(scratch.spared, count, pruned_, scratch.marking);
}

}  // namespace takt
