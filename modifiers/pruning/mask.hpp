// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which weights of one parameter are pruned.
#ifndef TAKT_MODIFIERS_MASK_HPP
#define TAKT_MODIFIERS_MASK_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <takt/modifiers/mask_structure.hpp>
#include <takt/modifiers/masking.hpp>
#include <vector>

namespace takt {

namespace detail {
class StateReader;
class StateWriter;
}  // namespace detail

/// How many of `units` a sparsity prunes: floor(sparsity * units), where a product within a few ulp
/// of a whole number is that number. 0.29 of 100 is 29, though 0.29 * 100 is 28.999999999999996.
/// Throws `InvalidModifier` unless the sparsity is a number from 0 to 1.
[[nodiscard]] std::size_t pruned_of(double sparsity, std::size_t units);

/// Memory that `Mask::prune` works in. Keep one for all masks of a model: then only the first
/// pruning of the largest parameter allocates. For one thread at a time.
struct MaskScratch {
  kernels::MarkScratch marking{};
  std::vector<double> norms{};        ///< of blocks: one each
  std::vector<double> order{};        ///< of blocks: the norms of those that may be pruned
  std::vector<std::uint8_t> spare{};  ///< of N:M: what is pruned, and what could be
  std::vector<float> spared{};        ///< of N:M: the weights that could be, and else NaN
};

/// Which weights of one parameter are pruned, as one byte for each. A weight that is pruned stays
/// so. Values are given as flat spans in row-major order, `size()` long; every function throws
/// `InvalidModifier` and changes nothing when one is not. A value; its const members may be called
/// from several threads, with values and scratch of their own.
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
    return pruned_units_ * blocks_.size_of_one();
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

  /// Writes what is pruned, for a checkpoint: a bit for each weight.
  void save(detail::StateWriter& write) const;
  /// Prunes what was pruned when it was saved, and nothing else. Throws `CheckpointError`, and
  /// changes nothing, for a mask of another size, or one that its structure can't have.
  void load(detail::StateReader& read);

 private:
  void require_size(std::size_t size) const;
  void prune_blocks(std::span<const float> values, std::size_t count, MaskScratch& scratch);
  void prune_of_groups(std::span<const float> values, std::size_t count, MaskScratch& scratch);
  [[nodiscard]] bool may_have(std::span<const std::uint8_t> pruned) const;

  // Each structure is blocks on a matrix: a filter is a whole row, a weight a block of one.
  kernels::Blocks blocks_{};
  std::size_t group_ = 0;            // N:M: M, otherwise 0
  std::size_t pruned_of_group_ = 0;  // N:M: M - N
  std::size_t pruned_units_ = 0;
  std::vector<std::uint8_t> pruned_;  // by weight, 1 = pruned
};

}  // namespace takt

#endif
