// SPDX-License-Identifier: BSL-1.0
/// \file
/// Copies of a model's parameters.
#ifndef TAKT_MODIFIERS_PARAMETER_COPIES_HPP
#define TAKT_MODIFIERS_PARAMETER_COPIES_HPP

#include <cstddef>
#include <span>
#include <takt/model.hpp>
#include <vector>

namespace takt {

namespace detail {
class StateReader;
class StateWriter;
}  // namespace detail

/// As many numbers as some parameters of a model have values, to begin with those values. The model
/// is given anew to every call: neither it nor what its parameters show is kept. A parameter that
/// no longer has as many values as its copy is an `InvalidModifier`, which names it, before
/// anything is changed. Only the constructor and `load` allocate. For the thread of the loop that
/// trains the model.
class ParameterCopies {
 public:
  /// Of no parameter.
  ParameterCopies() = default;
  /// Of the parameters at these positions of the model.
  ParameterCopies(Model& model, std::span<const std::size_t> positions);

  /// Whether it is of no parameter.
  [[nodiscard]] bool empty() const noexcept { return copies_.empty(); }
  /// The model's values become the copies.
  void take(Model& model);
  /// The copies become the model's values, and stay.
  void put(Model& model) const;
  /// The copies become the model's values, and those the copies.
  void exchange(Model& model);
  /// The copies become share * copy + (1 - share) * value, for a share from 0 to 1; see
  /// `kernels::blend`. A copy that equals its value stays as it is, and of finite numbers none
  /// leaves the range of the two.
  void blend(Model& model, double share);

  /// Writes them, for a checkpoint.
  void save(detail::StateWriter& write) const;
  /// Those that `save` wrote, of the parameters at these positions of the model. Throws
  /// `CheckpointError`, which names the parameter, when they are those of others, or of as many
  /// values as one does not have.
  [[nodiscard]] static ParameterCopies load(detail::StateReader& read, Model& model,
                                            std::span<const std::size_t> positions);

 private:
  struct Copy {
    std::size_t position;
    std::vector<float> values;
  };

  void require_sizes(Model& model) const;

  std::vector<Copy> copies_;
};

}  // namespace takt

#endif
