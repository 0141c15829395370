// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which parameters a pruning modifier acts on.
#ifndef TAKT_MODIFIERS_SELECT_PRUNABLE_HPP
#define TAKT_MODIFIERS_SELECT_PRUNABLE_HPP

#include <cstddef>
#include <span>
#include <string>
#include <takt/model.hpp>
#include <vector>

namespace takt {

/// What a setting that holds targets means, in a line.
inline constexpr const char* targets_meaning =
    "which parameters: names, re: and a regular expression, layer kinds, __ALL__ or "
    "__ALL_PRUNABLE__";

/// `select(model, targets, ignore)` without the parameters of rank 0 and 1 that only "__ALL__" or a
/// layer's kind chose: "Linear" means the weights of those layers, not their biases. A bias that is
/// named, or that a regular expression matches, stays. Throws `TargetError` like `select`, and when
/// nothing is left.
[[nodiscard]] std::vector<std::size_t> select_prunable(Model& model,
                                                       std::span<const std::string> targets,
                                                       std::span<const std::string> ignore = {});

}  // namespace takt

#endif
