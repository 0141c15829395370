// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which weights of one parameter are pruned.
#ifndef TAKT_MODIFIERS_MASK_HPP
#define TAKT_MODIFIERS_MASK_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <takt/modifiers/mask_structure.hpp>
#include <vector>

namespace takt {

/// How many of `units` a sparsity prunes: floor(sparsity * units), where a product within a few ulp
/// of a whole number is that number. 0.29 of 100 is 29, though 0.29 * 100 is 28.999999999999996.
/// Throws `InvalidModifier` unless the sparsity is a number from 0 to 1.
[[nodiscard]] std::size_t pruned_of(double sparsity, std::size_t units);

/// Memory that `Mask::prune` works in. Keep one for all masks of a model: then only the first
/// pruning of the largest parameter allocates.
struct MaskScratch {
  std::vector<double> scores{};  ///< one per unit, or per weight for N:M
  std::vector<double> order{};   ///< scores of the units that may be pruned
};

/// Which weights of one parameter are pruned, as one byte for each. A weight that is pruned stays
/// so. Values are given as flat spans in row-major order, `size()` long; every function throws
/// `InvalidModifier` and changes nothing when one is not.
class Mask {
 public:
  /// A mask with nothing pruned, for a parameter of this shape. Throws `InvalidModifier` when the
  /// structure does not fit it: too few dimensions, or one that N:M or a block does not divide.
  Mask(const MaskStructure& structure, std::span<const std::int64_t> shape);
  /// An unstructured mask that prunes what is exactly zero.
  [[nodiscard]] static Mask of_zeros(std::span<const float> values);

  /// The weights.
  [[nodiscard]] std::size_t size() const noexcept { return pruned_.size(); }
  /// The weights that are pruned.
  [[nodiscard]] std::size_t pruned_count() const noexcept {
    return pruned_units_ * block_rows_ * block_columns_;
  }
  /// Whether the weight at a position, less than `size()`, is pruned.
  [[nodiscard]] bool pruned(std::size_t position) const noexcept { return pruned_[position] != 0; }

  /// Prunes more units, so that `pruned_of(sparsity, units)` are pruned, those of before among
  /// them: the ones with the smallest L1 norm (the sum of |w|), the lower position first among
  /// equals. A unit with a NaN is not pruned, whatever the sparsity, and N:M prunes no more than
  /// its groups allow. Fewer are never pruned. Only marks them; see `apply`.
  void prune(std::span<const float> values, double sparsity, MaskScratch& scratch);

  /// Sets what is pruned to zero, also where it is NaN; for weights and their gradients.
  void apply(std::span<float> values) const;

 private:
  void require_size(std::size_t size) const;
  [[nodiscard]] std::size_t units() const noexcept { return row_blocks_ * column_blocks_; }
  void prune_unit(std::size_t unit) noexcept;
  void score_blocks(std::span<const float> values, std::vector<double>& scores) const;
  void score_groups(std::span<const float> values, MaskScratch& scratch) const;

  // Each structure is blocks on a matrix: a filter is a whole row, a weight a block of one.
  std::size_t row_blocks_ = 1;
  std::size_t column_blocks_ = 1;
  std::size_t block_rows_ = 1;
  std::size_t block_columns_ = 1;
  std::size_t group_ = 0;            // N:M: M, otherwise 0
  std::size_t pruned_of_group_ = 0;  // N:M: M - N
  std::size_t pruned_units_ = 0;
  std::vector<std::uint8_t> pruned_;  // by weight, 1 = pruned
};

}  // namespace takt

#endif
