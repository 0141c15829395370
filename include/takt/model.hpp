// SPDX-License-Identifier: BSL-1.0
/// \file
/// What built-in modifiers see of a model: its named parameters. The one interface between them and
/// any tensor library.
#ifndef TAKT_MODEL_HPP
#define TAKT_MODEL_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// One named parameter, as a view: everything in it belongs to the model, and is good until the
/// hook that asked for it returns. A tensor library may move its storage between two events.
struct Parameter {
  std::string_view name{};                ///< unique in its model, such as "fc1.weight"
  std::span<const std::int64_t> shape{};  ///< row-major; a linear layer's weight is [out, in]
  std::span<float> values{};              ///< as many as the product of the shape
  std::span<float> gradients{};           ///< as many as the values, or none
  std::string_view kind{};                ///< the layer's kind, such as "Linear"; empty = unknown
};

/// A model as a list of parameters. Implement `parameter_count` and `parameter` for your tensor
/// library; called on the loop's thread only. Two buses on two threads may not have one model.
class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;

  /// How many parameters there are; their order does not change during a run.
  [[nodiscard]] virtual std::size_t parameter_count() const = 0;
  /// Parameter `i` of `parameter_count()`.
  [[nodiscard]] virtual Parameter parameter(std::size_t i) = 0;
  /// The values alone. To be overridden where `parameter` throws for gradients that can't be shown:
  /// weights have to be brought back even then.
  [[nodiscard]] virtual std::span<float> values(std::size_t i) { return parameter(i).values; }
};

/// The positions of the parameters that `targets` choose and `ignore` leaves, in the model's order.
/// An entry of either list is
/// - the exact name of a parameter: "fc1.weight";
/// - "re:" and a regular expression (ECMAScript) that matches the beginning of a name:
///   "re:.*weight";
/// - the kind of a layer: "Linear", for all its parameters;
/// - "__ALL__", or "__ALL_PRUNABLE__" for the parameters of rank 2 and more.
/// Throws `TargetError` when the targets match nothing, or when all that they match is ignored; it
/// lists the names there are. A regular expression that can't be read is a `TargetError` too. On
/// the thread that the model belongs to.
[[nodiscard]] std::vector<std::size_t> select(Model& model, std::span<const std::string> targets,
                                              std::span<const std::string> ignore = {});

}  // namespace takt

#endif
