// SPDX-License-Identifier: BSL-1.0
#include "takt/modifiers/mask.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "number_text.hpp"
#include "takt/error.hpp"

namespace takt {
namespace {

/// The score of a unit that is not to be chosen.
constexpr double not_eligible = std::numeric_limits<double>::quiet_NaN();

/// Calls `choose(u)` for the `count` of `units` that have the lowest `score(u)`, the lower u first
/// among equals. Those whose score is NaN are left out, even if fewer than `count` remain.
template <class Score, class Choose>
void choose_lowest(std::size_t units, std::size_t count, const Score& score,
                   std::vector<double>& order, const Choose& choose) {
  order.clear();
  for (std::size_t u = 0; u < units; ++u) {
    if (const double value = score(u); !std::isnan(value)) order.push_back(value);
  }
  count = std::min(count, order.size());
  if (count == 0) return;
  const auto last = order.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(order.begin(), last, order.end());
  // Selecting on scores alone needs half the memory of (score, position) pairs and comes to the
  // same: all below the highest chosen score, and of those that equal it as many as are left.
  const double highest = *last;
  const auto below = static_cast<std::size_t>(
      std::count_if(order.begin(), last, [&](double value) { return value < highest; }));
  std::size_t equals = count - below;
  for (std::size_t u = 0; u < units; ++u) {
    const double value = score(u);
    if (value < highest) {
      choose(u);
    } else if (value == highest && equals > 0) {
      choose(u);
      --equals;
    }
  }
}

double magnitude(float weight) noexcept { return std::abs(static_cast<double>(weight)); }

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
  column_blocks_ = weights;  // unstructured, until the structure says otherwise
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
      row_blocks_ = 1;
      column_blocks_ = static_cast<std::size_t>(shape[1]);
      block_rows_ = rows;
      block_columns_ = columns / column_blocks_;
      break;
    case MaskStructure::Kind::filter:
      if (shape.empty()) refuse(structure, shape, "1 dimension or more");
      if (weights == 0) break;
      row_blocks_ = rows;
      column_blocks_ = 1;
      block_columns_ = columns;
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
      row_blocks_ = rows / block_rows;
      column_blocks_ = columns / block_columns;
      block_rows_ = block_rows;
      block_columns_ = block_columns;
      break;
    }
  }
  pruned_.assign(weights, 0);
}

Mask Mask::of_zeros(std::span<const float> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  Mask mask{MaskStructure{}, std::span{&size, 1}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0.0F) mask.prune_unit(i);
  }
  return mask;
}

void Mask::require_size(std::size_t size) const {
  if (size == pruned_.size()) return;
  throw InvalidModifier("a mask of " + std::to_string(pruned_.size()) + " weights was given " +
                        std::to_string(size) + " values; it needs one for each weight");
}

void Mask::prune(std::span<const float> values, double sparsity, MaskScratch& scratch) {
  require_size(values.size());
  const std::size_t wanted = pruned_of(sparsity, units());
  if (wanted <= pruned_units_) return;
  const std::size_t more = wanted - pruned_units_;
  const auto prune_chosen = [this](std::size_t unit) { prune_unit(unit); };
  if (group_ == 0 && block_rows_ * block_columns_ == 1) {
    const auto score = [&](std::size_t u) {
      return pruned_[u] != 0 ? not_eligible : magnitude(values[u]);
    };
    choose_lowest(units(), more, score, scratch.order, prune_chosen);
    return;
  }
  if (group_ == 0) {
    score_blocks(values, scratch.scores);
  } else {
    score_groups(values, scratch);
  }
  const auto score = [&](std::size_t u) { return scratch.scores[u]; };
  choose_lowest(units(), more, score, scratch.order, prune_chosen);
}

void Mask::apply(std::span<float> values) const {
  require_size(values.size());
  // A product with a mask of 0 and 1 would leave NaN and infinity as NaN.
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = pruned_[i] != 0 ? 0.0F : values[i];
  }
}

void Mask::prune_unit(std::size_t unit) noexcept {
  const std::size_t row = unit / column_blocks_ * block_rows_;
  const std::size_t block = unit % column_blocks_;
  for (std::size_t r = row; r < row + block_rows_; ++r) {
    std::uint8_t* const first = pruned_.data() + (r * column_blocks_ + block) * block_columns_;
    std::fill_n(first, block_columns_, std::uint8_t{1});
  }
  ++pruned_units_;
}

/// The L1 norm of each block that is not pruned.
void Mask::score_blocks(std::span<const float> values, std::vector<double>& scores) const {
  scores.assign(units(), 0.0);
  std::size_t position = 0;
  for (std::size_t row = 0; row < row_blocks_ * block_rows_; ++row) {
    double* const row_scores = scores.data() + row / block_rows_ * column_blocks_;
    for (std::size_t block = 0; block < column_blocks_; ++block) {
      for (std::size_t c = 0; c < block_columns_; ++c, ++position) {
        row_scores[block] += pruned_[position] != 0 ? not_eligible : magnitude(values[position]);
      }
    }
  }
}

/// The magnitude of each weight that its group can still spare.
void Mask::score_groups(std::span<const float> values, MaskScratch& scratch) const {
  scratch.scores.assign(size(), not_eligible);
  for (std::size_t first = 0; first < size(); first += group_) {
    const auto* const flags = pruned_.data() + first;
    const auto gone = static_cast<std::size_t>(std::count(flags, flags + group_, 1));
    const auto score = [&](std::size_t u) {
      return flags[u] != 0 ? not_eligible : magnitude(values[first + u]);
    };
    choose_lowest(group_, pruned_of_group_ - gone, score, scratch.order,
                  [&](std::size_t u) { scratch.scores[first + u] = score(u); });
  }
}

}  // namespace takt
