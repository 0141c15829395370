// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which weights of a parameter are pruned together.
#ifndef TAKT_MODIFIERS_MASK_STRUCTURE_HPP
#define TAKT_MODIFIERS_MASK_STRUCTURE_HPP

#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

/// The pattern of a mask. A mask prunes whole *units*:
///
///     unstructured   each weight is a unit
///     N:M            each weight, but of every M in a row at least N are kept, such as "2:4"
///     channel        all weights of one index of dimension 1: what one input channel feeds
///     filter         all weights of one index of dimension 0: what makes one output
///     block_R,C      R rows by C columns of the parameter seen as a matrix, such as "block_4,1"
///
/// The matrix of a parameter has a row for each index of dimension 0, and the other dimensions,
/// flattened, as its columns; a linear layer's weight [out, in] is one as it stands. Blocks tile
/// it, so R divides the rows and C the columns. The groups of N:M are consecutive weights along the
/// last dimension, and M divides it. N counts what is *kept*, as hardware vendors have it: "2:4" is
/// half sparse, "1:4" three quarters.
struct MaskStructure {
  enum class Kind : std::uint8_t { unstructured, n_of_m, channel, filter, block };

  Kind kind = Kind::unstructured;
  std::int64_t kept = 1;     ///< n_of_m: N, at least 1 and less than `group`
  std::int64_t group = 2;    ///< n_of_m: M
  std::int64_t rows = 1;     ///< block: R, at least 1
  std::int64_t columns = 1;  ///< block: C, at least 1

  friend bool operator==(const MaskStructure&, const MaskStructure&) noexcept = default;
};

/// Reads one of the five forms above. Throws `InvalidModifier`, which lists them.
[[nodiscard]] MaskStructure mask_structure_from_string(std::string_view text);

/// The text that reads back as the structure.
[[nodiscard]] std::string to_string(const MaskStructure& structure);

}  // namespace takt

#endif
